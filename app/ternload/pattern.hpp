// SPDX-License-Identifier: BSD-3-Clause
// What ternload sends where only the number of bytes matters: byte i is i mod 251, a prime, so that shifts
// show. tern's /bytes/N is the same.
#pragma once

#include <cstdint>
#include <span>

namespace tern::load {

constexpr uint32_t kPatternPeriod = 251;

// A whole number of periods, as many as a StaticPayload holds.
std::span<const uint8_t> pattern_block();
// Whether these are the pattern's bytes from this position on.
bool is_pattern(std::span<const uint8_t> bytes, uint64_t position);

}  // namespace tern::load
