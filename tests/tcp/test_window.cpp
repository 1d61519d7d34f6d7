// SPDX-License-Identifier: BSD-3-Clause
// Windows: ours (RFC 9293 section 3.8.6.2.2), the peer's (3.8.6.2.1), zero windows and their probes
// (3.8.6.1), Nagle (3.7.4) in Minshall's variant.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Window : public LadderTest {};
TERN_LADDERS(Window);

// --- Ours
// -----------------------------------------------------------------------------------------------------------

TEST_P(Window, ClosesAsTextWaitsToBeReadAndOpensWhenItIs) {
  Ladder l(start());
  for (uint32_t i = 0; i < 10; i += 2) {
    l.in(seq(1 + 1000 * i), text(1000)).in(seq(1001 + 1000 * i), text(1000));
    l.out(ack(2001 + 1000 * i), wnd(static_cast<uint16_t>(8000 - 1000 * i)));
  }
  EXPECT_EQ(l.counters().zero_windows_sent.value(), 1u);
  EXPECT_EQ(l.read(1), 1000u);
  l.silent();  // a segment's worth is not yet worth an update
  EXPECT_EQ(l.read(1), 1000u);
  l.out(seq(1), ack(10'001), wnd(2000));
  EXPECT_EQ(l.read(), 8000u);
  l.out(ack(10'001), wnd(10'000));
}

TEST_P(Window, IsNotOpenedInSillySteps) {
  Ladder l(start());
  for (uint32_t i = 0; i < 10; ++i) l.in(seq(1 + 1000 * i), text(1000));
  l.ignore_output();
  l.read(1);  // 1000 of room: as much as a segment
  l.in(seq(10'000)).out(ack(10'001), wnd(1000));
  l.in(seq(10'001), text(700)).at(40ms).out(ack(10'701), wnd(300));
  l.in(seq(10'700)).out(ack(10'701), wnd(300));
}

TEST_P(Window, ThatIsClosedStillHearsAcksAndAnswersProbes) {
  Ladder l(start());
  l.send(500);
  l.ignore_output();
  for (uint32_t i = 0; i < 10; ++i) l.in(seq(1 + 1000 * i), ack(1), text(1000));
  l.ignore_output();
  l.in(seq(10'001), ack(501), text(1)).out(seq(501), ack(10'001), wnd(0));
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 501u);
  EXPECT_EQ(l.counters().text_beyond_window.value(), 1u);
  EXPECT_EQ(l.read(), 10'000u);
  l.out(wnd(10'000));
}

TEST_P(Window, ThatIsClosedTakesAFin) {
  Ladder l(start());
  for (uint32_t i = 0; i < 10; ++i) l.in(seq(1 + 1000 * i), text(1000));
  l.ignore_output();
  l.in(seq(10'001), fin()).out(ack(10'002), wnd(0));
  l.in_state(State::kCloseWait);
  EXPECT_EQ(l.read(), 10'000u);
  EXPECT_TRUE(l.connection().at_end());
}

TEST_P(Window, IsScaledInAllButTheSyn) {
  Start s = start();
  s.config.receive_buffer = s.config.receive_buffer_initial = 1'000'000;
  s.config.window_scale = 5;
  s.peer_scale = 3;
  s.peer_window = 100;
  Ladder l(s);
  EXPECT_EQ(l.tcb().snd.wnd, 800u);
  EXPECT_EQ(l.tcb().rcv.wnd, 65'535u);  // as the SYN-ACK said it
  l.in(seq(1), text(1)).at(40ms).out(ack(2), wnd(999'999 >> 5));
}

TEST_P(Window, IsNotScaledWhenThePeerDidNotOffer) {
  Start s = start();
  s.config.receive_buffer = s.config.receive_buffer_initial = 1'000'000;
  s.config.window_scale = 5;
  Ladder l(s);
  l.in(seq(1), text(1)).in(seq(2), text(999)).out(ack(1001), wnd(65'535));
}

// --- The peer's
// -----------------------------------------------------------------------------------------------------

TEST_P(Window, IsScaledByFourteenAtMost) {  // RFC 7323 section 2.3
  Start s = start();
  s.config.receive_buffer = s.config.receive_buffer_initial = 1u << 30;
  s.config.window_scale = 14;
  s.peer_scale = 15;  // is taken as 14
  Ladder l(s);
  EXPECT_EQ(l.tcb().rcv_scale, 14);
  EXPECT_EQ(l.tcb().snd_scale, 14);
  l.in(seq(1), ack(1), text(1000), wnd(3)).at(40ms).out(seq(1), ack(1001), wnd(65'535));
  EXPECT_EQ(l.tcb().snd.wnd, 3u << 14);
  EXPECT_EQ(l.tcb().rcv.wnd, 65'535u << 14);
  l.in(seq(1001 + (65'535u << 14)), ack(1), text(1)).out(seq(1), ack(1001));  // beyond the right edge
  EXPECT_EQ(l.counters().unacceptable_sequence.value(), 1u);
}

TEST_P(Window, BelowASegmentFromTheStartIsFilledAtOnce) {  // half of the largest, section 3.8.6.2.1
  Start s = start();
  s.peer_window = 600;
  Ladder l(s);
  l.send(2000);
  l.out(seq(1), text(600)).silent();
  l.at(100ms).in(ack(601), wnd(600)).out(seq(601), text(600)).silent();
  l.in(ack(1201), wnd(200)).silent();  // a third of it waits for the override timer, or for more
  l.in(ack(1201), wnd(300)).out(seq(1201), text(300));
}

TEST_P(Window, OfThePeerBoundsWhatIsSent) {
  Start s = start();
  s.peer_window = 2500;
  Ladder l(s);
  l.send(5000);
  l.out(seq(1), text(1000)).out(seq(1001), text(1000)).silent();  // 500 of 2500 is not half of it: wait
  l.in(ack(2001), wnd(2500)).out(seq(2001), text(1000)).out(seq(3001), text(1000)).silent();
}

TEST_P(Window, UpdateFromAnOlderSegmentIsIgnored) {
  Start s = start();
  s.peer_window = 3000;
  Ladder l(s);
  l.in(seq(1), text(100), wnd(3000)).in(seq(101), text(100), wnd(2000)).ignore_output();
  EXPECT_EQ(l.tcb().snd.wnd, 2000u);
  l.in(seq(101), ack(1), wnd(9000));  // SEG.SEQ = WL1: counts
  EXPECT_EQ(l.tcb().snd.wnd, 2000u) << "RCV.NXT has passed it, so it is not acceptable";
  l.ignore_output();
  l.in(seq(201), ack(1), wnd(9000));
  EXPECT_EQ(l.tcb().snd.wnd, 9000u);
  l.in(seq(150), text(100), wnd(1));  // begins before WL1 = 201
  EXPECT_EQ(l.tcb().snd.wnd, 9000u);
  l.ignore_output();
}

TEST_P(Window, UpdateWithAnOlderAckIsIgnored) {
  Ladder l(start());
  l.send(2000);
  l.ignore_output();
  l.in(seq(1), ack(1001), wnd(5000));
  l.in(seq(1), ack(1), wnd(7000));  // reordered: WL2 is 1001
  EXPECT_EQ(l.tcb().snd.wnd, 5000u);
  EXPECT_EQ(l.tcb().snd.wl2 - l.tcb().iss, 1001u);
}

TEST_P(Window, InSillyStepsIsFilledAtOnceOnlyByHalfOfTheLargest) {
  Start s = start();
  s.peer_window = 800;  // smaller than a segment, always
  Ladder l(s);
  l.send(2000);
  l.out(seq(1), text(800)).silent();
  l.in(ack(801), wnd(300)).silent();
  l.in(ack(801), wnd(399)).silent();
  l.in(ack(801), wnd(400)).out(seq(801), text(400)).silent();
}

TEST_P(Window, ThatStaysSillyIsUsedWhenTheOverrideTimerRunsOut) {
  Start s = start();
  s.peer_window = 800;
  Ladder l(s);
  l.send(2000);
  l.out(text(800)).in(ack(801), wnd(100)).silent();
  for (int i = 0; i < 200 && l.tcb().snd.nxt == l.tcb().snd.una; ++i) l.after(10ms);
  l.after(0ms);
  const auto segment = l.next_out();
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->length, 100u);
  EXPECT_LE(l.now(), 1100ms);  // RFC 9293 section 3.8.6.2.1: 0.1 to 1.0 seconds
}

TEST_P(Window, ThatShrinksIsNotExceededByMoreThanWasInFlight) {
  Start s = start();
  s.peer_window = 5000;
  Ladder l(s);
  l.send(9000);
  for (int i = 0; i < 5; ++i) l.out(text(1000));
  l.in(ack(1001), wnd(1000)).silent();
  l.in(ack(5001), wnd(1000)).out(seq(5001), text(1000)).silent();
}

// --- Zero windows
// ---------------------------------------------------------------------------------------------------

TEST_P(Window, OfZeroIsProbedByOneByteWithBackOff) {
  Start s = start();
  s.peer_window = 0;
  Ladder l(s);
  l.send(3000);
  l.silent();
  l.after(1s).out(seq(1), text(1)).in(ack(1), wnd(0));
  l.after(2s).out(seq(1), text(1)).in(ack(1), wnd(0));
  l.after(4s).out(seq(1), text(1)).in(ack(1), wnd(0));
  l.after(8s).out(seq(1), text(1)).in(ack(1), wnd(0));
  EXPECT_EQ(l.counters().zero_window_probes.value(), 4u);
  l.in(ack(1), wnd(60'000)).out(seq(1), text(1)).out(seq(2), text(1000)).out(seq(1002), text(1000));
  l.out(seq(2002), text(999));
}

TEST_P(Window, OfZeroIsProbedForEverWhileThePeerAnswers) {  // MUST-37
  Start s = start();
  s.peer_window = 0;
  s.config.retransmit_limit = 3;
  s.config.rto_max = 4s;
  Ladder l(s);
  l.send(3000);
  uint32_t probes = 0;
  while (probes < 50) {
    l.after(100ms);
    while (const auto probe = l.next_out()) {
      ++probes;
      l.in(ack(1), wnd(0));
    }
  }
  l.in_state(State::kEstablished);
}

TEST_P(Window, OfZeroIsGivenUpWhenThePeerIsSilent) {
  Start s = start();
  s.peer_window = 0;
  s.config.retransmit_limit = 3;
  Ladder l(s);
  l.send(3000);
  l.after(1s).out(seq(1), text(1));
  l.after(2s).out(seq(1), text(1));
  l.after(4s).out(seq(1), text(1));
  l.after(8s + 5ms).gone(CloseReason::kTimedOut);
  EXPECT_NE(l.told() & kMarkClosed, 0);
}

TEST_P(Window, ProbeThatIsTakenCountsAsText) {
  Start s = start();
  s.peer_window = 0;
  Ladder l(s);
  l.send(2000);
  l.after(1s).out(seq(1), text(1)).in(ack(2), wnd(0)).silent();
  l.after(1s).out(seq(2), text(1)).in(ack(3), wnd(5000));
  l.out(seq(3), text(1000)).out(seq(1003), text(998));
}

TEST_P(Window, ThatClosesOnWhatIsInFlightIsProbedFromItsBeginning) {
  Ladder l(start());
  l.send(3000);
  l.out(text(1000)).out(text(1000)).out(text(1000));
  l.in(ack(1001), wnd(0)).silent();
  l.after(200ms).out(seq(1001), text(1)).in(ack(1001), wnd(0)).silent();
  l.after(400ms).out(seq(1001), text(1)).in(ack(1001), wnd(5000));
  l.out(seq(1001), text(1000));
  l.in(ack(2001)).ignore_output();
}

TEST_P(Window, ThatOpensShortlyBeforeItsProbeLeavesTheNewSegmentItsFullTimeout) {
  // RFC 6298 section 5.1: the retransmission timer starts with the segment; the persist timer was another.
  Start s = start();
  s.peer_window = 0;
  Ladder l(s);
  l.send(2000);
  l.at(990ms).in(ack(1), wnd(5000)).out(seq(1), text(1000)).out(seq(1001), text(1000));
  l.silent_until(1980ms);
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
  l.at(1990ms).out(seq(1), text(1000));
}

TEST_P(Window, ThatClosesDuringRecoveryIsProbedAllTheSame) {
  Ladder l(start());
  l.send(5000);
  for (int i = 0; i < 5; ++i) l.out(text(1000));
  l.after(1s).out(seq(1), text(1000));
  l.in(ack(1), wnd(0)).silent();  // the peer has the segment already, and no room
  l.after(2s).out(seq(1), text(1)).in(ack(1), wnd(0));
  l.after(4s).out(seq(1), text(1));
}

TEST_P(Window, OfZeroDoesNotHoldBackAFin) {
  Start s = start();
  s.peer_window = 0;
  Ladder l(s);
  l.shutdown().out(seq(1), fin()).in(ack(2), wnd(0)).in_state(State::kFinWait2);
}

TEST_P(Window, OfZeroMayBeProbedByTheLastByteWithTheFin) {
  Start s = start();
  s.peer_window = 0;
  Ladder l(s);
  l.send(1);
  l.shutdown().silent();
  l.after(1s).out(seq(1), text(1), fin()).in(ack(3), wnd(0)).in_state(State::kFinWait2);
}

// --- Beside it: RFC 9293 appendix A.2
// ---------------------------------------------------------------------------------------------------

TEST_P(Window, OfZeroThatWasProbedHearsWhatElseWeSay) {
  Start s = start();
  s.peer_window = 0;
  Ladder l(s);
  l.send(3000);
  l.after(1s).out(seq(1), text(1)).in(ack(1), wnd(0));
  l.in(seq(1), ack(1), text(1000)).in(seq(1001), ack(1), text(1000));
  l.out(seq(1), ack(2001));  // not from beyond its right edge
  l.abort().out(seq(1), rst());
}

TEST_P(Window, ThatIsTakenBackHearsWhatElseWeSay) {
  Ladder l(start());
  l.send(3000);
  l.ignore_output();
  l.in(ack(1), wnd(1500));  // before what is in flight ends
  l.in(seq(1), ack(1), wnd(1500), text(1000)).in(seq(1001), ack(1), wnd(1500), text(1000));
  l.out(seq(1501), ack(2001));
  l.in(seq(2001), ack(1), wnd(3000), text(1000)).in(seq(3001), ack(1), wnd(3000), text(1000));
  l.out(seq(3001), ack(4001));
}

TEST_P(Window, ThatIsFullBehindAGapHearsAcks) {
  Ladder l(start());
  l.send(500);
  l.ignore_output();
  for (uint32_t i = 1; i < 10; ++i) l.in(seq(1 + 1000 * i), ack(1), text(1000));
  l.ignore_output();
  l.in(seq(10'001), ack(501)).silent();
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 501u);
  l.in(seq(10'001), rst(), no_ack()).silent();  // by the table alone, and not challenged
  l.in(seq(10'002), ack(501)).out(seq(501), ack(1));
  EXPECT_EQ(l.counters().unacceptable_sequence.value(), 2u);
}

TEST_P(Window, WhoseProbeWasTakenIsHeardBeforeItLearnsOfIt) {
  Ladder l(start());
  l.send(500);
  l.ignore_output();
  l.in(seq(1), ack(1), text(1)).after(40ms).out(ack(2));
  l.in(seq(1), ack(501)).out(seq(501), ack(2));  // as one that probes and has not heard
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 501u);
  l.in(seq(1), ack(501)).out(seq(501), ack(2));  // a keep-alive
  l.send(500);
  l.ignore_output();
  l.in(seq(2u - 70'000u), ack(1001)).out(seq(1001), ack(2));  // too far
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 501u);
  EXPECT_EQ(l.counters().unacceptable_sequence.value(), 2u);
}

// The peer sent 800 bytes to a window that it has since learned to be closed; ours is closed to it as well,
// and neither hears what the other says of that.
TEST_P(Window, ThatWasTakenBackIsNoReasonNotToHearOfWhatWasSentBefore) {
  Ladder l(start());
  l.send(500);
  l.ignore_output();
  l.in(seq(1), ack(1), text(800)).after(40ms).out(ack(801));
  l.in(seq(1), ack(501), wnd(0)).out(seq(501), ack(801));
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 501u);
  EXPECT_EQ(l.counters().unacceptable_sequence.value(), 0u);
}

// Each answers what the other says out of place, and that is out of place as well.
TEST_P(Window, BesideItIsNotAnsweredForEver) {
  Ladder l(start());
  l.in(seq(1), ack(1), text(800)).after(40ms).out(ack(801));
  for (int i = 0; i < 10; ++i) l.in(seq(1), ack(1)).out(ack(801));
  l.in(seq(1), ack(1)).silent();
  EXPECT_EQ(l.counters().challenge_acks_withheld.value(), 1u);
  l.in(seq(1), ack(1), text(800)).out(ack(801));  // text again: it missed our ACK
  l.after(5s).in(seq(1), ack(1)).out(ack(801));
}

// --- Nagle
// ----------------------------------------------------------------------------------------------------------

TEST_P(Window, NagleSendsAFirstSmallSegmentAndHoldsTheSecondBack) {
  Ladder l(start());
  l.send(10);
  l.out(seq(1), text(10));
  l.send(10);
  l.send(10);
  l.silent_until(50ms);
  l.in(ack(11)).out(seq(11), text(20));
}

TEST_P(Window, NagleInMinshallsVariantLetsTheRestOfALargeWriteGo) {
  Ladder l(start());
  l.send(1500);
  l.out(text(1000)).out(seq(1001), text(500));
  l.send(600);
  l.silent();
  l.send(400);
  l.out(seq(1501), text(1000)).silent();  // a full segment never waits
}

TEST_P(Window, WithoutNagleSmallSegmentsGoAtOnce) {
  Start s = start();
  s.config.nagle = false;
  Ladder l(s);
  l.send(10);
  l.send(10);
  l.out(seq(1), text(10)).out(seq(11), text(10));
}

TEST_P(Window, NagleDoesNotHoldBackTheLastTextBeforeAFin) {
  Ladder l(start());
  l.send(10);
  l.send(10);
  l.out(text(10)).shutdown().out(seq(11), text(10), fin());
}

TEST_P(Window, NagleStillWorksBeyondTwoGigabytes) {
  // The end of the last small segment falls more than 2^31 behind when all that follow are full.
  Ladder l(start());
  l.send(10);
  l.out(text(10)).in(ack(11));
  for (uint32_t gone = 0; gone < 12; ++gone) {
    l.tcb().small_end = l.tcb().small_end - (1u << 28);  // as if 256 MiB of full segments had followed
    l.send(1000);
    l.out(text(1000)).after(10ms).in();
  }
  l.send(1000);
  l.send(10);
  l.out(text(1000)).out(text(10));
}

}  // namespace
}  // namespace tern::test
