// SPDX-License-Identifier: BSD-3-Clause
// RACK-TLP: RFC 8985. Losses found by time, and probes of a tail that stays unanswered.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

// A connection with SACK and a round trip of 40 ms.
class TailLoss : public LadderTest {
 protected:
  Start with_sack() const {
    Start s = start();
    s.sack = true;
    return s;
  }
  // Establishes the round trip; text goes on at 1001.
  static void measure(Ladder& l) {
    l.send(1000);
    l.out(seq(1), text(1000)).after(40ms).in(ack(1001));
    ASSERT_NEAR(l.tcb().srtt_us, 40'000, 500);
  }
};
TERN_LADDERS(TailLoss);

void fly(Ladder& l, uint32_t n) {
  l.send(1000 * n);
  l.ignore_output();
}

TEST_P(TailLoss, TheLastSegmentIsSentAgainAfterTwoRoundTrips) {
  Ladder l(with_sack());
  measure(l);
  fly(l, 5);
  l.silent_until(l.now() + 81ms).after(1ms).out(seq(5001), text(1000)).silent();
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 1u);
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
  EXPECT_EQ(l.tcb().cwnd, 10'000u) << "not a loss yet";
}

TEST_P(TailLoss, NewTextIsTheBetterProbe) {
  Start s = with_sack();
  s.config.initial_window_segments = 5;
  Ladder l(s);
  measure(l);
  l.tcb().cwnd = 5000;
  l.send(8000);
  l.ignore_output();
  l.after(82ms).out(seq(6001), text(1000)).silent();
}

TEST_P(TailLoss, NewTextBeyondThePeersWindowIsNoProbe) {
  Start s = with_sack();
  s.peer_window = 5000;
  Ladder l(s);
  measure(l);
  l.send(8000);
  l.ignore_output();
  l.after(82ms).out(seq(5001), text(1000)).silent();
}

TEST_P(TailLoss, ALostTailIsMendedWithoutATimeout) {
  Ladder l(with_sack());
  measure(l);
  fly(l, 5);
  l.after(40ms).in(ack(2001)).silent();  // the last four are lost
  l.after(82ms).out(seq(5001), text(1000)).silent();
  l.after(40ms).in(ack(2001), sack(5001, 6001)).out(seq(2001), text(1000)).ignore_output();
  l.after(40ms).in(ack(6001)).silent();
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(TailLoss, ASegmentAloneWaitsForADelayedAck) {  // section 7.2: TLP.max_ack_delay
  Start s = with_sack();
  s.config.rto_min = 500ms;
  Ladder l(s);
  measure(l);
  l.send(500);
  l.out(text(500)).silent_until(l.now() + 279ms).after(1ms).out(seq(1001), text(500));
}

TEST_P(TailLoss, TheProbeIsDueNoLaterThanTheTimeout) {  // section 7.2, whose place it takes
  Ladder l(with_sack());
  measure(l);
  l.send(500);
  l.out(text(500)).after(200ms).out(seq(1001), text(500));
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 1u);
  l.silent_until(l.now() + 199ms).after(1ms).out(seq(1001), text(500));
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 1u);
}

TEST_P(TailLoss, NorAfterAnAcknowledgmentLaterThanTheTimeout) {
  Ladder l(with_sack());
  measure(l);
  fly(l, 2);
  l.after(40ms).in(ack(2001)).after(200ms).out(seq(2001), text(1000));
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 1u);
}

TEST_P(TailLoss, AfterAProbeTheTimeoutFollows) {
  Ladder l(with_sack());
  measure(l);
  fly(l, 3);
  l.after(82ms)
      .out(seq(3001), text(1000))
      .silent_until(l.now() + 199ms)
      .after(1ms)
      .out(seq(1001), text(1000));
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 1u);
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 1u);
  l.in(ack(4001));
}

TEST_P(TailLoss, PartOfTheLastSegmentTellsNothingOfThoseBefore) {  // section 6.2: segments are delivered
  Ladder l(with_sack());
  measure(l);
  fly(l, 4);
  l.after(50ms).in(ack(1001), sack(5000, 5001));
  l.silent_until(l.now() + 31ms).after(1ms).out(seq(4001), text(1000)).silent();
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 1u);
}

// One acknowledgment brings the retransmission of the first and the first news of the fourth, which were sent
// together with the ninth: that took no less time than the ninth has had.
TEST_P(TailLoss, NewsOfARetransmissionAndOfWhatIsOlderIsAsOldAsTheLatter) {
  Start s = with_sack();
  s.config.initial_window_segments = 9;
  Ladder l(s);
  measure(l);
  fly(l, 9);
  l.after(40ms).in(ack(1001), sack(2001, 4001)).silent_until(l.now());
  l.in(ack(1001), sack(2001, 4001), sack(8001, 9001)).out(seq(1001), text(1000)).ignore_output();
  l.after(50ms).in(ack(5001), sack(8001, 9001));
  l.out(seq(5001), text(1000)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
  EXPECT_FALSE(l.core().recoveries[l.tcb().recovery].board.is_lost(l.tcb().iss + 9001));
}

TEST_P(TailLoss, AProbeThatCameTwiceCostsNothing) {  // section 7.4.2, RFC 2883
  Ladder l(with_sack());
  measure(l);
  fly(l, 3);
  l.after(82ms).out(seq(3001), text(1000));
  l.in(ack(4001)).in(ack(4001), sack(3001, 4001)).silent();
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
  fly(l, 1);
  l.in(ack(5001));
  EXPECT_EQ(l.tcb().ssthresh, 0x7fffffffu);
}

TEST_P(TailLoss, NorDoesOneThatIsAnsweredTwiceByAPeerWithoutDsack) {  // section 7.4.2, case 2
  Ladder l(with_sack());
  measure(l);
  fly(l, 3);
  l.after(82ms).out(seq(3001), text(1000)).in(ack(4001)).in(ack(4001)).silent();
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
  fly(l, 1);
  l.in(ack(5001));
  EXPECT_EQ(l.tcb().ssthresh, 0x7fffffffu);
}

TEST_P(TailLoss, ThePeersTextOrADuplicateOfSomethingElseIsNoSuchAnswer) {
  for (const bool text_comes : {false, true}) {
    Ladder l(with_sack());
    measure(l);
    fly(l, 3);
    l.after(82ms).out(seq(3001), text(1000)).in(ack(4001));
    if (text_comes) {
      l.in(ack(4001), text(100)).ignore_output();
    } else {
      l.in(ack(4001), sack(1001, 2001)).silent();
    }
    fly(l, 1);
    l.after(40ms).in(ack(5001)).ignore_output();
    EXPECT_EQ(l.tcb().ssthresh, 5000u) << "a loss";
  }
}

TEST_P(TailLoss, BeforeTheRoundTripIsMeasuredAgainThereIsNoFurtherProbe) {  // section 7.3, condition 2
  Ladder l(with_sack());
  measure(l);
  fly(l, 1);  // which is timed, until it is sent again
  l.after(200ms).out(seq(1001), text(1000)).in(ack(2001)).in(ack(2001), sack(1001, 2001)).silent();
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 1u);
  fly(l, 2);
  l.silent_until(l.now() + 199ms).after(1ms).out(seq(2001), text(1000));
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 1u);
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 1u);
  l.in(ack(4001)).silent();
  fly(l, 2);
  l.after(40ms).in(ack(6001)).silent();
  fly(l, 2);
  l.after(82ms).out(seq(7001), text(1000)).in(ack(8001)).silent();
  EXPECT_EQ(l.counters().tail_loss_probes.value(), 2u);
}

TEST_P(TailLoss, AProbeThatMendedALossCountsAsOne) {  // section 7.4.2
  Ladder l(with_sack());
  measure(l);
  fly(l, 3);
  l.after(82ms).out(seq(3001), text(1000)).after(40ms).in(ack(4001)).silent();
  fly(l, 1);
  l.after(40ms).in(ack(5001)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
}

TEST_P(TailLoss, AProbeOfALostFinSendsItAgain) {
  Ladder l(with_sack());
  measure(l);
  l.send(3000);
  l.shutdown().ignore_output();
  l.after(82ms).out(seq(3001), text(1000), fin()).silent();
  l.in(ack(4002)).in_state(State::kFinWait2);
}

TEST_P(TailLoss, WithoutSackThereIsNoProbe) {
  Ladder l(start());
  l.send(1000);
  l.out(seq(1), text(1000)).after(40ms).in(ack(1001));
  fly(l, 5);
  l.silent_until(l.now() + 190ms).after(10ms).out(seq(1001), text(1000));
}

// --- RACK
// -------------------------------------------------------------------------------------------------------

TEST_P(TailLoss, OneBlockIsEnoughOnceTheReorderingWindowHasPassed) {  // section 6.2, step 5
  Ladder l(with_sack());
  measure(l);
  fly(l, 3);  // the first of three is lost: never three duplicates
  l.after(40ms).in(ack(1001), sack(2001, 3001)).in(ack(1001), sack(2001, 4001)).silent();
  l.after(10ms).out(seq(1001), text(1000)).silent();
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
  l.after(40ms).in(ack(4001)).silent();
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
}

TEST_P(TailLoss, WhatComesWithinTheReorderingWindowIsNotSentAgain) {
  Ladder l(with_sack());
  measure(l);
  fly(l, 3);
  l.after(40ms).in(ack(1001), sack(2001, 4001)).silent();
  l.after(5ms).in(ack(4001)).silent();
  EXPECT_EQ(l.counters().retransmissions.value(), 0u);
  EXPECT_NE(l.tcb().reo_wnd, 0) << "the path is known to reorder";
  // Three duplicates are not a loss any more: time tells.
  fly(l, 8);
  l.after(40ms).in(ack(4001), sack(5001, 9001)).silent();
  l.after(5ms).in(ack(12'001)).silent();
  EXPECT_EQ(l.counters().retransmissions.value(), 0u);
}

TEST_P(TailLoss, ALostRetransmissionIsFoundLost) {  // which no count of duplicates tells
  Ladder l(with_sack());
  measure(l);
  fly(l, 10);
  l.after(40ms).in(ack(1001), sack(2001, 6001)).out(seq(1001), text(1000)).silent();
  l.send(4000);
  l.ignore_output().in(ack(1001), sack(2001, 11'001)).ignore_output();
  // What was sent after the retransmission arrives; it does not.
  l.after(41ms).in(ack(1001), sack(2001, 12'001)).out(seq(1001), text(1000));
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
  l.ignore_output().after(40ms).in(ack(15'001)).ignore_output();
}

TEST_P(TailLoss, AReportedDuplicateWidensTheWindow) {  // section 6.2, step 4
  Ladder l(with_sack());
  measure(l);
  fly(l, 10);
  l.after(40ms).in(ack(1001), sack(2001, 6001)).out(seq(1001), text(1000));
  l.in(ack(11'001)).in(ack(11'001), sack(1001, 2001)).silent();
  EXPECT_EQ(l.tcb().reo_wnd & 7, 2) << "quarters of a round trip";
  for (int i = 0; i < 20; ++i) l.in(ack(11'001), sack(1001, 2001)).silent();
  EXPECT_EQ(l.tcb().reo_wnd & 7, 4) << "at most a round trip";
}

TEST_P(TailLoss, DuplicatesOfOneRoundTripWidenItOnce) {  // RACK.dsack_round
  Ladder l(with_sack());
  measure(l);
  fly(l, 10);
  l.after(40ms).in(ack(1001), sack(2001, 6001)).out(seq(1001), text(1000));
  l.in(ack(6001), sack(1001, 2001)).in(ack(7001), sack(1001, 2001)).silent();
  EXPECT_EQ(l.tcb().reo_wnd & 7, 2);
  l.in(ack(11'001), sack(1001, 2001)).silent();
  EXPECT_EQ(l.tcb().reo_wnd & 7, 3);
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
}

TEST_P(TailLoss, AWidenedWindowLastsForSixteenRecoveries) {  // RACK.reo_wnd_persist
  Ladder l(with_sack());
  measure(l);
  l.in(ack(1001), sack(1, 1001));
  uint32_t end = 1001;
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(l.tcb().reo_wnd & 7, 2) << i;
    l.tcb().cwnd = 10'000;
    fly(l, 3);
    l.after(40ms).in(ack(end), sack(end + 1000, end + 3000)).silent_until(l.now() + 19ms);
    l.after(1ms).out(seq(end), text(1000)).after(40ms).in(ack(end + 3000)).silent();
    end += 3000;
  }
  EXPECT_EQ(l.tcb().reo_wnd & 7, 1);
}

TEST_P(TailLoss, RecoveriesFromATimeoutCountAmongThem) {
  Ladder l(with_sack());
  measure(l);
  l.in(ack(1001), sack(1, 1001));
  const int before = l.tcb().reo_wnd >> 3;
  fly(l, 2);
  l.after(82ms).out(seq(2001), text(1000)).after(200ms).out(seq(1001), text(1000)).in(ack(3001)).silent();
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 1u);
  EXPECT_EQ(before - (l.tcb().reo_wnd >> 3), 1);
}

// RACK.rtt is that of what has arrived now, even where something that was sent later arrived before.
TEST_P(TailLoss, AReorderedSegmentTellsTheRoundTripToo) {  // section 6.2, step 2
  Ladder l(with_sack());
  measure(l);
  fly(l, 3);
  l.tcb().reo_wnd = 4;  // a round trip
  l.after(40ms).in(ack(1001), sack(2001, 4001)).silent();
  fly(l, 2);  // at 80 ms since the beginning
  l.after(10ms);
  fly(l, 1);
  l.after(25ms).in(ack(1001), sack(6001, 7001), sack(2001, 4001)).out(seq(1001), text(1000)).silent();
  // In 25 ms; both of the others, sent 10 ms earlier, are due 65 ms after that. Then one comes, in 38 ms.
  l.after(3ms).in(ack(4001), sack(4001 + 1000, 7001)).silent();
  l.silent_until(l.now() + 39ms).after(1ms).out(seq(4001), text(1000)).in(ack(7001)).silent();
}

}  // namespace
}  // namespace tern::test
