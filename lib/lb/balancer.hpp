// SPDX-License-Identifier: BSD-3-Clause
// How one of several backends is chosen: one class per algorithm, each in a file of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "lb/backend.hpp"

namespace tern::lb {

enum class Algorithm : uint8_t {
  kRoundRobin,        // in turn, smoothly where weights differ
  kLeastConnections,  // the least loaded
  kRandomTwo,         // the less loaded of two chosen by chance (Mitzenmacher 2001)
  kSourceHash,        // by the client's address; any change of the pool moves most clients
  kMaglev,            // by the client's address; a change of the pool moves few clients else
};
std::string_view to_string(Algorithm algorithm);  // "round-robin"

class Balancer {
 public:
  virtual ~Balancer() = default;
  // Shares have changed; called before the first choice, too.
  virtual void rebuild(std::span<const Backend>) {}
  // A backend that takes() the request, kNoBackend when there is none.
  virtual uint32_t choose(std::span<const Backend> backends, const Request& request) = 0;
};

struct BalancerConfig {
  Algorithm algorithm = Algorithm::kRoundRobin;
  uint32_t maglev_size = 65537;  // a prime, and a hundred times the number of backends or more
  uint64_t seed = 0;             // of choices by chance
};
std::unique_ptr<Balancer> make_balancer(const BalancerConfig& config);

}  // namespace tern::lb
