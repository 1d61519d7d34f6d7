// SPDX-License-Identifier: BSD-3-Clause
// TIME-WAIT's records: found by tuple, ended in order, bounded by the oldest making room.
#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "stack/time_waits.hpp"

namespace tern::stack {
namespace {

using namespace std::chrono_literals;
using net::Instant;

class TimeWaitsTest : public testing::Test {
 protected:
  static constexpr uint32_t kCapacity = 8;

  static tcp::Config with_msl(net::Duration msl) {
    tcp::Config config;
    config.msl = msl;
    return config;
  }
  Path path(uint16_t remote_port) {
    Path path;
    path.tuple = {{0xc0000202}, {0xc0000201}, 80, remote_port};
    hasher_.hash(std::span(&path.tuple, 1), std::span(&path.hash, 1));
    return path;
  }
  bool add(uint16_t remote_port, net::Duration until, uint16_t profile = 0) {
    tcp::TimeWait record;
    record.profile = profile;
    record.snd_nxt = tcp::Seq{remote_port};
    return waits_.add(path(remote_port), record, Instant{} + until);
  }
  TimeWaits::Entry* find(uint16_t remote_port) {
    const Path wanted = path(remote_port);
    return waits_.find(wanted.tuple, wanted.hash);
  }

  const net::PrfKey key_{1, 2, 3};
  net::dpdk::FlowTable hasher_{"tw_test_hasher", 8, key_, {}};
  LocalPorts ports_;
  const std::array<tcp::Config, 2> profiles_{with_msl(30s), with_msl(5s)};
  TimeWaits waits_{"tw_test", kCapacity, key_, profiles_, ports_};
};

TEST_F(TimeWaitsTest, AreFoundByTupleWithTheirRecord) {
  EXPECT_EQ(find(1000), nullptr);
  EXPECT_TRUE(add(1000, 60s));
  ASSERT_NE(find(1000), nullptr);
  EXPECT_EQ(find(1000)->record.snd_nxt, tcp::Seq{1000});
  EXPECT_EQ(find(1001), nullptr);
}

TEST_F(TimeWaitsTest, EndInTheOrderOfTheirTimeWhateverTheirMsl) {
  add(1, 60s, 0);
  add(2, 10s, 1);
  add(3, 61s, 0);
  add(4, 11s, 1);
  EXPECT_FALSE(waits_.expire(Instant{} + 9s));
  EXPECT_TRUE(waits_.expire(Instant{} + 11s));
  EXPECT_EQ(find(2), nullptr);
  EXPECT_TRUE(waits_.expire(Instant{} + 11s));
  EXPECT_EQ(find(4), nullptr);
  EXPECT_FALSE(waits_.expire(Instant{} + 11s));
  EXPECT_TRUE(waits_.expire(Instant{} + 60s));
  EXPECT_EQ(find(1), nullptr);
  EXPECT_NE(find(3), nullptr);
}

TEST_F(TimeWaitsTest, RestartedOneEndsLast) {
  add(1, 10s);
  add(2, 11s);
  add(3, 12s);
  waits_.restart(*find(1), Instant{} + 15s);
  EXPECT_TRUE(waits_.expire(Instant{} + 14s));
  EXPECT_TRUE(waits_.expire(Instant{} + 14s));
  EXPECT_FALSE(waits_.expire(Instant{} + 14s));
  EXPECT_NE(find(1), nullptr);
  EXPECT_TRUE(waits_.expire(Instant{} + 15s));
  EXPECT_TRUE(waits_.empty());
}

TEST_F(TimeWaitsTest, ErasedFromTheMiddleLeaveTheOthersInOrder) {
  for (uint16_t port = 1; port <= 5; ++port) add(port, port * 1s);
  waits_.erase(*find(3));
  waits_.erase(*find(1));
  waits_.erase(*find(5));
  EXPECT_TRUE(waits_.expire(Instant{} + 2s));
  EXPECT_EQ(find(2), nullptr);
  EXPECT_TRUE(waits_.expire(Instant{} + 4s));
  EXPECT_TRUE(waits_.empty());
}

TEST_F(TimeWaitsTest, TheOldestMakesRoomWhenThereAreTooMany) {
  for (uint16_t port = 1; port <= kCapacity; ++port) EXPECT_TRUE(add(port, port * 1s, port % 2));
  EXPECT_FALSE(add(100, 60s));
  EXPECT_EQ(find(1), nullptr);
  EXPECT_NE(find(2), nullptr);
  EXPECT_NE(find(100), nullptr);
}

}  // namespace
}  // namespace tern::stack
