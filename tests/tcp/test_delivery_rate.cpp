// SPDX-License-Identifier: BSD-3-Clause
// Samples of the delivery rate: draft-ietf-ccwg-bbr section 4.1.
#include <gtest/gtest.h>

#include "tcp/delivery_rate.hpp"

namespace tern::tcp {
namespace {

constexpr Seq kStart{0xfffff000u};
Seq at(uint32_t n) { return kStart + n; }

// Ten segments of 1000, a millisecond apart, from 1 ms on.
DeliveryRate sent_in_order() {
  DeliveryRate rates;
  rates.acknowledged(0, kStart, nullptr, 0, 0);
  for (uint32_t i = 1; i <= 10; ++i) rates.sent(at(1000 * i), false, 1000, 1000 * i, 1000 * i, 0);
  return rates;
}

TEST(DeliveryRate, IsWhatWasDeliveredOverTheTimeItTook) {
  DeliveryRate rates = sent_in_order();
  RateSample sample;
  for (uint32_t i = 1; i <= 10; ++i) {
    sample = rates.acknowledged(1000, at(1000 * i), nullptr, 0, 50'000 + 2000 * i);
  }
  ASSERT_TRUE(sample.any);
  // The last left at 10 ms, when nothing had been delivered, and arrived at 70 ms.
  EXPECT_EQ(sample.delivered, 10'000u);
  EXPECT_EQ(sample.rtt_us, 60'000);
  EXPECT_EQ(sample.tx_in_flight, 10'000u);
  EXPECT_NEAR(sample.rate, 10'000 / 0.069, 1);
}

// ACKs that come together say nothing of the path's rate: the time over which the text left bounds it.
TEST(DeliveryRate, IsNotFooledByAcksThatComeTogether) {
  DeliveryRate rates = sent_in_order();
  rates.acknowledged(1000, at(1000), nullptr, 0, 50'000);
  for (uint32_t i = 11; i <= 20; ++i)
    rates.sent(at(1000 * i), false, 1000, 10'000, 49'000 + 1000 * (i - 10), 0);
  rates.acknowledged(9000, at(10'000), nullptr, 0, 51'000);
  const RateSample sample = rates.acknowledged(10'000, at(20'000), nullptr, 0, 51'500);
  EXPECT_EQ(sample.prior_delivered, 1000u);
  EXPECT_NEAR(sample.rate, 19'000 / 0.058, 1) << "over what sending took";
}

TEST(DeliveryRate, IsUnreliableBelowTheShortestRoundTrip) {
  DeliveryRate rates = sent_in_order();
  EXPECT_EQ(rates.acknowledged(1000, at(1000), nullptr, 60'000, 40'000).rate, 0);
}

TEST(DeliveryRate, APartOfWhatLeftTogetherIsTimed) {
  DeliveryRate rates;
  rates.acknowledged(0, kStart, nullptr, 0, 0);
  for (uint32_t i = 1; i <= 10; ++i) rates.sent(at(1000 * i), false, 1000, 1000 * i, 1000, 100);
  const RateSample sample = rates.acknowledged(2000, at(2000), nullptr, 0, 41'000);
  ASSERT_TRUE(sample.any);
  EXPECT_EQ(sample.rtt_us, 40'000);
}

TEST(DeliveryRate, ARetransmissionGivesARateButNoRoundTrip) {
  DeliveryRate rates = sent_in_order();
  rates.acknowledged(1000, at(1000), nullptr, 0, 50'000);
  rates.sent(at(10'000), true, 1000, 5000, 60'000, 100);
  const Newest again{at(2000), 60'000, true};
  const RateSample sample = rates.acknowledged(1000, at(2000), &again, 0, 100'000);
  ASSERT_TRUE(sample.any);
  EXPECT_EQ(sample.rtt_us, -1);
  EXPECT_EQ(sample.delivered, 1000u);
  EXPECT_EQ(sample.tx_in_flight, 5000u);
}

TEST(DeliveryRate, SackedTextIsFoundByItsPlace) {
  DeliveryRate rates = sent_in_order();
  const Newest sacked{at(6000), 0, false};
  const RateSample sample = rates.acknowledged(1000, kStart, &sacked, 0, 56'000);
  ASSERT_TRUE(sample.any);
  EXPECT_EQ(sample.rtt_us, 50'000);
}

TEST(DeliveryRate, SamplesOfAPauseAreMarkedUntilItHasPassed) {
  DeliveryRate rates = sent_in_order();
  rates.limited_by_application(10'000);
  rates.sent(at(11'000), false, 1000, 11'000, 20'000, 0);
  EXPECT_FALSE(rates.acknowledged(10'000, at(10'000), nullptr, 0, 60'000).app_limited);
  EXPECT_TRUE(rates.app_limited());
  EXPECT_TRUE(rates.acknowledged(1000, at(11'000), nullptr, 0, 70'000).app_limited);
  EXPECT_FALSE(rates.app_limited());
}

TEST(DeliveryRate, LossesSinceADepartureAreCounted) {
  DeliveryRate rates = sent_in_order();
  rates.lost(3000);
  EXPECT_EQ(rates.acknowledged(1000, at(1000), nullptr, 0, 50'000).lost, 3000u);
  rates.sent(at(11'000), false, 1000, 7000, 60'000, 0);
  EXPECT_EQ(rates.acknowledged(10'000, at(11'000), nullptr, 0, 99'000).lost, 0u);
}

TEST(DeliveryRate, MoreDeparturesThanThereIsRoomForShareTheLastOne) {
  DeliveryRate rates;
  rates.acknowledged(0, kStart, nullptr, 0, 0);
  for (uint32_t i = 1; i <= 300; ++i) rates.sent(at(1000 * i), false, 1000, 1000 * i, 1000 * i, 0);
  const RateSample sample = rates.acknowledged(300'000, at(300'000), nullptr, 0, 500'000);
  ASSERT_TRUE(sample.any);
  EXPECT_EQ(sample.delivered, 300'000u);
  EXPECT_EQ(sample.rtt_us, 500'000 - 128'000);
}

TEST(DeliveryRate, NoRoundTripSeemsShorterForWantOfRoom) {
  DeliveryRate rates;
  rates.acknowledged(0, kStart, nullptr, 0, 0);
  for (uint32_t i = 1; i <= 200; ++i) rates.sent(at(1000 * i), i % 2 == 0, 1000, 1000 * i, 1000 * i, 0);
  for (uint32_t i = 1; i <= 199; i += 2) {
    const Newest sacked{at(1000 * i), 1000 * i, false};
    const RateSample sample = rates.acknowledged(1000, kStart, &sacked, 0, 300'000);
    ASSERT_TRUE(sample.any);
    EXPECT_GE(sample.rtt_us, 300'000 - 1000 * i);
  }
}

}  // namespace
}  // namespace tern::tcp
