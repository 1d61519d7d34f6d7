// SPDX-License-Identifier: BSD-3-Clause
// Who is in the rotation: states, backups, slow start, persistence, refusals.
#include "lb/pool.hpp"

#include <gtest/gtest.h>

#include "lb/backends.hpp"

namespace tern::lb {
namespace {

PoolConfig checked(std::initializer_list<uint16_t> weights) {
  PoolConfig config = pool_of(Algorithm::kRoundRobin, weights);
  config.health.interval = 2s;
  config.health.fall = 1;
  config.health.rise = 1;
  return config;
}

TEST(Pool, HasNobodyUntilAFirstCheckPasses) {
  Pool pool(checked({1, 1}), kSeed, kStart);
  EXPECT_EQ(refusal_of(pool), Refusal::kDown);
  pool.on_check(1, CheckStatus::kL4Ok, kStart);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{0, 10}));
  EXPECT_EQ(pool.up(), 1u);
}

TEST(Pool, TakesABackendOutThatFalls) {
  Pool pool(checked({1, 1}), kSeed, kStart);
  pool.on_check(0, CheckStatus::kL4Ok, kStart);
  pool.on_check(1, CheckStatus::kL4Ok, kStart);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{5, 5}));
  pool.on_check(0, CheckStatus::kL4Tout, kStart);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{0, 10}));
  EXPECT_EQ(pool.backends()[0].counters.went_down.value(), 1u);
  EXPECT_EQ(pool.backends()[0].counters.checks_failed.value(), 1u);
  EXPECT_STREQ(to_string(pool.backends()[0].current()), "DOWN");
}

TEST(Pool, SaysWhetherAllAreDownOrFull) {
  PoolConfig config = pool_of(Algorithm::kRoundRobin, {1, 1});
  for (BackendConfig& backend : config.backends) backend.max_connections = 2;
  Pool pool(config, kSeed, kStart);
  for (int i = 0; i < 4; ++i) EXPECT_NE(choose(pool), kNoBackend);
  EXPECT_EQ(refusal_of(pool), Refusal::kFull);
  pool.ended(1);
  EXPECT_EQ(choose(pool), 1u);
  pool.set_admin(0, Admin::kMaint, kStart);
  pool.set_admin(1, Admin::kMaint, kStart);
  EXPECT_EQ(refusal_of(pool), Refusal::kDown);
}

TEST(Pool, DrainsByLettingConnectionsEnd) {
  Pool pool(pool_of(Algorithm::kRoundRobin, {1, 1}), kSeed, kStart);
  for (int i = 0; i < 4; ++i) choose(pool);
  pool.set_admin(0, Admin::kDrain, kStart);
  EXPECT_STREQ(to_string(pool.backends()[0].current()), "DRAIN");
  EXPECT_EQ(pool.backends()[0].connections.value(), 2u);
  EXPECT_EQ(shares(pool, 6), (std::vector<uint32_t>{0, 6}));
  pool.ended(0);
  pool.ended(0);
  EXPECT_EQ(pool.backends()[0].connections.value(), 0u);
  pool.set_admin(0, Admin::kReady, kStart);
  EXPECT_EQ(shares(pool, 6), (std::vector<uint32_t>{3, 3}));
  EXPECT_EQ(pool.backends()[0].counters.went_down.value(), 0u);  // nobody's failure
}

TEST(Pool, UsesBackupsOnlyWithoutTheOthers) {
  PoolConfig config = pool_of(Algorithm::kRoundRobin, {1, 1, 1});
  config.backends[2].backup = true;
  Pool pool(config, kSeed, kStart);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{5, 5, 0}));
  pool.set_admin(0, Admin::kMaint, kStart);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{0, 10, 0}));
  pool.set_admin(1, Admin::kMaint, kStart);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{0, 0, 10}));
  pool.set_admin(0, Admin::kReady, kStart);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{10, 0, 0}));
}

TEST(Pool, LeavesOutWhatHasFailedTheClient) {
  Pool pool(pool_of(Algorithm::kRoundRobin, {1, 1, 1}), kSeed, kStart);
  const std::vector<uint16_t> tried{0, 2};
  Refusal refusal = Refusal::kNone;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool.choose({{1}, tried}, kStart, refusal), 1u);
  const std::vector<uint16_t> all{0, 1, 2};
  EXPECT_EQ(pool.choose({{1}, all}, kStart, refusal), kNoBackend);
  EXPECT_EQ(refusal, Refusal::kDown);
}

TEST(Pool, EjectsAndTakesBack) {
  Pool pool(pool_of(Algorithm::kRoundRobin, {1, 1}), kSeed, kStart);
  for (int i = 0; i < 3; ++i) pool.on_connect_failure(0, kStart);
  EXPECT_EQ(pool.backends()[0].counters.ejections.value(), 1u);
  EXPECT_EQ(shares(pool, 10), (std::vector<uint32_t>{0, 10}));
  EXPECT_EQ(pool.next_change(), kStart + 1s);
  EXPECT_EQ(shares(pool, 10, kStart + 1s), (std::vector<uint32_t>{5, 5}));
  pool.on_reset(0, kStart + 1s);
  EXPECT_EQ(shares(pool, 10, kStart + 2s), (std::vector<uint32_t>{0, 10}));
  EXPECT_EQ(pool.backends()[0].counters.reset.value(), 1u);
  EXPECT_EQ(pool.next_change(), kStart + 3s);
}

// A tenth at once, and a tenth more after each tenth of the time.
TEST(Pool, StartsAReturningBackendSlowly) {
  PoolConfig config = checked({1, 1});
  config.slow_start = 10s;
  Pool pool(config, kSeed, kStart);
  pool.on_check(0, CheckStatus::kL4Ok, kStart);
  pool.on_check(1, CheckStatus::kL4Ok, kStart);
  EXPECT_EQ(shares(pool, 100), (std::vector<uint32_t>{50, 50}));  // not at the very start
  pool.on_check(0, CheckStatus::kL4Con, kStart);
  pool.on_check(0, CheckStatus::kL4Ok, kStart);
  EXPECT_EQ(shares(pool, 110), (std::vector<uint32_t>{10, 100}));
  EXPECT_EQ(shares(pool, 150, kStart + 4s), (std::vector<uint32_t>{50, 100}));
  EXPECT_EQ(shares(pool, 190, kStart + 8s + 1ms), (std::vector<uint32_t>{90, 100}));
  EXPECT_EQ(pool.next_change(), kStart + 9s);
  EXPECT_EQ(shares(pool, 200, kStart + 9s), (std::vector<uint32_t>{100, 100}));
  EXPECT_TRUE(pool.next_change().is_never());
}

TEST(Pool, KeepsAClientsBackendForAWhile) {
  PoolConfig config = pool_of(Algorithm::kRoundRobin, {1, 1, 1});
  config.persistence = 60s;
  Pool pool(config, kSeed, kStart);
  const uint32_t first = choose(pool, 7);
  choose(pool, 8);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(choose(pool, 7, kStart + i * 50s), first);
  choose(pool, 9, kStart + 200s);
  // 61 s after the last time it is a stranger.
  const uint32_t later = choose(pool, 7, kStart + 200s + 61s);
  EXPECT_NE(later, kNoBackend);
  pool.set_admin(later, Admin::kDrain, kStart + 262s);
  EXPECT_NE(choose(pool, 7, kStart + 262s),
            later);  // where it cannot be kept it goes elsewhere, and stays there
}

TEST(Pool, RemembersNoMoreClientsThanItMay) {
  PoolConfig config = pool_of(Algorithm::kRoundRobin, {1, 1, 1});
  config.persistence = 60s;
  config.persistence_entries = 16;
  Pool pool(config, kSeed, kStart);
  constexpr uint32_t kFirst = 1'000;
  std::vector<uint32_t> before;
  for (uint32_t i = 0; i < 10'000; ++i) {
    before.push_back(choose(pool, i, kStart + i * 1us));
    EXPECT_NE(before.back(), kNoBackend);
  }
  // Those who came first have been forgotten, and their turns would be other backends' now.
  uint32_t kept = 0;
  for (uint32_t i = 0; i < kFirst; ++i) {
    kept += static_cast<uint32_t>(choose(pool, i, kStart + 1s + i * 1us) == before[i]);
  }
  EXPECT_EQ(kept, 0u);
}

}  // namespace
}  // namespace tern::lb
