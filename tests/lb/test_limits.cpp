// SPDX-License-Identifier: BSD-3-Clause
// Who may connect, how often and how many at once.
#include "lb/limits.hpp"

#include <gtest/gtest.h>

namespace tern::lb {
namespace {

using namespace std::chrono_literals;
constexpr net::Instant kStart{1'000'000'000};
constexpr net::Ipv4Address kClient{0xc0000201u};
constexpr net::Ipv4Address kNeighbour{0xc0000202u};
constexpr net::Ipv4Address kStranger{0xc6336401u};

TEST(TokenBucket, HoldsABurstAndFillsAtItsRate) {
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(bucket.take(10, 5, kStart));
  EXPECT_FALSE(bucket.take(10, 5, kStart));
  EXPECT_FALSE(bucket.take(10, 5, kStart + 99ms));
  EXPECT_TRUE(bucket.take(10, 5, kStart + 100ms));
  EXPECT_FALSE(bucket.take(10, 5, kStart + 100ms));
  // It never holds more than the burst.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(bucket.take(10, 5, kStart + 1h));
  EXPECT_FALSE(bucket.take(10, 5, kStart + 1h));
}

TEST(Limits, AdmitEverybodyByDefault) {
  Limits limits({}, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limits.admit(kClient, kStart));
}

TEST(Limits, BoundConnectionsOfAnAddress) {
  LimitsConfig config;
  config.per_source = 2;
  Limits limits(config, 1);
  EXPECT_TRUE(limits.admit(kClient, kStart));
  EXPECT_TRUE(limits.admit(kClient, kStart));
  EXPECT_FALSE(limits.admit(kClient, kStart));
  EXPECT_TRUE(limits.admit(kNeighbour, kStart));
  EXPECT_EQ(limits.counters().refused_source.value(), 1u);
  limits.released(kClient, kStart);
  EXPECT_TRUE(limits.admit(kClient, kStart));
}

TEST(Limits, BoundConnectionsOfANetwork) {
  LimitsConfig config;
  config.per_prefix = 2;
  Limits limits(config, 1);
  EXPECT_TRUE(limits.admit(kClient, kStart));
  EXPECT_TRUE(limits.admit(kNeighbour, kStart));
  EXPECT_FALSE(limits.admit({kNeighbour.value + 1}, kStart));
  EXPECT_TRUE(limits.admit(kStranger, kStart));
  EXPECT_EQ(limits.counters().refused_prefix.value(), 1u);
  limits.released(kClient, kStart);
  EXPECT_TRUE(limits.admit(kNeighbour, kStart));
}

TEST(Limits, BoundTheRateOfAnAddress) {
  LimitsConfig config;
  config.rate = 100;
  config.burst = 3;
  Limits limits(config, 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limits.admit(kClient, kStart));
  EXPECT_FALSE(limits.admit(kClient, kStart));
  EXPECT_TRUE(limits.admit(kStranger, kStart));
  EXPECT_TRUE(limits.admit(kClient, kStart + 10ms));
  EXPECT_EQ(limits.counters().refused_rate.value(), 1u);
}

// SYNs may be forged: what they ask for is not taken from whom they name.
TEST(Limits, AreNotUsedUpByAsking) {
  LimitsConfig config;
  config.per_source = 1;
  config.rate = 1;
  Limits limits(config, 1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limits.allows(kClient, kStart));
  EXPECT_TRUE(limits.admit(kClient, kStart));
  EXPECT_FALSE(limits.allows(kClient, kStart));
  limits.released(kClient, kStart);
  EXPECT_FALSE(limits.allows(kClient, kStart));  // by its rate
  EXPECT_TRUE(limits.allows(kClient, kStart + 1s));
}

TEST(Limits, AskTheAccessListFirst) {
  LimitsConfig config;
  config.access.deny({kStranger, 24});
  config.per_source = 1;
  Limits limits(config, 1);
  EXPECT_FALSE(limits.admit(kStranger, kStart));
  EXPECT_TRUE(limits.admit(kClient, kStart));
  EXPECT_EQ(limits.counters().refused_access.value(), 1u);
}

// A flood of addresses takes no more memory than configured, and whoever has connections is not forgotten.
TEST(Limits, SurviveAFloodOfAddresses) {
  LimitsConfig config;
  config.per_source = 1;
  config.sources = 64;
  Limits limits(config, 1);
  EXPECT_TRUE(limits.admit(kClient, kStart));
  for (uint32_t i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(limits.admit({i}, kStart + i * 1us));
    limits.released({i}, kStart + i * 1us);
  }
  EXPECT_FALSE(limits.admit(kClient, kStart + 1s));
  for (uint32_t i = 0; i < 1000; ++i) limits.admit({i}, kStart + 2s);
  EXPECT_GE(limits.counters().sources_overflowed.value(), 1000u - 64u);
}

}  // namespace
}  // namespace tern::lb
