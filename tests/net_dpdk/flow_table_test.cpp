// SPDX-License-Identifier: BSD-3-Clause
// The table of connections: every key fits, positions are indices, absent is absent.
#include "net/dpdk/flow_table.hpp"

#include <gtest/gtest.h>
#include <rte_malloc.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <vector>

namespace tern::net::dpdk {
namespace {

constexpr PrfKey kKey = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

FourTuple tuple(uint32_t n) {
  return {.local = {0xc0000202},
          .remote = {0xc0000300 + n / 60'000},
          .local_port = 80,
          .remote_port = static_cast<uint16_t>(1'024 + n % 60'000)};
}

uint32_t hash_of(const FlowTable& table, const FourTuple& t) {
  uint32_t hash = 0;
  table.hash({&t, 1}, {&hash, 1});
  return hash;
}

// The positions of n tuples, inserted; each in range and given once.
std::vector<int32_t> fill(FlowTable& table, uint32_t n) {
  std::vector<int32_t> positions;
  for (uint32_t i = 0; i < n; ++i) positions.push_back(table.insert(tuple(i), hash_of(table, tuple(i))));
  const std::set<int32_t> distinct(positions.begin(), positions.end());
  EXPECT_EQ(distinct.size(), n);
  EXPECT_GE(*distinct.begin(), 0);
  EXPECT_LT(*distinct.rbegin(), static_cast<int32_t>(table.capacity()));
  return positions;
}

class FlowTableOf : public testing::TestWithParam<uint32_t> {};

TEST_P(FlowTableOf, HoldsItsWholeCapacityAndNotOneMore) {
  const uint32_t capacity = GetParam();
  FlowTable table("table", capacity, kKey);
  const auto positions = fill(table, capacity);
  EXPECT_EQ(table.size(), capacity);
  const uint32_t extra_hash = hash_of(table, tuple(capacity));
  EXPECT_EQ(table.insert(tuple(capacity), extra_hash), FlowTable::kAbsent);
  for (uint32_t i = 0; i < capacity; ++i) {
    ASSERT_EQ(table.find(tuple(i), hash_of(table, tuple(i))), positions[i]);
  }
  EXPECT_EQ(table.find(tuple(capacity), extra_hash), FlowTable::kAbsent);
}

INSTANTIATE_TEST_SUITE_P(Capacity, FlowTableOf,
                         testing::Values(8, 9, 100, 1'000, 1'023, 1'024, 1'025, 60'001));

TEST(FlowTable, HoldsItsWholeCapacityEvenWhenAllHashesAreEqual) {
  constexpr uint32_t kCapacity = 1'000;
  FlowTable table("equal", kCapacity, kKey);
  std::set<int32_t> positions;
  for (uint32_t i = 0; i < kCapacity; ++i) positions.insert(table.insert(tuple(i), 0x12345678));
  EXPECT_EQ(positions.size(), kCapacity);
  EXPECT_EQ(*positions.begin(), 0);
  EXPECT_EQ(*positions.rbegin(), static_cast<int32_t>(kCapacity) - 1);
  EXPECT_NE(table.find(tuple(kCapacity - 1), 0x12345678), FlowTable::kAbsent);
}

TEST(FlowTable, FindsPresentAndAbsentInOneBurst) {
  FlowTable table("burst", 1'000, kKey);
  const auto positions = fill(table, 500);
  for (const uint32_t size : {0u, 1u, 7u, 32u, 63u, 64u}) {
    std::vector<FourTuple> tuples;
    std::vector<int32_t> expected;
    for (uint32_t i = 0; i < size; ++i) {
      const uint32_t n = 470 + i;  // the first thirty are there
      tuples.push_back(tuple(n));
      expected.push_back(n < 500 ? positions[n] : FlowTable::kAbsent);
    }
    std::vector<uint32_t> hashes(size);
    std::vector<int32_t> found(size, 12345);
    table.hash(tuples, hashes);
    table.find(tuples, hashes, found);
    EXPECT_EQ(found, expected);
  }
}

TEST(FlowTable, EachPartOfTheTupleDistinguishes) {
  FlowTable table("parts", 16, kKey);
  const FourTuple base = tuple(0);
  std::vector<FourTuple> tuples(5, base);
  tuples[1].local.value ^= 1;
  tuples[2].remote.value ^= 1;
  tuples[3].local_port ^= 1;
  tuples[4].remote_port ^= 1;
  std::vector<uint32_t> hashes(5);
  table.hash(tuples, hashes);
  EXPECT_EQ(std::set(hashes.begin(), hashes.end()).size(), 5u);
  const uint32_t same = hashes[0];  // the key itself is compared, not only its hash
  EXPECT_NE(table.insert(base, same), FlowTable::kAbsent);
  for (size_t i = 1; i < 5; ++i) EXPECT_EQ(table.find(tuples[i], same), FlowTable::kAbsent) << i;
}

TEST(FlowTable, HashOfABurstIsTheHashOfEach) {
  const FlowTable table("hashes", 16, kKey);
  std::vector<FourTuple> tuples;
  for (uint32_t i = 0; i < 133; ++i) tuples.push_back(tuple(i * 7919));
  std::vector<uint32_t> hashes(tuples.size());
  table.hash(tuples, hashes);
  for (size_t i = 0; i < tuples.size(); ++i) ASSERT_EQ(hashes[i], hash_of(table, tuples[i])) << i;
  EXPECT_GT(std::set(hashes.begin(), hashes.end()).size(), 130u);
}

TEST(FlowTable, HashDependsOnTheKey) {
  PrfKey other = kKey;
  other[15] ^= 1;
  const FlowTable a("key-a", 16, kKey);
  const FlowTable b("key-b", 16, other);
  EXPECT_NE(hash_of(a, tuple(0)), hash_of(b, tuple(0)));
}

TEST(FlowTable, ErasedTupleIsAbsentAndItsPlaceIsGivenAgain) {
  FlowTable table("erase", 100, kKey);
  const auto positions = fill(table, 100);
  for (uint32_t i = 0; i < 100; i += 2) table.erase(tuple(i), hash_of(table, tuple(i)));
  EXPECT_EQ(table.size(), 50u);
  std::set<int32_t> freed;
  std::set<int32_t> reused;
  for (uint32_t i = 0; i < 100; ++i) {
    const int32_t expected = i % 2 == 0 ? FlowTable::kAbsent : positions[i];
    ASSERT_EQ(table.find(tuple(i), hash_of(table, tuple(i))), expected);
    if (i % 2 == 0) freed.insert(positions[i]);
  }
  for (uint32_t i = 1'000; i < 1'050; ++i) reused.insert(table.insert(tuple(i), hash_of(table, tuple(i))));
  EXPECT_EQ(reused, freed);
  table.erase(tuple(0), hash_of(table, tuple(0)));  // is not there: nothing happens
  EXPECT_EQ(table.size(), 100u);
}

TEST(FlowTable, ComesAndGoesManyTimesOver) {
  constexpr uint32_t kCapacity = 64;
  FlowTable table("churn", kCapacity, kKey);
  fill(table, kCapacity);
  for (uint32_t i = 0; i < 10'000; ++i) {
    table.erase(tuple(i), hash_of(table, tuple(i)));
    const FourTuple next = tuple(i + kCapacity);
    const int32_t position = table.insert(next, hash_of(table, next));
    ASSERT_GE(position, 0);
    ASSERT_LT(position, static_cast<int32_t>(kCapacity));
  }
  EXPECT_EQ(table.size(), kCapacity);
}

TEST(FlowTable, ImpossibleTablesAreRefused) {
  EXPECT_THROW(FlowTable("few", 7, kKey), std::runtime_error);
  EXPECT_THROW(FlowTable("vast", 100'000'000, kKey), std::runtime_error);
  EXPECT_THROW(FlowTable("a name that rte_hash would cut", 100, kKey), std::runtime_error);
  const FlowTable table("twice", 100, kKey);
  EXPECT_THROW(FlowTable("twice", 100, kKey), std::runtime_error);
}

class FootprintOf : public testing::TestWithParam<uint32_t> {};

TEST_P(FootprintOf, IsWhatTheTableTakesWithinATenth) {
  rte_malloc_socket_stats before{}, after{};
  rte_malloc_get_socket_stats(0, &before);
  const FlowTable table("footprint", GetParam(), kKey);
  rte_malloc_get_socket_stats(0, &after);
  const auto taken = static_cast<double>(after.heap_allocsz_bytes - before.heap_allocsz_bytes);
  EXPECT_NEAR(static_cast<double>(FlowTable::footprint(GetParam())), taken, taken / 10);
}

INSTANTIATE_TEST_SUITE_P(Capacity, FootprintOf, testing::Values(1'000, 1'024, 10'000, 100'000, 500'000));

}  // namespace
}  // namespace tern::net::dpdk
