// SPDX-License-Identifier: BSD-3-Clause
// Two workers, of whom one gets the frames that are for the other.
#include <gtest/gtest.h>

#include <set>

#include "net/arp.hpp"
#include "stack/bench.hpp"
#include "stack/local_ports.hpp"
#include "stack/peer.hpp"

namespace tern::stack {
namespace {

using tcp::Error;
using test::kPeerAddress;
using test::kPeerMac;

// The bench's worker is number 0 of two; number 1 is the test.
class SteeringTest : public testing::Test {
 protected:
  SteeringTest() {
    auto script = std::make_unique<test::Script>();
    script_ = script.get();
    bench_ =
        std::make_unique<test::Bench>(test::bindings(test::bound(std::move(script), 50'001)),
                                      test::BenchOptions{.receive_buffers = 2048, .seat = {&steering_, 0}});
    steering_.join(1, doorbell_);
    bench_->poll();
    bench_->collect();
  }
  // The frames given to number 1.
  std::vector<test::Bytes> given() {
    std::vector<test::Bytes> all;
    std::array<rte_mbuf*, 4> frames;
    while (const uint32_t count = steering_.take(1, 0, frames)) {
      for (rte_mbuf* frame : std::span(frames).first(count)) {
        const auto bytes = net::dpdk::frame_bytes(frame);
        all.emplace_back(bytes.begin(), bytes.end());
        net::dpdk::free_frame(frame);
      }
    }
    return all;
  }
  // A frame that number 1 has got, and that is for number 0.
  bool give(const test::Bytes& bytes) {
    rte_mbuf* frame = bench_->receive.allocate_frame();
    std::ranges::copy(bytes, net::dpdk::put(frame, static_cast<uint32_t>(bytes.size())));
    if (steering_.give(0, 0, frame)) return true;
    net::dpdk::free_frame(frame);
    return false;
  }
  test::Bytes segment(const net::FourTuple& tuple, uint32_t seq, tcp::Seq ack, int flags) {
    tcp::SegmentHeader header;
    header.seq = {seq};
    header.ack = ack;
    header.flags = static_cast<uint8_t>(flags);
    header.wnd = 0xffff;
    return test::tcp_frame(bench_->mac(), kPeerMac, tuple, header);
  }
  test::Bytes arp_reply() {
    net::ArpPacket request;
    request.sender = test::kOurAddress;
    request.sender_mac = bench_->mac();
    request.target = kPeerAddress;
    test::Bytes frame(net::kArpFrameLength);
    net::write_arp_reply(net::ArpFrame(frame), kPeerMac, request);
    return frame;
  }
  net::FourTuple connect() {
    Opened opened;
    EXPECT_EQ(bench_->worker().connect({{}, kPeerAddress, 0, 80}, 0, {}, &opened), Error::kNone);
    return opened.tuple;
  }

  net::dpdk::Doorbell doorbell_;
  Steering steering_{"steering_test", 2, 1};
  test::Script* script_ = nullptr;
  std::unique_ptr<test::Bench> bench_;
};

TEST(PortShare, EachPortIsOneWorkers) {
  uint32_t all = 0;
  for (uint16_t worker = 0; worker < 3; ++worker) all += PortSet(PortShare{worker, 3}).size();
  EXPECT_EQ(all, kPorts);
  EXPECT_TRUE((PortShare{1, 3}.has(40'000)));
  EXPECT_FALSE((PortShare{0, 3}.has(40'000) || PortShare{2, 3}.has(40'000)));
}

TEST_F(SteeringTest, WorkersOpenFromPortsOfTheirOwn) {
  EXPECT_EQ(bench_->worker().ports_left({{}, kPeerAddress, 0, 80}).free, kPorts / 2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(connect().local_port % 2, 0);
}

TEST_F(SteeringTest, AnswersThatCameToAnotherWorkerOpenTheConnection) {
  const net::FourTuple tuple = connect();
  bench_->poll();  // it asks for its neighbour, and number 1 hears the answer
  bench_->collect();
  ASSERT_TRUE(give(arp_reply()));
  const auto syn = bench_->replies();
  ASSERT_EQ(syn.size(), 1u);
  EXPECT_EQ(syn[0].to, kPeerMac);
  ASSERT_TRUE(give(segment(tuple, 9'000, syn[0].seg.seq + 1, tcp::kSyn | tcp::kAck)));
  bench_->poll();
  EXPECT_EQ(script_->calls, "opened");
  EXPECT_EQ(given().size(), 0u);
}

TEST_F(SteeringTest, WhatIsForAnotherWorkerGoesThereAsItIs) {
  const net::FourTuple others{test::kOurAddress, kPeerAddress, 40'001, 80};
  const test::Bytes frame = segment(others, 9'000, {1}, tcp::kSyn | tcp::kAck);
  bench_->inject(frame);
  EXPECT_EQ(bench_->replies().size(), 0u);
  EXPECT_EQ(given(), std::vector<test::Bytes>(1, frame));
  EXPECT_TRUE(doorbell_.sleep(net::Duration::zero()));
  EXPECT_EQ(bench_->counters().frames_handed_on.value(), 1u);
  bench_->expect_clean();
}

TEST_F(SteeringTest, WhatNobodyHasIsRefusedByItsOwner) {
  const net::FourTuple own{test::kOurAddress, kPeerAddress, 40'000, 80};
  bench_->inject(segment(own, 9'000, {1}, tcp::kAck));
  ASSERT_TRUE(give(segment(own, 9'000, {1}, tcp::kAck)));
  EXPECT_EQ(bench_->replies().size(), 2u);
  const net::FourTuple low{test::kOurAddress, kPeerAddress, 81, 4'000};
  bench_->inject(segment(low, 9'000, {1}, tcp::kAck));
  EXPECT_EQ(bench_->replies().size(), 1u);
  const net::FourTuple listening{test::kOurAddress, kPeerAddress, 50'001, 4'000};
  bench_->inject(segment(listening, 9'000, {}, tcp::kSyn));
  EXPECT_EQ(bench_->replies().at(0).seg.flags, tcp::kSyn | tcp::kAck) << "a service's port is every worker's";
  EXPECT_EQ(given().size(), 0u);
}

TEST_F(SteeringTest, WhoeverHearsFromANeighbourTellsTheOthers) {
  bench_->inject(arp_reply());
  bench_->poll();
  EXPECT_EQ(given(), std::vector<test::Bytes>(1, arp_reply()));
  ASSERT_TRUE(give(arp_reply()));
  bench_->poll();
  EXPECT_EQ(given().size(), 0u) << "what was told is not told again";
  EXPECT_EQ(bench_->worker().next_hop(kPeerAddress), kPeerMac);
}

TEST_F(SteeringTest, WhereTooMuchWaitsTheRestIsDroppedAndCounted) {
  const net::FourTuple others{test::kOurAddress, kPeerAddress, 40'001, 80};
  for (uint32_t i = 0; i < Steering::kFrames + 10; ++i) {
    bench_->inject(segment(others, i, {1}, tcp::kAck));
    if (i % 32 == 0) bench_->poll();
  }
  bench_->settle();
  EXPECT_GE(bench_->drops(net::Drop::kWorkerFull), 1u);
  EXPECT_EQ(given().size() + bench_->drops(net::Drop::kWorkerFull), Steering::kFrames + 10);
  bench_->expect_clean();
}

}  // namespace
}  // namespace tern::stack
