// SPDX-License-Identifier: BSD-3-Clause
// Points in time and spans of it. Pure code never reads a clock: it is told the time.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace tern::net {

// A span of time in nanoseconds; chrono's literals (200ms, 1s) convert to it.
using Duration = std::chrono::nanoseconds;

// A point in time: nanoseconds since an origin that only the owner of the clock knows (boot for a worker,
// zero for a test). Never negative.
struct Instant {
  int64_t ns = 0;

  // Later than every instant that occurs; the value of a deadline that is not set.
  static constexpr Instant never() { return {std::numeric_limits<int64_t>::max()}; }

  constexpr bool is_never() const { return ns == std::numeric_limits<int64_t>::max(); }
  constexpr int64_t milliseconds() const { return ns / 1'000'000; }
  constexpr int64_t microseconds() const { return ns / 1'000; }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.ns + d.count()}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.ns - d.count()}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return Duration{a.ns - b.ns}; }
  constexpr Instant& operator+=(Duration d) { return ns += d.count(), *this; }
};

}  // namespace tern::net
