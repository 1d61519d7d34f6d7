// SPDX-License-Identifier: BSD-3-Clause
// Opening actively: RFC 9293 sections 3.10.1 and 3.10.7.3, and SYN-RECEIVED after a simultaneous open.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class SynSent : public LadderTest {
 protected:
  Start opening() const {
    Start s = start();
    s.active = true;
    s.handshake = false;
    return s;
  }
};
TERN_LADDERS(SynSent);

TEST_P(SynSent, SynAckIsAcknowledged) {
  Start s = opening();
  s.config.window_scale = 4;
  Ladder l(s);
  l.out(seq(0), flags(kSyn), wnd(10'000), mss(1000), scale(4), sack_permitted(false), no_ts());
  l.in(seq(0), ack(1), syn(), mss(700), wnd(5000))
      .out(seq(1), ack(1), wnd(10'000))
      .in_state(State::kEstablished);
  EXPECT_EQ(l.told(), kMarkOpened);
  EXPECT_EQ(l.counters().connections_opened.value(), 1u);
  EXPECT_EQ(l.tcb().snd.wnd, 5000u);
  EXPECT_EQ(l.tcb().mss, 700u);
  EXPECT_EQ(l.tcb().snd_scale, 0);
  l.silent_until(1h);
}

TEST_P(SynSent, OptionsTakeEffectWhenBothOfferThem) {
  Start s = opening();
  s.timestamps = s.sack = true;
  s.config.window_scale = 4;
  Ladder l(s);
  l.at(5ms).ignore_output();
  l.in(seq(0), ack(1), syn(), mss(700), scale(3), wnd(5000), ts(777, 0));
  l.out(seq(1), ack(1), wnd(10'000 >> 4), ts_ecr(777));
  EXPECT_EQ(l.tcb().snd.wnd, 5000u) << "a SYN's window is not scaled";
  EXPECT_EQ(l.tcb().flags, kTimestampsOn | kSackOn | kWindowScaleOn);
  EXPECT_EQ(l.tcb().mss, 688u);
  l.in(wnd(5000), ts_val(778));
  EXPECT_EQ(l.tcb().snd.wnd, 40'000u);
}

TEST_P(SynSent, WithoutAnMssOptionTheDefaultIsUsed) {                            // MUST-15
  for (const uint16_t by_default : std::initializer_list<uint16_t>{536, 900}) {  // a network's
    Start s = opening();
    s.config.default_mss = by_default;
    Ladder l(s);
    l.ignore_output();
    l.in(seq(0), ack(1), syn()).out(ack(1));
    EXPECT_EQ(l.tcb().mss, by_default);
  }
}

TEST_P(SynSent, TextOfTheSynAckIsTaken) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), ack(1), syn(), text(100)).out(seq(1), ack(101));
  EXPECT_EQ(l.read(), 100u);
}

TEST_P(SynSent, TextAndFinOfTheSynAckAreTaken) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), ack(1), flags(kSyn | kAck | kFin), text(100))
      .out(seq(1), ack(102))
      .in_state(State::kCloseWait);
  EXPECT_EQ(l.read(), 100u);
}

TEST_P(SynSent, TextQueuedEarlyFollowsTheHandshake) {
  Ladder l(opening());
  l.ignore_output();
  EXPECT_TRUE(l.send(500));
  l.silent().in(seq(0), ack(1), syn(), mss(1000)).out(seq(1), ack(1), text(500)).silent();
}

TEST_P(SynSent, AnAckOfWhatWasNotSentIsAnsweredByReset) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), ack(0), syn()).out(seq(0), flags(kRst)).out(seq(0), flags(kSyn));
  l.in(seq(0), ack(2), syn()).out(seq(2), flags(kRst));
  l.in(seq(0), ack(2)).out(seq(2), flags(kRst));
  l.in(seq(0), ack(2), rst()).silent().in_state(State::kSynSent);
}

// RFC 9293 section 3.5.1: the peer still has the connection that we had before we were started anew.
TEST_P(SynSent, WhatThePeerStillHasOfOldIsEndedAndTheSynSentAgainAtOnce) {
  Ladder l(opening());
  l.out(seq(0), flags(kSyn));
  l.in(seq(5000), ack(7000)).out(seq(7000), flags(kRst)).out(seq(0), flags(kSyn), mss(1000));
  l.in(seq(5000), ack(7000)).out(seq(7000), flags(kRst)).silent();  // it does not listen to RST
  l.in(seq(0), ack(1), syn(), mss(1000)).out(seq(1), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.tcb().retransmit_expiries, 0u);
  EXPECT_GT(l.tcb().cwnd, 1000u) << "no SYN was lost";
}

TEST_P(SynSent, AnAckWithoutSynIsDropped) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), ack(1)).silent().in_state(State::kSynSent);
}

TEST_P(SynSent, ResetOfTheSynIsARefusal) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), ack(1), rst()).silent().gone(CloseReason::kRefused);
  EXPECT_EQ(l.told(), kMarkClosed);
}

TEST_P(SynSent, ResetWithoutAckIsDropped) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), rst(), no_ack()).silent().in_state(State::kSynSent);
}

TEST_P(SynSent, SynIsSentAgainWithBackOffAndGivenUp) {
  Start s = opening();
  s.config.syn_retries = 3;
  Ladder l(s);
  l.out(seq(0), flags(kSyn));
  for (const Duration rto : {1s, 2s, 4s}) l.after(rto).out(seq(0), flags(kSyn), mss(1000));
  l.silent_until(l.now() + 7900ms).after(200ms).gone(CloseReason::kTimedOut);
}

TEST_P(SynSent, ALostSynMakesTheInitialWindowOneSegmentAndTheTimeoutThreeSeconds) {
  // RFC 5681 section 3.1, RFC 6298 section 5.7.
  Ladder l(opening());
  l.out(flags(kSyn)).after(1s).out(flags(kSyn));
  l.in(seq(0), ack(1), syn(), mss(1000)).out(ack(1));
  l.send(3000);
  l.out(seq(1), text(1000)).silent();
  l.after(3s).out(seq(1), text(1000));
}

TEST_P(SynSent, CloseEndsItSilently) {
  Ladder l(opening());
  l.ignore_output();
  l.close().silent().gone(CloseReason::kFinished);
}

TEST_P(SynSent, ShutdownEndsItSilently) {
  Ladder l(opening());
  l.ignore_output();
  l.shutdown().silent().gone(CloseReason::kFinished);
}

TEST_P(SynSent, AbortEndsItSilently) {
  Ladder l(opening());
  l.ignore_output();
  l.abort().silent().gone(CloseReason::kAborted);
}

// --- Simultaneous open: figure 8
// ------------------------------------------------------------------------------------

TEST_P(SynSent, SimultaneousOpenAnswersBySynAckAndIsOpenedByAnAck) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), syn(), no_ack(), mss(600))
      .out(seq(0), ack(1), flags(kSyn | kAck), mss(1000))
      .in_state(State::kSynReceived);
  l.in(seq(1), ack(1), wnd(7000)).silent().in_state(State::kEstablished);
  EXPECT_EQ(l.tcb().snd.wnd, 7000u);
  EXPECT_EQ(l.told(), kMarkOpened);
  EXPECT_EQ(l.counters().connections_opened.value(), 1u);
}

TEST_P(SynSent, SimultaneousOpenAnswersTheCrossingSynAckByAnAck) {
  // SEG.SEQ is left of the window: "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>". A SYN-ACK here would be answered in
  // kind, for ever.
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), syn(), no_ack()).ignore_output();
  l.in(seq(0), ack(1), syn()).out(seq(1), ack(1));
  l.in(seq(1), ack(1)).in_state(State::kEstablished);
}

TEST_P(SynSent, SynReceivedSendsItsSynAckAgain) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), syn(), no_ack()).out(flags(kSyn | kAck));
  l.at(1s).out(seq(0), ack(1), flags(kSyn | kAck)).after(2s).out(seq(0), ack(1), flags(kSyn | kAck));
}

TEST_P(SynSent, SynReceivedResetsAnAckThatIsNotAcceptable) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), syn(), no_ack()).ignore_output();
  l.in(seq(1), ack(2)).out(seq(2), flags(kRst)).in(seq(1), ack(0)).out(seq(0), flags(kRst));
  l.in_state(State::kSynReceived);
}

TEST_P(SynSent, SynReceivedTakesAnExactResetAsARefusal) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), syn(), no_ack()).ignore_output();
  l.in(seq(1), rst(), no_ack()).silent().gone(CloseReason::kRefused);
}

TEST_P(SynSent, SynReceivedRemembersAShutdown) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), syn(), no_ack()).ignore_output();
  l.shutdown().silent().in(seq(1), ack(1)).out(seq(1), ack(1), fin()).in_state(State::kFinWait1);
}

TEST_P(SynSent, SynReceivedAbortsByReset) {
  Ladder l(opening());
  l.ignore_output();
  l.in(seq(0), syn(), no_ack()).ignore_output();
  l.abort().out(seq(1), ack(1), flags(kRst | kAck)).gone(CloseReason::kAborted);
}

}  // namespace
}  // namespace tern::test
