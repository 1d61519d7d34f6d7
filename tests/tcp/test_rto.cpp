// SPDX-License-Identifier: BSD-3-Clause
// The retransmission timeout. RFC 6298.
#include "tcp/rto.hpp"

#include <gtest/gtest.h>

namespace tern::tcp {
namespace {

using namespace std::chrono_literals;
using net::Duration;

constexpr Duration kInitial = 1s;
constexpr Duration kMin = 200ms;
constexpr Duration kMax = 60s;

Duration timeout(const RttEstimate& rtt) { return rtt.timeout(kInitial, Duration(0), kMax); }

TEST(Rto, IsTheInitialOneBeforeTheFirstSample) { EXPECT_EQ(RttEstimate{}.timeout(3s, kMin, kMax), 3s); }

TEST(Rto, FirstSampleSetsSrttAndHalfOfItAsVariation) {
  RttEstimate rtt;
  rtt.sample(100ms);
  EXPECT_EQ(rtt.srtt_us, 100'000u);
  EXPECT_EQ(rtt.rttvar_us, 50'000u);
  EXPECT_EQ(timeout(rtt), 300ms);
}

TEST(Rto, LaterSamplesCountAnEighthAndAQuarterAndVariationTakesSrttAsItWas) {
  RttEstimate rtt;
  rtt.sample(100ms);
  rtt.sample(180ms);
  EXPECT_EQ(rtt.rttvar_us, 57'500u);  // 3/4 * 50 + 1/4 * |100 - 180|
  EXPECT_EQ(rtt.srtt_us, 110'000u);   // 7/8 * 100 + 1/8 * 180
  EXPECT_EQ(timeout(rtt), 340ms);
  rtt.sample(30ms);
  EXPECT_EQ(rtt.rttvar_us, 63'125u);
  EXPECT_EQ(rtt.srtt_us, 100'000u);
}

TEST(Rto, VariationCountsAtLeastTheClocksGranularity) {
  RttEstimate rtt;
  for (int i = 0; i < 200; ++i) rtt.sample(10ms);
  EXPECT_EQ(rtt.srtt_us, 10'000u);
  EXPECT_LT(rtt.rttvar_us, 250u);
  EXPECT_EQ(timeout(rtt), 11ms);
}

TEST(Rto, SteadySamplesAreReachedFromAboveAndFromBelow) {
  for (const Duration first : {1ms, 1000ms}) {
    RttEstimate rtt;
    rtt.sample(first);
    for (int i = 0; i < 300; ++i) rtt.sample(50ms);
    EXPECT_NEAR(rtt.srtt_us, 50'000, 4);
  }
}

TEST(Rto, IsKeptBetweenMinimumAndMaximum) {
  RttEstimate rtt;
  rtt.sample(1ms);
  EXPECT_EQ(rtt.timeout(kInitial, kMin, kMax), kMin);
  rtt = {};
  rtt.sample(50s);
  EXPECT_EQ(rtt.timeout(kInitial, kMin, kMax), kMax);
}

TEST(Rto, SampleOfNothingOrLessCountsAsAMicrosecond) {
  for (const Duration nothing : {Duration(0), Duration(999), Duration(-5s)}) {
    RttEstimate rtt;
    rtt.sample(nothing);
    EXPECT_EQ(rtt.srtt_us, 1u);
    for (int i = 0; i < 10; ++i) rtt.sample(nothing);
    EXPECT_EQ(rtt.srtt_us, 1u) << "an estimate of 0 would mean that there is none";
  }
}

TEST(Rto, HugeSamplesDoNotWrap) {
  RttEstimate rtt;
  for (int i = 0; i < 50; ++i) {
    rtt.sample(std::chrono::microseconds((int64_t{1} << 32) + 1));
    EXPECT_EQ(rtt.timeout(kInitial, kMin, kMax), kMax);
    rtt.sample(1ms);
    EXPECT_EQ(rtt.timeout(kInitial, kMin, kMax), kMax);
  }
}

TEST(Rto, BackOffDoublesForEachExpiryUpToTheMaximum) {
  EXPECT_EQ(backed_off(200ms, 0, kMax), 200ms);
  EXPECT_EQ(backed_off(200ms, 1, kMax), 400ms);
  EXPECT_EQ(backed_off(200ms, 8, kMax), 51'200ms);
  EXPECT_EQ(backed_off(200ms, 9, kMax), kMax);
  for (uint32_t expiries = 10; expiries < 200; ++expiries) EXPECT_EQ(backed_off(200ms, expiries, kMax), kMax);
  EXPECT_EQ(backed_off(kMax, 0, kMax), kMax);
  EXPECT_EQ(backed_off(kMax + 1s, 0, kMax), kMax);
}

}  // namespace
}  // namespace tern::tcp
