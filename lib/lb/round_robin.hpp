// SPDX-License-Identifier: BSD-3-Clause
// Round robin: each backend in turn, as often as its weight says, and spread out: 5, 1, 1 gives a a b a c a a
// rather than a a a a a b c.
#pragma once

#include <vector>

#include "lb/balancer.hpp"

namespace tern::lb {

// Each choice gives every backend its weight in credit, takes the one with the most, and makes it pay for
// all.
class RoundRobin : public Balancer {
 public:
  void rebuild(std::span<const Backend> backends) override;
  uint32_t choose(std::span<const Backend> backends, const Request& request) override;

 private:
  std::vector<int64_t> credit_;
};

}  // namespace tern::lb
