// SPDX-License-Identifier: BSD-3-Clause
// Text out of order: rules one by one, then against a map of bytes that is too simple to be wrong.
#include "tcp/reassembly.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/heap_packet.hpp"

namespace tern::tcp {
namespace {

using test::live_packets;
using test::make_packet;

// The stream's byte at this sequence number.
uint8_t byte_at(Seq seq) { return static_cast<uint8_t>((seq.value * 2654435761u) >> 24); }

net::Packet text_of(Seq seq, uint32_t size) {
  std::vector<uint8_t> bytes(size);
  for (uint32_t i = 0; i < size; ++i) bytes[i] = byte_at(seq + i);
  return make_packet(bytes);
}

std::string drain(net::PacketQueue& queue) {
  std::string all;
  while (net::Packet packet = queue.pop_front())
    all.append(reinterpret_cast<const char*>(packet.data()), packet.size());
  return all;
}

std::string stream(Seq seq, uint32_t size) {
  std::string bytes(size, 0);
  for (uint32_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(byte_at(seq + i));
  return bytes;
}

std::string taken(Reassembly& reassembly, Seq rcv_nxt) {
  net::PacketQueue queue;
  uint32_t freed = 0;
  const uint32_t bytes = reassembly.take(rcv_nxt, queue, freed);
  std::string all = drain(queue);
  EXPECT_EQ(all.size(), bytes);
  return all;
}

std::vector<SackBlock> blocks_of(const Reassembly& reassembly, uint32_t limit = kMaxSackBlocks) {
  std::array<SackBlock, kMaxSackBlocks> blocks;
  const uint32_t count = reassembly.sack_blocks(blocks, limit);
  return {blocks.begin(), blocks.begin() + count};
}

// Each test here holds packets, and must have given all back at its end.
class ReassemblyTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(live_packets(), before_) << "packets leaked"; }
  const uint32_t before_ = live_packets();
};

TEST_F(ReassemblyTest, TenThousandSegmentsOfOneByteOccupyFewPackets) {
  constexpr uint32_t kSegments = 10'000;
  const Seq left{0xfffff000};
  std::vector<uint32_t> order(kSegments);
  for (uint32_t i = 0; i < kSegments; ++i) order[i] = i;
  std::vector<uint32_t> backwards(order.rbegin(), order.rend());
  std::vector<uint32_t> by_thirties;  // within a stretch of 60 first the even ones, then the odd ones
  for (uint32_t at = 0; at < kSegments; at += 60) {
    for (uint32_t i = at; i < std::min(at + 60, kSegments); i += 2) by_thirties.push_back(i);
    for (uint32_t i = at + 1; i < std::min(at + 60, kSegments); i += 2) by_thirties.push_back(i);
  }
  for (const auto* each : {&order, &backwards, &by_thirties}) {
    Reassembly reassembly;
    for (const uint32_t i : *each) ASSERT_TRUE(reassembly.insert(left + i, text_of(left + i, 1)).kept);
    EXPECT_EQ(reassembly.runs(), 1u);
    EXPECT_LE(reassembly.packets(), 50u);
    EXPECT_EQ(live_packets() - before_, reassembly.packets());
    EXPECT_EQ(taken(reassembly, left), stream(left, kSegments));
  }
}

TEST_F(ReassemblyTest, ARunBeyondTheBoundIsRefusedAndWhatJoinsARunIsNot) {
  Reassembly reassembly;
  for (uint32_t i = 0; i < Reassembly::kMaxRuns; ++i)
    ASSERT_TRUE(reassembly.insert({i * 10}, text_of({i * 10}, 5)).kept);
  for (const uint32_t at : {7u, 157u, 1000u}) {
    const auto outcome = reassembly.insert({at}, text_of({at}, 2));
    EXPECT_TRUE(outcome.refused && !outcome.kept && !outcome.duplicate);
    EXPECT_EQ(outcome.packets_freed, 1u);
  }
  EXPECT_TRUE(reassembly.insert({5}, text_of({5}, 1)).kept) << "behind a run";
  EXPECT_TRUE(reassembly.insert({18}, text_of({18}, 2)).kept) << "before a run";
  EXPECT_TRUE(reassembly.insert({38}, text_of({38}, 8)).kept) << "over a run";
  EXPECT_EQ(reassembly.runs(), Reassembly::kMaxRuns);
  EXPECT_TRUE(reassembly.insert({25}, text_of({25}, 5)).kept) << "between two";
  EXPECT_EQ(reassembly.runs(), Reassembly::kMaxRuns - 1);
  EXPECT_TRUE(reassembly.insert({1000}, text_of({1000}, 2)).kept);
}

TEST_F(ReassemblyTest, TextThatIsHereAlreadyIsADuplicateAndGivenBack) {
  Reassembly reassembly;
  reassembly.insert({100}, text_of({100}, 1000));
  for (const auto& [at, size] : {std::pair{100u, 1000u}, {100u, 1u}, {1099u, 1u}, {500u, 100u}}) {
    const auto outcome = reassembly.insert({at}, text_of({at}, size));
    EXPECT_TRUE(outcome.duplicate && !outcome.kept && !outcome.refused) << at;
    EXPECT_EQ(outcome.packets_freed, 1u);
  }
  EXPECT_EQ(reassembly.bytes(), 1000u);
  EXPECT_EQ(reassembly.packets(), 1u);
}

TEST_F(ReassemblyTest, TextOfNoBytesIsADuplicate) {
  Reassembly reassembly;
  EXPECT_TRUE(reassembly.insert({5}, make_packet("")).duplicate);
  EXPECT_TRUE(reassembly.empty());
  reassembly.insert({5}, make_packet("abc"));
  EXPECT_TRUE(reassembly.insert({8}, make_packet("")).duplicate);
  EXPECT_EQ(reassembly.bytes(), 3u);
}

TEST_F(ReassemblyTest, WhatCameFirstIsKeptWhereSegmentsOverlap) {
  Reassembly reassembly;
  reassembly.insert({10}, make_packet("bbbb"));
  reassembly.insert({20}, make_packet("dddd"));
  reassembly.insert({12}, make_packet("CCCCCCCCCC"));  // 12 to 22
  reassembly.insert({8}, make_packet("AAAA"));         // 8 to 12
  EXPECT_EQ(taken(reassembly, {8}), "AAbbbbCCCCCCdddd");
}

TEST_F(ReassemblyTest, RunsWhollyWithinASegmentAreReplacedByIt) {
  Reassembly reassembly;
  for (const uint32_t at : {10u, 20u, 30u, 40u}) reassembly.insert({at}, text_of({at}, 5));
  const auto outcome = reassembly.insert({15}, text_of({15}, 27));  // from behind the first into the fourth
  EXPECT_TRUE(outcome.kept);
  // Copied behind the first; the second and third went; the fourth was copied too.
  EXPECT_EQ(outcome.packets_freed, 4u);
  EXPECT_EQ(reassembly.runs(), 1u);
  EXPECT_EQ(reassembly.packets(), 1u);
  EXPECT_EQ(taken(reassembly, {10}), stream({10}, 35));
}

TEST_F(ReassemblyTest, ARunThatEndsWithTheSegmentIsReplacedToo) {
  Reassembly reassembly;
  reassembly.insert({1000}, text_of({1000}, 500));
  EXPECT_EQ(reassembly.insert({500}, text_of({500}, 1000)).packets_freed, 1u);
  EXPECT_EQ(reassembly.packets(), 1u);
  EXPECT_EQ(taken(reassembly, {500}), stream({500}, 1000));
}

TEST_F(ReassemblyTest, SegmentsUpToTheLimitAreCopied) {
  Reassembly reassembly;
  constexpr uint32_t kSize = Reassembly::kCopyBelow;
  for (uint32_t i = 0; i < 4; ++i) reassembly.insert({i * kSize}, text_of({i * kSize}, kSize));
  EXPECT_EQ(reassembly.packets(), 1u);
}

TEST_F(ReassemblyTest, LargerSegmentsAreNotCopied) {
  Reassembly reassembly;
  constexpr uint32_t kSize = Reassembly::kCopyBelow + 1;
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(reassembly.insert({i * kSize}, text_of({i * kSize}, kSize)).packets_freed, 0u);
  }
  EXPECT_EQ(reassembly.packets(), 4u);
  EXPECT_EQ(taken(reassembly, {0}), stream({0}, 4 * kSize));
}

TEST_F(ReassemblyTest, NothingIsCopiedIntoABufferThatSomeoneElseHolds) {
  Reassembly reassembly;
  net::Packet shared = make_packet("abc");
  rte_mbuf* held = shared.buffer();
  test::retain(held);
  reassembly.insert({0}, std::move(shared));
  reassembly.insert({3}, make_packet("def"));
  EXPECT_EQ(reassembly.packets(), 2u);
  EXPECT_EQ(taken(reassembly, {0}), "abcdef");
  net::buffer::release(held);
}

TEST_F(ReassemblyTest, TakeGivesNothingBeforeTheFirstRun) {
  Reassembly reassembly;
  reassembly.insert({11}, make_packet("xyz"));
  EXPECT_EQ(taken(reassembly, {10}), "");
  EXPECT_EQ(reassembly.bytes(), 3u);
  EXPECT_EQ(taken(reassembly, {11}), "xyz");
  EXPECT_TRUE(reassembly.empty());
  EXPECT_EQ(taken(reassembly, {14}), "");
}

TEST_F(ReassemblyTest, TakeTrimsWhatHasComeInOrderMeanwhile) {
  Reassembly reassembly;
  for (const Seq at : {Seq{0}, Seq{300}, Seq{600}}) reassembly.insert(at, text_of(at, 300));
  reassembly.insert({1000}, text_of({1000}, 10));
  net::PacketQueue queue;
  queue.push_back(make_packet("in order,"));
  uint32_t freed = 5;
  EXPECT_EQ(reassembly.take({450}, queue, freed), 450u);
  EXPECT_EQ(freed, 6u);
  EXPECT_EQ(drain(queue), "in order," + stream({450}, 450));
  EXPECT_EQ(reassembly.runs(), 1u);
  EXPECT_EQ(reassembly.packets(), 1u);
}

TEST_F(ReassemblyTest, TakeGivesBackRunsThatAreWhollyOld) {
  Reassembly reassembly;
  for (const Seq at : {Seq{0xfffffff0}, Seq{5}, Seq{20}}) reassembly.insert(at, text_of(at, 10));
  net::PacketQueue queue;
  uint32_t freed = 0;
  EXPECT_EQ(reassembly.take({15}, queue, freed), 0u);
  EXPECT_EQ(freed, 2u);
  EXPECT_EQ(reassembly.runs(), 1u);
  EXPECT_EQ(taken(reassembly, {25}), stream({25}, 5));
}

TEST_F(ReassemblyTest, ClearGivesEverythingBack) {
  Reassembly reassembly;
  for (uint32_t i = 0; i < 10; ++i) reassembly.insert({i * 1000}, text_of({i * 1000}, 500));
  reassembly.clear();
  EXPECT_TRUE(reassembly.empty());
  EXPECT_EQ(reassembly.packets(), 0u);
  EXPECT_EQ(reassembly.bytes(), 0u);
  EXPECT_EQ(live_packets(), before_);
  EXPECT_TRUE(reassembly.insert({1}, make_packet("again")).kept);
}

TEST_F(ReassemblyTest, SackBlocksBeginWithTheLatestSegmentsRunThenTheMostRecent) {
  Reassembly reassembly;
  EXPECT_TRUE(blocks_of(reassembly).empty());
  auto insert = [&](uint32_t at) { reassembly.insert({at}, text_of({at}, 100)); };
  auto block = [](uint32_t left, uint32_t right) { return SackBlock{{left}, {right}}; };
  for (const uint32_t at : {1000u, 5000u, 3000u, 2000u, 4000u}) insert(at);
  EXPECT_EQ(blocks_of(reassembly),
            (std::vector{block(4000, 4100), block(2000, 2100), block(3000, 3100), block(5000, 5100)}));
  insert(1100);  // continues the oldest
  EXPECT_EQ(blocks_of(reassembly, 3), (std::vector{block(1000, 1200), block(4000, 4100), block(2000, 2100)}));
  insert(3000);  // a duplicate is reported too (RFC 2018 section 4)
  EXPECT_EQ(blocks_of(reassembly, 2), (std::vector{block(3000, 3100), block(1000, 1200)}));
  insert(2900);  // joins from the front
  EXPECT_EQ(blocks_of(reassembly, 1), (std::vector{block(2900, 3100)}));
  EXPECT_TRUE(blocks_of(reassembly, 0).empty());
  taken(reassembly, {1000});
  EXPECT_EQ(blocks_of(reassembly),
            (std::vector{block(2900, 3100), block(4000, 4100), block(2000, 2100), block(5000, 5100)}));
}

// What is held, a flag for each byte from base on, and by which segment it was last touched.
class Model {
 public:
  struct Run {
    uint32_t left;
    uint32_t right;
    uint32_t touched;
  };
  enum class Fate { kKept, kDuplicate, kRefused };

  Fate insert(uint32_t left, uint32_t right) {
    high_ = std::max(high_, right);
    const std::vector<uint8_t> before(held_.begin() + left, held_.begin() + right);
    const size_t runs_before = runs_.size();
    std::fill(held_.begin() + left, held_.begin() + right, 1);
    find_runs();
    if (runs_before == Reassembly::kMaxRuns && runs_.size() > runs_before) {
      std::copy(before.begin(), before.end(), held_.begin() + left);
      find_runs();
      return Fate::kRefused;
    }
    touched_[left] = ++touches_;
    find_runs();
    return std::find(before.begin(), before.end(), 0) == before.end() ? Fate::kDuplicate : Fate::kKept;
  }
  // How many bytes are in order from here on.
  uint32_t take(uint32_t rcv_nxt) {
    uint32_t end = rcv_nxt;
    while (held_[end] != 0) ++end;
    std::fill(held_.begin() + low_, held_.begin() + end, 0);
    std::fill(touched_.begin() + low_, touched_.begin() + end, 0u);
    low_ = end;
    high_ = std::max(high_, end);
    find_runs();
    return end - rcv_nxt;
  }
  size_t runs() const { return runs_.size(); }
  uint32_t bytes() const {
    uint32_t sum = 0;
    for (const Run& run : runs_) sum += run.right - run.left;
    return sum;
  }
  std::vector<SackBlock> blocks(Seq base, uint32_t limit) const {
    auto all = runs_;
    std::sort(all.begin(), all.end(), [](const Run& a, const Run& b) { return a.touched > b.touched; });
    std::vector<SackBlock> first;
    for (size_t i = 0; i < all.size() && i < limit; ++i)
      first.push_back({base + all[i].left, base + all[i].right});
    return first;
  }

 private:
  void find_runs() {
    runs_.clear();
    for (uint32_t at = low_; at < high_; ++at) {
      if (held_[at] == 0) continue;
      if (at == low_ || held_[at - 1] == 0) runs_.push_back({at, at, 0});
      runs_.back().right = at + 1;
      runs_.back().touched = std::max(runs_.back().touched, touched_[at]);
    }
  }

  static constexpr uint32_t kSpan = 20'000;
  std::vector<uint8_t> held_ = std::vector<uint8_t>(kSpan);
  std::vector<uint32_t> touched_ = std::vector<uint32_t>(kSpan);
  std::vector<Run> runs_;
  uint32_t low_ = 0;   // nothing is held below
  uint32_t high_ = 0;  // nor from here on
  uint32_t touches_ = 0;
};

// Reassembly and its model, fed the same.
class Both {
 public:
  Both(Seq base, uint32_t live_at_start) : base_(base), live_at_start_(live_at_start) {}

  void insert(uint32_t left, uint32_t size) {
    net::Packet text = text_of(base_ + left, size);
    const uint32_t live = live_packets();
    const auto outcome = reassembly_.insert(base_ + left, std::move(text));
    const Model::Fate fate = model_.insert(left, left + size);
    ASSERT_EQ(outcome.kept, fate == Model::Fate::kKept);
    ASSERT_EQ(outcome.duplicate, fate == Model::Fate::kDuplicate);
    ASSERT_EQ(outcome.refused, fate == Model::Fate::kRefused);
    ASSERT_EQ(outcome.packets_freed, live - live_packets());
    refused_ += outcome.refused ? 1 : 0;
    compare();
  }
  // Sets advanced to the bytes that became in order.
  void take(uint32_t rcv_nxt, uint32_t& advanced) {
    net::PacketQueue queue;
    uint32_t freed = 0;
    const uint32_t live = live_packets();
    advanced = reassembly_.take(base_ + rcv_nxt, queue, freed);
    ASSERT_EQ(freed, live - live_packets());
    ASSERT_EQ(advanced, model_.take(rcv_nxt));
    ASSERT_EQ(drain(queue), stream(base_ + rcv_nxt, advanced));
    compare();
  }
  uint32_t refused() const { return refused_; }

 private:
  void compare() {
    for (uint32_t limit = 0; limit <= kMaxSackBlocks; ++limit) {
      ASSERT_EQ(blocks_of(reassembly_, limit), model_.blocks(base_, limit));
    }
    ASSERT_EQ(reassembly_.runs(), model_.runs());
    ASSERT_EQ(reassembly_.bytes(), model_.bytes());
    ASSERT_EQ(reassembly_.empty(), model_.bytes() == 0);
    ASSERT_EQ(reassembly_.packets(), live_packets() - live_at_start_);
  }

  Seq base_;
  uint32_t live_at_start_;
  Reassembly reassembly_;
  Model model_;
  uint32_t refused_ = 0;
};

TEST_F(ReassemblyTest, AgreesWithAMapOfBytesUnderRandomUse) {
  constexpr uint32_t kTiny[] = {1, 2, 3, 4, 8};
  constexpr uint32_t kMixed[] = {1, 40, 256, 257, 1460};
  uint32_t refused = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto below = [&random](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    const bool tiny = seed % 2 == 0;
    const uint32_t reach = tiny ? 400 : 3000;
    // Half of the streams pass sequence number 0.
    Both both({seed % 4 < 2 ? static_cast<uint32_t>(random()) : 0u - below(10'000)}, before_);
    for (uint32_t rcv_nxt = 0; rcv_nxt < 10'000;) {
      for (uint32_t segments = below(tiny ? 80 : 12); segments > 0; --segments) {
        const uint32_t longest = (tiny ? kTiny : kMixed)[below(5)];
        both.insert(rcv_nxt + 1 + below(reach), 1 + below(longest));
        if (HasFatalFailure()) return;
      }
      rcv_nxt += below(below(4) == 0 ? reach : 30);  // text in order
      uint32_t advanced = 0;
      both.take(rcv_nxt, advanced);
      if (HasFatalFailure()) return;
      rcv_nxt += advanced;
    }
    refused += both.refused();
  }
  EXPECT_GT(refused, 0u) << "the bound was never reached";
}

}  // namespace
}  // namespace tern::tcp
