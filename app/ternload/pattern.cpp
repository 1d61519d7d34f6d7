// SPDX-License-Identifier: BSD-3-Clause
// The pattern of what ternload sends.
#include "ternload/pattern.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tern::load {

namespace {

constexpr uint32_t kBlock = kPatternPeriod * (65'535 / kPatternPeriod);

std::array<uint8_t, kBlock> make() {
  std::array<uint8_t, kBlock> bytes;
  for (uint32_t i = 0; i < kBlock; ++i) bytes[i] = static_cast<uint8_t>(i % kPatternPeriod);
  return bytes;
}

}  // namespace

std::span<const uint8_t> pattern_block() {
  static const std::array<uint8_t, kBlock> block = make();
  return block;
}

bool is_pattern(std::span<const uint8_t> bytes, uint64_t position) {
  const std::span<const uint8_t> block = pattern_block();
  auto offset = static_cast<size_t>(position % kPatternPeriod);
  while (!bytes.empty()) {
    const size_t length = std::min(bytes.size(), block.size() - offset);
    if (std::memcmp(bytes.data(), &block[offset], length) != 0) return false;
    bytes = bytes.subspan(length);
    offset = 0;
  }
  return true;
}

}  // namespace tern::load
