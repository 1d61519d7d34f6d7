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

// [tcp], or [tcp] with the keys of one [[service]] on top.
struct TcpSettings {
  tcp::Config values;
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

std::vector<Placed<std::string>> read_eal(const toml::table& table, ProblemLog& log);
DataplaneConfig read_dataplane(const toml::table& table, const Machine& machine, ProblemLog& log);
void read_port(const toml::table& table, PortTable& ports, ProblemLog& log);
// nullptr stands for a file without [tcp]: the defaults. mss is 0 unless the file says otherwise.
TcpSettings read_tcp(const toml::table* table, ProblemLog& log);
void read_service(const toml::table& table, const TcpSettings& defaults, const PortTable& ports,
                  Services& services, ProblemLog& log);

// Reads the keys of [tcp] that stand in reader's table, which is [tcp] or a [[service]], on top of settings.
void read_tcp_keys(const TableReader& reader, TcpSettings& settings, ProblemLog& log);

}  // namespace tern::app
