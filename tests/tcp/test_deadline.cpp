// SPDX-License-Identifier: BSD-3-Clause
// A deadline in four bytes, and the circle that it lies on.
#include <gtest/gtest.h>

#include "tcp/deadline.hpp"

namespace tern::tcp {
namespace {

using namespace std::chrono_literals;

constexpr net::Duration kTick{int64_t{1} << Deadline::kTickShift};

TEST(Deadline, UnsetIsNeverDueAndComesLast) {
  const Deadline none;
  EXPECT_TRUE(none.is_never());
  EXPECT_EQ(none, Deadline::never());
  EXPECT_EQ(none, Deadline(net::Instant::never()));
  EXPECT_FALSE(none.due(net::Instant{} + 1000h));
  EXPECT_TRUE(none.instant({}).is_never());
  const Deadline some = net::Instant{} + 1s;
  EXPECT_TRUE(some.before(none, {}));
  EXPECT_FALSE(none.before(some, {}));
  EXPECT_FALSE(none.before(none, {}));
}

TEST(Deadline, IsDueNotBeforeItsTimeAndWithinATickAfter) {
  for (int64_t start = 1; start < (int64_t{1} << 62); start = start * 3 + 7) {
    const net::Instant at = net::Instant{start} + 40ms;
    const Deadline deadline = at;
    EXPECT_FALSE(deadline.due(at - 1ns)) << start;
    EXPECT_TRUE(deadline.due(at + kTick)) << start;
    const net::Instant told = deadline.instant(net::Instant{start});
    EXPECT_GE(told, at) << start;
    EXPECT_LE(told - at, 2 * kTick) << start;
  }
}

TEST(Deadline, TheLongestIsToldFromThePastAllAroundTheCircle) {
  const net::Duration circle = kTick * (int64_t{1} << 32);
  for (int part = 0; part < 64; ++part) {
    const net::Instant now = net::Instant{1} + circle / 64 * part;
    const Deadline far = now + Deadline::longest();
    EXPECT_FALSE(far.due(now)) << part;
    EXPECT_FALSE(far.due(now + Deadline::longest() - kTick)) << part;
    EXPECT_TRUE(far.due(now + Deadline::longest() + kTick)) << part;
    EXPECT_TRUE(Deadline(now + 1s).before(far, now)) << part;
    EXPECT_FALSE(far.before(now + 1s, now)) << part;
    EXPECT_EQ(earliest({far, now + 2s, Deadline::never(), now + 1s}, now), Deadline(now + 1s)) << part;
  }
}

TEST(Deadline, WhatWasDueLongAgoIsStillDue) {
  const Deadline deadline = net::Instant{} + 1s;
  EXPECT_TRUE(deadline.due(net::Instant{} + 9h));
}

}  // namespace
}  // namespace tern::tcp
