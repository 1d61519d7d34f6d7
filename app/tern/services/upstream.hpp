// SPDX-License-Identifier: BSD-3-Clause
// A pool of backends as one worker uses it: shared by the services that name it and by its health checks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "lb/pool.hpp"
#include "lb/proxy_header.hpp"
#include "net/instant.hpp"
#include "stack/service.hpp"
#include "tern/config.hpp"

namespace tern::app {

// X(name, unit, sentence)
#define TERN_WAY_COUNTERS(X)                                                                 \
  X(ports_free, "ports", "Gauge: local ports that no connection has.")                       \
  X(ports_waiting, "ports", "Gauge: those in TIME-WAIT, lent again where no other is left.") \
  X(ports_exhausted, "connections", "Connections that went another way, or none, for want of a local port.")

// From one of the pool's source addresses to one of its backends.
struct Way {
  net::Ipv4Address source;  // unspecified: the port's, in the backend's network
  TERN_COUNTERS_OF(TERN_WAY_COUNTERS)
};

// What the operator wants of a backend.
struct Wanted {
  std::atomic<lb::Admin> admin{lb::Admin::kReady};
  std::atomic<net::Instant> until{net::Instant::never()};  // when clients that it still has are reset
};

class Upstream {
 public:
  // seed: random, and another for each worker.
  Upstream(const PoolConfig& settings, uint64_t seed, net::Instant now);

  // Opens a connection to a backend, from the first of the pool's source addresses that has a port left;
  // kAddressNotAvailable: none has.
  tcp::Error connect(stack::Stack& stack, uint32_t backend, uint64_t word, stack::Opened& opened);
  // Sets the ways' gauges.
  void look_at_ports(const stack::Stack& stack);
  // To a backend, one for each source.
  std::span<const Way> ways(uint32_t backend) const {
    return std::span(ways_).subspan(backend * sources(), sources());
  }
  // Sends the PROXY header that the pool's backends want, if any: client: what to tell them; null: that the
  // connection is our own. False when no buffer is to be had; writable() follows.
  bool send_proxy_header(stack::Socket& socket, const net::FourTuple* client);

  const PoolConfig config;
  lb::Pool pool;
  // Of each backend, set by any thread; the worker obeys within a tenth of a second.
  std::vector<Wanted> wanted;
  // Clients of all services that wait because all backends are full: whoever is new waits behind them.
  uint32_t waiting = 0;

 private:
  size_t sources() const { return ways_.size() / pool.size(); }
  net::FourTuple tuple_of(const Way& way, uint32_t backend) const {
    const lb::BackendConfig& to = config.balance.backends[backend];
    return {way.source, to.address, 0, to.port};
  }

  std::vector<Way> ways_;  // by backend, then by source
  std::array<uint64_t, 2> next_id_;
};

}  // namespace tern::app
