// SPDX-License-Identifier: BSD-3-Clause
// Packet and PacketQueue over heap buffers.
#include "net/packet.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/heap_packet.hpp"

namespace tern::test {
namespace {

using net::Packet;
using net::PacketQueue;

std::string text_of(const Packet& packet) {
  return {reinterpret_cast<const char*>(packet.data()), packet.size()};
}

// Pops everything and joins it.
std::string drain(PacketQueue& queue) {
  std::string all;
  while (!queue.empty()) all += text_of(queue.pop_front());
  return all;
}

// Walks without popping.
size_t length_of(const PacketQueue& queue) {
  size_t n = 0;
  for (rte_mbuf* b = queue.front(); b != nullptr; b = queue.after(b)) ++n;
  return n;
}

// Every test must give all its buffers back.
class PacketTest : public testing::Test {
 protected:
  ~PacketTest() override { EXPECT_EQ(live_packets(), before_); }

 private:
  uint32_t before_ = live_packets();
};
using PacketQueueTest = PacketTest;

TEST_F(PacketTest, HoldsWhatItWasMadeFrom) {
  const auto packet = make_packet("hello");
  EXPECT_TRUE(packet);
  EXPECT_EQ(packet.size(), 5u);
  EXPECT_EQ(text_of(packet), "hello");
}

TEST_F(PacketTest, NullHasNoBytes) {
  const Packet packet;
  EXPECT_FALSE(packet);
  EXPECT_EQ(packet.size(), 0u);
  EXPECT_EQ(packet.buffer(), nullptr);
}

TEST_F(PacketTest, GoingOutOfScopeReleasesTheBuffer) {
  const auto before = live_packets();
  {
    const auto packet = make_packet("x");
    EXPECT_EQ(live_packets(), before + 1);
  }
  EXPECT_EQ(live_packets(), before);
}

TEST_F(PacketTest, MovingLeavesTheSourceNull) {
  auto a = make_packet("a");
  Packet b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_EQ(text_of(b), "a");
}

TEST_F(PacketTest, MoveAssignmentReleasesWhatWasHeld) {
  auto a = make_packet("a");
  auto b = make_packet("b");
  const auto before = live_packets();
  a = std::move(b);
  EXPECT_EQ(live_packets(), before - 1);
  EXPECT_EQ(text_of(a), "b");
  EXPECT_FALSE(b);
}

TEST_F(PacketTest, MoveAssignmentToItselfKeepsTheBuffer) {
  auto a = make_packet("a");
  auto& same = a;
  a = std::move(same);
  ASSERT_TRUE(a);
  EXPECT_EQ(text_of(a), "a");
}

TEST_F(PacketTest, DetachGivesTheReferenceAway) {
  auto a = make_packet("a");
  rte_mbuf* buffer = a.detach();
  EXPECT_FALSE(a);
  Packet again(buffer);
  EXPECT_EQ(text_of(again), "a");
}

TEST_F(PacketTest, ResetReleasesOnceOnly) {
  auto a = make_packet("a");
  const auto before = live_packets();
  a.reset();
  a.reset();
  EXPECT_EQ(live_packets(), before - 1);
}

TEST_F(PacketTest, PrefixAndSuffixAreForgotten) {
  auto packet = make_packet("abcdef");
  packet.remove_prefix(2);
  EXPECT_EQ(text_of(packet), "cdef");
  packet.remove_suffix(1);
  EXPECT_EQ(text_of(packet), "cde");
  packet.remove_prefix(3);
  EXPECT_EQ(packet.size(), 0u);
}

TEST_F(PacketTest, AppendCopiesBehindThePayload) {
  auto packet = make_packet("abc");
  packet.remove_prefix(1);
  const uint8_t more[] = {'x', 'y'};
  packet.append(more, 2);
  EXPECT_EQ(text_of(packet), "bcxy");
}

TEST_F(PacketTest, AppendTakesExactlyTheTailroom) {
  auto packet = make_packet("abc");
  EXPECT_EQ(packet.tailroom(), kBlockSize - kHeadroom - 3);
  const std::string rest(packet.tailroom(), 'r');
  packet.append(reinterpret_cast<const uint8_t*>(rest.data()), packet.tailroom());
  EXPECT_EQ(text_of(packet), "abc" + rest);
  EXPECT_EQ(packet.tailroom(), 0u);
}

TEST_F(PacketTest, RemovedSuffixIsTailroomAgain) {
  auto packet = make_packet("abc");
  const auto before = packet.tailroom();
  packet.remove_suffix(2);
  EXPECT_EQ(packet.tailroom(), before + 2);
}

TEST_F(PacketTest, SharedMemoryHasNoTailroom) {
  auto packet = make_packet("abc");
  retain(packet.buffer());
  EXPECT_EQ(packet.tailroom(), 0u);
  net::buffer::release(packet.buffer());
  EXPECT_GT(packet.tailroom(), 0u);
}

TEST_F(PacketTest, BufferLivesUntilTheLastReferenceIsGone) {
  auto packet = make_packet("abc");
  rte_mbuf* buffer = packet.buffer();
  retain(buffer);
  EXPECT_EQ(references(buffer), 2u);
  const auto before = live_packets();
  packet.reset();
  EXPECT_EQ(live_packets(), before);
  EXPECT_EQ(references(buffer), 1u);
  net::buffer::release(buffer);
  EXPECT_EQ(live_packets(), before - 1);
}

TEST_F(PacketTest, LargestPayloadFits) {
  const std::string text(UINT16_MAX - kHeadroom, 'z');
  const auto packet = make_packet(text);
  EXPECT_EQ(text_of(packet), text);
  EXPECT_EQ(packet.tailroom(), 0u);
}

TEST_F(PacketTest, SequenceNumberIsKeptInTheBuffer) {
  auto packet = make_packet("a");
  packet.set_seq(0xfffffffe);
  const Packet moved = std::move(packet);
  EXPECT_EQ(moved.seq(), 0xfffffffeu);
}

TEST_F(PacketTest, SumIsForgottenWhenThePayloadChanges) {
  auto packet = make_packet("abcdef");
  uint32_t& sum = net::buffer::field(packet.buffer()).sum;
  EXPECT_EQ(sum, 0u);
  sum = 1;
  packet.remove_prefix(1);
  EXPECT_EQ(sum, 0u);
  sum = 1;
  packet.remove_suffix(1);
  EXPECT_EQ(sum, 0u);
  sum = 1;
  const uint8_t byte = 'x';
  packet.append(&byte, 1);
  EXPECT_EQ(sum, 0u);
}

TEST_F(PacketQueueTest, BeginsEmpty) {
  PacketQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.front(), nullptr);
  EXPECT_EQ(queue.back(), nullptr);
  EXPECT_FALSE(queue.pop_front());
}

TEST_F(PacketQueueTest, OnePacketIsFrontAndBack) {
  PacketQueue queue;
  queue.push_back(make_packet("a"));
  EXPECT_EQ(queue.front(), queue.back());
  EXPECT_EQ(queue.after(queue.front()), nullptr);
  EXPECT_EQ(text_of(queue.pop_front()), "a");
  EXPECT_TRUE(queue.empty());
}

TEST_F(PacketQueueTest, ComesOutInTheOrderItWentIn) {
  PacketQueue queue;
  for (auto text : {"a", "b", "c", "d"}) queue.push_back(make_packet(text));
  EXPECT_EQ(length_of(queue), 4u);
  EXPECT_EQ(drain(queue), "abcd");
}

TEST_F(PacketQueueTest, PushFrontGoesBeforeAllOthers) {
  PacketQueue queue;
  queue.push_front(make_packet("c"));
  queue.push_front(make_packet("b"));
  queue.push_back(make_packet("d"));
  queue.push_front(make_packet("a"));
  EXPECT_EQ(length_of(queue), 4u);
  EXPECT_EQ(drain(queue), "abcd");
}

TEST_F(PacketQueueTest, IsUsableAgainAfterItRanEmpty) {
  PacketQueue queue;
  queue.push_back(make_packet("a"));
  queue.pop_front();
  queue.push_back(make_packet("b"));
  queue.push_back(make_packet("c"));
  EXPECT_EQ(drain(queue), "bc");
}

TEST_F(PacketQueueTest, PoppedPacketIsLinkedToNothing) {
  PacketQueue queue;
  queue.push_back(make_packet("a"));
  queue.push_back(make_packet("b"));
  const auto popped = queue.pop_front();
  EXPECT_EQ(net::buffer::field(popped.buffer()).next, nullptr);
}

TEST_F(PacketQueueTest, AfterWalksFromFrontToBack) {
  PacketQueue queue;
  queue.push_back(make_packet("a"));
  queue.push_back(make_packet("b"));
  EXPECT_EQ(queue.after(queue.front()), queue.back());
  EXPECT_EQ(queue.after(queue.back()), nullptr);
}

TEST_F(PacketQueueTest, SpliceJoinsAndEmptiesTheOther) {
  PacketQueue queue, other;
  for (auto text : {"a", "b"}) queue.push_back(make_packet(text));
  for (auto text : {"c", "d", "e"}) other.push_back(make_packet(text));
  queue.splice_back(std::move(other));
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(length_of(queue), 5u);
  other.push_back(make_packet("f"));
  EXPECT_EQ(drain(queue), "abcde");
  EXPECT_EQ(drain(other), "f");
}

TEST_F(PacketQueueTest, SpliceOfAndIntoEmptyQueues) {
  PacketQueue queue, other;
  queue.splice_back(std::move(other));
  EXPECT_TRUE(queue.empty());
  other.push_back(make_packet("a"));
  other.push_back(make_packet("b"));
  queue.splice_back(std::move(other));
  queue.splice_back(PacketQueue());
  EXPECT_EQ(drain(queue), "ab");
}

TEST_F(PacketQueueTest, MovingTakesAllPackets) {
  PacketQueue queue;
  queue.push_back(make_packet("a"));
  queue.push_back(make_packet("b"));
  PacketQueue moved = std::move(queue);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(drain(moved), "ab");
}

TEST_F(PacketQueueTest, MoveAssignmentReleasesWhatWasQueued) {
  PacketQueue queue, other;
  for (auto text : {"a", "b"}) queue.push_back(make_packet(text));
  other.push_back(make_packet("c"));
  const auto before = live_packets();
  queue = std::move(other);
  EXPECT_EQ(live_packets(), before - 2);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(drain(queue), "c");
}

TEST_F(PacketQueueTest, MoveAssignmentToItselfKeepsThePackets) {
  PacketQueue queue;
  queue.push_back(make_packet("a"));
  auto& same = queue;
  queue = std::move(same);
  EXPECT_EQ(drain(queue), "a");
}

TEST_F(PacketQueueTest, ClearReleasesEverything) {
  PacketQueue queue;
  const auto before = live_packets();
  for (auto text : {"a", "b", "c"}) queue.push_back(make_packet(text));
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(live_packets(), before);
  queue.clear();
}

TEST_F(PacketQueueTest, DestructionReleasesEverything) {
  const auto before = live_packets();
  {
    PacketQueue queue;
    for (auto text : {"a", "b", "c"}) queue.push_back(make_packet(text));
    EXPECT_EQ(live_packets(), before + 3);
  }
  EXPECT_EQ(live_packets(), before);
}

}  // namespace
}  // namespace tern::test
