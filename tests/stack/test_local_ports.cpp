// SPDX-License-Identifier: BSD-3-Clause
// Local ports of connections that we open: the next is found whatever is lent, and none where none is left.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>

#include "net/arp.hpp"
#include "stack/bench.hpp"
#include "stack/local_ports.hpp"
#include "stack/peer.hpp"
#include "tcp/options.hpp"

namespace tern::stack {
namespace {

using namespace std::chrono_literals;
using tcp::Error;

uint32_t place(std::mt19937& random) {
  return std::uniform_int_distribution<uint32_t>(0, kPorts - 1)(random);
}
constexpr uint16_t port_at(uint32_t place) { return static_cast<uint16_t>(kFirstPort + place % kPorts); }

TEST(PortSet, FindsTheNextRoundTheEndAsAnOrderedSetDoes) {
  std::mt19937 random(7);
  for (const uint32_t members : {1u, 3u, 200u, 32'000u}) {
    PortSet set;
    std::set<uint16_t> model;
    for (uint32_t i = 0; i < members; ++i) {
      const uint16_t port = port_at(place(random));
      set.insert(port);
      model.insert(port);
    }
    for (int i = 0; i < 20'000; ++i) {
      const uint32_t from = place(random);
      auto expected = model.lower_bound(port_at(from));
      if (expected == model.end()) expected = model.begin();
      ASSERT_EQ(set.next(from), *expected) << from;
      const uint16_t changed = port_at(place(random));
      if (i % 2 == 0) {
        set.insert(changed);
        model.insert(changed);
      } else if (model.size() > 1) {
        set.erase(changed);
        model.erase(changed);
        if (model.empty()) model.insert(changed), set.insert(changed);
      }
      ASSERT_EQ(set.size(), model.size());
    }
  }
}

TEST(PortSet, EmptyAndFull) {
  const PortSet none;
  const PortSet all(PortShare{});
  for (const uint32_t from : {0u, 63u, 64u, 4'095u, 4'096u, kPorts - 1}) {
    EXPECT_EQ(none.next(from), std::nullopt);
    EXPECT_EQ(all.next(from), port_at(from));
  }
  EXPECT_EQ(all.size(), kPorts);
}

TEST(LocalPorts, ForgetsPeersThatNobodyTalksToWhenTheyAreMany) {
  LocalPorts ports;
  const auto peer = [](uint32_t number) { return net::FourTuple{{1}, {number}, port_at(0), 80}; };
  const auto use = static_cast<uint32_t>(LocalPorts::kMostIdle);
  for (uint32_t i = 0; i <= use; ++i) ports.mark(peer(i), LocalPorts::Use::kOpen);
  ports.mark(peer(0), LocalPorts::Use::kFree);
  ports.mark(peer(1), LocalPorts::Use::kFree);
  EXPECT_EQ(ports.find(peer(0)), nullptr);
  EXPECT_NE(ports.find(peer(1)), nullptr);
}

// A worker that opens connections to a peer, which are let be.
class PortsLeftTest : public testing::Test {
 protected:
  static constexpr test::BenchOptions kOptions{.max_connections = kPorts + 64};
  PortsLeftTest() : bench_(with(std::make_unique<test::Script>()), kOptions) { bench_.poll(); }
  std::vector<Binding> with(std::unique_ptr<test::Script> script) {
    script_ = script.get();
    return test::bindings(test::bound(std::move(script), 40'000, config()));
  }
  static tcp::Config config() {
    tcp::Config config;
    config.reuse_time_wait = true;
    config.timestamps = true;
    return config;
  }
  Error open(uint16_t remote_port = 80) {
    return bench_.worker().connect({{}, test::kPeerAddress, 0, remote_port}, 0, {}, &opened_);
  }
  void end(uint32_t index) {
    bench_.worker().socket(index)->abort();
    bench_.poll();
  }
  PortsLeft left(uint16_t remote_port = 80) {
    return bench_.worker().ports_left({{}, test::kPeerAddress, 0, remote_port});
  }

  void neighbour_answers() {
    net::ArpPacket request;
    request.sender = test::kOurAddress;
    request.sender_mac = bench_.mac();
    request.target = test::kPeerAddress;
    test::Bytes frame(net::kArpFrameLength);
    net::write_arp_reply(net::ArpFrame(frame), test::kPeerMac, request);
    bench_.inject(frame);
  }
  // The peer's answer to the one segment that is sent in this round.
  void answer(tcp::Seq seq, int flags) {
    const auto sent = bench_.replies();
    ASSERT_EQ(sent.size(), 1u);
    tcp::SegmentHeader header;
    header.seq = seq;
    header.ack = sent[0].seg.seq + 1;
    header.flags = static_cast<uint8_t>(flags);
    header.wnd = 0xffff;
    tcp::append_timestamps(header, 1, sent[0].seg.ts_val);
    bench_.inject(test::tcp_frame(bench_.mac(), test::kPeerMac, sent[0].tuple, header));
    if ((flags & tcp::kFin) != 0) bench_.poll();
  }

  test::Script* script_ = nullptr;
  test::Bench bench_;
  Opened opened_;
};

TEST_F(PortsLeftTest, AreLentOnceEachAndThenNone) {
  EXPECT_EQ(left().free, kPorts);
  std::set<uint16_t> lent;
  const uint32_t all = kPorts - 1;  // a service listens on one of them
  for (uint32_t i = 0; i < all; ++i) {
    ASSERT_EQ(open(), Error::kNone) << i;
    ASSERT_TRUE(lent.insert(opened_.tuple.local_port).second);
  }
  EXPECT_FALSE(lent.contains(40'000));
  EXPECT_EQ(left().free, 1u);
  EXPECT_EQ(open(), Error::kAddressNotAvailable);
  const Opened last = opened_;
  EXPECT_EQ(open(81), Error::kNone) << "another port of the peer's";
  EXPECT_EQ(left(81).free, kPorts - 1);
  end(last.index);
  EXPECT_EQ(left().free, 2u);
  EXPECT_EQ(open(), Error::kNone);
  EXPECT_EQ(opened_.tuple.local_port, last.tuple.local_port);
  EXPECT_EQ(open(), Error::kAddressNotAvailable);
}

// The peer closes behind us, so that the connection stays in TIME-WAIT.
TEST_F(PortsLeftTest, InTimeWaitAreLentAgainWhereNoOtherIsLeft) {
  ASSERT_EQ(open(), Error::kNone);
  const Opened first = opened_;
  script_->on_opened = [](Socket& socket) { socket.close(); };
  bench_.poll();
  neighbour_answers();
  answer(tcp::Seq{9'000}, tcp::kSyn | tcp::kAck);
  answer(tcp::Seq{9'001}, tcp::kFin | tcp::kAck);
  bench_.replies();
  EXPECT_EQ(left().free, kPorts - 1);
  EXPECT_EQ(left().waiting, 1u);
  for (uint32_t i = 2; i < kPorts; ++i) {
    ASSERT_EQ(open(), Error::kNone) << i;
    ASSERT_NE(opened_.tuple.local_port, first.tuple.local_port);
  }
  EXPECT_EQ(open(), Error::kAddressNotAvailable) << "the clock of timestamps has not ticked since";
  bench_.now += 1ms;
  bench_.poll();
  EXPECT_EQ(open(), Error::kNone);
  EXPECT_EQ(opened_.tuple.local_port, first.tuple.local_port);
  EXPECT_EQ(left().waiting, 0u);
  EXPECT_EQ(bench_.tcp().time_wait_reused.value(), 1u);
}

TEST_F(PortsLeftTest, ComeBackWhenTimeWaitEnds) {
  ASSERT_EQ(open(), Error::kNone);
  script_->on_opened = [](Socket& socket) { socket.close(); };
  bench_.poll();
  neighbour_answers();
  answer(tcp::Seq{9'000}, tcp::kSyn | tcp::kAck);
  answer(tcp::Seq{9'001}, tcp::kFin | tcp::kAck);
  EXPECT_EQ(left().free, kPorts - 1);
  bench_.now += 2 * config().msl + 1s;
  bench_.poll();
  bench_.poll();
  EXPECT_EQ(left().free, kPorts);
  EXPECT_EQ(left().waiting, 0u);
}

TEST_F(PortsLeftTest, NothingIsLeftTowardWhereThereIsNoWay) {
  EXPECT_EQ(bench_.worker().ports_left({{}, {0xc6336401}, 0, 80}).free, 0u);
}

}  // namespace
}  // namespace tern::stack
