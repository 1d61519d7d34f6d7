// SPDX-License-Identifier: BSD-3-Clause
// Connections that we open: the neighbour is asked for, the SYN waits for its answer, and what cannot be is
// refused.
#include <gtest/gtest.h>

#include <set>

#include <chrono>

#include "net/arp.hpp"
#include "net/byte_order.hpp"
#include "net/ethernet.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"
#include "stack/opener.hpp"
#include "stack/peer.hpp"
#include "tcp/options.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using tcp::Error;
using tcp::State;

constexpr net::MacAddress kNeighbourMac{{0x02, 0, 0, 0, 0, 0x77}};
const net::FourTuple kWayThere{kOurAddress, kPeerAddress, 50'000, 80};

class Opening : public testing::Test {
 protected:
  explicit Opening(const tcp::Config& config = {})
      : bench_(with(std::make_unique<Script>(), script_, config)) {
    bench_.poll();  // a worker's time is that of its last round
  }

  static std::vector<stack::Binding> with(std::unique_ptr<Script> script, Script*& seen,
                                          const tcp::Config& config) {
    seen = script.get();
    return bindings(bound(std::move(script), 7, config));
  }
  Script* script_ = nullptr;
  Bench bench_;

  uint64_t in(State state) { return bench_.worker().connections_in()[static_cast<size_t>(state)].value(); }

  // The frames sent in a round, which must be ARP requests for the peer; how many.
  size_t arp_requests() {
    bench_.poll();
    const auto frames = bench_.collect();
    for (const SentFrame& frame : frames) {
      net::ArpPacket arp;
      EXPECT_EQ(net::load_be16(&frame.bytes[12]), net::kEtherTypeArp);
      EXPECT_EQ(net::parse_arp(std::span(frame.bytes).subspan(14), arp), net::Drop::kNone);
      EXPECT_EQ(arp.operation, net::ArpOperation::kRequest);
      EXPECT_EQ(arp.target, kPeerAddress);
      EXPECT_EQ(arp.sender, kOurAddress);
    }
    return frames.size();
  }

  void neighbour_answers(const net::MacAddress& mac = kNeighbourMac) { answer(bench_, kPeerAddress, mac); }

  // An ARP reply that says where the address is.
  static void answer(Bench& bench, net::Ipv4Address address, const net::MacAddress& mac) {
    net::ArpPacket request;
    request.sender = kOurAddress;
    request.sender_mac = bench.mac();
    request.target = address;
    Bytes frame(net::kArpFrameLength);
    net::write_arp_reply(net::ArpFrame(frame), mac, request);
    bench.inject(frame);
  }
};

TEST_F(Opening, AsksForTheNeighbourAndSendsTheSynToItsStation) {
  EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kNone);
  EXPECT_EQ(arp_requests(), 1u);
  EXPECT_EQ(in(State::kSynSent), 1u);
  bench_.now += 1ms;
  EXPECT_EQ(arp_requests(), 0u) << "one request a second";
  neighbour_answers();
  const auto replies = bench_.replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].to, kNeighbourMac);
  EXPECT_EQ(replies[0].tuple, kWayThere);
  EXPECT_EQ(replies[0].seg.flags, tcp::kSyn);

  tcp::SegmentHeader answer;
  answer.seq = tcp::Seq{9'000};
  answer.ack = replies[0].seg.seq + 1;
  answer.flags = tcp::kSyn | tcp::kAck;
  answer.wnd = 0xffff;
  bench_.inject(tcp_frame(bench_.mac(), kNeighbourMac, kWayThere, answer));
  const auto third = bench_.replies();
  ASSERT_EQ(third.size(), 1u);
  EXPECT_EQ(third[0].seg.flags, tcp::kAck);
  EXPECT_EQ(third[0].seg.ack, tcp::Seq{9'001});
  EXPECT_EQ(in(State::kEstablished), 1u);
  EXPECT_EQ(script_->calls, "opened");
  EXPECT_EQ(bench_.tcp().connections_opened.value(), 1u);
}

TEST_F(Opening, NeighbourKnownAlreadyIsNotAskedFor) {
  bench_.worker().connect(kWayThere, 0);
  bench_.poll();
  neighbour_answers();
  bench_.replies();
  net::FourTuple another = kWayThere;
  another.local_port = 50'001;
  EXPECT_EQ(bench_.worker().connect(another, 0), Error::kNone);
  const auto replies = bench_.replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].tuple, another);
}

TEST_F(Opening, NobodyAnsweringIsHostUnreachable) {
  bench_.worker().connect(kWayThere, 0);
  size_t requests = 0;
  for (int i = 0; i < 5; ++i) {
    requests += arp_requests();
    bench_.now += 1s;
  }
  EXPECT_EQ(requests, stack::Neighbours::kTries);
  EXPECT_EQ(script_->calls, "closed");
  EXPECT_EQ(script_->close_reason, tcp::CloseReason::kUnreachable);
  EXPECT_EQ(in(State::kSynSent), 0u);
}

TEST_F(Opening, RefusesWhatCannotBe) {
  net::FourTuple tuple = kWayThere;
  tuple.remote = {0xc6336401};  // 198.51.100.1: on none of our networks
  EXPECT_EQ(bench_.worker().connect(tuple, 0), Error::kNetworkUnreachable);
  tuple.remote = {0xc00002ff};  // RFC 9293 MUST-46
  EXPECT_EQ(bench_.worker().connect(tuple, 0), Error::kNetworkUnreachable);
  tuple = kWayThere;
  tuple.local = {0xc0000203};
  EXPECT_EQ(bench_.worker().connect(tuple, 0), Error::kAddressNotAvailable);
  EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kNone);
  EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kAddressInUse);
  for (uint16_t port = 1; port < 64; ++port) {
    tuple = kWayThere;
    tuple.local_port = port;
    EXPECT_EQ(bench_.worker().connect(tuple, 0), Error::kNone);
  }
  tuple.local_port = 64;
  EXPECT_EQ(bench_.worker().connect(tuple, 0), Error::kNoBuffers);
}

TEST_F(Opening, RefusesWhatIsNoAddressAtAll) {
  net::FourTuple tuple = kWayThere;
  tuple.remote_port = 0;
  EXPECT_EQ(bench_.worker().connect(tuple, 0), Error::kInvalid);
  EXPECT_EQ(bench_.worker().connect(kWayThere, 1), Error::kInvalid);
}

TEST_F(Opening, NetworkChoosesTheLocalAddressAndAFreePort) {
  std::set<uint16_t> ports;
  for (int i = 0; i < 50; ++i) {
    stack::Opened begun;
    ASSERT_EQ(bench_.worker().connect({{}, kPeerAddress, 0, 80}, 0, {}, &begun), Error::kNone);
    const net::FourTuple& opened = begun.tuple;
    const auto socket = bench_.worker().socket(begun.index);
    ASSERT_TRUE(socket);
    EXPECT_EQ(socket->index(), begun.index);
    EXPECT_EQ(opened.local, kOurAddress);
    EXPECT_EQ(opened.remote, kPeerAddress);
    EXPECT_EQ(opened.remote_port, 80);
    EXPECT_GE(opened.local_port, 32'768);
    EXPECT_TRUE(ports.insert(opened.local_port).second) << "each has a port of its own";
  }
  EXPECT_EQ(in(State::kSynSent), 50u);
}

TEST_F(Opening, PortTowardOnePeerTellsNothingOfThatTowardAnother) {  // RFC 6056 section 3.3.3
  std::set<uint16_t> steps;
  uint16_t before = 0;
  for (uint16_t remote = 80; remote < 100; ++remote) {
    stack::Opened begun;
    ASSERT_EQ(bench_.worker().connect({{}, kPeerAddress, 0, remote}, 0, {}, &begun), Error::kNone);
    steps.insert(static_cast<uint16_t>(begun.tuple.local_port - before));
    before = begun.tuple.local_port;
  }
  EXPECT_GT(steps.size(), 18u) << "no two steps alike, but by chance";
}

TEST_F(Opening, ListenTakesAnAddressOfOursOnce) {
  stack::Worker& worker = bench_.worker();
  EXPECT_EQ(worker.listen({kOurAddress, 7}, 0), Error::kAddressInUse);
  EXPECT_EQ(worker.listen({kPeerAddress, 8}, 0), Error::kAddressNotAvailable);
  EXPECT_EQ(worker.listen({kOurAddress, 0}, 0), Error::kInvalid);
  EXPECT_EQ(worker.listen({kOurAddress, 8}, 1), Error::kInvalid);
  EXPECT_EQ(worker.listen({kOurAddress, 8}, 0), Error::kNone);
  Client client(bench_, {.service = 8});
  client.connect();
  EXPECT_TRUE(client.connected);
  EXPECT_EQ(script_->calls, "opened");
}

// A connection whose four-tuple waits in TIME-WAIT, since we closed it first.
class OpeningAnew : public Opening {
 protected:
  explicit OpeningAnew(const tcp::Config& config = {}) : Opening(config) {}

  // Opens it, with timestamps or without, and closes it.
  void leave_time_wait(bool timestamps) {
    script_->on_opened = [](stack::Socket& socket) { socket.close(); };
    EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kNone);
    bench_.poll();
    neighbour_answers();
    answer(tcp::Seq{9'000}, tcp::kSyn | tcp::kAck, timestamps);
    answer(tcp::Seq{9'001}, tcp::kFin | tcp::kAck, timestamps);
    EXPECT_EQ(bench_.replies().size(), 1u);
    ASSERT_EQ(in(State::kTimeWait), 1u);
  }
  uint32_t last_ts_ = 0;  // of our FIN

 private:
  // The peer's answer to the one segment that is sent in this round.
  void answer(tcp::Seq seq, int flags, bool timestamps) {
    const auto sent = bench_.replies();
    ASSERT_EQ(sent.size(), 1u);
    last_ts_ = sent[0].seg.ts_val;
    tcp::SegmentHeader header;
    header.seq = seq;
    header.ack = sent[0].seg.seq + 1;
    header.flags = static_cast<uint8_t>(flags);
    header.wnd = 0xffff;
    if (timestamps) tcp::append_timestamps(header, 1, last_ts_);
    bench_.inject(tcp_frame(bench_.mac(), kNeighbourMac, kWayThere, header));
  }
};

TEST_F(OpeningAnew, IsRefusedWhileTheTupleIsInTimeWait) {
  leave_time_wait(true);
  bench_.now += 1s;
  bench_.poll();
  EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kAddressInUse);
}

class OpeningAnewAllowed : public OpeningAnew {
 protected:
  OpeningAnewAllowed() : OpeningAnew(allowed()) {}
  static tcp::Config allowed() {
    tcp::Config config;
    config.reuse_time_wait = true;
    return config;
  }
};

TEST_F(OpeningAnewAllowed, TakesTheTupleOnceOurTimestampsAreLater) {  // RFC 6191
  leave_time_wait(true);
  EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kAddressInUse) << "the clock has not ticked";
  bench_.now += 1ms;
  bench_.poll();
  EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kNone);
  EXPECT_EQ(in(State::kTimeWait), 0u);
  EXPECT_EQ(bench_.tcp().time_wait_reused.value(), 1u);
  const auto syn = bench_.replies();
  ASSERT_EQ(syn.size(), 1u);
  EXPECT_EQ(syn[0].seg.flags, tcp::kSyn);
  EXPECT_GT(static_cast<int32_t>(syn[0].seg.ts_val - last_ts_), 0);
}

TEST_F(OpeningAnewAllowed, WithoutTimestampsTheTupleWaits) {
  leave_time_wait(false);
  bench_.now += 1s;
  bench_.poll();
  EXPECT_EQ(bench_.worker().connect(kWayThere, 0), Error::kAddressInUse);
}

using NextHop = Opening;

TEST_F(NextHop, IsAskedForWhenAThirdRetransmissionWasInVain) {  // RFC 9293 MUST-20
  constexpr net::MacAddress kMoved{{0x02, 0, 0, 0, 0, 0x99}};
  bench_.worker().connect(kWayThere, 0);
  bench_.poll();
  neighbour_answers();
  ASSERT_EQ(bench_.replies().size(), 1u);
  size_t syns = 1, requests = 0;
  net::MacAddress last;
  for (int tenths = 0; tenths < 160; ++tenths) {
    bench_.now += 100ms;
    bench_.poll();
    for (const SentFrame& frame : bench_.collect()) {
      if (const auto reply = read_reply(frame)) {
        ++syns;
        last = reply->to;
      } else {
        EXPECT_EQ(syns, 4u) << "the third retransmission has left";
        ++requests;
        neighbour_answers(kMoved);
      }
    }
  }
  EXPECT_EQ(requests, 1u);
  EXPECT_EQ(syns, 5u);
  EXPECT_EQ(last, kMoved);
  EXPECT_EQ(bench_.tcp().next_hops_doubted.value(), 1u);
  EXPECT_EQ(script_->calls, "doubted");
}

// A whole network may have gone dumb.
TEST_F(NextHop, IsNotAskedForBeyondSoManyAtATime) {
  constexpr net::Ipv4Address kOther{kPeerAddress.value + 100};
  constexpr size_t kMost = stack::Opener::kMostDoubts;
  for (const size_t before : {kMost - 1, kMost}) {
    Bench bench(bindings(bound(std::make_unique<Script>(), 7)),
                {.max_connections = 512, .header_buffers = 1024});
    const auto open = [&](net::Ipv4Address remote, size_t count) {
      bench.poll();
      for (size_t i = 0; i < count; ++i) {
        const net::FourTuple tuple{kOurAddress, remote, static_cast<uint16_t>(10'000 + i), 80};
        ASSERT_EQ(bench.worker().connect(tuple, 0), Error::kNone);
      }
      answer(bench, remote, kNeighbourMac);
      bench.poll();
      ASSERT_GE(bench.collect().size(), count);
      bench.now += 50ms;
    };
    open(kPeerAddress, before);
    open(kOther, 1);
    size_t asked = 0;  // for the last one
    for (int tenths = 0; tenths < 80; ++tenths) {
      bench.now += 100ms;
      bench.poll();
      for (const SentFrame& frame : bench.collect()) {
        net::ArpPacket arp;
        if (net::load_be16(&frame.bytes[12]) != net::kEtherTypeArp) continue;
        ASSERT_EQ(net::parse_arp(std::span(frame.bytes).subspan(14), arp), net::Drop::kNone);
        asked += arp.target == kOther;
      }
    }
    EXPECT_EQ(bench.tcp().next_hops_doubted.value(), before + 1);
    EXPECT_EQ(asked, before < kMost ? 1u : 0u);
  }
}

}  // namespace
}  // namespace tern::test
