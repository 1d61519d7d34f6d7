// SPDX-License-Identifier: BSD-3-Clause
// Frames and packets in DPDK's buffers: what is zero-copy, what is refused, and that no buffer is lost.
#include "net/dpdk/frame.hpp"

#include <gtest/gtest.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <array>
#include <cstring>
#include <map>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace tern::net::dpdk {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes counted(size_t length, uint8_t first = 0) {
  Bytes bytes(length);
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

// All bytes of a frame, however many buffers it has.
Bytes flatten(const rte_mbuf* frame) {
  Bytes bytes;
  for (const rte_mbuf* s = frame; s != nullptr; s = s->next) {
    const auto* data = rte_pktmbuf_mtod(s, const uint8_t*);
    bytes.insert(bytes.end(), data, data + s->data_len);
  }
  EXPECT_EQ(bytes.size(), frame_length(frame));
  return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes content(const Packet& packet) { return {packet.data(), packet.data() + packet.size()}; }

Bytes part(const Bytes& bytes, size_t offset, size_t length) {
  return {bytes.begin() + static_cast<long>(offset), bytes.begin() + static_cast<long>(offset + length)};
}

class FrameTest : public testing::Test {
 protected:
  static constexpr uint32_t kCount = 64;

  void TearDown() override { EXPECT_EQ(pool_.available(), kCount) << "a buffer was lost or freed twice"; }

  rte_mbuf* frame_of(const Bytes& bytes) {
    rte_mbuf* frame = pool_.allocate_frame();
    std::memcpy(put(frame, static_cast<uint32_t>(bytes.size())), bytes.data(), bytes.size());
    return frame;
  }
  Packet packet_of(const Bytes& bytes) {
    Packet packet = pool_.allocate_packet();
    packet.append(bytes.data(), static_cast<uint32_t>(bytes.size()));
    return packet;
  }

  FramePool pool_{"frames", kCount, 8, 2048};
};

TEST_F(FrameTest, PoolGivesAllItsBuffersAndThenNone) {
  EXPECT_EQ(pool_.size(), kCount);
  std::vector<Packet> packets;
  for (uint32_t i = 0; i < kCount; ++i) packets.push_back(pool_.allocate_packet());
  EXPECT_TRUE(packets.back());
  EXPECT_EQ(pool_.available(), 0u);
  EXPECT_FALSE(pool_.allocate_packet());
  EXPECT_EQ(pool_.allocate_frame(), nullptr);
  packets.pop_back();
  EXPECT_TRUE(pool_.allocate_packet());
}

TEST_F(FrameTest, PoolThatMemoryDoesNotHoldIsRefused) {
  EXPECT_THROW(FramePool("huge", 1'000'000, 0, 2048), std::runtime_error);
  EXPECT_THROW(FramePool("wide", 8, 0, 65'535), std::runtime_error);
}

TEST(FramePool, FootprintIsWhatThePoolTakes) {
  rte_malloc_socket_stats before{}, after{};
  rte_malloc_get_socket_stats(0, &before);
  const FramePool pool("footprint", 10'000, 0, 2048);
  rte_malloc_get_socket_stats(0, &after);
  const auto taken = static_cast<double>(after.heap_allocsz_bytes - before.heap_allocsz_bytes);
  EXPECT_NEAR(static_cast<double>(FramePool::footprint(10'000, 2048, false)), taken, taken / 50);
}

TEST_F(FrameTest, EmptyPacketTakesBytesUpToItsTailroom) {
  Packet packet = pool_.allocate_packet();
  EXPECT_EQ(packet.size(), 0u);
  EXPECT_EQ(packet.tailroom(), 2048u);
  const Bytes bytes = counted(2000);
  packet.append(bytes.data(), 2000);
  EXPECT_EQ(content(packet), bytes);
  EXPECT_EQ(packet.tailroom(), 48u);
}

TEST_F(FrameTest, ReceivedFrameBecomesItsPayload) {
  const Bytes bytes = counted(100);
  rte_mbuf* frame = frame_of(bytes);
  EXPECT_EQ(Bytes(frame_bytes(frame).begin(), frame_bytes(frame).end()), bytes);
  Packet packet = take_payload(frame, 54, 40);
  EXPECT_EQ(content(packet), part(bytes, 54, 40));
  packet.remove_prefix(3);
  packet.remove_suffix(2);
  EXPECT_EQ(content(packet), part(bytes, 57, 35));
}

TEST_F(FrameTest, OnlyGoodChecksumsAreVerified) {
  rte_mbuf* frame = pool_.allocate_frame();
  const auto verified = [&](uint64_t flags) {
    frame->ol_flags = flags;
    const Verified v = verified_by_port(frame);
    return std::pair(v.ipv4_checksum, v.l4_checksum);
  };
  EXPECT_EQ(verified(0), std::pair(false, false));
  EXPECT_EQ(verified(RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD), std::pair(true, true));
  EXPECT_EQ(verified(RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD), std::pair(true, false));
  EXPECT_EQ(verified(RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_GOOD), std::pair(false, true));
  EXPECT_EQ(verified(RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE), std::pair(false, false));
  frame->ol_flags = 0;
  free_frame(frame);
}

TEST_F(FrameTest, FrameGrowsAtBothEndsAndIsCut) {
  rte_mbuf* frame = frame_of({3, 4});
  std::memcpy(push_header(frame, 2), "\1\2", 2);
  std::memcpy(put(frame, 2), "\5\6", 2);
  EXPECT_EQ(flatten(frame), (Bytes{1, 2, 3, 4, 5, 6}));
  truncate_frame(frame, 9);
  EXPECT_EQ(frame_length(frame), 6u);
  truncate_frame(frame, 4);
  EXPECT_EQ(flatten(frame), (Bytes{1, 2, 3, 4}));
  clear_frame(frame);
  EXPECT_EQ(frame_length(frame), 0u);
  EXPECT_EQ(push_header(frame, 129), nullptr);
  EXPECT_NE(push_header(frame, 128), nullptr);  // the headroom is back
  free_frame(frame);
}

TEST_F(FrameTest, ClearingAReferenceGivesItMemoryOfItsOwn) {
  Packet packet = packet_of(counted(10));
  rte_mbuf* frame = frame_of({1});
  ASSERT_TRUE(attach(frame, pool_, packet.buffer(), 0, 10));
  rte_mbuf* reference = frame->next;
  frame->next = nullptr;
  free_frame(frame);
  clear_frame(reference);
  std::memset(put(reference, 10), 0xff, 10);
  EXPECT_EQ(content(packet), counted(10));
  free_frame(reference);
}

TEST_F(FrameTest, ClearingAChainFreesItsRest) {
  Packet packet = packet_of(counted(10));
  rte_mbuf* frame = frame_of({1});
  ASSERT_TRUE(attach(frame, pool_, packet.buffer(), 0, 10));
  EXPECT_TRUE(frame_bytes(frame).empty());
  clear_frame(frame);
  EXPECT_EQ(pool_.available(), kCount - 2);
  free_frame(frame);
}

TEST_F(FrameTest, HeadersGoInFrontOfAPayloadThatIsStillQueued) {
  const Bytes bytes = counted(200);
  Packet packet = take_payload(frame_of(bytes), 54, 100);
  const rte_mbuf* buffer = packet.buffer();
  rte_mbuf* frame = frame_in_place(packet.buffer(), 60, 54);
  ASSERT_EQ(frame, buffer);
  std::memset(rte_pktmbuf_mtod(frame, void*), 0xee, 54);
  EXPECT_EQ(flatten(frame), Bytes(54, 0xee) + part(bytes, 54, 60));
  EXPECT_EQ(content(packet), part(bytes, 54, 100));
  free_frame(frame);
  EXPECT_EQ(content(packet), part(bytes, 54, 100));
  EXPECT_EQ(pool_.available(), kCount - 1);
}

TEST_F(FrameTest, PayloadSentInPlaceSurvivesWhatADriverDoesToTheFrame) {
  Packet packet = packet_of(counted(100));
  rte_mbuf* frame = frame_in_place(packet.buffer(), 100, 54);
  ASSERT_NE(frame, nullptr);
  frame->data_off = 0;
  frame->data_len = 1;
  EXPECT_EQ(content(packet), counted(100));
  free_frame(frame);
  rte_mbuf* again = frame_in_place(packet.buffer(), 100, 54);  // a retransmission
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(part(flatten(again), 54, 100), counted(100));
  free_frame(again);
}

TEST_F(FrameTest, NothingIsSentInPlaceWhileADriverHasTheBuffer) {
  Packet packet = packet_of(counted(100));
  rte_mbuf* frame = frame_in_place(packet.buffer(), 100, 54);
  EXPECT_EQ(frame_in_place(packet.buffer(), 100, 54), nullptr);
  EXPECT_EQ(packet.tailroom(), 0u);
  free_frame(frame);
  EXPECT_EQ(packet.tailroom(), 2048u - 100u);
  free_frame(frame_in_place(packet.buffer(), 100, 54));
}

TEST_F(FrameTest, NothingIsSentInPlaceWithoutHeadroom) {
  Packet packet = packet_of(counted(100));
  EXPECT_EQ(frame_in_place(packet.buffer(), 100, 129), nullptr);
  packet.remove_prefix(1);
  rte_mbuf* frame = frame_in_place(packet.buffer(), 99, 129);  // acknowledged bytes are room
  ASSERT_NE(frame, nullptr);
  free_frame(frame);
}

TEST_F(FrameTest, PayloadMayGoBeforeTheFrameThatWasMadeOfIt) {
  Packet packet = packet_of(counted(100));
  rte_mbuf* frame = frame_in_place(packet.buffer(), 100, 54);
  packet.reset();
  EXPECT_EQ(part(flatten(frame), 54, 100), counted(100));
  free_frame(frame);
}

TEST_F(FrameTest, AttachedPiecesAreSentWithoutACopy) {
  Packet first = packet_of(counted(100));
  Packet second = packet_of(counted(100, 100));
  rte_mbuf* frame = frame_of({0xaa, 0xbb});
  ASSERT_TRUE(attach(frame, pool_, first.buffer(), 90, 10));
  ASSERT_TRUE(attach(frame, pool_, second.buffer(), 0, 7));
  EXPECT_EQ(flatten(frame), (Bytes{0xaa, 0xbb} + counted(17, 90)));
  EXPECT_EQ(frame->nb_segs, 3);
  EXPECT_EQ(frame_in_place(first.buffer(), 100, 54), nullptr);
  EXPECT_EQ(first.tailroom(), 0u);
  first.reset();
  EXPECT_EQ(flatten(frame), (Bytes{0xaa, 0xbb} + counted(17, 90)));
  free_frame(frame);
  EXPECT_NE(second.tailroom(), 0u);
}

TEST_F(FrameTest, AttachedPieceIsOfThePayloadAsItIsNow) {
  Packet packet = packet_of(counted(100));
  packet.remove_prefix(40);
  rte_mbuf* frame = frame_of({0xaa});
  ASSERT_TRUE(attach(frame, pool_, packet.buffer(), 5, 10));
  EXPECT_EQ(flatten(frame), (Bytes{0xaa} + counted(10, 45)));
  free_frame(frame);
}

TEST_F(FrameTest, ReceivedFlagsAreNotSent) {
  rte_mbuf* received = frame_of(counted(100));
  received->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH;
  Packet packet = take_payload(received, 54, 40);
  rte_mbuf* frame = frame_of({1});
  ASSERT_TRUE(attach(frame, pool_, packet.buffer(), 0, 40));
  EXPECT_EQ(frame->next->ol_flags, RTE_MBUF_F_INDIRECT);
  free_frame(frame);
  frame = frame_in_place(packet.buffer(), 40, 54);
  EXPECT_EQ(frame->ol_flags, 0u);
  free_frame(frame);
}

TEST_F(FrameTest, AttachingAndSharingFailWhenThePoolIsEmpty) {
  FramePool small("small", 2, 0, 256);
  Packet packet = packet_of(counted(10));
  std::array<rte_mbuf*, 2> all = {small.allocate_frame(), small.allocate_frame()};
  EXPECT_FALSE(attach(all[0], small, packet.buffer(), 0, 10));
  EXPECT_EQ(frame_length(all[0]), 0u);
  EXPECT_FALSE(small.share(packet, 0, 10));
  EXPECT_NE(packet.tailroom(), 0u);  // no reference stays behind
  for (rte_mbuf* frame : all) free_frame(frame);
  EXPECT_EQ(small.available(), 2u);
}

TEST_F(FrameTest, SharedPacketIsAPacketOfItsOwn) {
  Packet packet = packet_of(counted(100));
  packet.set_seq(1);
  Packet shared = pool_.share(packet, 10, 50);
  shared.set_seq(2);
  shared.remove_prefix(5);
  EXPECT_EQ(content(shared), counted(45, 15));
  EXPECT_EQ(content(packet), counted(100));
  EXPECT_EQ(packet.seq(), 1u);
  EXPECT_EQ(packet.tailroom(), 0u);
  EXPECT_EQ(shared.tailroom(), 0u);
  EXPECT_EQ(frame_in_place(shared.buffer(), 45, 10), nullptr);
  Packet of_shared = pool_.share(shared, 5, 10);
  packet.reset();
  shared.reset();
  EXPECT_EQ(content(of_shared), counted(10, 20));
}

TEST_F(FrameTest, PacketsQueueInTheBuffersThemselves) {
  PacketQueue queue;
  for (uint8_t i = 0; i < 5; ++i) queue.push_back(packet_of({i}));
  queue.push_front(packet_of({9}));
  EXPECT_EQ(content(queue.pop_front()), Bytes{9});
  EXPECT_EQ(content(queue.pop_front()), Bytes{0});
  EXPECT_EQ(pool_.available(), kCount - 4);
}

TEST_F(FrameTest, ReferencesAreRefusedBeforeTheirCountOverflows) {
  Packet packet = packet_of(counted(10));
  rte_mbuf_refcnt_set(packet.buffer(), 65'000);
  EXPECT_FALSE(pool_.share(packet, 0, 10));
  rte_mbuf_refcnt_set(packet.buffer(), 64'999);
  EXPECT_TRUE(pool_.share(packet, 0, 10));
  rte_mbuf_refcnt_set(packet.buffer(), 1);
}

TEST_F(FrameTest, StaticPayloadIsSentWithoutACopy) {
  Bytes bytes = counted(60'000);
  StaticPayload payload(bytes);
  EXPECT_EQ(payload.size(), 60'000u);
  Packet slice = payload.slice(pool_, 59'000, 1'000);
  EXPECT_EQ(content(slice), part(bytes, 59'000, 1'000));
  EXPECT_EQ(slice.tailroom(), 0u);
  EXPECT_EQ(frame_in_place(slice.buffer(), 1'000, 54), nullptr);
  rte_mbuf* frame = frame_of({0xaa});
  ASSERT_TRUE(attach(frame, pool_, slice.buffer(), 500, 500));
  EXPECT_EQ(flatten(frame), Bytes{0xaa} + part(bytes, 59'500, 500));
  Packet shared = pool_.share(slice, 1, 2);
  EXPECT_EQ(content(shared), part(bytes, 59'001, 2));
  free_frame(frame);
}

TEST_F(FrameTest, DeviceIsGivenTheAddressOfTheStaticBytes) {
  StaticPayload payload(counted(100));
  Packet slice = payload.slice(pool_, 10, 10);
  // Without huge pages a device's addresses are the process's own.
  EXPECT_EQ(slice.buffer()->buf_iova, reinterpret_cast<uintptr_t>(slice.buffer()->buf_addr));
}

TEST_F(FrameTest, StaticPayloadOfTheGreatestSizeIsReachedToItsEnd) {
  const Bytes bytes = counted(65'535, 7);
  StaticPayload payload(bytes);
  EXPECT_EQ(content(payload.slice(pool_, 0, 65'535)), bytes);
  EXPECT_EQ(content(payload.slice(pool_, 65'534, 1)), Bytes{bytes.back()});
  EXPECT_THROW(StaticPayload(counted(65'536)), std::runtime_error);
}

size_t allocated_bytes() {
  rte_malloc_socket_stats stats{};
  rte_malloc_get_socket_stats(0, &stats);
  return stats.heap_allocsz_bytes;
}

TEST_F(FrameTest, StaticPayloadIsFreedWithItsOwnerAndNotWithItsSlices) {
  const size_t before = allocated_bytes();
  {
    StaticPayload payload(counted(1'000));
    EXPECT_GT(allocated_bytes(), before);
    payload.slice(pool_, 0, 10).reset();
    EXPECT_EQ(content(payload.slice(pool_, 0, 10)), counted(10));
  }
  EXPECT_EQ(allocated_bytes(), before);
}

TEST_F(FrameTest, StaticPayloadOutlivesItsOwnerWhileADriverHasAFrame) {
  const size_t before = allocated_bytes();
  rte_mbuf* frame = frame_of({1});
  {
    StaticPayload payload(counted(1'000));
    Packet slice = payload.slice(pool_, 0, 10);
    ASSERT_TRUE(attach(frame, pool_, slice.buffer(), 0, 10));
  }
  EXPECT_EQ(flatten(frame), Bytes{1} + counted(10));
  free_frame(frame);
  EXPECT_EQ(allocated_bytes(), before);
}

TEST_F(FrameTest, StaticPayloadGivesMoreSlicesThanOneCountHolds) {
  constexpr uint32_t kSlices = 70'000;
  FramePool many("many", kSlices, 0, 0);
  const Bytes bytes = counted(100);
  {
    StaticPayload payload(bytes);
    std::vector<Packet> slices;
    for (uint32_t i = 0; i < kSlices; ++i) slices.push_back(payload.slice(many, i % 100, 1));
    EXPECT_EQ(content(slices.back()), Bytes{bytes[(kSlices - 1) % 100]});
    std::map<const rte_mbuf_ext_shared_info*, uint32_t> references;
    for (const Packet& slice : slices) ++references[slice.buffer()->shinfo];
    EXPECT_GT(references.size(), 1u);
    for (const auto& [share, count] : references) EXPECT_EQ(share->refcnt, count + 1);  // and the owner's
    rte_mbuf* frame = frame_of({1});
    for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(attach(frame, pool_, slices[i].buffer(), 0, 1));
    free_frame(frame);
    slices.clear();
    EXPECT_EQ(content(payload.slice(many, 0, 100)), bytes);
  }
  EXPECT_EQ(many.available(), kSlices);
}

}  // namespace
}  // namespace tern::net::dpdk
