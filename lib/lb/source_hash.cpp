// SPDX-License-Identifier: BSD-3-Clause
// By the client's address.
#include "lb/source_hash.hpp"

#include "lb/hash.hpp"

namespace tern::lb {

// Full and failed backends keep their place in the circle, so that only their own clients go elsewhere.
uint32_t SourceHash::choose(std::span<const Backend> backends, const Request& request) {
  const auto count = static_cast<uint32_t>(backends.size());
  uint32_t total = 0;
  for (const Backend& backend : backends) total += backend.share;
  if (total == 0) return kNoBackend;
  auto point = static_cast<uint32_t>(mix(request.source.value) % total);
  uint32_t home = 0;
  for (; point >= backends[home].share; ++home) point -= backends[home].share;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t index = (home + i) % count;
    if (takes(backends, index, request)) return index;
  }
  return kNoBackend;
}

}  // namespace tern::lb
