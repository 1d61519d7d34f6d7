// SPDX-License-Identifier: BSD-3-Clause
// The tables of the configuration, one function each; load_config puts them together. What one table needs of
// another (a listen address must belong to a port) comes in as an argument.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tern/config.hpp"
#include "tern/config_reader.hpp"

namespace tern::app {

// Where the operator wrote a key, for messages about values that do not go together.
struct Written {
  Position at;
  std::string path;  // "tcp.mss"
};

// [tcp], or [tcp] with the keys of one [[service]] on top, or of one [[pool]], or of both.
struct TcpSettings {
  // What they come to, but for an mss of 0, which is the ports' to decide.
  tcp::Config config() const;

  tcp::Config values;                                   // as they were read
  std::map<std::string, Written, std::less<>> written;  // by name, the keys that stand in the file
};

// What services must know of the ports.
struct PortTable {
  std::vector<PortConfig> ports;
  std::vector<Position> where;            // of each port's header
  std::map<net::Ipv4Address, size_t> of;  // the port, by index, that an address belongs to
  bool complete = true;                   // false: some addresses could not be read
};

// The services read so far, and what must be unique among them.
struct Services {
  std::vector<ServiceConfig> services;
  std::vector<Placed<std::string>> names;       // with the line of the service's header
  std::map<ListenAddress, Position> listeners;  // with the place that listens there
};

// The pools, and where they are.
struct Pools {
  std::vector<PoolConfig> pools;
  std::vector<Placed<std::string>> names;  // with the line of the pool's header
  std::vector<const toml::table*> tables;  // which outlive this
};

std::vector<Placed<std::string>> read_eal(const toml::table& table, ProblemLog& log);
DataplaneConfig read_dataplane(const toml::table& table, const Machine& machine, ProblemLog& log);
void read_port(const toml::table& table, PortTable& ports, ProblemLog& log);
// nullptr stands for a file without [tcp]: the defaults. mss is 0 unless the file says otherwise.
TcpSettings read_tcp(const toml::table* table, ProblemLog& log);
void read_pool(const toml::table& table, const TcpSettings& defaults, const PortTable& ports, Pools& pools,
               ProblemLog& log);
// What connections to the pool's backends follow: settings, with the pool's own keys on top. Called once for
// each of its users, whose settings may go together with the keys or not.
tcp::Config read_pool_tcp(const toml::table& pool, TcpSettings settings, const PortTable& ports,
                          ProblemLog& log);
void read_backend(const toml::table& table, const PortTable& ports, Pools& pools, ProblemLog& log);
// Once all backends are read: what the pools lack.
void check_pools(const Pools& pools, ProblemLog& log);
void read_service(const toml::table& table, const TcpSettings& defaults, const PortTable& ports,
                  const Pools& pools, Services& services, ProblemLog& log);
// The keys that only a service of kind kProxy may have, which reader's table is or is not.
void read_proxy_keys(const TableReader& reader, const Pools& pools, ServiceConfig& service, ProblemLog& log);

// An IPv4 address, a colon and a port number from 1 to 65535, and nothing else.
std::optional<ListenAddress> parse_listen(std::string_view text);
// Reads a name, which must be of 1 to 32 of the characters a-z, 0-9 and - and not among those taken; of: what
// has it, "service".
void read_name(const TableReader& reader, std::string_view of, const std::vector<Placed<std::string>>& taken,
               std::string& name, ProblemLog& log);

// Reads the keys that only services of kind http have.
void read_http_keys(const TableReader& reader, ServiceConfig& service, ProblemLog& log);

// Reads the keys of [tcp] that stand in reader's table, which is [tcp] or a [[service]], on top of settings.
void read_tcp_keys(const TableReader& reader, TcpSettings& settings, ProblemLog& log);
// The same where reader's table is a [[pool]], whose connections tern opens: keys of those that it accepts
// are refused.
void read_opening_keys(const TableReader& reader, TcpSettings& settings, ProblemLog& log);

}  // namespace tern::app
