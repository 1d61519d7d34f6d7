// SPDX-License-Identifier: BSD-3-Clause
// Numbers that look random: a mixer for keys of tables, and a sequence for choices by chance.
#pragma once

#include <cstdint>

namespace tern::lb {

// Each bit of the result depends on each bit of x (the finalizer of SplitMix64, Steele et al. 2014). Not
// secret: where an adversary chooses x, mix a seed into it first.
constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// SplitMix64: the same seed yields the same sequence.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
  // From 0 to n - 1, n not 0, evenly as far as 2^32 is large beside n.
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(((next() >> 32) * n) >> 32); }

 private:
  uint64_t state_;
};

}  // namespace tern::lb
