// SPDX-License-Identifier: BSD-3-Clause
// The histogram: buckets without gaps whose width is a small share of their values, and percentiles from
// them.
#include <gtest/gtest.h>

#include "ternload/histogram.hpp"

namespace tern::load {
namespace {

TEST(Buckets, FollowOneAnotherWithoutGaps) {
  uint64_t next = 0;
  for (size_t i = 0; i < Buckets::count(); ++i) {
    ASSERT_EQ(Buckets::lowest(i), next);
    ASSERT_EQ(Buckets::of(Buckets::lowest(i)), i);
    ASSERT_EQ(Buckets::of(Buckets::highest(i)), i);
    next = Buckets::highest(i) + 1;
  }
  EXPECT_EQ(next, Buckets::kMost + 1);
}

TEST(Buckets, AreAtMostATenthOfAPercentWide) {
  for (size_t i = 0; i < Buckets::count(); ++i) {
    ASSERT_LE((Buckets::highest(i) - Buckets::lowest(i)) * 1000, Buckets::lowest(i)) << i;
  }
}

TEST(Buckets, TakeWhatIsTooLargeAsTheLargest) {
  EXPECT_EQ(Buckets::of(Buckets::kMost + 1), Buckets::count() - 1);
  EXPECT_EQ(Buckets::of(~uint64_t{0}), Buckets::count() - 1);
}

TEST(Distribution, HasNoPercentilesWithoutValues) {
  const Distribution none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.percentile(50), 0u);
  EXPECT_EQ(none.lowest(), 0u);
  EXPECT_EQ(none.highest(), 0u);
  EXPECT_EQ(none.mean(), 0);
  EXPECT_EQ(none.deviation(), 0);
}

TEST(Distribution, PercentilesAreExactWhereBucketsAre) {
  Distribution times;
  for (uint64_t i = 1; i <= 1000; ++i) times.add(i);
  EXPECT_EQ(times.count(), 1000u);
  EXPECT_EQ(times.percentile(0), 1u);
  EXPECT_EQ(times.percentile(50), 500u);
  EXPECT_EQ(times.percentile(99), 990u);
  EXPECT_EQ(times.percentile(99.9), 999u);
  EXPECT_EQ(times.percentile(99.91), 1000u);
  EXPECT_EQ(times.percentile(100), 1000u);
  EXPECT_EQ(times.lowest(), 1u);
  EXPECT_EQ(times.highest(), 1000u);
  EXPECT_DOUBLE_EQ(times.mean(), 500.5);
  EXPECT_NEAR(times.deviation(), 288.675, 0.001);
}

TEST(Distribution, PercentilesOfLargeValuesAreWithinATenthOfAPercent) {
  Distribution times;
  for (uint64_t i = 1; i <= 100'000; ++i) times.add(i * 1'000);
  for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.99}) {
    const double exact = percent * 1e6;
    EXPECT_NEAR(static_cast<double>(times.percentile(percent)), exact, exact / 1000) << percent;
  }
}

TEST(Distribution, SinceIsWhatCameBetween) {
  Histogram histogram;
  histogram.record(5);
  histogram.record(7);
  const Distribution before = histogram.read();
  histogram.record(7);
  histogram.record(9);
  const Distribution between = histogram.read().since(before);
  EXPECT_EQ(between.count(), 2u);
  EXPECT_EQ(between.lowest(), 7u);
  EXPECT_EQ(between.highest(), 9u);
}

}  // namespace
}  // namespace tern::load
