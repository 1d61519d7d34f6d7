// SPDX-License-Identifier: BSD-3-Clause
// A connection opened by the text of its SYN: RFC 7413 section 4.2.2, the server's half.
#include "support/ladder.hpp"
#include "tcp/listener.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class FastOpenServerLadder : public LadderTest {
 protected:
  static Start start_with(Start start) {
    start.handshake = false;
    start.config.fast_open_listen = FastOpen::kOn;
    start.limits.extras = 1;
    start.peer_window = 2000;
    return start;
  }
  Start start() const { return start_with(LadderTest::start()); }

  // The SYN has come, and its cookie was found valid.
  static void open(Ladder& l, const Start& s, uint32_t text, const FastOpenOption& answer = {},
                   const std::function<void()>& service = {}) {
    Segment syn;
    syn.seq = Seq{s.origin.irs};
    syn.flags = kSyn;
    syn.length = text;
    syn.wnd = s.peer_window;
    syn.mss = s.peer_mss;
    syn.window_scale = s.peer_scale;
    syn.has_timestamps = s.timestamps;
    syn.ts_val = s.timestamps ? Ladder::kPeerClock : 0;
    const Listener listener(0, s.config);
    auto agreement = listener.agree_on_fast_open(syn, Seq{s.origin.iss}, 0, l.counters());
    ASSERT_TRUE(agreement);
    agreement->fast_open = answer;
    l.connection().release(l.core());
    l.burst([&] {
      net::Packet packet = text == 0 ? net::Packet() : pattern_packet(1, text, false);
      l.connection().open_fast(*agreement, syn, std::move(packet), l.core());
      if (service) service();
    });
  }
};

TEST_P(FastOpenServerLadder, SynAckAcknowledgesTheTextWhichTheServiceHasAtOnce) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100);
  l.out(seq(0), syn(), ack(101), wnd(9900), mss(1000), no_fast_open()).in_state(State::kSynReceived);
  EXPECT_EQ(l.told(), kMarkOpened | kMarkText);
  EXPECT_EQ(l.read(), 100u);
  EXPECT_EQ(l.counters().fast_opens.value(), 1u);
  EXPECT_EQ(l.core().fast_opens[0].open(), 1u);
  const uint64_t accepted = l.counters().connections_accepted.value();
  l.at(50ms).in(seq(101), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.told(), 0) << "it has heard of the connection before";
  EXPECT_EQ(l.counters().connections_accepted.value(), accepted + 1);
  EXPECT_EQ(l.counters().connections_opened.value(), 0u);
  EXPECT_EQ(l.core().fast_opens[0].open(), 0u);
  EXPECT_TRUE(l.connection().has(kSynTextTaken));
}

TEST_P(FastOpenServerLadder, WindowOfTheSynAckCountsWhatTheServiceHasReadAlready) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100, {}, [&] { l.read(); });
  l.out(seq(0), syn(), ack(101), wnd(10'000));
}

TEST_P(FastOpenServerLadder, ReadingBeforeTheThirdSegmentIsNotAnnounced) {
  Start s = start();
  s.config.receive_buffer = s.config.receive_buffer_initial = 200'000;
  Ladder l(s);
  open(l, s, 900);
  l.out(seq(0), syn(), ack(901));
  EXPECT_EQ(l.read(), 900u);
  l.silent_until(500ms);
  l.at(550ms).in(seq(901), ack(1)).in_state(State::kEstablished).silent();
}

TEST_P(FastOpenServerLadder, ValidCookieWithoutTextOpensToo) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 0);
  l.out(seq(0), syn(), ack(1));
  EXPECT_EQ(l.told(), kMarkOpened);
  EXPECT_FALSE(l.connection().has(kSynTextTaken));
  l.send(10);
  l.out(seq(1), ack(1), text(10));
}

TEST_P(FastOpenServerLadder, ReplyLeavesBeforeTheThirdSegment) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100, {}, [&] { l.send(300); });
  l.out(seq(0), syn(), ack(101));
  l.out(seq(1), ack(101), text(300));
  l.at(50ms).in(seq(101), ack(301)).in_state(State::kEstablished);
  EXPECT_EQ(l.counters().duplicate_acks_received.value(), 0u);
  EXPECT_EQ(l.connection().flight(), 0u);
  EXPECT_NEAR(l.tcb().srtt_us, 50'000, 3000) << "measured from the SYN-ACK";
  l.silent_until(3s);
}

TEST_P(FastOpenServerLadder, ReplyIsBoundedByTheWindowOfTheSyn) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100, {}, [&] { l.send(5000); });
  l.out(seq(0), syn(), ack(101));
  l.out(seq(1), text(1000));
  l.out(seq(1001), text(1000));
  l.silent();
  l.at(50ms).in(seq(101), ack(1), wnd(3000));
  l.out(seq(2001), text(1000));
  l.at(100ms).in(seq(101), ack(3001), wnd(3000));
  l.out(seq(3001), text(1000)).out(seq(4001), text(1000)).ignore_output();
}

TEST_P(FastOpenServerLadder, ReplyIsBoundedByTheInitialCongestionWindow) {
  Start s = start();
  s.peer_window = 60'000;
  s.config.initial_window_segments = 2;
  Ladder l(s);
  open(l, s, 100, {}, [&] { l.send(5000); });
  l.out(seq(0), syn(), ack(101)).out(seq(1), text(1000)).out(seq(1001), text(1000)).silent();
}

TEST_P(FastOpenServerLadder, AcknowledgmentOfTheSynAloneIsNoDuplicateAndTheReplyHasATimer) {
  Start s = start();
  s.config.timestamps = false;
  Ladder l(s);
  open(l, s, 100, {}, [&] { l.send(300); });
  l.out(seq(0), syn(), ack(101)).out(seq(1), text(300));
  l.at(100ms).in(seq(101), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.counters().duplicate_acks_received.value(), 0u);
  EXPECT_EQ(l.tcb().retransmit_expiries, 0);
  l.silent_until(350ms);
  l.at(400ms).out(seq(1), ack(101), text(300));  // three round trips from the third segment
  l.at(450ms).in(seq(101), ack(301));
}

TEST_P(FastOpenServerLadder, LostSynAckIsSentAgainWithNeitherOptionNorText) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100, fast_open_option({1, 2, 3, 4, 5, 6, 7, 8}), [&] { l.send(300); });
  l.out(seq(0), syn(), ack(101), fast_open(fast_open_option({1, 2, 3, 4, 5, 6, 7, 8})));
  l.out(seq(1), text(300));
  l.at(1s).out(seq(0), syn(), ack(101), no_fast_open());
  l.silent_until(2900ms);
  l.at(3s).out(seq(0), syn(), ack(101), no_fast_open());
  l.at(3100ms).in(seq(101), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.tcb().cwnd, 1000u);
  l.at(6100ms).out(seq(1), text(300));
  l.in(seq(101), ack(301));
}

TEST_P(FastOpenServerLadder, SynWithoutTextThatIsSentAgainGetsTheSynAckAgain) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100);
  l.out(seq(0), syn(), ack(101));
  l.at(500ms).in(seq(0), flags(kSyn)).out(seq(0), syn(), ack(101));
  l.at(600ms).in(seq(101), ack(1)).in_state(State::kEstablished);
}

TEST_P(FastOpenServerLadder, RstEndsItWithAWordToTheServiceAndGoesOnCounting) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100);
  l.out(seq(0), syn(), ack(101));
  EXPECT_TRUE(l.core().fast_opens[0].admits(2, l.core().now));
  l.at(50ms).in(seq(101), rst(), no_ack()).gone(CloseReason::kResetByPeer);
  EXPECT_NE(l.told() & kMarkClosed, 0);
  EXPECT_EQ(l.core().fast_opens[0].open(), 0u);
  EXPECT_FALSE(l.core().fast_opens[0].admits(1, l.core().now));
  EXPECT_TRUE(l.core().fast_opens[0].admits(1, l.core().now + 2min));
}

TEST_P(FastOpenServerLadder, ClosingWithTheTextUnreadIsAnsweredByRst) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100);
  l.out(seq(0), syn(), ack(101));
  l.close();
  l.out(seq(1), ack(101), rst()).gone(CloseReason::kAborted);
  EXPECT_EQ(l.core().fast_opens[0].open(), 0u);
}

// A SYN's window is not scaled, the next one is: a large scale may make nothing of it.
TEST_P(FastOpenServerLadder, WindowOfTheThirdSegmentMayBeSmallerThanThatOfTheSyn) {
  Start s = start();
  s.peer_scale = 14;
  s.config.window_scale = 2;
  Ladder l(s);
  open(l, s, 100, {}, [&] { l.send(2000); });
  l.out(seq(0), syn(), ack(101)).out(seq(1), text(1000)).out(seq(1001), text(1000));
  l.at(50ms).in(seq(101), ack(1), wnd(0)).in_state(State::kEstablished);
  EXPECT_EQ(l.tcb().max_wnd, 2000u);
  l.at(60ms).in(seq(101), ack(2001), wnd(0)).silent_until(1s);
}

TEST_P(FastOpenServerLadder, FinMayLeaveWithTheReply) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100, {}, [&] {
    l.read();
    l.send(300);
    l.close();
  });
  l.out(seq(0), syn(), ack(101)).out(seq(1), ack(101), text(300), fin());
  l.at(50ms).in(seq(101), ack(302)).in_state(State::kFinWait2);
  l.at(60ms).in(seq(101), fin(), ack(302)).out(seq(302), ack(102)).in_state(State::kTimeWait);
}

TEST_P(FastOpenServerLadder, FinOfThePeersThirdSegmentCloses) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100);
  l.out(seq(0), syn(), ack(101));
  l.read();
  l.at(50ms).in(seq(101), fin(), ack(1)).in_state(State::kCloseWait).out(seq(1), ack(102));
}

TEST_P(FastOpenServerLadder, HandshakeThatIsNeverDoneIsGivenUpAsAnyOther) {
  Start s = start();
  s.config.syn_ack_retries = 2;
  Ladder l(s);
  open(l, s, 100);
  l.out(seq(0), syn(), ack(101));
  l.at(1s).out(seq(0), syn(), ack(101)).at(3s).out(seq(0), syn(), ack(101));
  l.silent_until(6900ms).at(7100ms).gone(CloseReason::kTimedOut);
  EXPECT_EQ(l.core().fast_opens[0].open(), 0u);
}

TEST_P(FastOpenServerLadder, TextBeyondTheBufferIsNotAcknowledged) {
  Start s = start();
  s.config.receive_buffer = 600;
  s.config.mss = 500;
  Ladder l(s);
  open(l, s, 1000);
  l.out(seq(0), syn(), ack(601), wnd(0));
  EXPECT_EQ(l.read(), 600u);
  l.ignore_output();
}

TEST_P(FastOpenServerLadder, ThirdSegmentThatAcknowledgesWhatWasNotSentIsAnsweredByRst) {
  const Start s = start();
  Ladder l(s);
  open(l, s, 100);
  l.out(seq(0), syn(), ack(101));
  l.at(10ms).in(seq(101), ack(2)).out(seq(2), rst(), no_ack()).in_state(State::kSynReceived);
  l.at(20ms).in(seq(101), ack(0)).out(seq(0), rst(), no_ack()).in_state(State::kSynReceived);
}

TEST_P(FastOpenServerLadder, CookieForTheNextTimeStandsInAQueuedSynsAnswerOnceOnly) {
  const Start s = start();
  Ladder l(s);
  Segment syn;
  syn.seq = Seq{s.origin.irs};
  syn.flags = kSyn;
  syn.mss = 1000;
  auto agreement = Listener(0, s.config).agree_on_syn(syn, Seq{s.origin.iss}, 0, l.counters());
  agreement->fast_open = fast_open_option({1, 2, 3, 4, 5, 6, 7, 8});
  l.connection().release(l.core());
  l.burst([&] { l.connection().open_from_syn(*agreement, l.core()); });
  l.out(seq(0), flags(kSyn | kAck), ack(1), fast_open(agreement->fast_open));
  l.at(1s).out(seq(0), flags(kSyn | kAck), ack(1), no_fast_open());
  l.in(seq(1), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.core().extras.in_use(), 0u);
}

TERN_LADDERS(FastOpenServerLadder);

}  // namespace
}  // namespace tern::test
