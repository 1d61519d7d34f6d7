// SPDX-License-Identifier: BSD-3-Clause
// The power of two choices: two backends by chance, by weight, and the less loaded of them (Mitzenmacher
// 2001). Nearly as even as least connections, and several balancers that do not know of each other never
// flock to one backend.
#pragma once

#include "lb/balancer.hpp"
#include "lb/hash.hpp"

namespace tern::lb {

class RandomTwo : public Balancer {
 public:
  explicit RandomTwo(uint64_t seed) : random_(seed) {}
  uint32_t choose(std::span<const Backend> backends, const Request& request) override;

 private:
  uint32_t draw(std::span<const Backend> backends, const Request& request, uint32_t total, uint32_t without);

  Random random_;
};

}  // namespace tern::lb
