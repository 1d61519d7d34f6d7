// SPDX-License-Identifier: BSD-3-Clause
// A pool of backends as one worker uses it: shared by the services that name it and by its health checks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "lb/pool.hpp"
#include "lb/proxy_header.hpp"
#include "net/instant.hpp"
#include "stack/service.hpp"
#include "tern/config.hpp"

namespace tern::app {

class Upstream {
 public:
  // seed: random, and another for each worker.
  Upstream(const PoolConfig& settings, uint64_t seed, net::Instant now)
      : config(settings), pool(settings.balance, seed, now), wanted(pool.size()), next_id_{seed, 0} {}

  // Opens a connection to a backend, from the first of the pool's source addresses that has a port left.
  tcp::Error connect(stack::Stack& stack, uint32_t backend, uint64_t word, stack::Opened& opened) const;
  // Sends the PROXY header that the pool's backends want, if any: client: what to tell them; null: that the
  // connection is our own. False when no buffer is to be had; writable() follows.
  bool send_proxy_header(stack::Socket& socket, const net::FourTuple* client);

  const PoolConfig config;
  lb::Pool pool;
  // What the operator wants of each backend, by any thread; the worker obeys within a tenth of a second.
  std::vector<std::atomic<lb::Admin>> wanted;

 private:
  std::array<uint64_t, 2> next_id_;
};

}  // namespace tern::app
