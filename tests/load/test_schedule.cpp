// SPDX-License-Identifier: BSD-3-Clause
// The clock of an open loop.
#include <gtest/gtest.h>

#include "ternload/schedule.hpp"

namespace tern::load {
namespace {

using namespace std::chrono_literals;

constexpr net::Instant kStart{5'000'000'000};

TEST(Schedule, ComesAtEvenDistances) {
  Schedule schedule(1'000, 0s);
  schedule.start(kStart);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(schedule.next(), kStart + i * 1ms);
    schedule.take();
  }
}

TEST(Schedule, DoesNotDriftWhereTheDistanceIsNoWholeNumber) {
  Schedule schedule(3'000'000, 0s);
  schedule.start(kStart);
  for (int i = 0; i < 3'000'000; ++i) schedule.take();
  EXPECT_NEAR(static_cast<double>((schedule.next() - kStart).count()), 1e9, 1);
}

TEST(Schedule, WhoIsLateFindsAllThatWasDue) {  // coordinated omission
  Schedule schedule(1'000, 0s);
  schedule.start(kStart);
  EXPECT_EQ(schedule.late(kStart), 1u);
  EXPECT_EQ(schedule.late(kStart + 100ms), 101u);
  schedule.take();
  EXPECT_EQ(schedule.next(), kStart + 1ms) << "what was meant to be, however late it is";
  EXPECT_EQ(schedule.late(kStart), 0u);
}

TEST(Schedule, GrowsOverItsRamp) {
  Schedule schedule(1'000, 2s);
  schedule.start(kStart);
  int in_first_half = 0, in_ramp = 0, after = 0;
  net::Instant last = kStart;
  for (; schedule.next() < kStart + 3s; schedule.take()) {
    EXPECT_GE(schedule.next(), last);
    last = schedule.next();
    ++(last < kStart + 1s ? in_first_half : last < kStart + 2s ? in_ramp : after);
  }
  EXPECT_NEAR(in_first_half, 250, 1);
  EXPECT_NEAR(in_ramp, 750, 1);
  EXPECT_NEAR(after, 1000, 1);
}

TEST(Schedule, WithoutARateIsAClosedLoop) {
  EXPECT_FALSE(Schedule().open_loop());
  EXPECT_TRUE(Schedule(1, 0s).open_loop());
}

}  // namespace
}  // namespace tern::load
