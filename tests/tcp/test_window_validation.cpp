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
    return s;
  }
  // From ten segments to eighty.
  static void grow(Ladder& l) {
    uint32_t end = 1;
    for (uint32_t n = 10; n < 80; n *= 2) {
      fly(l, n);
      l.after(50ms).in(ack(end += 1000 * n));
    }
    ASSERT_EQ(l.tcb().cwnd, 80'000u);
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

}  // namespace
}  // namespace tern::test
