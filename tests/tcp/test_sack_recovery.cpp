// SPDX-License-Identifier: BSD-3-Clause
// Loss recovery with SACK: RFC 6675, the rate of RFC 6937, reneging (RFC 2018 section 8).
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class SackRecovery : public LadderTest {
 protected:
  Start with_sack() const {
    Start s = start();
    s.sack = true;
    return s;
  }
};
TERN_LADDERS(SackRecovery);

// Sends n full segments at once and forgets the output.
void fly(Ladder& l, uint32_t n) {
  l.send(1000 * n);
  l.ignore_output();
}

TEST_P(SackRecovery, TheThirdBlockSendsTheMissingSegmentAgain) {
  Ladder l(with_sack());
  fly(l, 10);
  l.in(ack(1), sack(1001, 2001)).silent().in(ack(1), sack(1001, 3001)).silent();
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
  l.in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
  l.in(ack(4001)).silent();
  EXPECT_NE(l.tcb().hold & kHoldFastRecovery, 0) << "until what was in flight then is acknowledged";
  l.in(ack(10'001)).silent();
  EXPECT_EQ(l.tcb().cwnd, 5000u);
  EXPECT_EQ(l.tcb().hold, 0);
  l.after(1100ms).silent();
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
}

TEST_P(SackRecovery, OneAckMayTellOfThreeSegmentsAtOnce) {  // where a count of duplicates sees one
  Ladder l(with_sack());
  fly(l, 10);
  l.in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).silent();
}

TEST_P(SackRecovery, AnAckThatTellsNothingNewIsNoDuplicate) {  // RFC 6675 section 2
  Ladder l(with_sack());
  fly(l, 10);
  for (int i = 0; i < 5; ++i) l.in(ack(1), sack(1001, 2001)).silent();
  EXPECT_EQ(l.counters().duplicate_acks_received.value(), 1u);
}

TEST_P(SackRecovery, NorDoesOneLetNewTextGo) {  // RFC 3042 section 2
  Ladder l(with_sack());
  fly(l, 10);
  l.send(5000);
  for (int i = 0; i < 4; ++i) l.in(ack(1)).silent();
  l.in(ack(1), sack(1001, 2001)).out(seq(10'001), text(1000)).silent();
  for (int i = 0; i < 4; ++i) l.in(ack(1), sack(1001, 2001)).silent().in(ack(1)).silent();
  EXPECT_EQ(l.counters().fast_retransmits.value(), 0u);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

TEST_P(SackRecovery, AReportOfADuplicateIsToldByItsOwnAck) {  // RFC 2883 section 5: not by SND.UNA
  for (const bool below : {false, true}) {
    SCOPED_TRACE(below ? "below its ACK number" : "within the second block");
    Ladder l(with_sack());
    fly(l, 10);
    l.in(ack(3001)).in(ack(1), sack(1001, 2001)).in(ack(3001), sack(4001, 5001), sack(6001, 8001));
    l.ignore_output();
    EXPECT_EQ(l.tcb().reo_wnd, 0) << "a late ACK, and two blocks of which none is a duplicate";
    l.in(ack(3001), sack(below ? 2001 : 6001, below ? 3001 : 7001), sack(6001, 8001)).ignore_output();
    EXPECT_NE(l.tcb().reo_wnd, 0);
  }
}

TEST_P(SackRecovery, ABlockOnTextOrOnAWindowUpdateCountsToo) {
  Ladder l(with_sack());
  fly(l, 10);
  l.in(ack(1), sack(1001, 2001), text(100)).in(ack(1), sack(1001, 3001), wnd(50'000));
  l.ignore_output();
  l.in(ack(1), sack(1001, 4001)).out(seq(1), text(1000));
}

TEST_P(SackRecovery, OnlyHolesAreSentAgain) {
  Ladder l(with_sack());
  fly(l, 10);
  // 1, 4 and 7 are missing.
  l.in(ack(1), sack(1001, 3001)).silent();
  l.in(ack(1), sack(4001, 6001), sack(1001, 3001)).out(seq(1), text(1000)).silent();
  l.in(ack(1), sack(7001, 9001), sack(4001, 6001), sack(1001, 3001)).out(seq(3001), text(1000));
  l.in(ack(1), sack(7001, 10'001), sack(4001, 6001), sack(1001, 3001)).out(seq(6001), text(1000)).silent();
  l.in(ack(3001), sack(7001, 10'001), sack(4001, 6001)).silent();
  l.in(ack(10'001)).silent();
  EXPECT_EQ(l.counters().retransmissions.value(), 3u);
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(SackRecovery, EachBlockLetsNewTextGoBeforeAnythingIsLost) {  // RFC 6675 section 5, step 3
  Ladder l(with_sack());
  fly(l, 10);
  l.send(5000);
  l.silent().in(ack(1), sack(1001, 2001)).out(seq(10'001), text(1000)).silent();
  l.in(ack(1), sack(1001, 3001)).out(seq(11'001), text(1000)).silent();
  l.in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
}

// Of 20 segments the first is lost: 19 duplicates, for every second of which one segment goes, so that at the
// end half of the window is in flight.
TEST_P(SackRecovery, OneSegmentGoesForTwoThatArrive) {  // RFC 6937
  Start s = with_sack();
  s.config.initial_window_segments = 20;
  Ladder l(s);
  fly(l, 20);
  l.send(20'000);
  l.ignore_output();
  uint32_t sent = 0;
  for (uint32_t i = 2; i <= 20; ++i) {
    l.in(ack(1), sack(1001, 1 + 1000 * i));
    while (l.next_out()) ++sent;
  }
  EXPECT_EQ(l.tcb().ssthresh, 10'000u);
  // Two by limited transmit, the retransmission, then one for two.
  EXPECT_NEAR(sent, 3 + 16 / 2, 1);
  l.in(ack(20'001));
  while (l.next_out()) ++sent;
  EXPECT_LE(l.connection().flight(), 11'000u);
  EXPECT_GE(l.connection().flight(), 9000u);
}

TEST_P(SackRecovery, MostOfAWindowLostIsSentAgainAtTheRateOfWhatArrives) {  // RFC 6937, slow start part
  Start s = with_sack();
  s.config.initial_window_segments = 20;
  Ladder l(s);
  fly(l, 20);
  l.in(ack(1), sack(16'001, 17'001)).in(ack(1), sack(16'001, 18'001)).silent();
  l.in(ack(1), sack(16'001, 19'001));
  uint32_t burst = 0;
  while (l.next_out()) ++burst;
  EXPECT_GE(burst, 1u);
  EXPECT_LE(burst, 4u);
  l.in(ack(1001), sack(16'001, 19'001)).out(text(1000)).out(text(1000)).silent();
}

TEST_P(SackRecovery, ATimeoutSendsAgainOnlyWhatIsMissing) {
  Ladder l(with_sack());
  fly(l, 6);
  l.in(ack(1), sack(2001, 3001), sack(4001, 5001)).silent();
  l.at(1s).out(seq(1), text(1000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 1000u);
  l.in(ack(1001), sack(2001, 3001), sack(4001, 5001)).out(seq(1001), text(1000)).out(seq(3001), text(1000));
  l.silent().in(ack(5001)).out(seq(5001), text(1000)).in(ack(6001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
  l.after(1100ms).silent();
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
}

TEST_P(SackRecovery, BlocksAfterATimeoutCountToo) {  // RFC 6675 section 5.1
  Ladder l(with_sack());
  fly(l, 6);
  l.at(1s).out(seq(1), text(1000)).silent();
  l.in(ack(1001), sack(2001, 4001)).out(seq(1001), text(1000)).out(seq(4001), text(1000)).silent();
  l.in(ack(4001), sack(5001, 6001)).silent().in(ack(6001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(SackRecovery, TheTimeoutBeginsAnewWithTheRetransmission) {  // RFC 6675 section 6
  Ladder l(with_sack());
  fly(l, 10);
  l.after(900ms).in(ack(1), sack(1001, 4001)).out(seq(1), text(1000));
  l.silent_until(l.now() + 990ms).after(10ms).out(seq(1), text(1000)).in(ack(10'001)).silent();
}

TEST_P(SackRecovery,
       ATimeoutInRecoveryDoesNotRaiseTheThreshold) {  // however much the peer has kept meanwhile
  Ladder l(with_sack());
  fly(l, 10);
  l.in(ack(1), sack(1001, 4001)).ignore_output();
  l.send(10'000);
  for (uint32_t end = 5001; end <= 15'001; end += 1000) l.in(ack(1), sack(1001, end)).ignore_output();
  const uint32_t before = l.tcb().ssthresh;
  l.after(1100ms).ignore_output();
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 1u);
  EXPECT_LE(l.tcb().ssthresh, before);
}

TEST_P(SackRecovery, WhatIsKnownBeyondItsEndIsKept) {  // RFC 6675 section 5, step A
  Ladder l(with_sack());
  fly(l, 10);
  l.send(5000);
  for (uint32_t end = 2001; end <= 12'001; end += 1000) l.in(ack(1), sack(1001, end)).ignore_output();
  l.in(ack(12'001), sack(13'001, 14'001)).ignore_output();
  EXPECT_EQ(l.tcb().hold & kHoldFastRecovery, 0);
  ASSERT_NE(l.tcb().recovery, kNoSlot);
  EXPECT_TRUE(l.core().recoveries[l.tcb().recovery].board.is_sacked(Seq{GetParam().iss} + 13'001));
}

TEST_P(SackRecovery, ATimeoutEndsItUntilAllOfThenIsAcknowledged) {  // RFC 6675 section 5.1
  Ladder l(with_sack());
  fly(l, 10);
  l.in(ack(1), sack(1001, 4001)).ignore_output();
  l.after(1100ms).ignore_output();
  EXPECT_EQ(l.tcb().hold & (kHoldFastRecovery | kHoldLossRecovery), kHoldLossRecovery);
  l.in(ack(4001)).ignore_output();
  for (uint32_t end : {6001u, 7001u, 8001u, 9001u}) l.in(ack(4001), sack(5001, end)).ignore_output();
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u) << "no other before RecoveryPoint";
  l.in(ack(10'001)).ignore_output();
  l.send(4000);
  l.ignore_output();
  l.send(20'000);
  l.in(ack(11'001)).ignore_output();
  l.in(ack(11'001), sack(12'001, 15'001)).ignore_output();
  EXPECT_EQ(l.counters().fast_retransmits.value(), 2u);
}

TEST_P(SackRecovery, ALostRetransmissionIsSentAgainAfterATimeout) {
  Ladder l(with_sack());
  fly(l, 10);
  l.in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).in(ack(1), sack(1001, 10'001)).silent();
  l.after(1s).out(seq(1), text(1000)).in(ack(10'001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(SackRecovery, APeerMayGiveUpWhatItHad) {  // RFC 2018 section 8
  Ladder l(with_sack());
  fly(l, 6);
  l.in(ack(1), sack(1001, 4001)).out(seq(1), text(1000));
  // What it had is gone: it asks for the very byte it had. All counts as missing.
  l.in(ack(1001)).out(seq(1001), text(1000)).silent();
  EXPECT_EQ(l.counters().sacks_reneged.value(), 1u);
  l.in(ack(2001)).out(seq(2001), text(1000)).out(seq(3001), text(1000));
  l.in(ack(4001)).out(seq(4001), text(1000)).out(seq(5001), text(1000));
  l.in(ack(6001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(SackRecovery, APeerMayGiveUpWhatItHadInSilence) {
  Ladder l(with_sack());
  fly(l, 4);
  l.in(ack(1), sack(1001, 3001)).silent();
  l.at(1s).out(seq(1), text(1000));
  l.in(ack(1001)).ignore_output().after(10s).ignore_output();
  l.in(ack(4001));
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(SackRecovery, BlocksBeyondWhatWasSentAreIgnored) {
  Ladder l(with_sack());
  fly(l, 4);
  l.in(ack(1), sack(3001, 5001)).in(ack(1), sack(2001, 90'001)).in(ack(1), sack(50'001, 60'001)).silent();
  EXPECT_EQ(l.counters().duplicate_acks_received.value(), 0u);
}

TEST_P(SackRecovery, WithoutAScoreboardItIsNewRenos) {
  Start s = with_sack();
  s.limits.recoveries = 0;
  Ladder l(s);
  fly(l, 8);
  l.in(ack(1), sack(1001, 2001)).in(ack(1), sack(1001, 3001)).silent();
  l.in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).silent();
  l.in(ack(4001)).out(seq(4001), text(1000)).in(ack(8001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(SackRecovery, WithoutSackNegotiatedBlocksMeanNothing) {
  Ladder l(start());
  fly(l, 8);
  l.in(ack(1), sack(1001, 6001)).silent();
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
}

TEST_P(SackRecovery, ALostFinIsSentAgainWithItsText) {
  Ladder l(with_sack());
  l.send(4000);
  l.shutdown().ignore_output();
  l.in(ack(3001)).silent();
  l.after(2ms).out(seq(3001), text(1000), fin());
  l.in(ack(4002)).in_state(State::kFinWait2);
}

}  // namespace
}  // namespace tern::test
