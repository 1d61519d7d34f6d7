// SPDX-License-Identifier: BSD-3-Clause
// Requirements of docs/conformance.md that no other ladder shows: what arrives, and how it is answered.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

class ConformanceArriving : public LadderTest {};
TERN_LADDERS(ConformanceArriving);

TEST_P(ConformanceArriving, AResetWithTextCountsAsAReset) {  // RFC 9293 SHLD-2
  Ladder l(start());
  l.in(seq(1), rst(), no_ack(), text(20)).gone(tcp::CloseReason::kResetByPeer).silent();
  EXPECT_EQ(l.counters().bytes_received.value(), 0u);
}

TEST_P(ConformanceArriving, TheDefaultDelayOfAnAckIsBelowHalfASecond) {  // RFC 9293 MUST-40
  Ladder l(start());
  l.in(seq(1), text(500)).at(499ms);
  EXPECT_TRUE(l.next_out());
}

// RFC 7323 section 3.2 would drop it.
TEST_P(ConformanceArriving, ASegmentThatLostItsTimestampsIsTakenAllTheSame) {
  Start s = start();
  s.timestamps = true;
  s.config.timestamps = true;
  Ladder l(s);
  l.in(seq(1), text(1000), no_ts()).in(seq(1001), text(1000), no_ts()).out(ack(2001));
  EXPECT_EQ(l.read(), 2000u);
  l.ignore_output();
}

// RFC 5681 section 2: text that comes while duplicates are being counted, and so not on the fast path.
TEST_P(ConformanceArriving, TextBetweenDuplicateAcksIsNone) {
  Ladder l(start());
  l.send(6000);
  l.ignore_output();
  l.in(ack(1)).in(ack(1)).in(seq(1), ack(1), text(10));
  EXPECT_EQ(l.counters().duplicate_acks_received.value(), 2u);
  EXPECT_EQ(l.counters().fast_retransmits.value(), 0u);
  l.ignore_output();
}

// RFC 9293 MUST-39: also where there is something to say in any case.
TEST_P(ConformanceArriving, AnAckForAnotherReasonDoesNotOpenASillyWindow) {
  Ladder l(start());
  for (uint32_t i = 0; i < 20; ++i) l.in(seq(1 + 500 * i), text(500));
  l.ignore_output();
  l.read(1);
  l.in(seq(10'001), text(1)).out(ack(10'001), wnd(0));
  l.read(1);
  l.in(seq(10'001), text(1)).out(ack(10'001), wnd(1000));  // worth a segment
  l.ignore_output();
}

// RFC 6298 section 5.2: not even in vain.
TEST_P(ConformanceArriving, AnAckOfAllLeavesNoTimerBehind) {
  Ladder l(start());
  l.send(1000);
  l.out(seq(1), text(1000)).at(10ms).in(ack(1001));
  EXPECT_TRUE(l.tcb().retransmit_deadline.is_never());
  l.silent_until(1min);
  EXPECT_EQ(l.counters().zero_window_probes.value(), 0u);
}

}  // namespace
}  // namespace tern::test
