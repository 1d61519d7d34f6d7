// SPDX-License-Identifier: BSD-3-Clause
// The power of two choices.
#include "lb/random_two.hpp"

namespace tern::lb {

uint32_t RandomTwo::choose(std::span<const Backend> backends, const Request& request) {
  uint32_t total = 0;
  for (uint32_t i = 0; i < backends.size(); ++i) {
    if (takes(backends, i, request)) total += backends[i].share;
  }
  if (total == 0) return kNoBackend;
  const uint32_t one = draw(backends, request, total, kNoBackend);
  const uint32_t rest = total - backends[one].share;
  if (rest == 0) return one;
  const uint32_t two = draw(backends, request, rest, one);
  return compare_load(backends[two], backends[one]) < 0 ? two : one;
}

// total: the shares of all that take the request, but for the one that is left out.
uint32_t RandomTwo::draw(std::span<const Backend> backends, const Request& request, uint32_t total,
                         uint32_t without) {
  uint32_t point = random_.below(total);
  uint32_t last = kNoBackend;
  for (uint32_t i = 0; i < backends.size(); ++i) {
    if (i == without || !takes(backends, i, request)) continue;
    last = i;
    if (point < backends[i].share) break;
    point -= backends[i].share;
  }
  return last;
}

}  // namespace tern::lb
