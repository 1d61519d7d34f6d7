// SPDX-License-Identifier: BSD-3-Clause
// Resets and SYNs out of place: RFC 9293 sections 3.5.3, 3.10.7.1 and 3.10.7.4 second and fourth step; RFC
// 5961.
#include "support/ladder.hpp"
#include "tcp/reset.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Reset : public LadderTest {};
TERN_LADDERS(Reset);

TEST_P(Reset, AtRcvNxtEndsTheConnection) {
  Ladder l(start());
  l.send(500);
  l.ignore_output();
  l.in(seq(1), rst(), no_ack()).gone(CloseReason::kResetByPeer).silent_until(10min);
  EXPECT_EQ(l.told(), kMarkClosed);
  EXPECT_EQ(l.counters().connections_reset_by_peer.value(), 1u);
}

TEST_P(Reset, ElsewhereInTheWindowIsChallenged) {
  Ladder l(start());
  l.in(seq(2), rst(), no_ack()).out(seq(1), ack(1)).in(seq(10'000), rst(), no_ack()).out(seq(1), ack(1));
  l.in(seq(2), rst(), text(10)).out(seq(1), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.counters().challenge_acks.value(), 3u);
  l.in(seq(1), text(1));
  EXPECT_EQ(l.read(), 1u);  // nor was anything kept of the last
  l.ignore_output();
}

TEST_P(Reset, OutsideTheWindowIsDropped) {
  Ladder l(start());
  l.in(seq(0), rst(), no_ack()).in(seq(10'001), rst(), no_ack()).silent().in_state(State::kEstablished);
}

TEST_P(Reset, CountsAlsoWhenTheWindowIsClosed) {
  Ladder l(start());
  for (uint32_t i = 0; i < 10; ++i) l.in(seq(1 + 1000 * i), text(1000));
  l.ignore_output();
  l.in(seq(10'002), rst(), no_ack()).silent().in_state(State::kEstablished);
  l.in(seq(10'001), rst(), no_ack()).gone(CloseReason::kResetByPeer);
}

TEST_P(Reset, LeavesTextThatWasReceivedToBeRead) {
  Ladder l(start());
  l.burst([&] {
    l.in(seq(1), text(500)).in(seq(501), rst(), no_ack());
    l.read();
  });
  l.gone(CloseReason::kResetByPeer);
}

TEST_P(Reset, InEachClosingStateEnds) {
  const auto check = [&](State state, CloseReason reason, auto&& bring) {
    Ladder l(start());
    bring(l);
    l.in_state(state).ignore_output();
    l.in(rst(), no_ack()).gone(reason);
  };
  check(State::kFinWait1, CloseReason::kResetByPeer, [](Ladder& l) { l.close(); });
  check(State::kFinWait2, CloseReason::kResetByPeer, [](Ladder& l) { l.close().in(ack(2)); });
  check(State::kCloseWait, CloseReason::kResetByPeer, [](Ladder& l) { l.in(fin()); });
  check(State::kClosing, CloseReason::kFinished, [](Ladder& l) { l.close().in(ack(1), fin()); });
  check(State::kLastAck, CloseReason::kFinished, [](Ladder& l) { l.in(fin()).close(); });
}

// RFC 9293 has the TCB deleted without a word here; but what the peer never took is lost, and its user told.
TEST_P(Reset, ThatLosesTextIsToldOfWhenBothHaveClosedToo) {
  for (const bool first : {true, false}) {
    Ladder l(start());
    if (first) l.in(fin());
    l.send(500);
    l.close();
    if (!first) l.ignore_output().in(ack(1), fin());
    l.in_state(first ? State::kLastAck : State::kClosing).ignore_output();
    l.in(rst(), no_ack()).gone(CloseReason::kResetByPeer);
  }
}

TEST_P(Reset, ASynInTheWindowIsChallenged) {  // RFC 5961 section 4.2
  Ladder l(start());
  l.in(seq(5), syn(), no_ack()).out(seq(1), ack(1)).in(seq(1), syn(), text(10)).out(seq(1), ack(1));
  l.in_state(State::kEstablished);
  EXPECT_EQ(l.counters().challenge_acks.value(), 2u);
  EXPECT_EQ(l.read(), 0u);
}

TEST_P(Reset, OfAPeerThatBeganAnewAnswersTheChallengeAndEnds) {  // the same
  Ladder l(start());
  l.in(seq(1), text(10)).at(40ms).out(ack(11));
  EXPECT_EQ(l.read(), 10u);
  l.in(seq(5000), syn(), no_ack()).out(seq(1), ack(11));
  l.in(seq(11), rst(), no_ack()).gone(CloseReason::kResetByPeer);
}

TEST_P(Reset, ASynOutsideTheWindowIsAnsweredByAnAck) {
  Ladder l(start());
  l.in(seq(0), syn(), no_ack()).out(seq(1), ack(1)).in(seq(20'000), syn(), no_ack()).out(seq(1), ack(1));
  l.in_state(State::kEstablished);
}

// --- Segments that belong to nothing: 3.10.7.1
// ----------------------------------------------------------------------

TEST(ResetFor, AckIsAnsweredFromItsAckNumber) {
  Segment seg;
  seg.seq = Seq{100};
  seg.ack = Seq{0xfffffff0u};
  seg.flags = kAck;
  seg.length = 20;
  const auto reset = reset_for(seg);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->seq, Seq{0xfffffff0u});
  EXPECT_EQ(reset->flags, kRst);
}

TEST(ResetFor, WithoutAckItAcknowledgesAllThatTheSegmentOccupies) {
  Segment seg;
  seg.seq = Seq{0xfffffff0u};
  seg.flags = kSyn | kFin;
  seg.length = 20;
  const auto reset = reset_for(seg);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->seq, Seq{0});
  EXPECT_EQ(reset->ack, Seq{6});
  EXPECT_EQ(reset->flags, kRst | kAck);
}

TEST(ResetFor, AResetIsNeverAnswered) {
  Segment seg;
  seg.flags = kRst;
  EXPECT_FALSE(reset_for(seg));
  seg.flags = kRst | kAck;
  EXPECT_FALSE(reset_for(seg));
}

TEST_P(Reset, AnswersWhateverComesAfterTheEnd) {
  Ladder l(start());
  l.abort().out(flags(kRst | kAck)).gone(CloseReason::kAborted);
  l.in(seq(1), ack(1), text(100)).out(seq(1), flags(kRst));
  l.in(seq(101), rst(), no_ack()).silent();
}

TEST_P(Reset, ChallengesAreLimitedForEachConnection) {  // RFC 5961 section 7, CVE-2016-5696
  Ladder l(start());
  Ladder other(start());
  l.at(1s);
  for (int i = 0; i < 10; ++i) l.in(seq(500), rst(), no_ack()).out(ack(1));
  l.in(seq(500), rst(), no_ack()).in(seq(1), syn()).in(seq(20'000), syn()).in(seq(1), ack(5000)).silent();
  EXPECT_EQ(l.counters().challenge_acks.value(), 10u);
  EXPECT_EQ(l.counters().challenge_acks_withheld.value(), 4u);
  other.at(1s).in(seq(500), rst(), no_ack()).out(ack(1));  // has an allowance of its own
  l.in(seq(1), text(10)).at(1040ms).out(ack(11));          // what is in order is acknowledged as ever
  EXPECT_EQ(l.read(), 10u);
  l.at(6s).in(seq(500), rst(), no_ack()).out(ack(11));
}

TEST_P(Reset, ChallengesAndTheirIntervalAreTheOperatorsToChoose) {  // RFC 5961 section 7
  Start s = start();
  s.config.challenge_acks = 2;
  s.config.challenge_interval = 300ms;
  Ladder l(s);
  for (const Duration t : {300ms, 600ms}) {
    l.at(t).in(seq(500), rst(), no_ack()).out(ack(1)).in(seq(500), rst(), no_ack()).out(ack(1));
    l.at(t + 200ms).in(seq(500), rst(), no_ack()).silent();
  }
  s.config.challenge_acks = 63;
  Ladder most(s);
  for (int i = 0; i < 63; ++i) most.in(seq(500), rst(), no_ack()).out(ack(1));
  most.in(seq(500), rst(), no_ack()).silent();
}

}  // namespace
}  // namespace tern::test
