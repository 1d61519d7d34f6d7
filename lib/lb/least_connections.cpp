// SPDX-License-Identifier: BSD-3-Clause
// Least connections.
#include "lb/least_connections.hpp"

namespace tern::lb {

uint32_t LeastConnections::choose(std::span<const Backend> backends, const Request& request) {
  const auto count = static_cast<uint32_t>(backends.size());
  uint32_t best = kNoBackend;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t index = (next_ + i) % count;
    if (!takes(backends, index, request)) continue;
    if (best == kNoBackend || compare_load(backends[index], backends[best]) < 0) best = index;
  }
  if (best != kNoBackend) next_ = best + 1;
  return best;
}

}  // namespace tern::lb
