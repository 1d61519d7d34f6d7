// SPDX-License-Identifier: BSD-3-Clause
// The parts of a worker that stand alone: listeners, neighbours, idling.
#include <gtest/gtest.h>

#include "stack/idle.hpp"
#include "stack/listeners.hpp"
#include "stack/neighbours.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using stack::Idle;
using stack::IdleMode;
using stack::Neighbours;

constexpr net::MacAddress kMac{{2, 0, 0, 0, 0, 9}};
constexpr net::Ipv4Address kSomeone{0xc0000209};
constexpr net::Duration kLongest = 120us;

TEST(Listeners, AreFoundByAddressAndPortTogether) {
  const tcp::Config config;
  stack::Listeners listeners;
  EXPECT_EQ(listeners.find({1}, 80), nullptr);
  const stack::ListenAddress places[] = {{{9}, 80}, {{1}, 443}, {{1}, 80}, {{0xffffffff}, 65'535},
                                         {{0}, 1},  {{9}, 79}};
  for (uint16_t i = 0; i < 6; ++i) listeners.add(places[i], i, config);
  for (uint16_t i = 0; i < 6; ++i) {
    const tcp::Listener* found = listeners.find(places[i].address, places[i].port);
    ASSERT_NE(found, nullptr) << i;
    EXPECT_EQ(found->profile(), i);
  }
  EXPECT_EQ(listeners.find({9}, 81), nullptr);
  EXPECT_EQ(listeners.find({2}, 80), nullptr);
  EXPECT_EQ(listeners.find({0xffffffff}, 65'534), nullptr);
}

class NeighboursTest : public testing::Test {
 protected:
  Neighbours::Answer resolve(net::Ipv4Address address = kSomeone) {
    return neighbours_.resolve(0, address, now_, mac_);
  }
  Neighbours neighbours_;
  net::Instant now_{1'000'000'000};
  net::MacAddress mac_;
};

TEST_F(NeighboursTest, UnknownOneIsAskedForOnceASecondThreeTimes) {
  EXPECT_EQ(resolve(), Neighbours::Answer::kAsk);
  EXPECT_EQ(resolve(), Neighbours::Answer::kWait);
  now_ += 999ms;
  EXPECT_EQ(resolve(), Neighbours::Answer::kWait);
  now_ += 1ms;
  EXPECT_EQ(resolve(), Neighbours::Answer::kAsk);
  now_ += 1s;
  EXPECT_EQ(resolve(), Neighbours::Answer::kAsk);
  now_ += 999ms;
  EXPECT_EQ(resolve(), Neighbours::Answer::kWait);
  now_ += 1ms;
  EXPECT_EQ(resolve(), Neighbours::Answer::kUnreachable);
  EXPECT_EQ(resolve(), Neighbours::Answer::kAsk);  // from the beginning
}

TEST_F(NeighboursTest, AnswerIsKnownUntilItIsTooOld) {
  EXPECT_EQ(resolve(), Neighbours::Answer::kAsk);
  neighbours_.learn(0, kSomeone, kMac, false, now_);
  EXPECT_EQ(resolve(), Neighbours::Answer::kKnown);
  EXPECT_EQ(mac_, kMac);
  now_ += Neighbours::kLifetime - 1ns;
  EXPECT_EQ(resolve(), Neighbours::Answer::kKnown);
  now_ += 1ns;
  EXPECT_EQ(resolve(), Neighbours::Answer::kAsk);
  EXPECT_EQ(resolve(), Neighbours::Answer::kWait);
}

TEST_F(NeighboursTest, HearingAgainProlongsAndCorrects) {
  neighbours_.learn(0, kSomeone, net::MacAddress::broadcast(), true, now_);
  now_ += Neighbours::kLifetime - 1s;
  neighbours_.learn(0, kSomeone, kMac, false, now_);
  now_ += Neighbours::kLifetime - 1s;
  EXPECT_EQ(resolve(), Neighbours::Answer::kKnown);
  EXPECT_EQ(mac_, kMac);
  EXPECT_EQ(neighbours_.size(), 1u);
}

TEST_F(NeighboursTest, StrangersAreRememberedOnlyOnRequest) {
  neighbours_.learn(0, kSomeone, kMac, false, now_);
  EXPECT_EQ(neighbours_.size(), 0u);
  neighbours_.learn(0, kSomeone, kMac, true, now_);
  EXPECT_EQ(neighbours_.size(), 1u);
}

TEST_F(NeighboursTest, LinksAreApart) {
  neighbours_.learn(1, kSomeone, kMac, true, now_);
  EXPECT_EQ(resolve(), Neighbours::Answer::kAsk);
  EXPECT_EQ(neighbours_.resolve(1, kSomeone, now_, mac_), Neighbours::Answer::kKnown);
}

TEST_F(NeighboursTest, TheOldestMakesRoom) {
  for (uint32_t i = 0; i < Neighbours::kCapacity; ++i) {
    now_ += 1ms;
    neighbours_.learn(0, {i}, kMac, true, now_);
  }
  now_ += 1ms;
  neighbours_.learn(0, {0}, kMac, false, now_);  // heard again
  neighbours_.learn(0, kSomeone, kMac, true, now_);
  EXPECT_EQ(neighbours_.size(), Neighbours::kCapacity);
  EXPECT_EQ(resolve(), Neighbours::Answer::kKnown);
  EXPECT_EQ(resolve({0}), Neighbours::Answer::kKnown);
  EXPECT_EQ(resolve({2}), Neighbours::Answer::kKnown);
  EXPECT_EQ(resolve({1}), Neighbours::Answer::kAsk);  // was the oldest
}

TEST(IdleTest, PollingNeverSleeps) {
  Idle idle(IdleMode::kPoll, kLongest, true);
  for (uint32_t i = 0; i < 10 * Idle::kPatience; ++i) ASSERT_EQ(idle.after_round(false, 1h), 0ns);
}

TEST(IdleTest, SleepsAfterPatienceLongerEachTimeUpToABound) {
  for (const bool woken_by_frames : {false, true}) {
    const net::Duration longest = woken_by_frames ? Idle::kLongestWoken : kLongest;
    Idle idle(IdleMode::kAdaptive, kLongest, woken_by_frames);
    for (uint32_t i = 1; i < Idle::kPatience; ++i) ASSERT_EQ(idle.after_round(false, 1h), 0ns);
    net::Duration expected = Idle::kShortest;
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(idle.after_round(false, 1h), expected);
      expected = std::min<net::Duration>(2 * expected, longest);
    }
    EXPECT_EQ(expected, longest);
  }
}

TEST(IdleTest, WorkBeginsThePatienceAnew) {
  Idle idle(IdleMode::kAdaptive, kLongest, false);
  for (uint32_t i = 0; i < 2 * Idle::kPatience; ++i) idle.after_round(false, 1h);
  EXPECT_EQ(idle.after_round(true, 1h), 0ns);
  for (uint32_t i = 1; i < Idle::kPatience; ++i) ASSERT_EQ(idle.after_round(false, 1h), 0ns);
  EXPECT_EQ(idle.after_round(false, 1h), Idle::kShortest);
}

TEST(IdleTest, ARingBeginsThePatienceAnew) {
  Idle idle(IdleMode::kAdaptive, kLongest, true);
  for (uint32_t i = 0; i < 2 * Idle::kPatience; ++i) idle.after_round(false, 1h);
  idle.restart();
  for (uint32_t i = 1; i < Idle::kPatience; ++i) ASSERT_EQ(idle.after_round(false, 1h), 0ns);
  EXPECT_EQ(idle.after_round(false, 1h), Idle::kShortest);
}

TEST(IdleTest, NeverSleepsThroughATimer) {
  Idle idle(IdleMode::kAdaptive, kLongest, true);
  for (uint32_t i = 1; i < Idle::kPatience; ++i) idle.after_round(false, 1h);
  EXPECT_EQ(idle.after_round(false, 3us), 3us);
  EXPECT_EQ(idle.after_round(false, 0ns), 0ns);
  EXPECT_EQ(idle.after_round(false, -5us), 0ns);
}

}  // namespace
}  // namespace tern::test
