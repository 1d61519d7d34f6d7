// SPDX-License-Identifier: BSD-3-Clause
// One server behind the load balancer, and what choosing among several looks at.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lb/health.hpp"
#include "net/address.hpp"
#include "net/counter.hpp"
#include "net/instant.hpp"

namespace tern::lb {

struct BackendConfig {
  std::string name;              // unique in its pool
  net::Ipv4Address address;      //
  uint16_t port = 0;             //
  uint16_t weight = 1;           // its share beside the others', 0 to 256; 0: no new connections
  uint32_t max_connections = 0;  // at once, from one worker; 0: no limit
  bool backup = false;           // used only while no other backend is in the rotation
};

// What the operator wants of it.
enum class Admin : uint8_t {
  kReady,
  kDrain,  // no new connections; those that are open go on
  kMaint,  // no new connections, and no checks
};

// As HAProxy names them.
enum class BackendState : uint8_t { kUp, kDown, kDrain, kMaint };
const char* to_string(BackendState state);  // "UP"

// X(name, unit, sentence)
#define TERN_LB_BACKEND_COUNTERS(X)                                                                      \
  X(chosen, "connections", "Times it was chosen for a client, retries included.")                        \
  X(failed, "connections", "Connections to it that failed: refused, unreachable, or no answer in time.") \
  X(reset, "connections", "Connections that it reset before it had sent anything.")                      \
  X(checks, "checks", "Active checks that have ended.")                                                  \
  X(checks_failed, "checks", "Active checks that did not pass.")                                         \
  X(checks_unmade, "checks", "Active checks not made for want of a port or a connection of our own.")    \
  X(went_down, "times", "Times it went from UP to DOWN.")                                                \
  X(ejections, "times", "Times it was ejected for failures in a row.")

struct BackendCounters {
  TERN_COUNTERS_OF(TERN_LB_BACKEND_COUNTERS)
};

struct Backend {
  BackendConfig config;
  Health health;
  Admin admin = Admin::kReady;
  uint32_t share = 0;        // in the rotation, relative to the others'; 0: it takes no new connections
  bool was_up = false;       // at the last look, to notice changes
  bool slow = false;         // in slow start
  net::Instant up_since;     // when slow start began
  net::Counter connections;  // gauge: open, and opening
  net::Counter state;        // gauge, a BackendState, for other threads to read
  net::Counter check;        // gauge, a CheckStatus, likewise
  BackendCounters counters;

  BackendState current() const {
    if (admin == Admin::kMaint) return BackendState::kMaint;
    if (admin == Admin::kDrain) return BackendState::kDrain;
    return health.up() ? BackendState::kUp : BackendState::kDown;
  }
  bool full() const { return config.max_connections != 0 && connections.value() >= config.max_connections; }
};

constexpr uint32_t kNoBackend = 0xffffffffu;

// A client that wants a backend.
struct Request {
  net::Ipv4Address source;
  std::span<const uint16_t> tried;  // backends that have failed it
};

// Whether the backend of this number may have one more connection.
bool takes(std::span<const Backend> backends, uint32_t index, const Request& request);

// Which of two backends bears less, one more connection in mind: a negative number when it is a.
inline int64_t compare_load(const Backend& a, const Backend& b) {
  return static_cast<int64_t>((a.connections.value() + 1) * b.share) -
         static_cast<int64_t>((b.connections.value() + 1) * a.share);
}

}  // namespace tern::lb
