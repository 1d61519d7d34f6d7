// SPDX-License-Identifier: BSD-3-Clause
// When the congestion window grows and when it ages: whether it was in use tells (RFC 7661, RFC 5681
// section 3.1, RFC 9438 section 5.8).
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class WindowValidation : public LadderTest {
 protected:
  Start with_sack() const {
    Start s = start();
    s.sack = true;
    return s;
  }
};
TERN_LADDERS(WindowValidation);

void fly(Ladder& l, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 10) l.send(1000 * std::min(n - i, 10u));
  l.ignore_output();
}

// Each acknowledgment answers two segments, until this one.
void acknowledge(Ladder& l, uint32_t from, uint32_t to) {
  for (uint32_t end = from; end < to;) {
    end = std::min(end + 2000, to);
    l.in(ack(end)).ignore_output();
  }
}

TEST_P(WindowValidation, AWindowThatWasFullGrowsByAllOfItsAcks) {  // though the last few find it nearly empty
  Ladder l(start());
  fly(l, 10);
  acknowledge(l, 1, 10'001);
  EXPECT_EQ(l.tcb().cwnd, 20'000u);
}

TEST_P(WindowValidation, ItGrowsToTwiceWhatWasInFlight) {
  Ladder l(start());
  fly(l, 9);
  acknowledge(l, 1, 9001);
  EXPECT_EQ(l.tcb().cwnd, 18'000u);
}

TEST_P(WindowValidation, HalfOfItInFlightIsNotEnough) {
  Ladder l(start());
  fly(l, 5);
  acknowledge(l, 1, 5001);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

TEST_P(WindowValidation, EachRoundTripIsJudgedByItself) {
  Ladder l(start());
  fly(l, 10);
  acknowledge(l, 1, 10'001);
  for (uint32_t i = 10; i < 30; ++i) {
    fly(l, 1);
    l.in(ack(1 + 1000 * (i + 1)));
  }
  EXPECT_EQ(l.tcb().cwnd, 20'000u);
}

TEST_P(WindowValidation, InCongestionAvoidanceTheSame) {
  Ladder l(start());
  l.tcb().ssthresh = 10'000;
  fly(l, 5);
  acknowledge(l, 1, 5001);
  fly(l, 5);
  acknowledge(l, 5001, 10'001);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
  fly(l, 10);
  acknowledge(l, 10'001, 20'001);
  EXPECT_EQ(l.tcb().cwnd, 11'000u);
  for (uint32_t end = 21'001; end <= 41'001; end += 1000) {
    fly(l, 1);
    l.in(ack(end));
  }
  EXPECT_EQ(l.tcb().cwnd, 11'000u) << "one segment each round trip";
}

TEST_P(WindowValidation, WhatBlocksHadToldOfBeforeDoesNotCountTwice) {  // limited transmit has used it
  Ladder l(with_sack());
  fly(l, 10);
  l.send(5000);
  l.in(ack(1), sack(1001, 2001)).out(text(1000)).in(ack(1), sack(1001, 3001)).out(text(1000));
  l.in(ack(3001)).out(text(1000)).out(text(1000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 11'000u);
}

TEST_P(WindowValidation, NorWhatDuplicateAcksHad) {
  Ladder l(start());
  fly(l, 10);
  l.send(5000);
  l.in(ack(1)).out(text(1000)).in(ack(1)).out(text(1000));
  l.in(ack(3001)).out(text(1000)).out(text(1000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 11'000u);
}

TEST_P(WindowValidation, WhereThePathReordersAllCounts) {
  Ladder l(with_sack());
  fly(l, 10);
  l.tcb().reo_wnd = 1;
  l.in(ack(1), sack(1001, 2001)).in(ack(1), sack(1001, 3001)).in(ack(3001));
  EXPECT_EQ(l.tcb().cwnd, 13'000u);
}

// --- RFC 7661 after a pause
// ---------------------------------------------------------------------------------------

class KeptWindow : public LadderTest {
 protected:
  Start kept() const {
    Start s = start();
    s.config.window_validation = true;
    s.config.send_buffer = 1'000'000;
    s.sack = true;
    return s;
  }
  // From ten segments to eighty, or as many times ten; returns the end of what was sent.
  static uint32_t grow(Ladder& l, uint32_t to = 80) {
    uint32_t end = 1;
    for (uint32_t n = 10; n < to; n *= 2) end = flight(l, n, end);
    EXPECT_EQ(l.tcb().cwnd, 1000 * to);
    return end;
  }
  static uint32_t flight(Ladder& l, uint32_t n, uint32_t end) {
    fly(l, n);
    l.after(50ms).in(ack(end + 1000 * n)).ignore_output();
    return end + 1000 * n;
  }
  // For so long n segments of the window are used.
  static uint32_t use(Ladder& l, uint32_t n, uint32_t end, Duration span) {
    for (const Duration until = l.now() + span; l.now() < until;) end = flight(l, n, end);
    return end;
  }
};
TERN_LADDERS(KeptWindow);

TEST_P(KeptWindow, IsWholeAfterAPauseOfMinutes) {
  Ladder l(kept());
  grow(l);
  l.after(4min);
  fly(l, 1);
  EXPECT_EQ(l.tcb().cwnd, 80'000u);
}

TEST_P(KeptWindow, IsHalvedForEachFiveMinutes) {  // section 4.5
  Ladder l(kept());
  grow(l);
  l.tcb().ssthresh = 20'000;
  l.after(11min);
  fly(l, 1);
  EXPECT_EQ(l.tcb().cwnd, 20'000u);
  EXPECT_EQ(l.tcb().ssthresh, 60'000u);
}

TEST_P(KeptWindow, IsNeverLessThanTheInitialOne) {
  Ladder l(kept());
  grow(l);
  l.after(50min);
  fly(l, 1);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

TEST_P(KeptWindow, IsHalvedAsWellWhileLittleOfItIsUsed) {  // section 4.4.3
  Ladder l(kept());
  uint32_t end = grow(l);
  for (int i = 0; i < 22; ++i) {
    end = flight(l, 1, end);
    l.after(30s);
  }
  EXPECT_EQ(l.tcb().cwnd, 20'000u);
  EXPECT_EQ(l.tcb().ssthresh, 0x7fffffffu);
}

TEST_P(KeptWindow, GrowsOnceHalfOfItWasAcknowledged) {  // section 4.4
  Ladder l(kept());
  uint32_t end = use(l, 15, grow(l, 40), 2s);
  fly(l, 25);
  l.after(50ms).in(ack(end + 1000));
  EXPECT_EQ(l.tcb().cwnd, 40'000u) << "fifteen, for all that is known";
  l.in(ack(end + 25'000));
  EXPECT_EQ(l.tcb().cwnd, 64'000u);
}

TEST_P(KeptWindow, OrWhenItIsFull) {  // section 4.4
  Ladder l(kept());
  const uint32_t end = use(l, 15, grow(l, 40), 2s);
  fly(l, 40);
  l.after(50ms).in(ack(end + 1000));
  EXPECT_EQ(l.tcb().cwnd, 41'000u);
  l.in(ack(end + 40'000));
}

TEST_P(KeptWindow, IsValidForASecondAfterItWasUsed) {  // section 4.2, the sampling period
  for (const bool long_ago : {false, true}) {
    Ladder l(kept());
    uint32_t end = use(l, 50, grow(l), 200ms);
    const uint32_t cwnd = l.tcb().cwnd = 80'000;
    end = use(l, 15, end, long_ago ? 1s : 200ms);
    fly(l, 41);
    l.after(50ms).in(ack(end + 1000));
    EXPECT_EQ(l.tcb().cwnd, long_ago ? cwnd : cwnd + 1000);
    l.in(ack(end + 41'000));
  }
}

TEST_P(KeptWindow, ThatWasNotUsedIsNotWhatALossIsAnsweredBy) {  // section 4.4.1
  Ladder l(kept());
  uint32_t end = use(l, 30, grow(l), 2s);
  fly(l, 10);
  l.after(50ms).in(ack(end), sack(end + 1000, end + 10'000)).out(seq(end), text(1000)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 15'000u) << "pipeACK is thirty";
  l.after(50ms).in(ack(end + 10'000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 14'500u) << "less half of what was sent again";
  EXPECT_EQ(l.tcb().ssthresh, 14'500u);
}

TEST_P(KeptWindow, IsValidAfterARecovery) {  // section 4.4.1
  Ladder l(kept());
  uint32_t end = use(l, 15, grow(l), 2s);
  fly(l, 10);
  l.after(50ms).in(ack(end), sack(end + 1000, end + 10'000)).ignore_output();
  l.after(50ms).in(ack(end += 10'000)).silent();
  l.tcb().cwnd = 40'000;  // of which fifteen were known to have been used
  l.tcb().ssthresh = 80'000;
  fly(l, 25);
  l.after(50ms).in(ack(end + 1000));
  EXPECT_EQ(l.tcb().cwnd, 41'000u);
  l.in(ack(end + 25'000));
}

TEST_P(KeptWindow, LeavesASegmentWhereAllWasLost) {  // section 4.4.1
  Ladder l(kept());
  uint32_t end = use(l, 1, grow(l), 2s);
  fly(l, 3);
  l.after(50ms).in(ack(end), sack(end + 2000, end + 3000)).silent();
  for (int i = 0; i < 3; ++i) l.after(50ms).ignore_output();
  l.in(ack(end + 3000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 1000u);
  EXPECT_EQ(l.tcb().ssthresh, 2000u);
}

TEST_P(KeptWindow, ThatWasUsedIs) {
  Ladder l(kept());
  const uint32_t end = use(l, 50, grow(l), 200ms);
  fly(l, 50);
  l.tcb().cwnd = 80'000;
  l.after(50ms).in(ack(end), sack(end + 1000, end + 50'000)).ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 25'000u);
  l.after(50ms).in(ack(end + 50'000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 25'000u);
}

TEST_P(KeptWindow, ATimeoutIsAnsweredAsEver) {  // section 4.4
  Ladder l(kept());
  const uint32_t end = use(l, 30, grow(l), 2s);
  fly(l, 10);
  while (l.counters().retransmission_timeouts.value() == 0) l.after(10ms);
  l.ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
  l.in(ack(end + 10'000)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
}

TEST_P(KeptWindow, AMarkIsAnsweredByWhatWasUsed) {  // section 4.4.1: whatever tells of congestion
  Start s = kept();
  s.ecn = true;
  Ladder l(s);
  const uint32_t end = use(l, 30, grow(l), 2s);
  fly(l, 10);
  l.after(50ms).in(ack(end + 1000), ece()).silent();
  EXPECT_EQ(l.tcb().ssthresh, 15'000u);
  EXPECT_EQ(l.tcb().cwnd, 15'000u);
  l.in(ack(end + 10'000)).silent();
}

TEST_P(KeptWindow, IsNoneWhereTheCoreHasNoRoomForIt) {  // RFC 5681 section 4.1
  Start s = kept();
  s.limits.extras = 0;
  Ladder l(s);
  grow(l);
  l.after(5s);
  fly(l, 1);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

}  // namespace
}  // namespace tern::test
