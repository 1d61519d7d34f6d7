// SPDX-License-Identifier: BSD-3-Clause
// When a timer of a connection runs out: an Instant in four bytes.
//
// Counted in ticks of 2^14 ns (16.4 us), far finer than the wheel's, on a circle: a deadline must lie within
// 9.7 hours of the time at which it is looked at, which longest() bounds and the wheel, which meets every
// deadline, sees to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "net/instant.hpp"

namespace tern::tcp {

class Deadline {
 public:
  static constexpr int kTickShift = 14;
  // No timer of a connection may be longer: what users choose is cut to it where it is read.
  static constexpr net::Duration longest() { return std::chrono::hours(9); }

  constexpr Deadline() = default;  // not set
  // Rounds up to a tick, so that it is never due early. never() is not set.
  constexpr Deadline(net::Instant at) : ticks_(at.is_never() ? 0 : ticks_of(at)) {}

  static constexpr Deadline never() { return {}; }
  constexpr bool is_never() const { return ticks_ == 0; }
  constexpr bool due(net::Instant now) const { return !is_never() && ahead(now) <= 0; }
  // Whether it comes before another one, seen from now; one that is not set comes last.
  constexpr bool before(Deadline other, net::Instant now) const { return rank(now) < other.rank(now); }
  // never() when not set.
  constexpr net::Instant instant(net::Instant now) const {
    if (is_never()) return net::Instant::never();
    return {((now.ns >> kTickShift) + ahead(now)) << kTickShift};
  }
  friend constexpr bool operator==(Deadline, Deadline) = default;

 private:
  // 0 means not set: what would be 0 is a tick later.
  static constexpr uint32_t ticks_of(net::Instant at) {
    constexpr int64_t kRoundUp = (int64_t{1} << kTickShift) - 1;
    return std::max(static_cast<uint32_t>((at.ns + kRoundUp) >> kTickShift), 1u);
  }
  // Ticks from now, of which a part has passed already.
  constexpr int32_t ahead(net::Instant now) const {
    return static_cast<int32_t>(ticks_ - static_cast<uint32_t>(now.ns >> kTickShift));
  }

  // The same where one that is not set comes last: no deadline lies so far ahead.
  constexpr int32_t rank(net::Instant now) const { return is_never() ? INT32_MAX : ahead(now); }

  uint32_t ticks_ = 0;
};

constexpr Deadline earliest(std::initializer_list<Deadline> deadlines, net::Instant now) {
  Deadline first;
  for (const Deadline deadline : deadlines) {
    if (deadline.before(first, now)) first = deadline;
  }
  return first;
}

}  // namespace tern::tcp
