// SPDX-License-Identifier: BSD-3-Clause
// TIME-WAIT: RFC 9293 sections 3.6.1 and 3.10.7.4, RFC 6191 (reuse by a new SYN).
#include "support/ladder.hpp"
#include "tcp/time_wait.hpp"

namespace tern::test {
namespace {

using namespace tcp;

// Closes from both sides; TIME-WAIT begins at time 0.
void close_both(Ladder& l) {
  l.close().out(seq(1), fin()).in(seq(1), ack(2), fin()).out(seq(2), ack(2)).in_state(State::kTimeWait);
}

// Makes a record of it, as the stack does, and of that a connection for the next segment.
void compact(Ladder& l) {
  ASSERT_TRUE(tcp::TimeWait::may_compact(l.connection()));
  const auto record = tcp::TimeWait::compact(l.connection(), l.core());
  l.connection().release(l.core());
  record.expand(l.connection(), l.core());
  // The stack's table keeps the time, and nobody the sizes; the ladder looks at both.
  l.tcb().idle_deadline = l.core().now + 60s;
  l.tcb().mss = 1000;
  l.tcb().cwnd = 1000;
}

class TimeWait : public LadderTest {};
TERN_LADDERS(TimeWait);

TEST_P(TimeWait, LastsTwiceTheMaximumSegmentLifetime) {
  Start s = start();
  s.config.msl = 5s;
  Ladder l(s);
  close_both(l);
  l.silent_until(9990ms).in_state(State::kTimeWait).at(10'005ms).gone(CloseReason::kFinished);
}

TEST_P(TimeWait, IsBegunAnewByTheFinSentAgain) {
  Ladder l(start());
  close_both(l);
  l.at(50s).in(seq(1), ack(2), fin()).out(seq(2), ack(2));
  EXPECT_EQ(l.counters().time_wait_restarted.value(), 1u);
  l.silent_until(109s).in_state(State::kTimeWait).at(111s).gone(CloseReason::kFinished);
}

TEST_P(TimeWait, IsNotBegunAnewByAnythingElse) {
  Ladder l(start());
  close_both(l);
  l.at(50s).in(seq(1), ack(2), text(1)).out(seq(2), ack(2)).in(seq(2), ack(2)).silent();
  l.at(61s).gone(CloseReason::kFinished);
}

TEST_P(TimeWait, AnswersAnAcknowledgmentAtTheRightEdge) {
  Ladder l(start());
  close_both(l);
  l.in(seq(2 + l.connection().tcb.rcv.wnd), ack(2)).out(seq(2), ack(2)).in_state(State::kTimeWait);
}

TEST_P(TimeWait, DropsTextAndTellsTheServiceNothingMore) {
  Ladder l(start());
  close_both(l);
  l.told();
  l.in(seq(2), ack(2), text(100)).silent();
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.read(), 0u);
}

TEST_P(TimeWait, KeepsTextForAServiceThatReadsLate) {
  Ladder l(start());
  l.shutdown().out(fin()).in(seq(1), ack(2), text(500), fin()).out(ack(502)).in_state(State::kTimeWait);
  EXPECT_EQ(l.read(), 500u);
  EXPECT_TRUE(l.connection().at_end());
}

TEST_P(TimeWait, IsReopenedByASynBeyondItsSequenceNumbers) {
  Ladder l(start());
  close_both(l);
  l.at(1s).in(seq(3), syn(), no_ack()).silent();
  EXPECT_EQ(l.verdict(), Verdict::kReopen);
  EXPECT_EQ(l.counters().time_wait_reused.value(), 1u);
}

TEST_P(TimeWait, IsNotReopenedByAnOldSyn) {
  Ladder l(start());
  close_both(l);
  l.at(1s).in(seq(0), syn(), no_ack()).out(seq(2), ack(2));
  EXPECT_EQ(l.verdict(), Verdict::kDone);
  l.in(seq(2), syn(), no_ack()).out(seq(2), ack(2));  // used already, by the FIN's acknowledgment
  EXPECT_EQ(l.verdict(), Verdict::kDone);
  l.in(seq(3), syn()).out(seq(2), ack(2));  // a SYN-ACK is not a request
  EXPECT_EQ(l.verdict(), Verdict::kDone);
  l.in_state(State::kTimeWait);
}

TEST_P(TimeWait, IsReopenedByANewerTimestampWhateverTheSequenceNumber) {
  Start s = start();
  s.timestamps = true;
  Ladder l(s);
  close_both(l);
  const uint32_t recent = l.tcb().ts_recent;
  l.at(1s).in(seq(0), syn(), no_ack(), ts_val(recent + 1)).silent();
  EXPECT_EQ(l.verdict(), Verdict::kReopen);
}

TEST_P(TimeWait, IsNotReopenedByAnOlderTimestampWhateverTheSequenceNumber) {
  Start s = start();
  s.timestamps = true;
  Ladder l(s);
  close_both(l);
  const uint32_t recent = l.tcb().ts_recent;
  l.at(1s).in(seq(1000), syn(), no_ack(), ts_val(recent - 1)).out(ack(2));
  EXPECT_EQ(l.verdict(), Verdict::kDone);
  l.in(seq(1000), syn(), no_ack(), ts_val(recent)).silent();  // equal: the sequence number decides
  EXPECT_EQ(l.verdict(), Verdict::kReopen);
}

TEST_P(TimeWait, OfTimestampsIsReopenedWithoutThemByTheSequenceNumber) {  // RFC 6191 section 2
  Start s = start();
  s.timestamps = true;
  Ladder l(s);
  close_both(l);
  l.at(1s).in(seq(2), syn(), no_ack(), no_ts()).out(ack(2));
  EXPECT_EQ(l.verdict(), Verdict::kDone);
  l.in(seq(1000), syn(), no_ack(), no_ts()).silent();
  EXPECT_EQ(l.verdict(), Verdict::kReopen);
}

TEST_P(TimeWait, AnswersFromItsRecordAsTheConnectionWould) {
  Start s = start();
  s.timestamps = true;
  Ladder l(s);
  l.tcb().ts_offset = 7000;
  close_both(l);
  const uint32_t recent = l.tcb().ts_recent;
  compact(l);
  l.at(1s).in(seq(1), ack(2), fin()).out(seq(2), ack(2), ts(8000, recent));
  compact(l);
  l.at(2s).in(seq(1000), syn(), no_ack(), ts_val(recent - 1)).out(seq(2), ack(2), ts(9000, recent));
  EXPECT_EQ(l.verdict(), Verdict::kDone);
  compact(l);
  l.at(3s).in(seq(0), syn(), no_ack(), ts_val(recent + 1)).silent();
  EXPECT_EQ(l.verdict(), Verdict::kReopen);
}

TEST_P(TimeWait, EndsByAnExactReset) {
  Ladder l(start());
  close_both(l);
  l.in(seq(2), rst(), no_ack()).gone(CloseReason::kFinished);
}

}  // namespace
}  // namespace tern::test
