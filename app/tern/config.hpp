// SPDX-License-Identifier: BSD-3-Clause
// What an operator decides about tern: read from one TOML file, validated once, at start.
// docs/configuration.md is the operator's view of it. Pure C++: nothing here needs DPDK, so `tern --check`
// runs where tern does not.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lb/limits.hpp"
#include "lb/pool.hpp"
#include "lb/proxy_header.hpp"
#include "net/address.hpp"
#include "net/prf.hpp"
#include "tcp/config.hpp"
#include "tern/config_problem.hpp"

namespace tern::app {

// What a worker does when a poll brings nothing.
enum class Idle : uint8_t {
  kAdaptive,  // sleeps a little, longer the longer it is quiet; gives up a few microseconds of latency
  kPoll,      // polls again at once; keeps its CPU at 100 %
};

// What a service does with the text it receives.
enum class ServiceKind : uint8_t {
  kEcho,     // RFC 862
  kDiscard,  // RFC 863
  kChargen,  // RFC 864
  kHttp,     // a folder's files; or fixed pages, /bytes/N
  kProxy,    // passed on to a backend of a pool, and its answer back
};

struct DataplaneConfig {
  std::vector<unsigned> workers;  // CPU numbers, one worker on each; at least one, no duplicates
  Idle idle = Idle::kAdaptive;    //
  net::Duration idle_sleep = std::chrono::microseconds(150);  // the longest where a port has no interrupts
  uint32_t max_connections = 100000;                          // connections per worker
  uint32_t busy_connections = 0;  // of these, may do something at a time; 0: see stack::Footprint
  uint32_t max_time_waits = 0;    // besides these, in TIME-WAIT; 0: as many
  net::Duration drain{};          // how long connections may finish when tern is told to end
  uint32_t max_orphans = 8192;    // per worker: closed by their service, and not all acknowledged yet
  uint32_t buffers = 0;           // packet buffers per worker; 0: derived from the rest of the configuration
  std::vector<net::PrfKey> fast_open_keys;  // at most two, the older last; none: one per boot
};

struct PortConfig {
  std::string device;                         // "net_tap0", or a PCI address in full: "0000:01:00.0"
  std::string args;                           // device arguments, "iface=tern0"
  std::vector<net::Ipv4Interface> addresses;  // at least one; unique over all ports
  uint16_t mtu = 1500;                        // bytes of an IPv4 packet
  bool offload = true;                        // false: checksums in software though the device could

  bool is_pci() const { return device.find(':') != std::string::npos; }
};

struct ListenAddress {
  net::Ipv4Address address;  // an address of a port
  uint16_t port = 0;         // 1 to 65535

  friend constexpr auto operator<=>(const ListenAddress&, const ListenAddress&) = default;
};

// How a backend's health is asked after.
enum class CheckKind : uint8_t {
  kNone,  // not at all: connections that fail are all that is known of it
  kTcp,   // whether a connection can be made
  kHttp,  // whether a request is answered as expected
};

// A pool of backends, and how tern talks to them.
struct PoolConfig {
  lb::PoolConfig balance;                                 // health.interval is 0 exactly where check is kNone
  CheckKind check = CheckKind::kTcp;                      //
  std::string check_path = "/";                           // of kHttp
  std::string check_host;                                 // of kHttp; empty: the backend's address
  uint16_t check_status = 0;                              // that its answer must have; 0: any from 200 to 399
  lb::ProxyVersion send_proxy = lb::ProxyVersion::kNone;  //
  bool send_crc = false;                                  // TLVs of version 2
  bool send_unique_id = false;                            //
  std::vector<net::Ipv4Address> sources;  // of connections to backends, each one of a port; none: chosen
  tcp::Config tcp;                        // of checks: [tcp] with this pool's own keys on top
};

// What a service of kind kProxy adds.
struct ProxyConfig {
  size_t pool = 0;  // index in Config::pools
  tcp::Config tcp;  // of connections to backends: the service's with the pool's own keys on top
  net::Duration connect_timeout = std::chrono::seconds(5);  // of a backend; of a client's PROXY header too
  uint32_t retries = 3;                                     // other backends, when one cannot be connected to
  net::Duration queue_timeout = std::chrono::seconds(10);   // how long a client waits while all are full
  uint32_t queue_length = 1024;                             // clients of a worker that may wait
  // How long a side may be idle, neither sending nor taking anything, by side: client, server; 0: any time.
  std::array<net::Duration, 2> idle_timeouts{};
  std::array<net::Duration, 2> fin_timeouts{};  // the same where either side has closed; 0: as above
  uint32_t spares = 0;  // connections to each backend that are held open for the next clients, of a worker
  net::Duration spare_age = std::chrono::seconds(5);  // how long one may wait for its client
  bool accept_proxy = false;                          // whether anybody is trusted
  lb::AccessList trusted;                             // whose PROXY headers are believed
  lb::LimitsConfig limits;                            //
  bool refuse_silently = false;                       // false: those over a limit get RST
};

// What a service of kind http has of its own.
struct HttpConfig {
  std::string root;               // the folder whose files it serves; empty: a page and /bytes/N
  uint64_t root_bytes = 0;        // memory that they take, per worker
  uint16_t max_requests = 0;      // that a connection may make; 0: any number
  net::Duration idle_timeout{0};  // how long a request is waited for; 0: for as long as it takes
};

struct ServiceConfig {
  std::string name;                       // unique; a-z, 0-9 and -, at most 32 characters
  ServiceKind kind = ServiceKind::kEcho;  //
  HttpConfig http;                        //
  std::vector<ListenAddress> listen;      // at least one; each belongs to one service only
  tcp::Config tcp;  // [tcp] with this service's own keys on top; mss is never 0: the ports' mtu decided it
  ProxyConfig proxy;
};

struct Config {
  std::vector<std::string> eal_args;    // none of those that tern sets itself
  DataplaneConfig dataplane;            //
  std::vector<PortConfig> ports;        // at least one
  std::vector<PoolConfig> pools;        // of backends, for services of kind kProxy
  std::vector<ServiceConfig> services;  // may be empty: tern answers ARP and ping only
};

// What validation must know of the machine that the configuration is for.
struct Machine {
  std::vector<unsigned> cpus;  // numbers of the CPUs that are online, ascending
};

// The machine that this process runs on.
Machine this_machine();

// The numbers in a list as the kernel writes it, "0-3,8"; nothing if the text is not such a list.
std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);

// The reverse of parse_cpu_list, for ascending numbers.
std::string format_cpu_list(const std::vector<unsigned>& cpus);

struct LoadedConfig {
  std::optional<Config> config;   // there exactly when errors is empty
  std::vector<Problem> errors;    // all of them, in the order of the file
  std::vector<Problem> warnings;  // what is allowed and yet probably not meant
};

// Reads and validates the file at path. Never throws for what is wrong with the file: that is in errors.
LoadedConfig load_config(const std::string& path, const Machine& machine);

// The same for text that is already in memory; file is only the name to report.
LoadedConfig parse_config(std::string_view text, const std::string& file, const Machine& machine);

// What tern would do with config, in lines for the operator; each ends with a newline.
std::string summarize(const Config& config);

std::string_view to_string(Idle idle);
std::string_view to_string(ServiceKind kind);
std::string to_string(const ListenAddress& listen);  // "192.0.2.2:80"

}  // namespace tern::app
