// SPDX-License-Identifier: BSD-3-Clause
// Reductions taken back: F-RTO (RFC 5682) and the peer's word that all came twice (RFC 2883, RFC 3708). The
// third sign, Eifel's timestamps, is tested in test_congestion.cpp.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Undo : public LadderTest {
 protected:
  Start with_sack() const {
    Start s = start();
    s.sack = true;
    return s;
  }
  // Six segments, none of which is answered for a second, and four that are written then.
  static void time_out(Ladder& l) {
    l.send(6000);
    l.ignore_output().after(1s).out(seq(1), text(1000));
    l.send(4000);
    l.silent();
    EXPECT_EQ(l.tcb().cwnd, 1000u);
  }
};
TERN_LADDERS(Undo);

// --- F-RTO
// ------------------------------------------------------------------------------------------------------

TEST_P(Undo, AfterATimeoutTheFirstAckIsAnsweredByNewText) {  // RFC 5682 section 2.1, step 2b
  Ladder l(start());
  time_out(l);
  l.in(ack(1001)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
}

TEST_P(Undo, AnAckOfWhatWasSentOnceTakesTheTimeoutBack) {  // step 3b
  Ladder l(start());
  time_out(l);
  l.in(ack(1001)).ignore_output();
  l.in(ack(2001)).out(seq(8001), text(1000)).out(seq(9001), text(1000)).silent();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
  EXPECT_EQ(l.counters().retransmissions.value(), 1u) << "nothing else is sent again";
  EXPECT_GE(l.tcb().cwnd, 10'000u);
  EXPECT_EQ(l.tcb().ssthresh, 0x7fffffffu);
  EXPECT_EQ(l.tcb().hold, 0);
}

TEST_P(Undo, ADuplicateInsteadMeansThatTheTimeoutWasRight) {  // step 3a
  Ladder l(start());
  time_out(l);
  l.in(ack(1001)).ignore_output();
  l.in(ack(1001)).out(seq(1001), text(1000)).silent();
  EXPECT_EQ(l.tcb().cwnd, 3000u);
  l.in(ack(2001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
  EXPECT_NE(l.tcb().hold & kHoldLossRecovery, 0);
}

TEST_P(Undo, ADuplicateAsTheFirstAnswerMeansSoToo) {  // step 2a
  Ladder l(start());
  time_out(l);
  l.in(ack(1)).ignore_output();
  l.in(ack(1001)).out(seq(1001), text(1000)).out(seq(2001), text(1000)).silent();
  l.in(ack(2001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
}

TEST_P(Undo, WithSackADuplicateIsNoAnswerYet) {  // section 3.1, step 2
  Ladder l(with_sack());
  time_out(l);
  l.in(ack(1), sack(2001, 3001)).silent();
  l.in(ack(1001)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
  l.in(ack(1001), sack(2001, 4001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
}

TEST_P(Undo, ASegmentThatIsNeitherAckNorDuplicateIsPassedOver) {  // section 2.1
  Ladder l(start());
  time_out(l);
  l.in(ack(1), wnd(50'000)).in(ack(1), text(500)).ignore_output();
  l.in(ack(1001)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
  l.in(ack(1001), wnd(40'000)).silent().in(ack(2001), wnd(40'000)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
  l.read();
  l.ignore_output();
}

TEST_P(Undo, ATimeoutOfTheSameSegmentBeginsAnew) {  // section 2.1, step 1
  Ladder l(start());
  time_out(l);
  l.after(2s).out(seq(1), text(1000));
  l.in(ack(1001)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
  l.in(ack(2001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
}

TEST_P(Undo, ATimeoutOfALaterSegmentMeanwhileDoesNot) {  // the same
  Ladder l(start());
  time_out(l);
  l.in(ack(1001)).ignore_output().after(1s).out(seq(1001), text(1000));
  l.in(ack(2001)).out(seq(2001), text(1000)).out(seq(3001), text(1000)).silent();
  l.in(ack(4001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
}

TEST_P(Undo, AnAckOfPartOfTheHeadProvesNothing) {  // section 2.1, step 2a
  Ladder l(start());
  time_out(l);
  l.in(ack(501)).out(seq(1001), text(1000)).ignore_output();
  l.in(ack(1001)).in(ack(2001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
}

TEST_P(Undo, DuplicatesAfterItTellOfALossAgain) {  // step 3b: recover is SND.UNA
  Ladder l(start());
  time_out(l);
  l.in(ack(1001)).ignore_output().in(ack(2001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
  l.in(ack(2001)).in(ack(2001)).in(ack(2001)).out(seq(2001), text(1000)).ignore_output();
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
}

TEST_P(Undo, AnEchoOfCongestionKeepsTheWindowSmall) {  // RFC 4015 section 3.1, step 9
  Start s = start();
  s.ecn = true;
  Ladder l(s);
  time_out(l);
  l.in(ack(1001)).ignore_output().in(ack(2001), ece()).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
  EXPECT_EQ(l.counters().retransmissions.value(), 1u);
  EXPECT_EQ(l.tcb().ssthresh, 3000u);
  EXPECT_EQ(l.tcb().cwnd, 3000u);
}

TEST_P(Undo, AnAckOfAllProvesNothing) {  // section 2.1, step 2a; section 3.1, step 2a
  for (const bool sack_on : {false, true}) {
    Ladder l(sack_on ? with_sack() : start());
    time_out(l);
    l.in(ack(6001)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
    l.in(ack(7001)).ignore_output();
    EXPECT_EQ(l.counters().losses_undone.value(), 0u);
    EXPECT_EQ(l.tcb().ssthresh, 3000u);
  }
}

TEST_P(Undo, AnAckOfMoreThanTheHeadProvesNothing) {  // the head may have filled a gap
  Ladder l(start());
  time_out(l);
  l.in(ack(3001)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
}

TEST_P(Undo, WithoutNewTextWhatSeemsLostIsSentAgain) {
  Ladder l(start());
  l.send(6000);
  l.ignore_output().after(1s).out(seq(1), text(1000));
  l.in(ack(1001)).out(seq(1001), text(1000)).out(seq(2001), text(1000)).silent();
}

TEST_P(Undo, NewTextThatThePeersWindowRefusesIsNone) {
  Start s = start();
  s.peer_window = 6000;
  Ladder l(s);
  time_out(l);
  l.in(ack(1001), wnd(5000)).out(seq(1001), text(1000)).out(seq(2001), text(1000)).silent();
}

TEST_P(Undo, NewTextThatNagleHoldsBackIsNoneEither) {
  Ladder l(start());
  l.send(5500);
  l.ignore_output().after(1s).out(seq(1), text(1000));
  l.send(400);
  l.silent().in(ack(1001)).out(seq(1001), text(1000)).out(seq(2001), text(1000)).silent();
}

TEST_P(Undo, ABlockOfWhatWasSentOnceTakesTheTimeoutBack) {  // section 3.1
  Ladder l(with_sack());
  time_out(l);
  l.in(ack(1001)).out(seq(6001), text(1000)).out(seq(7001), text(1000)).silent();
  l.in(ack(1001), sack(2001, 3001)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
  EXPECT_EQ(l.tcb().ssthresh, 0x7fffffffu);
}

TEST_P(Undo, ABlockOfNewTextDoesNot) {
  Ladder l(with_sack());
  time_out(l);
  l.in(ack(1001)).ignore_output();
  l.in(ack(1001), sack(6001, 7001)).out(seq(1001), text(1000)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
  EXPECT_NE(l.tcb().hold & kHoldLossRecovery, 0);
}

TEST_P(Undo, ATimeoutInFastRecoveryIsNotLookedInto) {
  Ladder l(with_sack());
  l.send(6000);
  l.ignore_output().in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).silent();
  l.after(1s).out(seq(1), text(1000));
  l.send(4000);
  l.ignore_output();
  l.in(ack(4001)).out(seq(4001), text(1000)).ignore_output();
}

// --- Duplicates
// -------------------------------------------------------------------------------------------------------

TEST_P(Undo, WhenAllThatWasSentAgainCameTwiceTheReductionIsTakenBack) {
  Ladder l(with_sack());
  l.send(10'000);
  l.ignore_output().in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).silent();
  l.in(ack(10'001)).silent();
  EXPECT_EQ(l.tcb().cwnd, 5000u);
  l.in(ack(10'001), sack(1, 1001)).silent();
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
  EXPECT_EQ(l.tcb().ssthresh, 0x7fffffffu);
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
  l.silent_until(l.now() + 5s);
}

TEST_P(Undo, WhileRecoveringTheSame) {
  Ladder l(with_sack());
  l.send(10'000);
  l.ignore_output().in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).silent();
  l.in(ack(5001)).silent().in(ack(5001), sack(1, 1001)).silent();
  EXPECT_EQ(l.tcb().hold, 0);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

TEST_P(Undo, WhenOneOfTwoWasMissedItStands) {
  Ladder l(with_sack());
  l.send(10'000);
  l.ignore_output().in(ack(1), sack(1001, 2001), sack(3001, 6001)).out(seq(1), text(1000));
  l.in(ack(1), sack(1001, 2001), sack(3001, 10'001)).out(seq(2001), text(1000)).silent();
  l.in(ack(10'001)).silent().in(ack(10'001), sack(1, 1001)).silent();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
  EXPECT_EQ(l.tcb().cwnd, 5000u);
  l.in(ack(10'001), sack(2001, 3001)).silent();
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
}

TEST_P(Undo, ADuplicateOfOlderTextTellsNothing) {
  Ladder l(with_sack());
  l.send(1000);
  l.out(seq(1), text(1000)).in(ack(1001));
  l.send(10'000);
  l.ignore_output().in(ack(1001), sack(2001, 5001)).out(seq(1001), text(1000)).silent();
  l.in(ack(11'001), sack(1, 1001)).silent();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
}

TEST_P(Undo, AfterATimeoutItIsTooLate) {
  Ladder l(with_sack());
  l.send(10'000);
  l.ignore_output().in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).in(ack(10'001)).silent();
  l.after(1100ms).silent();
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
  l.in(ack(10'001), sack(1, 1001)).silent();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
  EXPECT_EQ(l.tcb().cwnd, 5000u);
}

TEST_P(Undo, OnceLaterTextIsAcknowledgedItIsTooLateToo) {
  Ladder l(with_sack());
  l.send(10'000);
  l.ignore_output().in(ack(1), sack(1001, 4001)).out(seq(1), text(1000)).in(ack(10'001)).silent();
  l.send(1000);
  l.out(seq(10'001), text(1000)).in(ack(11'001)).silent();
  EXPECT_EQ(l.core().recoveries.in_use(), 0u);
}

TEST_P(Undo, MeanwhileATailIsProbedAsEver) {
  Ladder l(with_sack());
  l.send(1000);
  l.out(seq(1), text(1000)).after(40ms).in(ack(1001));
  l.send(10'000);
  l.ignore_output().after(40ms).in(ack(1001), sack(2001, 5001)).out(seq(1001), text(1000));
  l.after(40ms).in(ack(11'001)).silent();
  l.send(2000);
  l.ignore_output().after(82ms).out(seq(12'001), text(1000)).silent();
  l.in(ack(13'001)).ignore_output();
}

}  // namespace
}  // namespace tern::test
