// SPDX-License-Identifier: BSD-3-Clause
// Each algorithm's distribution against its definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "lb/backends.hpp"
#include "lb/hash.hpp"

namespace tern::lb {
namespace {

constexpr std::array kAll{Algorithm::kRoundRobin, Algorithm::kLeastConnections, Algorithm::kRandomTwo,
                          Algorithm::kSourceHash, Algorithm::kMaglev};

TEST(RoundRobin, SpreadsAHeavyBackendsTurns) {
  Pool pool(pool_of(Algorithm::kRoundRobin, {5, 1, 1}), kSeed, kStart);
  std::string order;
  for (int i = 0; i < 14; ++i) order += static_cast<char>('a' + choose(pool));
  EXPECT_EQ(order, "aabacaaaabacaa");
}

TEST(RoundRobin, GivesEachBackendItsWeightInEveryCycle) {
  Random random(kSeed);
  for (int round = 0; round < 50; ++round) {
    const auto weight = [&] { return static_cast<uint16_t>(1 + random.below(20)); };
    const uint16_t a = weight(), b = weight(), c = weight();
    Pool pool(pool_of(Algorithm::kRoundRobin, {a, b, c}), kSeed, kStart);
    for (int cycle = 0; cycle < 3; ++cycle)
      EXPECT_EQ(shares(pool, a + b + c), (std::vector<uint32_t>{a, b, c}));
  }
}

TEST(RoundRobin, IsNeverMoreThanATurnAway) {
  Pool pool(pool_of(Algorithm::kRoundRobin, {7, 3, 2}), kSeed, kStart);
  std::vector<double> counts(3);
  const std::vector<double> weights{7, 3, 2};
  for (int n = 1; n <= 1200; ++n) {
    ++counts[choose(pool)];
    for (size_t i = 0; i < 3; ++i) EXPECT_LT(std::abs(counts[i] - n * weights[i] / 12), 1.0);
  }
}

TEST(LeastConnections, FillsUpInProportionToWeights) {
  Pool pool(pool_of(Algorithm::kLeastConnections, {4, 2, 1}), kSeed, kStart);
  for (int i = 0; i < 700; ++i) choose(pool);
  EXPECT_EQ(pool.backends()[0].connections.value(), 400u);
  EXPECT_EQ(pool.backends()[1].connections.value(), 200u);
  EXPECT_EQ(pool.backends()[2].connections.value(), 100u);
}

TEST(LeastConnections, GoesWhereConnectionsEnd) {
  Pool pool(pool_of(Algorithm::kLeastConnections, {1, 1, 1}), kSeed, kStart);
  for (int i = 0; i < 9; ++i) choose(pool);
  pool.ended(1);
  pool.ended(1);
  EXPECT_EQ(choose(pool), 1u);
  EXPECT_EQ(choose(pool), 1u);
}

TEST(LeastConnections, LetsEqualsTakeTurns) {
  Pool pool(pool_of(Algorithm::kLeastConnections, {1, 1, 1}), kSeed, kStart);
  EXPECT_EQ(shares(pool, 300), (std::vector<uint32_t>{100, 100, 100}));
}

// Mitzenmacher's result: with n balls in n bins the fullest holds ln ln n / ln 2 + O(1) rather than
// ln n / ln ln n: far fewer than by one choice.
TEST(RandomTwo, KeepsTheFullestNearTheMean) {
  PoolConfig config = pool_of(Algorithm::kRandomTwo, {});
  for (uint32_t i = 0; i < 1000; ++i) {
    config.backends.push_back({"b" + std::to_string(i), {0x0a000000u + i}, 80, 1, 0, false});
  }
  Pool pool(config, kSeed, kStart);
  for (int i = 0; i < 1000; ++i) choose(pool);
  uint64_t fullest = 0;
  for (const Backend& backend : pool.backends()) fullest = std::max(fullest, backend.connections.value());
  EXPECT_LE(fullest, 4u);  // ln ln 1000 / ln 2 = 2.8; one choice gives 6 here
}

TEST(RandomTwo, FollowsTheWeights) {
  Pool pool(pool_of(Algorithm::kRandomTwo, {4, 2, 1}), kSeed, kStart);
  for (int i = 0; i < 7000; ++i) choose(pool);
  EXPECT_NEAR(static_cast<double>(pool.backends()[0].connections.value()), 4000, 40);
  EXPECT_NEAR(static_cast<double>(pool.backends()[1].connections.value()), 2000, 40);
  EXPECT_NEAR(static_cast<double>(pool.backends()[2].connections.value()), 1000, 40);
}

TEST(RandomTwo, NeverChoosesTheMostLoadedOfSeveral) {
  Pool pool(pool_of(Algorithm::kRandomTwo, {1, 1, 1}), kSeed, kStart);
  for (int i = 0; i < 3000; ++i) {
    uint64_t most = 0;
    for (const Backend& b : pool.backends()) most = std::max(most, b.connections.value());
    const auto alone = std::ranges::count_if(pool.backends(),
                                             [&](const Backend& b) { return b.connections.value() == most; });
    const uint32_t chosen = choose(pool);
    if (alone == 1) {
      EXPECT_LE(pool.backends()[chosen].connections.value(), most);
    }
  }
}

TEST(SourceHash, GivesAClientTheSameBackend) {
  Pool pool(pool_of(Algorithm::kSourceHash, {1, 2, 3}), kSeed, kStart);
  for (uint32_t source = 1; source < 200; ++source) {
    const uint32_t first = choose(pool, source);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(choose(pool, source), first);
  }
}

// Over N clients a share of p varies by sqrt(N p (1 - p)); five times that is once in two million.
void expect_near_shares(const std::vector<uint32_t>& counts, const std::vector<double>& weights) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double n = std::accumulate(counts.begin(), counts.end(), 0.0);
  for (size_t i = 0; i < counts.size(); ++i) {
    const double p = weights[i] / total;
    EXPECT_NEAR(counts[i], n * p, 5 * std::sqrt(n * p * (1 - p))) << "backend " << i;
  }
}

TEST(SourceHash, SpreadsClientsByWeight) {
  Pool pool(pool_of(Algorithm::kSourceHash, {1, 2, 5}), kSeed, kStart);
  expect_near_shares(shares(pool, 80'000), {1, 2, 5});
}

TEST(MaglevPool, SpreadsClientsByWeight) {
  Pool pool(pool_of(Algorithm::kMaglev, {1, 2, 5}), kSeed, kStart);
  expect_near_shares(shares(pool, 80'000), {1, 2, 5});
}

// What holds for every algorithm, with pools, weights and limits by chance.
TEST(EveryAlgorithm, ChoosesOnlyWhoMayTakeIt) {
  for (const Algorithm algorithm : kAll) {
    Random random(kSeed);
    for (int round = 0; round < 40; ++round) {
      PoolConfig config = pool_of(algorithm, {1, 1, 1, 1, 1, 1});
      config.maglev_size = 251;
      for (BackendConfig& backend : config.backends) {
        backend.weight = static_cast<uint16_t>(random.below(4));
        backend.max_connections = random.below(5);
        backend.backup = random.below(5) == 0;
      }
      Pool pool(config, random.next(), kStart);
      for (int i = 0; i < 60; ++i) {
        const std::array<uint16_t, 1> tried{static_cast<uint16_t>(random.below(6))};
        const Request request{{random.below(1000)}, tried};
        bool any = false;
        for (uint32_t b = 0; b < pool.size(); ++b) any = any || takes(pool.backends(), b, request);
        Refusal refusal = Refusal::kNone;
        const uint32_t chosen = pool.choose(request, kStart, refusal);
        ASSERT_EQ(chosen != kNoBackend, any) << to_string(algorithm);
        ASSERT_EQ(refusal == Refusal::kNone, any);
        if (!any) continue;
        const Backend& backend = pool.backends()[chosen];
        EXPECT_NE(chosen, tried[0]);
        EXPECT_NE(backend.config.weight, 0);
        if (backend.config.max_connections != 0) {
          EXPECT_LE(backend.connections.value(), backend.config.max_connections);
        }
      }
    }
  }
}

TEST(EveryAlgorithm, ServesFromTheOnlyBackendThatIsLeft) {
  for (const Algorithm algorithm : kAll) {
    Pool pool(pool_of(algorithm, {1, 3, 2}), kSeed, kStart);
    pool.set_admin(0, Admin::kDrain, kStart);
    pool.set_admin(2, Admin::kMaint, kStart);
    EXPECT_EQ(shares(pool, 30), (std::vector<uint32_t>{0, 30, 0})) << to_string(algorithm);
  }
}

}  // namespace
}  // namespace tern::lb
