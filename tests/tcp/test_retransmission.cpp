// SPDX-License-Identifier: BSD-3-Clause
// Retransmission: RFC 6298 (timeouts), RFC 5681 (congestion window, fast retransmit), RFC 6582 (NewReno).
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Retransmission : public LadderTest {};
TERN_LADDERS(Retransmission);

// Sends n full segments at once and forgets the output.
void fly(Ladder& l, uint32_t n) {
  l.send(1000 * n);
  l.ignore_output();
}

TEST_P(Retransmission, BacksOffByTwoAndGivesUpAtTheLimit) {
  Start s = start();
  s.config.retransmit_limit = 4;
  Ladder l(s);
  l.send(500);
  l.out(seq(1), text(500));
  for (const Duration rto : {1s, 2s, 4s, 8s}) l.after(rto).out(seq(1), text(500));
  l.silent_until(l.now() + 15900ms);
  l.in_state(State::kEstablished).after(200ms).gone(CloseReason::kTimedOut);
  EXPECT_NE(l.told() & kMarkClosed, 0);
  EXPECT_EQ(l.counters().connections_timed_out.value(), 1u);
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 4u);
}

TEST_P(Retransmission, NeverWaitsLongerThanTheMaximum) {
  Start s = start();
  s.config.rto_max = 3s;
  Ladder l(s);
  l.send(500);
  l.out(text(500));
  for (const Duration rto : {1s, 2s, 3s, 3s, 3s}) l.after(rto).out(seq(1), text(500));
}

TEST_P(Retransmission, TimeoutFollowsTheRoundTripTime) {
  Ladder l(start());
  l.send(500);
  l.out(text(500)).after(300ms).in(ack(501));
  EXPECT_NEAR(l.tcb().srtt_us, 300'000, 3000);
  l.send(500);
  l.out(seq(501), text(500));
  l.after(900ms).out(seq(501), text(500));  // 300 + 4 * 150
}

TEST_P(Retransmission, TimeoutIsNotBelowTheFloor) {
  Ladder l(start());
  for (uint32_t i = 0; i < 10; ++i) {
    l.send(500);
    l.out(text(500)).after(5ms).in(ack(501 + 500 * i));
  }
  l.send(500);
  l.out(text(500)).silent_until(l.now() + 199ms).after(1ms).out(seq(5001), text(500));
}

TEST_P(Retransmission, AnAckOfSomethingNewStartsTheTimerAgain) {  // RFC 6298 section 5.3
  Ladder l(start());
  fly(l, 2);
  l.at(800ms).in(ack(1001));
  const Duration rto = l.connection().rto(l.core());
  l.silent_until(800ms + rto - 5ms).at(800ms + rto).out(seq(1001), text(1000));
}

TEST_P(Retransmission, AnAckOfAllStopsTheTimer) {
  Ladder l(start());
  fly(l, 2);
  l.at(100ms).in(ack(2001)).silent_until(10min);
}

TEST_P(Retransmission, OfASegmentThatWasSentTwiceNoRoundTripIsMeasured) {  // Karn
  Ladder l(start());
  l.send(500);
  l.out(text(500)).after(1s).out(text(500)).after(10ms).in(ack(501));
  EXPECT_EQ(l.tcb().srtt_us, 0u);
}

TEST_P(Retransmission, OfASegmentThatWasFastRetransmittedNoRoundTripIsMeasured) {
  Ladder l(start());
  fly(l, 8);
  l.at(100ms).in(ack(1)).in(ack(1)).in(ack(1)).out(seq(1), text(1000));
  l.at(300ms).in(ack(8001));
  EXPECT_EQ(l.tcb().srtt_us, 0u);
}

TEST_P(Retransmission, TheEchoedTimestampTellsWhichCopyWasMeasured) {
  Start s = start();
  s.timestamps = true;
  Ladder l(s);
  l.send(500);
  l.out(text(500)).after(1s).out(text(500)).after(30ms).in(ack(501));
  EXPECT_NEAR(l.tcb().srtt_us, 30'000, 3000);
}

TEST_P(Retransmission, AfterATimeoutAllIsSentAgainAsAcksComeIn) {
  Ladder l(start());
  fly(l, 6);
  l.after(1s).out(seq(1), text(1000)).silent();  // one segment: RFC 5681 section 3.1, loss window
  EXPECT_EQ(l.tcb().cwnd, 1000u);
  EXPECT_EQ(l.tcb().ssthresh, 3000u);
  l.after(10ms).in(ack(1001)).out(seq(1001), text(1000)).out(seq(2001), text(1000)).silent();
  l.after(10ms).in(ack(2001)).out(seq(3001), text(1000)).out(seq(4001), text(1000)).silent();
  l.in(ack(6001)).silent();  // the rest had arrived
  EXPECT_EQ(l.tcb().hold, 0);
  EXPECT_EQ(l.counters().retransmissions.value(), 5u);
}

TEST_P(Retransmission, WhatThePeerHadAlreadyIsNotSentAgain) {
  Ladder l(start());
  fly(l, 6);
  l.after(1s).out(seq(1), text(1000));
  l.in(ack(5001)).out(seq(5001), text(1000)).in(ack(6001)).silent();
}

TEST_P(Retransmission, NewTextWaitsUntilWhatWasLostIsSentAgain) {
  Ladder l(start());
  fly(l, 3);
  l.after(1s).out(seq(1), text(1000));
  l.in(ack(1001)).out(seq(1001), text(1000)).out(seq(2001), text(1000)).silent();
  l.send(1000);
  l.silent().in(ack(2001)).out(seq(3001), text(1000));
}

TEST_P(Retransmission, NewTextThatWouldFitTheWindowWaitsAllTheSame) {
  Start s = start();
  s.config.nagle = false;
  Ladder l(s);
  fly(l, 6);
  l.after(1s).out(seq(1), text(1000)).in(ack(501)).out(seq(1001), text(1000)).silent();
  l.in(ack(601)).silent();
  EXPECT_EQ(l.tcb().cwnd - l.core().recoveries[l.tcb().recovery].board.pipe(), 200u);
  l.send(100);
  l.silent();
}

TEST_P(Retransmission, ASecondTimeoutDoesNotHalveTheThresholdAgain) {
  Ladder l(start());
  fly(l, 8);
  l.after(1s).out(seq(1), text(1000));
  EXPECT_EQ(l.tcb().ssthresh, 4000u);
  l.after(2s).out(seq(1), text(1000));
  EXPECT_EQ(l.tcb().ssthresh, 4000u);
  EXPECT_EQ(l.tcb().cwnd, 1000u);
}

TEST_P(Retransmission, WithoutAScoreboardEachAckSendsOneSegmentAgain) {
  Start s = start();
  s.limits.recoveries = 0;
  Ladder l(s);
  fly(l, 4);
  l.after(1s).out(seq(1), text(1000)).silent();
  l.in(ack(1001)).out(seq(1001), text(1000)).silent();
  l.in(ack(3001)).out(seq(3001), text(1000)).silent();
  l.in(ack(4001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
  EXPECT_EQ(l.counters().scoreboards_refused.value(), 1u);
}

TEST_P(Retransmission, SmallWritesMakeFullSegmentsWhenSentAgain) {
  Start s = start();
  s.config.nagle = false;
  Ladder l(s);
  for (int i = 0; i < 5; ++i) l.send(300);
  l.ignore_output();
  l.after(1s).out(seq(1), text(1000));
  l.in(ack(1001)).out(seq(1001), text(500));
}

// --- Fast retransmit
// ------------------------------------------------------------------------------------------------

TEST_P(Retransmission, TheThirdDuplicateAckSendsTheMissingSegmentAgain) {
  Ladder l(start());
  fly(l, 8);
  l.in(ack(1)).in(ack(1)).silent().in(ack(1)).out(seq(1), text(1000)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 4000u);
  EXPECT_EQ(l.tcb().cwnd, 7000u);
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
  l.in(ack(1)).silent();
  EXPECT_EQ(l.tcb().cwnd, 8000u);
  l.in(ack(8001)).silent();  // full: RFC 6582 section 3.2, step 3
  EXPECT_EQ(l.tcb().cwnd, 2000u);
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(Retransmission, DuplicateAcksOfOneBurstCountOneByOne) {
  Ladder l(start());
  fly(l, 8);
  l.burst([&] { l.in(ack(1)).in(ack(1)).in(ack(1)); });
  l.out(seq(1), text(1000)).silent();
}

TEST_P(Retransmission, TheFirstTwoDuplicateAcksLetNewTextGo) {  // RFC 3042
  Ladder l(start());
  fly(l, 10);
  l.send(5000);
  l.silent().in(ack(1)).out(seq(10'001), text(1000)).silent();
  l.in(ack(1)).out(seq(11'001), text(1000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
  l.in(ack(1)).out(seq(1), text(1000)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);  // what the duplicates let go does not count
}

TEST_P(Retransmission, TheThirdDuplicateAckLetsNoNewTextGoWhereNothingIsSentAgain) {  // RFC 3042 section 2
  Ladder l(start());
  fly(l, 10);
  l.in(ack(1)).in(ack(1)).in(ack(1)).out(seq(1), text(1000)).in(ack(10'001)).silent();
  EXPECT_EQ(l.tcb().cwnd, 2000u);
  l.send(8000);
  l.out(seq(10'001), text(1000)).out(seq(11'001), text(1000)).silent();
  l.in(ack(10'001)).out(seq(12'001), text(1000)).in(ack(10'001)).out(seq(13'001), text(1000)).silent();
  l.in(ack(10'001)).silent().in(ack(10'001)).silent();  // of what was lost before, as RFC 6582 takes it
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
}

TEST_P(Retransmission, TheFirstTwoDuplicateAcksRespectThePeersWindow) {
  Start s = start();
  s.peer_window = 10'500;
  Ladder l(s);
  fly(l, 10);
  l.send(5000);
  l.silent().in(ack(1)).silent().in(ack(1)).silent();
}

TEST_P(Retransmission, EachFurtherDuplicateAckLetsNewTextGo) {
  Ladder l(start());
  fly(l, 10);
  l.in(ack(1)).in(ack(1)).in(ack(1)).out(seq(1), text(1000)).silent();  // cwnd 5000 + 3000 of 10000 flying
  l.send(5000);
  l.silent().in(ack(1)).silent().in(ack(1)).silent();
  l.in(ack(1)).out(seq(10'001), text(1000)).silent();
  l.in(ack(1)).out(seq(11'001), text(1000)).silent();
}

TEST_P(Retransmission, APartialAckSendsTheNextHoleAtOnce) {
  Ladder l(start());
  fly(l, 8);
  l.in(ack(1)).in(ack(1)).in(ack(1)).out(seq(1), text(1000));
  l.in(ack(2001)).out(seq(2001), text(1000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 7000u - 2000 + 1000);
  l.in(ack(2001)).silent();  // it is not over: duplicates go on to count
  EXPECT_EQ(l.tcb().cwnd, 7000u);
  l.in(ack(4001)).out(seq(4001), text(1000)).silent();
  l.in(ack(8001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
}

TEST_P(Retransmission, DuplicatesAfterATimeoutDoNotStartFastRecovery) {  // RFC 6582 section 3.2, step 4
  Ladder l(start());
  fly(l, 6);
  l.after(1s).out(seq(1), text(1000));
  l.in(ack(1)).in(ack(1)).in(ack(1)).in(ack(1)).silent();
  EXPECT_EQ(l.counters().fast_retransmits.value(), 0u);
}

TEST_P(Retransmission,
       DuplicatesThatDoNotCoverMoreThanTheLastLossStartNoOther) {  // RFC 6582 section 3.2, step 1
  Ladder l(start());
  fly(l, 6);
  l.after(1s).out(seq(1), text(1000)).in(ack(6001)).silent();
  l.send(2000);  // none is left for limited transmit
  l.ignore_output();
  l.in(ack(6001)).in(ack(6001)).ignore_output().in(ack(6001)).silent();  // the first two let new text go
  l.in(ack(7001)).ignore_output();
  l.in(ack(7001)).in(ack(7001)).ignore_output().in(ack(7001)).out(seq(7001), text(1000));
}

TEST_P(Retransmission, ATimeoutEndsFastRecovery) {
  Ladder l(start());
  fly(l, 6);
  l.in(ack(1)).in(ack(1)).in(ack(1)).out(seq(1), text(1000));
  l.at(1s).out(seq(1), text(1000));
  EXPECT_EQ(l.tcb().cwnd, 1000u);
  EXPECT_EQ(l.tcb().hold, kHoldLossRecovery | kHoldScoreboard);
}

TEST_P(Retransmission, TextOrAWindowUpdateIsNoDuplicateAck) {  // RFC 5681 section 2
  Ladder l(start());
  fly(l, 6);
  for (uint32_t i = 0; i < 4; ++i) l.in(seq(1 + 10 * i), ack(1), text(10));
  l.ignore_output();
  for (uint16_t i = 0; i < 4; ++i) l.in(ack(1), wnd(static_cast<uint16_t>(50'000 + i)));
  l.silent();
  EXPECT_EQ(l.counters().duplicate_acks_received.value(), 0u);
}

TEST_P(Retransmission, WithoutAnythingInFlightAnAckIsNoDuplicate) {
  Ladder l(start());
  l.in(ack(1)).in(ack(1)).in(ack(1)).in(ack(1)).silent();
  EXPECT_EQ(l.counters().duplicate_acks_received.value(), 0u);
}

TEST_P(Retransmission, TwoDuplicatesAndAnAckAreForgotten) {
  Ladder l(start());
  fly(l, 8);
  l.in(ack(1)).in(ack(1)).in(ack(1001)).in(ack(1001)).in(ack(1001)).silent();
  EXPECT_EQ(l.counters().fast_retransmits.value(), 0u);
}

TEST_P(Retransmission, FastRetransmitStillWorksBeyondTwoGigabytes) {
  // RFC 6582's recover stays behind while nothing is lost, and must not come to seem ahead.
  Ladder l(start());
  uint32_t end = 1;
  for (int i = 0; i < 12; ++i) {
    l.tcb().recover = l.tcb().recover - (1u << 28);  // as if 256 MiB had gone without a loss
    l.send(1000);
    l.out(text(1000)).after(10ms).in(ack(end += 1000));
  }
  fly(l, 8);
  l.in(ack(end)).in(ack(end)).in(ack(end)).out(seq(end), text(1000));
}

TEST_P(Retransmission,
       InflationIsBoundedByWhatIsInFlight) {  // RFC 5681 section 3.2: what an attacker may repeat for ever
  Ladder l(start());
  fly(l, 8);
  for (int i = 0; i < 1000; ++i) l.in(ack(1));
  l.ignore_output();
  EXPECT_EQ(l.tcb().cwnd, 8000u + 4000);
}

// --- Congestion window
// ----------------------------------------------------------------------------------------------

TEST_P(Retransmission, SlowStartGrowsByWhatIsAcknowledged) {
  Ladder l(start());
  fly(l, 10);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
  l.in(ack(1001));
  EXPECT_EQ(l.tcb().cwnd, 11'000u);
  l.in(ack(3001));
  EXPECT_EQ(l.tcb().cwnd, 13'000u);
}

TEST_P(Retransmission, AWindowThatIsNotUsedDoesNotGrow) {
  Ladder l(start());
  for (uint32_t i = 0; i < 20; ++i) {
    l.send(1000);
    l.out(text(1000)).in(ack(1001 + 1000 * i));
  }
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

TEST_P(Retransmission, CongestionAvoidanceGrowsByASegmentPerWindow) {
  Ladder l(start());
  l.tcb().ssthresh = 5000;
  l.tcb().cwnd = 5000;
  uint32_t end = 1;
  for (uint32_t window = 5000; window < 10'000; window += 1000) {
    fly(l, window / 1000);
    EXPECT_EQ(l.connection().flight(), window);
    l.in(ack(end + 1000));
    EXPECT_EQ(l.tcb().cwnd, window);
    l.in(ack(end += window));
    EXPECT_EQ(l.tcb().cwnd, window + 1000);
  }
}

TEST_P(Retransmission, WhatIsAcknowledgedBeyondAWindowCountsTowardTheNextSegment) {
  Ladder l(start());
  l.tcb().ssthresh = 5000;
  l.tcb().cwnd = 5000;
  fly(l, 5);
  l.in(ack(4001));
  fly(l, 4);
  l.in(ack(8001));
  EXPECT_EQ(l.tcb().cwnd, 6000u);  // for 5000 of the 8000
  fly(l, 5);
  l.in(ack(11'001));
  EXPECT_EQ(l.tcb().cwnd, 7000u);  // for the 3000 left and 3000 more
}

TEST_P(Retransmission, WhatWasAcknowledgedBeforeALossCountsTowardNoSegmentAfterIt) {
  Ladder l(start());
  l.tcb().ssthresh = 5000;
  l.tcb().cwnd = 8000;
  fly(l, 8);
  l.in(ack(4001));  // half of a window
  fly(l, 4);
  l.in(ack(4001)).in(ack(4001)).in(ack(4001)).ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 4000u);
  l.in(ack(12'001));
  l.tcb().cwnd = 4000;
  fly(l, 4);
  l.in(ack(13'001));
  EXPECT_EQ(l.tcb().cwnd, 4000u);
  l.in(ack(16'001));
  EXPECT_EQ(l.tcb().cwnd, 5000u);
}

TEST_P(Retransmission, TheInitialWindowIsTenSegments) {  // RFC 6928
  Ladder l(start());
  l.send(20'000);
  for (int i = 0; i < 10; ++i) l.out(text(1000));
  l.silent();
}

TEST_P(Retransmission, AFullOutboxOnlyDefersToTheNextBurst) {
  Start s = start();
  s.limits.outbox = 3;
  Ladder l(s);
  l.send(8000);
  for (uint32_t i = 0; i < 8; ++i) l.out(seq(1 + 1000 * i), text(1000));
  l.after(1s).out(seq(1), text(1000));
  l.in(ack(5001)).ignore_output();
  l.burst([&] {
    for (uint32_t i = 1; i < 9; ++i) l.in(seq(1 + 1000 * i), ack(5001), text(1000));
  });
  for (int i = 0; i < 8; ++i) l.out(ack(1));
}

}  // namespace
}  // namespace tern::test
