// SPDX-License-Identifier: BSD-3-Clause
// Who has waited longest.
#include <gtest/gtest.h>

#include "tern/services/waiting_list.hpp"

namespace tern::app {
namespace {

using namespace std::chrono_literals;

constexpr net::Instant kStart{1'000'000'000};

TEST(WaitingList, PatienceEndsInTheOrderInWhichTheyBegan) {
  WaitingList list(4, 10s);
  EXPECT_TRUE(list.next().is_never());
  EXPECT_EQ(list.take_expired(kStart + 100s), std::nullopt);
  list.begin(2, kStart);
  list.begin(0, kStart + 1s);
  list.begin(3, kStart + 2s);
  EXPECT_EQ(list.next(), kStart + 10s);
  EXPECT_EQ(list.take_expired(kStart + 10s - 1ns), std::nullopt);
  EXPECT_EQ(list.take_expired(kStart + 10s), 2u);
  EXPECT_EQ(list.take_expired(kStart + 10s), std::nullopt);
  EXPECT_EQ(list.take_expired(kStart + 20s), 0u);
  EXPECT_EQ(list.take_expired(kStart + 20s), 3u);
  EXPECT_TRUE(list.next().is_never());
}

TEST(WaitingList, BeginningAgainIsBehindTheOthers) {
  WaitingList list(4, 10s);
  list.begin(0, kStart);
  list.begin(1, kStart + 1s);
  list.begin(0, kStart + 2s);
  EXPECT_EQ(list.next(), kStart + 11s);
  EXPECT_EQ(list.take_expired(kStart + 30s), 1u);
  EXPECT_EQ(list.take_expired(kStart + 30s), 0u);
  list.begin(1, kStart + 40s);
  EXPECT_EQ(list.next(), kStart + 50s);
}

TEST(WaitingList, WhoIsGoneIsNotMissed) {
  WaitingList list(4, 10s);
  list.begin(0, kStart);
  list.begin(1, kStart);
  list.begin(2, kStart);
  list.end(1);
  list.end(1);
  list.end(3);
  EXPECT_EQ(list.take_expired(kStart + 10s), 0u);
  list.end(2);
  EXPECT_TRUE(list.next().is_never());
}

}  // namespace
}  // namespace tern::app
