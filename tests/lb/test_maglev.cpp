// SPDX-License-Identifier: BSD-3-Clause
// Maglev's table against the paper: Eisenbud et al., NSDI 2016.
#include "lb/maglev.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "lb/backends.hpp"
#include "lb/hash.hpp"

namespace tern::lb {
namespace {

std::vector<uint16_t> table_of(const std::vector<MaglevPreference>& backends, uint32_t size) {
  std::vector<uint16_t> table(size);
  fill_maglev_table(backends, table);
  return table;
}

// Table 1: three backends with permutations 3 0 4 1 5 2 6, 0 2 4 6 1 3 5 and 3 4 5 6 0 1 2.
TEST(Maglev, FillsThePapersSample) {
  const std::vector<MaglevPreference> backends{{3, 4, 1}, {0, 2, 1}, {3, 1, 1}};
  EXPECT_EQ(table_of(backends, 7), (std::vector<uint16_t>{1, 0, 1, 0, 2, 2, 0}));
}

// The same table when B1 is gone: of the others' entries only the last one changes.
TEST(Maglev, ChangesAsThePapersSampleDoes) {
  const std::vector<MaglevPreference> backends{{3, 4, 1}, {0, 2, 0}, {3, 1, 1}};
  EXPECT_EQ(table_of(backends, 7), (std::vector<uint16_t>{0, 0, 0, 0, 2, 2, 2}));
}

std::vector<MaglevPreference> many(uint32_t count, uint32_t size) {
  std::vector<MaglevPreference> backends;
  for (uint32_t i = 0; i < count; ++i) backends.push_back(maglev_preference({0x0a000000u + i}, 80, size));
  return backends;
}

std::vector<uint32_t> counts_of(const std::vector<uint16_t>& table, size_t backends) {
  std::vector<uint32_t> counts(backends);
  for (const uint16_t entry : table) ++counts[entry];
  return counts;
}

// Section 3.4: every backend gets nearly the same number of entries: they differ by one.
TEST(Maglev, IsEven) {
  for (const uint32_t backends : {2u, 3u, 10u, 100u, 655u}) {
    const auto counts = counts_of(table_of(many(backends, 65537), 65537), backends);
    const auto [least, most] = std::ranges::minmax(counts);
    EXPECT_LE(most - least, 1u);
    // And so by less than 1 % where there are a hundred entries for each.
    EXPECT_LT(most, 1.01 * least + 1);
  }
}

TEST(Maglev, GivesEntriesByWeight) {
  auto backends = many(3, 65537);
  backends[0].weight = 1;
  backends[1].weight = 3;
  backends[2].weight = 4;
  const auto counts = counts_of(table_of(backends, 65537), 3);
  EXPECT_NEAR(counts[0], 65537 / 8.0, 3);
  EXPECT_NEAR(counts[1], 65537 * 3 / 8.0, 3);
  EXPECT_NEAR(counts[2], 65537 * 4 / 8.0, 3);
}

// Percent of all entries that change though their backend is still there, when some of 1000 leave.
double disturbed(uint32_t size, uint32_t failures, uint32_t rounds) {
  constexpr uint32_t kBackends = 1000;
  const auto all = many(kBackends, size);
  const auto before = table_of(all, size);
  Random random(kSeed);
  double sum = 0;
  for (uint32_t round = 0; round < rounds; ++round) {
    auto left = all;
    for (uint32_t gone = 0; gone < failures;) {
      MaglevPreference& backend = left[random.below(kBackends)];
      if (backend.weight == 0) continue;
      backend.weight = 0;
      ++gone;
    }
    const auto after = table_of(left, size);
    uint32_t changed = 0;
    for (uint32_t i = 0; i < size; ++i)
      changed += static_cast<uint32_t>(left[before[i]].weight != 0 && after[i] != before[i]);
    sum += 100.0 * changed / size;
  }
  return sum / rounds;
}

// Section 5.3, figure 12: with 1000 backends little changes that would not have to, the less the larger the
// table; and more the more fail.
TEST(Maglev, DisturbsLittleWhenBackendsFail) {
  const double one = disturbed(65537, 1, 20);
  const double ten = disturbed(65537, 10, 10);
  const double fifty = disturbed(65537, 50, 5);
  const double ten_in_large = disturbed(655373, 10, 1);
  RecordProperty("one_of_1000_percent", std::to_string(one));
  RecordProperty("ten_of_1000_percent", std::to_string(ten));
  RecordProperty("fifty_of_1000_percent", std::to_string(fifty));
  RecordProperty("ten_of_1000_large_percent", std::to_string(ten_in_large));
  EXPECT_LT(one, ten);
  EXPECT_LT(ten, fifty);
  EXPECT_LT(ten_in_large, ten / 3);
  // The figure is a plot without numbers; this is where the curves lie here: 0.6, 2.3, 3.3 and 0.6 %.
  EXPECT_LT(one, 0.8);
  EXPECT_LT(ten, 2.6);
  EXPECT_LT(fifty, 3.6);
  EXPECT_LT(ten_in_large, 0.8);
}

TEST(Maglev, KeepsMostClientsWhenOneOfTenLeaves) {
  PoolConfig config = pool_of(Algorithm::kMaglev, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  Pool pool(config, kSeed, kStart);
  std::vector<uint32_t> before;
  constexpr uint32_t kClients = 20'000;
  for (uint32_t i = 0; i < kClients; ++i) before.push_back(choose(pool, i));
  pool.set_admin(4, Admin::kDrain, kStart);
  uint32_t moved = 0;
  for (uint32_t i = 0; i < kClients; ++i) {
    const uint32_t now = choose(pool, i);
    EXPECT_NE(now, 4u);
    moved += static_cast<uint32_t>(before[i] != 4 && now != before[i]);
  }
  EXPECT_LT(moved, kClients / 50);
}

TEST(Maglev, MakesTheSameTableEverywhere) {
  Maglev one(65537), other(65537);
  Pool pool(pool_of(Algorithm::kMaglev, {1, 2, 3}), 1, kStart);
  one.rebuild(pool.backends());
  other.rebuild(pool.backends());
  EXPECT_TRUE(std::ranges::equal(one.table(), other.table()));
}

TEST(Maglev, SpreadsTheClientsOfAFullBackend) {
  PoolConfig config = pool_of(Algorithm::kMaglev, {1, 1, 1, 1});
  config.backends[0].max_connections = 1;
  Pool pool(config, kSeed, kStart);
  for (uint32_t i = 0; i < 100; ++i) choose(pool, i);  // fills the first
  std::vector<uint32_t> counts(4);
  for (uint32_t i = 0; i < 8000; ++i) ++counts[choose(pool, i)];
  EXPECT_EQ(counts[0], 0u);
  for (size_t i = 1; i < 4; ++i) EXPECT_NEAR(counts[i], 8000 / 3.0, 300);
}

TEST(Maglev, KnowsPrimes) {
  for (const uint32_t n : {2u, 3u, 251u, 65537u, 655373u}) EXPECT_TRUE(is_prime(n)) << n;
  for (const uint32_t n : {0u, 1u, 4u, 65536u, 65535u, 251u * 251u}) EXPECT_FALSE(is_prime(n)) << n;
}

}  // namespace
}  // namespace tern::lb
