// SPDX-License-Identifier: BSD-3-Clause
// Round robin.
#include "lb/round_robin.hpp"

namespace tern::lb {

// A backend that returns begins without credit or debt.
void RoundRobin::rebuild(std::span<const Backend> backends) {
  credit_.resize(backends.size());
  for (size_t i = 0; i < backends.size(); ++i) {
    if (backends[i].share == 0) credit_[i] = 0;
  }
}

uint32_t RoundRobin::choose(std::span<const Backend> backends, const Request& request) {
  uint32_t best = kNoBackend;
  int64_t total = 0;
  for (uint32_t i = 0; i < backends.size(); ++i) {
    if (!takes(backends, i, request)) continue;
    credit_[i] += backends[i].share;
    total += backends[i].share;
    if (best == kNoBackend || credit_[i] > credit_[best]) best = i;
  }
  if (best != kNoBackend) credit_[best] -= total;
  return best;
}

}  // namespace tern::lb
