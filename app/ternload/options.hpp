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
};

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

struct Target {
  Protocol protocol = Protocol::kHttp;
  net::Ipv4Address address;
  uint16_t port = 80;
  std::string path = "/";  // kHttp
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
  uint16_t last_port = 65535;  //
  unsigned cpu = 0;            // of the worker
  uint32_t buffers = 0;        // 0: as many as the rest calls for

  uint32_t in_flight = 100;              // closed loop: requests at a time
  uint32_t pipeline = 1;                 // of these, on one connection
  uint32_t requests_per_connection = 0;  // kRequests; 0: any number
  uint32_t send_bytes = 64;              // kRaw: a request
  uint32_t receive_bytes = 64;           // kRaw: a response
  Closing closing = Closing::kServer;
  net::Duration timeout = std::chrono::seconds(10);  // for a response

  net::Duration warm_up = std::chrono::seconds(1);
  net::Duration duration = std::chrono::seconds(10);
  uint64_t most_connections = 0;  // opened in all; 0: no limit
  uint64_t most_requests = 0;     // sent in all; 0: no limit

  std::string json_path;  // empty: none

  uint32_t connections() const { return (in_flight + pipeline - 1) / pipeline; }
};

}  // namespace tern::load
