// SPDX-License-Identifier: BSD-3-Clause
// The scoreboard (RFC 6675, RFC 8985) against a map of bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tcp/scoreboard.hpp"

namespace tern::tcp {
namespace {

constexpr Seq kStart{0xffffff00u};
Seq at(uint32_t n) { return kStart + n; }

Scoreboard flying(uint32_t bytes, uint32_t sent_us = 0) {
  Scoreboard board;
  board.begin(kStart, at(bytes), sent_us);
  return board;
}

uint32_t sack(Scoreboard& board, uint32_t left, uint32_t right) {
  Delivery delivery;
  board.sack({at(left), at(right)}, delivery);
  return delivery.bytes;
}

std::vector<uint32_t> lost(const Scoreboard& board) {
  Seq left, right;
  if (!board.next_lost(left, right)) return {};
  return {left - kStart, right - kStart};
}

// What is sent soon after other text shares its time, but not across a retransmission: when that one's
// answer comes, what was sent after it is not overdue.
TEST(Scoreboard, WhatIsSentAfterARetransmissionIsNotOlderThanThat) {
  Scoreboard board = flying(3000);
  sack(board, 1000, 3000);
  board.lose_head(1000);
  board.extend(at(4000), 100, 50);
  board.retransmitted(at(0), at(1000), 110);
  board.extend(at(5000), 120, 50);
  Delivery delivery;
  delivery.ambiguous_after_us = 200;
  board.acknowledge(at(4000), delivery);
  EXPECT_EQ(delivery.last.sent_us, 110u);
  uint32_t wait_us = 0;
  EXPECT_FALSE(board.mark_lost_by_time(delivery.last, 200, 0, 310, wait_us));
  EXPECT_EQ(board.pipe(), 1000u);
}

TEST(Scoreboard, TellsWhatABlockAddsOnce) {
  Scoreboard board = flying(10'000);
  EXPECT_EQ(sack(board, 2000, 4000), 2000u);
  EXPECT_EQ(sack(board, 2000, 4000), 0u);
  EXPECT_EQ(sack(board, 1000, 5000), 2000u);
  EXPECT_EQ(board.pipe(), 6000u);
  EXPECT_EQ(board.sacked(), 4000u);
}

TEST(Scoreboard, PassesOverBlocksThatMakeNoSense) {
  Scoreboard board = flying(10'000);
  EXPECT_EQ(sack(board, 9000, 10'001), 0u);                          // not sent
  EXPECT_EQ(sack(board, 0, 1000), 0u);                               // would have been acknowledged
  EXPECT_EQ(sack(board, static_cast<uint32_t>(-5000), 0), 0u);       // long gone
  EXPECT_EQ(sack(board, static_cast<uint32_t>(-5000), 20'000), 0u);  // everything
  EXPECT_EQ(sack(board, 5000, 5000), 0u);
  // Each pair of these is in order modulo 2^32, and the three together go round the circle.
  EXPECT_EQ(sack(board, 0x7fffffff, 0xfffffffe), 0u);
  EXPECT_EQ(sack(board, 0x7fffffff, 5000), 0u);
  EXPECT_EQ(board.runs(), 1u);
}

TEST(Scoreboard, ThreeBlocksAboveMakeLost) {  // RFC 6675, IsLost()
  Scoreboard board = flying(10'000);
  sack(board, 2000, 2001);
  sack(board, 3000, 3001);
  EXPECT_FALSE(board.mark_lost_by_count(1000));
  sack(board, 4000, 4001);
  EXPECT_TRUE(board.mark_lost_by_count(1000));
  EXPECT_EQ(lost(board), (std::vector<uint32_t>{0, 2000}));
  EXPECT_FALSE(board.is_lost(at(2001)));
  EXPECT_FALSE(board.mark_lost_by_count(1000)) << "only news counts";
}

TEST(Scoreboard, MoreThanTwoSegmentsAboveMakeLost) {  // RFC 6675, IsLost()
  Scoreboard board = flying(10'000);
  sack(board, 1000, 3000);
  EXPECT_FALSE(board.mark_lost_by_count(1000));
  sack(board, 3000, 3001);
  EXPECT_TRUE(board.mark_lost_by_count(1000));
  EXPECT_EQ(lost(board), (std::vector<uint32_t>{0, 1000}));
  EXPECT_EQ(board.pipe(), 10'000u - 2001 - 1000);
}

TEST(Scoreboard, WhatWasSentAgainIsNotLostByCount) {
  Scoreboard board = flying(10'000);
  sack(board, 3000, 10'000);
  EXPECT_TRUE(board.mark_lost_by_count(1000));
  board.retransmitted(at(0), at(1000), 50);
  EXPECT_EQ(lost(board), (std::vector<uint32_t>{1000, 3000}));
  EXPECT_FALSE(board.mark_lost_by_count(1000));
  board.retransmitted(at(1000), at(3000), 60);
  EXPECT_FALSE(board.any_lost());
  EXPECT_EQ(board.pipe(), 3000u);
}

TEST(Scoreboard, WhatWasSentBeforeWhatArrivedIsLostInTime) {  // RFC 8985 section 6.2, step 5
  Scoreboard board;
  board.begin(kStart, at(1000), 100);
  board.extend(at(2000), 200, 0);
  board.extend(at(3000), 300, 0);
  board.extend(at(4000), 300, 0);
  Delivery delivery;
  board.sack({at(2000), at(3000)}, delivery);
  ASSERT_TRUE(delivery.any);
  EXPECT_EQ(delivery.last.sent_us, 300u);
  uint32_t wait = 0;
  // It is 1300, so the round trip was 1000; the window is 150.
  EXPECT_TRUE(board.mark_lost_by_time(delivery.last, 1000, 150, 1300, wait));
  EXPECT_EQ(lost(board), (std::vector<uint32_t>{0, 1000}));
  EXPECT_EQ(wait, 50u);
  EXPECT_TRUE(board.mark_lost_by_time(delivery.last, 1000, 150, 1350, wait));
  EXPECT_EQ(lost(board), (std::vector<uint32_t>{0, 2000}));
  EXPECT_EQ(wait, 0u);
  EXPECT_FALSE(board.is_lost(at(3000))) << "sent after what arrived";
}

TEST(Scoreboard, ARetransmissionIsLostInTimeAgain) {
  Scoreboard board = flying(4000, 0);
  board.lose_head(1000);
  board.retransmitted(at(0), at(1000), 500);
  board.extend(at(5000), 600, 0);
  Delivery delivery;
  board.sack({at(4000), at(5000)}, delivery);
  uint32_t wait = 0;
  EXPECT_TRUE(board.mark_lost_by_time(delivery.last, 1000, 0, 1600, wait));
  EXPECT_TRUE(board.is_lost(at(0)));
}

TEST(Scoreboard, AnAnswerTooSoonIsToTheFirstCopy) {  // RFC 8985 section 6.2, step 2
  Scoreboard board = flying(2000, 0);
  board.lose_head(1000);
  board.retransmitted(at(0), at(1000), 500);
  Delivery delivery;
  delivery.ambiguous_after_us = 400;
  board.acknowledge(at(1000), delivery);
  EXPECT_EQ(delivery.bytes, 1000u);
  EXPECT_FALSE(delivery.any);
  board.acknowledge(at(2000), delivery);
  EXPECT_TRUE(delivery.any);
}

TEST(Scoreboard, ForgetsWhatAPeerHasGivenUp) {
  Scoreboard board = flying(4000);
  sack(board, 1000, 4000);
  Delivery delivery;
  board.acknowledge(at(1000), delivery);
  EXPECT_TRUE(board.reneged());
  board.forget_sacks();
  board.lose_all();
  EXPECT_EQ(lost(board), (std::vector<uint32_t>{1000, 4000}));
}

TEST(Scoreboard, PartOfASegmentSaysNothingOfIt) {  // RFC 8985 section 6.2: segments are delivered
  Scoreboard board;
  board.begin(kStart, at(4000), 0, 1000);
  EXPECT_EQ(sack(board, 3999, 4000), 0u);
  EXPECT_EQ(sack(board, 1001, 2000), 0u);
  EXPECT_EQ(sack(board, 1000, 1999), 0u);
  EXPECT_EQ(board.runs(), 1u);
  EXPECT_EQ(board.highest(), kStart);
  EXPECT_EQ(sack(board, 999, 2001), 1000u);
  EXPECT_TRUE(board.is_sacked(at(1000)) && board.is_sacked(at(1999)));
  EXPECT_EQ(sack(board, 1500, 3500), 1000u) << "from within what has arrived";
}

TEST(Scoreboard, ASegmentSentAgainIsDeliveredAsAWhole) {
  Scoreboard board;
  board.begin(kStart, at(3000), 0, 1000);
  board.retransmitted(at(2000), at(3000), 50);
  EXPECT_EQ(sack(board, 2001, 3000), 0u);
  EXPECT_EQ(sack(board, 2000, 3000), 1000u);
}

TEST(Scoreboard, OfSegmentsWhoseSizesDifferOrAreNotKnownEachByteCounts) {
  Scoreboard small = flying(1000);
  EXPECT_EQ(sack(small, 700, 1000), 300u);

  Scoreboard tail;
  tail.begin(kStart, at(2000), 0, 1000);
  tail.extend(at(2300), 0, 0, 300);
  EXPECT_EQ(sack(tail, 2000, 2300), 300u);

  Scoreboard acknowledged;  // in the middle of a segment
  acknowledged.begin(kStart, at(3000), 0, 1000);
  Delivery delivery;
  acknowledged.acknowledge(at(500), delivery);
  EXPECT_EQ(sack(acknowledged, 1500, 2500), 1000u);
}

// Blocks at random places, and what is sent again and acknowledged between them.
TEST(Scoreboard, TakesOfABlockTheSegmentsThatItHoldsWhole) {
  constexpr uint32_t kSegment = 10;
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    Scoreboard board;
    board.begin(kStart, at(10 * kSegment), 0, kSegment);
    std::vector<bool> sacked(10);
    uint32_t una = 0;
    for (uint32_t time = 1; time < 100; ++time) {
      const auto end = static_cast<uint32_t>(sacked.size()) * kSegment;
      const uint32_t a = una * kSegment + 1 + static_cast<uint32_t>(random() % (end - una * kSegment));
      const uint32_t b = std::min(a + static_cast<uint32_t>(random() % 40), end);
      Delivery delivery;
      switch (random() % 5) {
        case 0:
          board.extend(at(end + kSegment), time, static_cast<uint32_t>(random() % 3), kSegment);
          sacked.push_back(false);
          break;
        case 1:
          board.retransmitted(at(a / kSegment * kSegment), at(a / kSegment * kSegment + kSegment), time);
          break;
        case 2:
          if (una + 2 > sacked.size() || sacked[una + 1]) break;
          board.acknowledge(at(++una * kSegment), delivery);
          break;
        default:
          board.sack({at(a), at(b)}, delivery);
          for (uint32_t i = 0; i < sacked.size(); ++i) {
            if (a <= i * kSegment && (i + 1) * kSegment <= b) sacked[i] = true;
          }
      }
      for (uint32_t i = una; i < sacked.size(); ++i) {
        ASSERT_EQ(board.is_sacked(at(i * kSegment)), sacked[i]) << seed << " segment " << i;
        ASSERT_EQ(board.is_sacked(at(i * kSegment + kSegment - 1)), sacked[i]) << seed << " segment " << i;
      }
    }
  }
}

// Whatever comes, work and memory are bounded and no byte is taken to have arrived that was not said to.
TEST(Scoreboard, AFloodOfTinyBlocksUsesNoMoreThanItsRuns) {  // CVE-2019-11477, -11478, -11479
  Scoreboard board = flying(10'000);
  uint32_t said = 0;
  for (uint32_t i = 1; i < 9999; i += 2) said += sack(board, i, i + 1);
  EXPECT_LE(board.runs(), Scoreboard::kMaxRuns);
  EXPECT_EQ(board.sacked(), said);
  EXPECT_GT(said, 40u);
  board.mark_lost_by_count(1000);
  for (uint32_t n = 0; n < 300; ++n) board.extend(at(10'000 + 10 * n), 1000 * n, 0);
  Seq left, right;
  for (uint32_t n = 0; board.next_lost(left, right); ++n) {
    ASSERT_LT(n, 20'000u);
    board.retransmitted(left, left + 1, 7000 + n);
  }
  EXPECT_LE(board.runs(), Scoreboard::kMaxRuns);
  Delivery delivery;
  board.acknowledge(board.nxt(), delivery);
  EXPECT_EQ(board.runs(), 0u);
}

// The same by a byte each, at random.
class Bytes {
 public:
  enum Fate : char { kFlying = 'f', kSacked = 's', kLost = 'l' };
  explicit Bytes(uint32_t n) : fate_(n, kFlying) {}
  void extend(uint32_t n) { fate_.resize(std::max<size_t>(fate_.size(), n), kFlying); }
  void acknowledge(uint32_t n) { una = n; }
  void set(uint32_t left, uint32_t right, Fate fate, Fate except = kSacked) {
    for (uint32_t i = std::max(left, una); i < right; ++i) {
      if (fate_[i] != except) fate_[i] = fate;
    }
  }
  uint32_t count(Fate fate) const {
    return static_cast<uint32_t>(std::count(fate_.begin() + una, fate_.end(), fate));
  }
  char operator[](uint32_t i) const { return fate_[i]; }
  uint32_t size() const { return static_cast<uint32_t>(fate_.size()); }
  uint32_t una = 0;

 private:
  std::vector<char> fate_;
};

void step(std::mt19937& random, Scoreboard& board, Bytes& bytes, uint32_t time) {
  const uint32_t size = bytes.size() - bytes.una;
  const uint32_t a = bytes.una + static_cast<uint32_t>(random() % (size + 1));
  const uint32_t b = std::min(a + static_cast<uint32_t>(random() % 60), bytes.size());
  Delivery delivery;
  switch (random() % 7) {
    case 0:
      board.extend(at(bytes.size() + 10), time, 3);
      bytes.extend(bytes.size() + 10);
      break;
    case 1:
      board.acknowledge(at(a), delivery);
      bytes.acknowledge(a);
      break;
    case 2:
    case 3: {
      const uint32_t before = bytes.count(Bytes::kSacked);
      board.sack({at(a), at(b)}, delivery);
      if (a > bytes.una) bytes.set(a, b, Bytes::kSacked);
      EXPECT_EQ(delivery.bytes, bytes.count(Bytes::kSacked) - before);
      break;
    }
    case 4:
      board.retransmitted(at(a), at(b), time);
      bytes.set(a, b, Bytes::kFlying);
      break;
    case 5:
      if (random() % 4 != 0) break;
      board.lose_all();
      bytes.set(bytes.una, bytes.size(), Bytes::kLost);
      break;
    default:
      if (size == 0 || bytes[bytes.una] == Bytes::kSacked || random() % 4 != 0) break;
      if (board.is_lost(at(bytes.una))) break;
      board.lose_head(1);
      bytes.set(bytes.una, bytes.una + 1, Bytes::kLost);
  }
}

TEST(Scoreboard, AgreesWithAMapOfBytes) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    Scoreboard board = flying(100);
    Bytes bytes(100);
    for (uint32_t n = 0; n < 200 && !HasFailure(); ++n) {
      step(random, board, bytes, n);
      ASSERT_LT(board.runs(), Scoreboard::kMaxRuns - Scoreboard::kReservedRuns) << "the map has no bound";
      ASSERT_EQ(board.sacked(), bytes.count(Bytes::kSacked)) << seed;
      ASSERT_EQ(board.pipe(), bytes.count(Bytes::kFlying)) << seed;
      for (uint32_t i = bytes.una; i < bytes.size(); ++i) {
        ASSERT_EQ(board.is_sacked(at(i)), bytes[i] == Bytes::kSacked) << seed << " byte " << i;
        ASSERT_EQ(board.is_lost(at(i)), bytes[i] == Bytes::kLost) << seed << " byte " << i;
      }
    }
  }
}

}  // namespace
}  // namespace tern::tcp
