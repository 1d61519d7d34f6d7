// SPDX-License-Identifier: BSD-3-Clause
// Sequence numbers and their order modulo 2^32. RFC 9293 section 3.4.
#pragma once

#include <cstdint>

namespace tern::tcp {

// A sequence number. Comparisons hold between numbers less than 2^31 apart.
struct Seq {
  uint32_t value = 0;

  friend constexpr bool operator==(Seq, Seq) = default;
  friend constexpr bool operator<(Seq a, Seq b) { return static_cast<int32_t>(a.value - b.value) < 0; }
  friend constexpr bool operator>(Seq a, Seq b) { return b < a; }
  friend constexpr bool operator<=(Seq a, Seq b) { return !(b < a); }
  friend constexpr bool operator>=(Seq a, Seq b) { return !(a < b); }
  friend constexpr Seq operator+(Seq a, uint32_t n) { return {a.value + n}; }
  friend constexpr Seq operator-(Seq a, uint32_t n) { return {a.value - n}; }
  // The distance from b up to a, modulo 2^32.
  friend constexpr uint32_t operator-(Seq a, Seq b) { return a.value - b.value; }
  constexpr Seq& operator+=(uint32_t n) { return value += n, *this; }
};

constexpr Seq later(Seq a, Seq b) { return a < b ? b : a; }
constexpr Seq earlier(Seq a, Seq b) { return a < b ? a : b; }

}  // namespace tern::tcp
