// SPDX-License-Identifier: BSD-3-Clause
// The accept queue: connections that are established and of which their service has not heard yet. What
// happens when it is full is Linux's: the third segment is dropped, or answered by RST.
#include "support/ladder.hpp"
#include "tcp/listener.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class AcceptQueue : public LadderTest {
 protected:
  // A service that is told of nobody until accept() is called.
  Start start() const {
    Start start = LadderTest::start();
    start.handshake = false;
    start.config.max_connections = 0;
    return start;
  }
};

uint64_t waiting(Ladder& l) { return l.core().backlogs[0].waiting.count.value(); }

// The SYN of the ladder's peer is queued, and answered.
void queue_syn(Ladder& l, const Start& s) {
  Agreement agreement;
  agreement.iss = Seq{s.origin.iss};
  agreement.irs = Seq{s.origin.irs};
  agreement.peer_mss = s.peer_mss;
  l.connection().release(l.core());
  l.burst([&] { l.connection().open_from_syn(agreement, l.core()); });
  l.out(seq(0), syn(), ack(1));
}

TEST_P(AcceptQueue, HandshakeIsDoneWithoutAccept) {
  Ladder l(start());
  l.in(seq(1), ack(1)).silent().in_state(State::kEstablished);
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(waiting(l), 1u);
  EXPECT_EQ(l.core().accept(0), 0u);
  l.burst([] {});
  EXPECT_EQ(l.told(), kMarkOpened);
  EXPECT_EQ(waiting(l), 0u);
  EXPECT_EQ(l.core().accept(0), kNoSlot);
}

TEST_P(AcceptQueue, TextAndFinThatCameMeanwhileAreToldAfterTheOpening) {
  Ladder l(start());
  l.in(seq(1), ack(1));
  l.in(seq(1), ack(1), text(300), fin()).out(seq(1), ack(302)).in_state(State::kCloseWait);
  EXPECT_EQ(l.told(), 0);
  l.silent_until(10s);
  l.core().accept(0);
  l.burst([] {});
  EXPECT_EQ(l.told(), kMarkOpened | kMarkText | kMarkEnded);
  EXPECT_EQ(l.read(), 300u);
  l.send(100);
  l.out(seq(1), ack(302), text(100));
}

TEST_P(AcceptQueue, TextThatWaitsIsBoundedByTheWindow) {
  Ladder l(start());
  l.in(seq(1), ack(1));
  for (uint32_t i = 0; i < 10; ++i) l.in(seq(1 + 1000 * i), ack(1), text(1000));
  l.ignore_output();
  EXPECT_EQ(l.tcb().unread, 10'000u);
  l.in(seq(10'001), ack(1), text(1000)).out(seq(1), ack(10'001), wnd(0));
  EXPECT_EQ(l.tcb().unread, 10'000u);
}

TEST_P(AcceptQueue, ResetByThePeerLeavesItInSilence) {
  Ladder l(start());
  l.in(seq(1), ack(1)).in(seq(1), ack(1), text(10));
  l.in(seq(11), rst(), no_ack()).gone(CloseReason::kNone);
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(waiting(l), 0u);
  EXPECT_EQ(l.core().accept(0), kNoSlot);
  EXPECT_EQ(l.counters().connections_reset_by_peer.value(), 1u);
}

TEST_P(AcceptQueue, ThirdSegmentIsDroppedWhileItIsFullAndTheSynAckSentAgain) {
  Start s = start();
  s.config.accept_backlog = 0;
  Ladder l(s);
  queue_syn(l, s);
  l.at(100ms).in(seq(1), ack(1)).silent().in_state(State::kSynReceived);
  l.in(seq(1), ack(1), text(100)).silent().in_state(State::kSynReceived);
  EXPECT_EQ(l.counters().accept_overflows.value(), 2u);
  EXPECT_EQ(l.counters().listen_drops.value(), 2u);
  l.at(1s).out(seq(0), syn(), ack(1));
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.core().backlogs[0].half_open.count.value(), 1u);
}

TEST_P(AcceptQueue, ThirdSegmentIsAnsweredByResetIfSoConfigured) {
  Start s = start();
  s.config.accept_backlog = 0;
  s.config.abort_on_overflow = true;
  Ladder l(s);
  queue_syn(l, s);
  l.at(100ms).in(seq(1), ack(1)).out(seq(1), rst(), no_ack()).gone(CloseReason::kNone);
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.counters().accept_overflows.value(), 1u);
  EXPECT_EQ(l.counters().listen_drops.value(), 0u);
}

TERN_LADDERS(AcceptQueue);

// Several connections of one core, opened and ended by hand.
struct Crowd {
  explicit Crowd(const Config& chosen)
      : config(chosen), core(connections, std::span(&config, 1), limits(), net::Instant{}) {}
  static CoreLimits limits() {
    CoreLimits limits;
    limits.reassemblies = limits.recoveries = limits.congestions = 4;
    return limits;
  }
  void open(uint32_t index) {
    Agreement agreement;
    agreement.iss = Seq{100};
    agreement.irs = Seq{200};
    Segment third;
    third.seq = Seq{201};
    third.ack = Seq{101};
    third.flags = kAck;
    third.wnd = 1000;
    connections[index].open_passive(agreement, core);
    connections[index].on_segment(third, {}, core);
  }
  bool told(uint32_t index) const { return (connections[index].news() & kMarkOpened) != 0; }

  Config config;
  std::vector<Connection> connections{8};
  Core core;
};

TEST(AcceptQueueOrder, WhoCameFirstIsServedWhenAnotherEnds) {
  Config config;
  config.max_connections = 2;
  Crowd crowd(config);
  for (const uint32_t index : {3u, 1u, 7u, 0u, 5u}) crowd.open(index);
  EXPECT_TRUE(crowd.told(3) && crowd.told(1));
  EXPECT_FALSE(crowd.told(7) || crowd.told(0) || crowd.told(5));
  EXPECT_EQ(crowd.core.backlogs[0].served.value(), 2u);
  EXPECT_EQ(crowd.core.backlogs[0].waiting.count.value(), 3u);
  crowd.connections[1].release(crowd.core);
  EXPECT_TRUE(crowd.told(7));
  EXPECT_FALSE(crowd.told(0));
  crowd.connections[0].release(crowd.core);  // from within the queue
  EXPECT_EQ(crowd.core.backlogs[0].waiting.count.value(), 1u);
  crowd.connections[3].release(crowd.core);
  EXPECT_TRUE(crowd.told(5));
  EXPECT_EQ(crowd.core.backlogs[0].served.value(), 2u);
  for (const uint32_t index : {7u, 5u}) crowd.connections[index].release(crowd.core);
  EXPECT_TRUE(idle(crowd.core.backlogs[0]));
}

TEST(AcceptQueueOrder, HandshakesOverflowOnceServiceAndQueueAreFull) {
  Config config;
  config.max_connections = 1;
  config.accept_backlog = 2;
  Crowd crowd(config);
  for (uint32_t index = 0; index < 3; ++index) {
    EXPECT_FALSE(crowd.core.backlogs.overflows(0, config));
    crowd.open(index);
  }
  EXPECT_TRUE(crowd.core.backlogs.overflows(0, config));
  crowd.connections[1].release(crowd.core);
  EXPECT_FALSE(crowd.core.backlogs.overflows(0, config));
}

}  // namespace
}  // namespace tern::test
