// SPDX-License-Identifier: BSD-3-Clause
// Opening passively through the SYN queue: RFC 9293 sections 3.10.7.2 and 3.10.7.4, SYN-RECEIVED.
#include "support/ladder.hpp"
#include "tcp/listener.hpp"

namespace tern::test {
namespace {

using namespace tcp;

// A SYN from a peer with the Start's options.
Segment syn_of(const Start& start) {
  Segment syn;
  syn.seq = Seq{start.origin.irs};
  syn.flags = kSyn;
  syn.wnd = start.peer_window;
  syn.mss = start.peer_mss;
  syn.window_scale = start.peer_scale;
  syn.sack_permitted = start.sack;
  syn.has_timestamps = start.timestamps;
  syn.ts_val = start.timestamps ? Ladder::kPeerClock : 0;
  return syn;
}

// Puts the ladder's connection in the SYN queue; its SYN-ACK leaves.
void queue(Ladder& ladder, const Start& start, uint16_t advice = 0) {
  const Listener listener(0, start.config);
  Segment syn = syn_of(start);
  syn.user_timeout = advice;
  const auto agreement = listener.agree_on_syn(syn, Seq{start.origin.iss}, 0, ladder.counters());
  ASSERT_TRUE(agreement);
  ladder.connection().release(ladder.core());
  ladder.burst([&] { ladder.connection().open_from_syn(*agreement, ladder.core()); });
}

class SynQueue : public LadderTest {
 protected:
  Start start() const {
    Start start = LadderTest::start();
    start.handshake = false;
    start.config.timestamps = true;
    start.config.sack = true;
    return start;
  }
};

TEST_P(SynQueue, SynAckRepeatsWhatTheSynOffered) {
  Start s = start();
  s.timestamps = true;
  s.sack = true;
  s.peer_scale = 3;
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1), mss(1000), scale(s.config.window_scale), sack_permitted(),
        ts_ecr(Ladder::kPeerClock));
  l.in_state(State::kSynReceived);
}

TEST_P(SynQueue, WithoutAnMssOptionTheDefaultIsUsed) {  // MUST-15
  Start s = start();
  s.peer_mss = 0;
  s.config.default_mss = 900;
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  EXPECT_EQ(l.tcb().mss, 900);
}

TEST_P(SynQueue, SynAckOffersNothingThatTheSynDidNot) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1), scale(kNoWindowScale), sack_permitted(false), no_ts());
}

TEST_P(SynQueue, SynSentAgainWithoutAskingForEcnTakesItBack) {  // RFC 3168 section 6.1.1
  const Start s = start();
  Ladder l(s);
  Segment asking = syn_of(s);
  asking.flags = kSyn | kEce | kCwr;
  const auto agreement = Listener(0, s.config).agree_on_syn(asking, Seq{s.origin.iss}, 0, l.counters());
  ASSERT_TRUE(agreement);
  l.connection().release(l.core());
  l.burst([&] { l.connection().open_from_syn(*agreement, l.core()); });
  l.out(flags(kSyn | kAck | kEce), not_ect());
  l.at(100ms).in(seq(0), flags(kSyn | kEce | kCwr)).out(flags(kSyn | kAck | kEce), not_ect());
  l.at(200ms).in(seq(0), flags(kSyn)).out(flags(kSyn | kAck), not_ect());
  l.at(300ms).in(seq(1), ack(1)).in_state(State::kEstablished);
  l.send(1000);
  l.out(text(1000), not_ect());
}

TEST_P(SynQueue, EveryCombinationOfOptionsIsAgreedOn) {
  for (int bits = 0; bits < 64; ++bits) {  // three of ours, three of the peer's
    SCOPED_TRACE(bits);
    Start s = start();
    s.config.timestamps = (bits & 1) != 0;
    s.config.sack = (bits & 2) != 0;
    s.config.window_scale = (bits & 4) != 0 ? 5 : kNoWindowScale;
    s.timestamps = (bits & 8) != 0;
    s.sack = (bits & 16) != 0;
    s.peer_scale = (bits & 32) != 0 ? 7 : kNoWindowScale;
    const bool timestamps = (bits & 9) == 9, sack = (bits & 18) == 18, scaled = (bits & 36) == 36;
    Ladder l(s);
    queue(l, s);
    const auto syn_ack = l.next_out();
    ASSERT_TRUE(syn_ack);
    EXPECT_EQ(syn_ack->has_timestamps, timestamps);
    EXPECT_EQ(syn_ack->sack_permitted, sack);
    EXPECT_EQ(syn_ack->window_scale, scaled ? 5 : kNoWindowScale);
    timestamps ? l.in(seq(1), ack(1), wnd(100)) : l.in(seq(1), ack(1), wnd(100), no_ts());
    l.in_state(State::kEstablished);
    EXPECT_EQ(l.tcb().snd.wnd, scaled ? 12'800u : 100u);
    EXPECT_EQ(l.connection().has(kTimestampsOn), timestamps);
    EXPECT_EQ(l.connection().has(kSackOn), sack);
    EXPECT_EQ(l.tcb().rcv_scale, scaled ? 5 : 0);
    l.ignore_output();
  }
}

TEST_P(SynQueue, ServiceHearsOfItWithTheThirdSegment) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  EXPECT_EQ(l.told(), 0);
  EXPECT_TRUE(l.connection().half_open());
  const uint64_t accepted = l.counters().connections_accepted.value();
  l.at(100ms).in(seq(1), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.told(), kMarkOpened);
  EXPECT_FALSE(l.connection().half_open());
  EXPECT_EQ(l.counters().connections_accepted.value(), accepted + 1);
  EXPECT_EQ(l.counters().connections_opened.value(), 0u);
}

TEST_P(SynQueue, ThirdSegmentMayCarryText) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.in(seq(1), ack(1), text(500)).in_state(State::kEstablished);
  EXPECT_EQ(l.told(), kMarkOpened | kMarkText);
  EXPECT_EQ(l.read(), 500u);
  l.at(40ms).out(seq(1), ack(501));
}

TEST_P(SynQueue, TextIsTheThirdSegmentWhenThatWasLost) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.at(100ms).in(seq(501), ack(1), text(500)).out(seq(1), ack(1)).in_state(State::kEstablished);
  l.in(seq(1), ack(1), text(500)).out(seq(1), ack(1001));
  EXPECT_EQ(l.told(), kMarkOpened | kMarkText);
}

TEST_P(SynQueue, ThirdSegmentWithoutTimestampsIsAccepted) {
  Start s = start();
  s.timestamps = true;
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1), ts_ecr(Ladder::kPeerClock));
  l.at(100ms).in(seq(1), ack(1), no_ts()).in_state(State::kEstablished);
  EXPECT_EQ(l.told(), kMarkOpened);
  EXPECT_EQ(l.core().backlogs[0].half_open.count.value(), 0u);
  l.in(seq(1), ack(1), text(10), no_ts());
  EXPECT_EQ(l.read(), 10u);
}

TEST_P(SynQueue, GaugeFollowsWhateverEndsIt) {
  Start s = start();
  s.config.syn_ack_retries = 0;
  const auto half_open = [](Ladder& l) { return l.core().backlogs[0].half_open.count.value(); };
  {
    Ladder l(s);
    queue(l, s);
    l.out(seq(0), syn(), ack(1));
    EXPECT_EQ(half_open(l), 1u);
    l.silent_until(2s).gone(CloseReason::kNone);
    EXPECT_EQ(half_open(l), 0u);
  }
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.in(seq(1), rst(), no_ack());
  EXPECT_EQ(half_open(l), 0u);
}

TEST_P(SynQueue, HandshakeGivesTheFirstRoundTripTime) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.at(120ms).in(seq(1), ack(1));
  EXPECT_EQ(l.tcb().srtt_us, 120'000u);
  EXPECT_EQ(l.tcb().rttvar_us, 60'000u);
}

TEST_P(SynQueue, SynAckIsSentAgainWithBackOffAndThenForgottenInSilence) {
  Start s = start();
  s.config.syn_ack_retries = 2;
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.at(1s).out(seq(0), syn(), ack(1));
  l.at(3s).out(seq(0), syn(), ack(1));
  l.silent_until(8s).gone(CloseReason::kNone);
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.counters().half_open_timed_out.value(), 1u);
  EXPECT_EQ(l.counters().connections_timed_out.value(), 0u);
}

TEST_P(SynQueue, ServiceHearsOfNoDoubtAboutAPathToNobody) {  // SHLD-9 is about connections
  Start s = start();
  s.config.syn_ack_retries = 4;
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  for (const Duration t : {1s, 3s, 7s, 15s}) l.at(t).out(seq(0), syn(), ack(1));
  EXPECT_EQ(l.told(), 0);
}

TEST_P(SynQueue, AdviceOnTheUserTimeoutKeepsNoHandshakeOpen) {  // RFC 5482
  Start s = start();
  s.config.syn_ack_retries = 2;
  s.config.user_timeout_option = true;
  Ladder l(s);
  constexpr uint16_t kAnHour = 0x8000 | 60;
  queue(l, s, kAnHour);
  l.ignore_output().at(1s).out(seq(0), syn(), ack(1)).at(3s).out(seq(0), syn(), ack(1));
  l.silent_until(8s).gone(CloseReason::kNone);
  EXPECT_EQ(l.counters().half_open_timed_out.value(), 1u);
}

TEST_P(SynQueue, RoundTripOfARetransmittedSynAckIsNotTaken) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.at(1s).out(seq(0), syn(), ack(1));
  l.at(1100ms).in(seq(1), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.tcb().srtt_us, 1'000'000u);  // which makes the timeout 3 s: RFC 6298 section 5.7
}

TEST_P(SynQueue, SameSynIsAnsweredByTheSynAckAgain) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.at(300ms).in(seq(0), syn(), no_ack()).out(seq(0), syn(), ack(1)).in_state(State::kSynReceived);
  EXPECT_FALSE(l.connection().has(kRttTimed));  // Karn
  l.at(1s).out(seq(0), syn(), ack(1));          // whose timer runs on
}

TEST_P(SynQueue, AnotherSynInTheWindowReturnsItToListen) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.in(seq(5), syn(), no_ack()).silent().gone(CloseReason::kNone);
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.counters().half_open_reset.value(), 1u);
}

TEST_P(SynQueue, ResetReturnsItToListen) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.in(seq(1), rst(), no_ack()).silent().gone(CloseReason::kNone);
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.counters().half_open_reset.value(), 1u);
  EXPECT_EQ(l.counters().connections_reset_by_peer.value(), 0u);
}

TEST_P(SynQueue, UnacceptableAckIsAnsweredByReset) {
  const Start s = start();
  Ladder l(s);
  queue(l, s);
  l.out(seq(0), syn(), ack(1));
  l.in(seq(1), ack(2)).out(seq(2), rst(), no_ack()).in_state(State::kSynReceived);
  l.in(seq(1), ack(0)).out(seq(0), rst(), no_ack()).in_state(State::kSynReceived);
}

TERN_LADDERS(SynQueue);

TEST(SynQueueBacklog, CookiesFollowTheConfiguration) {
  Config config;
  config.syn_backlog = 2;
  const Listener listener(0, config);
  EXPECT_EQ(listener.decide(0), SynAnswer::kCookie);
  config.cookies = Cookies::kWhenFull;
  EXPECT_EQ(listener.decide(1), SynAnswer::kQueue);
  EXPECT_EQ(listener.decide(2), SynAnswer::kCookie);
  config.cookies = Cookies::kNever;
  EXPECT_EQ(listener.decide(1), SynAnswer::kQueue);
  EXPECT_EQ(listener.decide(2), SynAnswer::kDrop);
}

TEST(SynQueueBacklog, SynWithFinIsNotQueued) {
  const Config config;
  const Listener listener(0, config);
  Counters counters;
  Segment syn = syn_of(established());
  syn.flags |= kFin;
  EXPECT_FALSE(listener.agree_on_syn(syn, Seq{7}, 0, counters));
  EXPECT_EQ(counters.syns_malformed.value(), 1u);
  EXPECT_EQ(counters.syns_queued.value(), 0u);
}

TEST_P(SynQueue, IsLeftByNoIcmpError) {  // a forged one would keep a peer out
  for (const auto error : {net::IcmpError::kPortUnreachable, net::IcmpError::kHostUnreachable}) {
    const Start s = start();
    Ladder l(s);
    queue(l, s);
    l.ignore_output().icmp(error, 0).in_state(State::kSynReceived);
    l.in(seq(1), ack(1)).in_state(State::kEstablished);
  }
}

}  // namespace
}  // namespace tern::test
