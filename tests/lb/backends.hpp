// SPDX-License-Identifier: BSD-3-Clause
// Pools for tests: backends at 10.0.0.1, 10.0.0.2, ... with the weights given.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "lb/pool.hpp"

namespace tern::lb {

using namespace std::chrono_literals;

inline PoolConfig pool_of(Algorithm algorithm, std::initializer_list<uint16_t> weights) {
  PoolConfig config;
  config.name = "web";
  config.algorithm = algorithm;
  config.health.interval = 0s;  // UP without a check
  for (const uint16_t weight : weights) {
    BackendConfig backend;
    const auto number = static_cast<uint32_t>(config.backends.size() + 1);
    backend.name = "b" + std::to_string(number);
    backend.address = {0x0a000000u + number};
    backend.port = 80;
    backend.weight = weight;
    config.backends.push_back(backend);
  }
  return config;
}

constexpr uint64_t kSeed = 42;
constexpr net::Instant kStart{1'000'000'000};

inline uint32_t choose(Pool& pool, uint32_t source = 0xc0000201u, net::Instant now = kStart) {
  Refusal refusal = Refusal::kNone;
  return pool.choose({{source}, {}}, now, refusal);
}

inline Refusal refusal_of(Pool& pool, net::Instant now = kStart) {
  Refusal refusal = Refusal::kNone;
  if (const uint32_t backend = pool.choose({{1}, {}}, now, refusal); backend != kNoBackend)
    pool.ended(backend);
  return refusal;
}

// How often each backend is chosen for that many clients with addresses one after the other, whose
// connections end at once.
inline std::vector<uint32_t> shares(Pool& pool, uint32_t clients, net::Instant now = kStart) {
  std::vector<uint32_t> counts(pool.size());
  for (uint32_t i = 0; i < clients; ++i) {
    const uint32_t backend = choose(pool, 0x0b000000u + i, now);
    if (backend == kNoBackend) continue;
    ++counts[backend];
    pool.ended(backend);
  }
  return counts;
}

}  // namespace tern::lb
