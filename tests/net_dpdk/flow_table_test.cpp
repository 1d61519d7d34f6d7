// SPDX-License-Identifier: BSD-3-Clause
// The table of connections: every key fits, positions are indices, absent is absent.
#include "net/dpdk/flow_table.hpp"

#include <gtest/gtest.h>
#include <rte_malloc.h>

#include <algorithm>
#include <numeric>
#include <random>
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

// A table with keys of its own.
struct TestTable : private std::vector<FourTuple>, FlowTable {
  TestTable(const std::string& name, uint32_t capacity, const PrfKey& key)
      : std::vector<FourTuple>(capacity), FlowTable(name, capacity, key, {data(), sizeof(FourTuple)}) {}
  using FlowTable::capacity;
  using FlowTable::erase;
  using FlowTable::insert;
  using FlowTable::size;
};

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
  TestTable table("table", capacity, kKey);
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
                         testing::Values(1, 8, 9, 100, 1'000, 1'023, 1'024, 1'025, 60'001));

TEST(FlowTable, HoldsItsWholeCapacityEvenWhenAllHashesAreEqual) {
  constexpr uint32_t kCapacity = 1'000;
  TestTable table("equal", kCapacity, kKey);
  std::set<int32_t> positions;
  for (uint32_t i = 0; i < kCapacity; ++i) positions.insert(table.insert(tuple(i), 0x12345678));
  EXPECT_EQ(positions.size(), kCapacity);
  EXPECT_EQ(*positions.begin(), 0);
  EXPECT_EQ(*positions.rbegin(), static_cast<int32_t>(kCapacity) - 1);
  EXPECT_NE(table.find(tuple(kCapacity - 1), 0x12345678), FlowTable::kAbsent);
}

TEST(FlowTable, FindsPresentAndAbsentInOneBurst) {
  TestTable table("burst", 1'000, kKey);
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
  TestTable table("parts", 16, kKey);
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
  const TestTable table("hashes", 16, kKey);
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
  const TestTable a("key-a", 16, kKey);
  const TestTable b("key-b", 16, other);
  EXPECT_NE(hash_of(a, tuple(0)), hash_of(b, tuple(0)));
}

TEST(FlowTable, ErasedTupleIsAbsentAndItsPlaceIsGivenAgain) {
  TestTable table("erase", 100, kKey);
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
  TestTable table("churn", kCapacity, kKey);
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

// The slot whose lines are still in the cache.
TEST(FlowTable, GivesTheIndexThatWasGivenBackLast) {
  TestTable table("last", 100, kKey);
  const auto positions = fill(table, 50);
  table.erase(tuple(7), hash_of(table, tuple(7)));
  table.erase(tuple(30), hash_of(table, tuple(30)));
  EXPECT_EQ(table.insert(tuple(60), hash_of(table, tuple(60))), positions[30]);
  EXPECT_EQ(table.insert(tuple(61), hash_of(table, tuple(61))), positions[7]);
  EXPECT_EQ(table.insert(tuple(62), hash_of(table, tuple(62))), 50);
}

// Places that belong to each other's neighbours, around the table's end, in every order of going.
TEST(FlowTable, ErasingNeverHidesWhatLiesBehind) {
  constexpr uint32_t kCapacity = 8;  // 20 places
  const auto hash_at = [](uint32_t place) { return static_cast<uint32_t>((uint64_t{place} << 32) / 20 + 1); };
  std::vector<uint32_t> order(kCapacity);
  std::iota(order.begin(), order.end(), 0u);
  uint32_t seed = 1;
  for (int round = 0; round < 2'000; ++round) {
    TestTable table("neighbours", kCapacity, kKey);
    std::vector<uint32_t> hashes;
    for (uint32_t i = 0; i < kCapacity; ++i) {
      seed = seed * 1'664'525 + 1'013'904'223;
      hashes.push_back(hash_at((17 + (seed >> 24) % 6) % 20));
      ASSERT_NE(table.insert(tuple(i), hashes[i]), FlowTable::kAbsent);
    }
    std::shuffle(order.begin(), order.end(), std::minstd_rand(seed));
    for (uint32_t gone = 0; gone < kCapacity; ++gone) {
      table.erase(tuple(order[gone]), hashes[order[gone]]);
      for (uint32_t i = 0; i < kCapacity; ++i) {
        ASSERT_EQ(table.find(tuple(order[i]), hashes[order[i]]) != FlowTable::kAbsent, i > gone);
      }
    }
  }
}

TEST(FlowTable, ImpossibleTablesAreRefused) {
  EXPECT_THROW(FlowTable("none", 0, kKey, {}), std::runtime_error);
  EXPECT_THROW(FlowTable("vast", 1'000'000'000, kKey, {}), std::runtime_error);
}

class FootprintOf : public testing::TestWithParam<uint32_t> {};

TEST_P(FootprintOf, IsWhatTheTableTakes) {
  rte_malloc_socket_stats before{}, after{};
  rte_malloc_get_socket_stats(0, &before);
  const TestTable table("footprint", GetParam(), kKey);
  rte_malloc_get_socket_stats(0, &after);
  const auto taken = static_cast<double>(after.heap_allocsz_bytes - before.heap_allocsz_bytes);
  EXPECT_NEAR(static_cast<double>(FlowTable::footprint(GetParam())), taken, 256);
}

INSTANTIATE_TEST_SUITE_P(Capacity, FootprintOf, testing::Values(1'000, 1'024, 10'000, 100'000, 500'000));

}  // namespace
}  // namespace tern::net::dpdk
