// SPDX-License-Identifier: BSD-3-Clause
// What ternload is told to do. docs/load.md is the user's view of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/address.hpp"
#include "net/instant.hpp"

namespace tern::load {

enum class Mode : uint8_t {
  kConnections,  // a new connection for each request
  kRequests,     // many requests on each connection
  kConcurrent,   // many connections held, requests on a share of them
  kThroughput,   // text in bulk
  kMixed,        // connections of random length, pages by weight
  kFlood,        // SYNs alone
};
const char* name_of(Mode mode);

enum class Protocol : uint8_t {
  kHttp,  // HTTP/1.1
  kRaw,   // so many bytes there, so many back
};

// Who ends a connection that has done its work.
enum class Closing : uint8_t {
  kServer,  // HTTP only: the last request says "Connection: close", and our FIN answers the server's
  kClient,  // our FIN goes first, and TIME-WAIT is ours
  kReset,   // RST
};

enum class Direction : uint8_t { kDown, kUp, kBoth };

struct Target {
  Protocol protocol = Protocol::kHttp;
  net::Ipv4Address address;
  uint16_t port = 80;
  std::string path = "/";  // kHttp
};

struct WeightedPath {
  std::string path;
  uint32_t weight = 1;
};

struct PortChoice {
  std::string device;  // "net_memif0"
  std::string arguments;
  uint16_t mtu = 1500;
  bool is_memif() const { return device.starts_with("net_memif"); }
};

struct Options {
  std::vector<std::string> eal_args;  // what stands before "--"
  Mode mode = Mode::kConnections;
  Target target;

  PortChoice port;
  net::Ipv4Interface address;  // the first of ours
  uint32_t addresses = 1;      // how many, one after the other
  uint16_t first_port = 1024;  // local ports
  uint16_t last_port = 65535;
  unsigned cpu = 0;      // of the worker
  uint32_t buffers = 0;  // 0: as many as the rest calls for

  uint32_t in_flight = 100;  // closed loop: requests, or handshakes, at a time
  double rate = 0;           // open loop: arrivals a second; 0: closed loop
  net::Duration ramp{0};     // over which either grows from nothing
  uint32_t connections = 0;  // held at a time, at most; never 0 once the command line is read, but to flood
  double touch = 1;          // kConcurrent: share of the connections that ask
  uint32_t pipeline = 1;     // requests at a time on one connection
  uint32_t requests_per_connection = 0;    // then it is closed; 0: any number. kMixed: the mean
  std::vector<WeightedPath> mix;           // kMixed
  Direction direction = Direction::kDown;  // kThroughput
  uint32_t send_bytes = 64;                // kRaw: a request
  uint32_t receive_bytes = 64;             // kRaw: a response
  Closing closing = Closing::kServer;
  bool verify = false;                               // compare each response's bytes
  net::Duration timeout = std::chrono::seconds(10);  // for a response, or a handshake

  double flood_rate = 0;  // SYNs a second from addresses that are not ours, besides
  net::Ipv4Interface flood_sources{{0xc6120000},
                                   15};  // theirs: 198.18.0.0/15, which RFC 2544 sets apart for tests

  net::Duration warm_up = std::chrono::seconds(1);
  net::Duration duration = std::chrono::seconds(10);
  uint64_t most_connections = 0;  // opened in all; 0: no limit
  uint64_t most_requests = 0;     // sent in all; 0: no limit

  net::Duration interval = std::chrono::seconds(1);  // of progress, and of the plot's points
  bool quiet = false;                                // no progress
  std::string json_path;                             // empty: none
  std::string plot_path;                             // empty: none
};

}  // namespace tern::load
