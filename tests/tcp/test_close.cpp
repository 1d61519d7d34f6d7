// SPDX-License-Identifier: BSD-3-Clause
// Closing: RFC 9293 section 3.6, 3.10.4, 3.10.7.4 eighth step; RFC 1122 section 4.2.2.13.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Close : public LadderTest {};
TERN_LADDERS(Close);

TEST_P(Close, ByUsThenByThePeer) {
  Ladder l(start());
  l.close().out(seq(1), ack(1), fin()).in_state(State::kFinWait1);
  l.in(ack(2)).in_state(State::kFinWait2).silent();
  l.in(seq(1), ack(2), fin()).out(seq(2), ack(2)).in_state(State::kTimeWait);
  EXPECT_EQ(l.told(), kMarkEnded | kMarkClosed);
  l.silent_until(59s).in_state(State::kTimeWait).at(61s).gone(CloseReason::kFinished);
}

TEST_P(Close, ByThePeerThenByUs) {
  Ladder l(start());
  l.in(seq(1), fin()).out(seq(1), ack(2)).in_state(State::kCloseWait);
  EXPECT_EQ(l.told(), kMarkEnded);
  EXPECT_TRUE(l.connection().at_end());
  l.close().out(seq(1), ack(2), fin()).in_state(State::kLastAck);
  l.in(ack(2)).gone(CloseReason::kFinished);
  EXPECT_EQ(l.told(), kMarkClosed);
  EXPECT_EQ(l.counters().connections_closed.value(), 1u);
}

TEST_P(Close, ByBothAtOnce) {  // figure 13
  Ladder l(start());
  l.close().out(seq(1), fin());
  l.in(seq(1), ack(1), fin()).in_state(State::kClosing).out(seq(2), ack(2));
  l.in(seq(2), ack(2)).in_state(State::kTimeWait).silent();
  l.at(61s).gone(CloseReason::kFinished);
}

TEST_P(Close, WithAFinThatAcknowledgesOursGoesStraightToTimeWait) {
  Ladder l(start());
  l.close().out(fin()).in(seq(1), ack(2), fin()).out(ack(2)).in_state(State::kTimeWait);
}

TEST_P(Close, FinFollowsTheTextThatIsQueued) {
  Start s = start();
  s.peer_window = 1000;
  Ladder l(s);
  l.send(2500);
  l.shutdown().out(seq(1), text(1000)).silent();
  l.in(ack(1001)).out(seq(1001), text(1000)).in(ack(2001)).out(seq(2001), text(500), fin());
  l.in_state(State::kFinWait1).in(ack(2502)).in_state(State::kFinWait2);
}

TEST_P(Close, AckOfTheTextButNotOfTheFinStaysInFinWait1) {
  Ladder l(start());
  l.send(500);
  l.out(text(500)).shutdown().out(seq(501), fin()).in(ack(501)).in_state(State::kFinWait1);
  l.in(ack(502)).in_state(State::kFinWait2);
}

TEST_P(Close, FinWithTextIsDeliveredAfterIt) {
  Ladder l(start());
  l.in(seq(1), text(700), fin()).out(ack(702)).in_state(State::kCloseWait);
  EXPECT_EQ(l.told(), kMarkText | kMarkEnded);
  EXPECT_FALSE(l.connection().at_end());
  EXPECT_EQ(l.read(), 700u);
  EXPECT_TRUE(l.connection().at_end());
}

TEST_P(Close, FinBeyondTheWindowIsCutOffWithItsText) {
  Ladder l(start());
  l.in(seq(9001), text(1001), fin()).out(ack(1));
  l.in(seq(1), text(9000)).in_state(State::kEstablished);
  EXPECT_EQ(l.read(), 10'000u);
  l.ignore_output();
}

TEST_P(Close, OurLostFinIsSentAgain) {
  Ladder l(start());
  l.close().out(seq(1), fin());
  l.after(1s).out(seq(1), fin()).after(2s).out(seq(1), fin()).in(ack(2)).in_state(State::kFinWait2);
}

TEST_P(Close, OurLostFinWithTextIsSentAgainWithIt) {
  Ladder l(start());
  l.send(500);
  l.out(text(500)).shutdown().out(seq(501), fin());
  l.after(1s).out(seq(1), text(500), fin());
  l.in(ack(502)).in_state(State::kFinWait2);
}

TEST_P(Close, OurLostFinInLastAckAndClosingIsSentAgain) {
  {
    Ladder l(start());
    l.in(seq(1), fin()).out(ack(2)).close().out(seq(1), fin());
    l.after(1s).out(seq(1), ack(2), fin()).in(ack(2)).gone(CloseReason::kFinished);
  }
  Ladder l(start());
  l.close().out(seq(1), fin()).in(seq(1), ack(1), fin()).out(ack(2)).in_state(State::kClosing);
  l.at(1s).out(seq(1), ack(2), fin()).in(ack(2)).in_state(State::kTimeWait);
}

TEST_P(Close, APeerThatNeverAcknowledgesOurFinIsGivenUp) {
  Start s = start();
  s.config.retransmit_limit = 2;
  Ladder l(s);
  l.close().out(fin()).after(1s).out(fin()).after(2s).out(fin()).after(4s + 5ms).gone(CloseReason::kTimedOut);
}

TEST_P(Close, ThePeersFinSentAgainIsAcknowledgedAgain) {
  Ladder l(start());
  l.in(seq(1), text(100), fin()).out(ack(102));
  l.in(seq(1), text(100), fin()).out(ack(102)).in(seq(101), fin()).out(ack(102)).in_state(State::kCloseWait);
  EXPECT_EQ(l.read(), 100u);
}

// --- Half-close
// -----------------------------------------------------------------------------------------------------

TEST_P(Close, HalfByUsStillReceives) {
  Ladder l(start());
  l.shutdown().out(seq(1), fin()).in(ack(2)).in_state(State::kFinWait2);
  l.in(seq(1), text(1000)).in(seq(1001), text(1000)).out(seq(2), ack(2001));
  l.in(seq(3001), text(1000)).out(ack(2001)).in(seq(2001), text(1000)).out(ack(4001));
  EXPECT_EQ(l.read(), 4000u);
  l.out(ack(4001), wnd(10'000))
      .silent_until(1h)
      .in_state(State::kFinWait2);  // nobody has closed the other direction
  l.in(seq(4001), fin()).out(ack(4002)).in_state(State::kTimeWait);
}

TEST_P(Close, HalfByUsReceivesInFinWait1) {
  Ladder l(start());
  l.shutdown().out(seq(1), fin()).in(seq(1), ack(1), text(1000)).in(seq(1001), ack(1), text(10));
  l.out(seq(2), ack(1011)).in_state(State::kFinWait1);
  EXPECT_EQ(l.read(), 1010u);
}

TEST_P(Close, HalfByThePeerStillSends) {
  Ladder l(start());
  l.in(seq(1), fin()).out(ack(2));
  EXPECT_TRUE(l.send(2000));
  l.out(seq(1), ack(2), text(1000)).out(seq(1001), text(1000)).in(ack(2001)).in_state(State::kCloseWait);
  l.shutdown().out(seq(2001), fin()).in(ack(2002)).gone(CloseReason::kFinished);
}

TEST_P(Close, AfterOurFinNothingMoreIsTakenToSend) {
  Ladder l(start());
  l.shutdown().out(fin());
  EXPECT_EQ(l.connection().send_room(l.core()), 0u);
  EXPECT_FALSE(l.send(10));
  l.shutdown().silent();
}

TEST_P(Close, BeforeTheHandshakeIsDoneNothingMoreIsTakenToSendEither) {  // the state says nothing of it yet
  Start s = start();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.out(seq(0), syn(), no_ack());
  l.in(seq(0), syn(), no_ack()).out(seq(0), syn(), ack(1));
  EXPECT_TRUE(l.send(100));
  l.shutdown().in_state(State::kSynReceived);
  EXPECT_FALSE(l.send(10));
  l.in(seq(1), ack(1)).out(seq(1), text(100), fin()).in_state(State::kFinWait1);
}

TEST_P(Close, AfterThePeersFinItsFurtherTextIsIgnored) {
  Ladder l(start());
  l.in(seq(1), fin()).out(ack(2));
  l.in(seq(2), text(100)).silent();  // RFC 9293: "should not occur"
  EXPECT_EQ(l.read(), 0u);
}

TEST_P(Close, FinWait2EndsWhenNobodyReadsAnyMore) {
  Ladder l(start());
  l.close().out(fin()).in(ack(2)).in_state(State::kFinWait2);
  l.silent_until(59s).in_state(State::kFinWait2).at(61s).gone(CloseReason::kFinished);
}

TEST_P(Close, FinWait2EndsAlsoWhenTheUserClosesOnlyThen) {
  Ladder l(start());
  l.shutdown().out(fin()).in(ack(2)).at(100s).close();
  l.silent_until(159s).in_state(State::kFinWait2).at(161s).gone(CloseReason::kFinished);
}

// --- Close as abort
// -------------------------------------------------------------------------------------------------

TEST_P(Close, WithUnreadTextIsAnAbort) {
  Ladder l(start());
  l.in(seq(1), text(100)).close().out(seq(1), ack(101), flags(kRst | kAck)).gone(CloseReason::kAborted);
}

TEST_P(Close, WithTextOutOfOrderIsAnAbort) {
  Ladder l(start());
  l.in(seq(101), text(100)).ignore_output();
  l.close().out(seq(1), flags(kRst | kAck)).gone(CloseReason::kAborted);
}

TEST_P(Close, MakesLaterTextAnAbort) {
  Ladder l(start());
  l.close().out(fin()).in(ack(2)).in(seq(1), text(100)).out(seq(2), ack(1), flags(kRst | kAck));
  l.gone(CloseReason::kAborted);
  EXPECT_EQ(l.counters().text_after_close.value(), 1u);
}

TEST_P(Close, MakesLaterTextAheadAnAbort) {
  Ladder l(start());
  l.close().out(fin()).in(ack(2)).in(seq(101), text(100)).out(seq(2), flags(kRst | kAck));
  l.gone(CloseReason::kAborted);
}

TEST_P(Close, OfReadTextIsNoAbort) {
  Ladder l(start());
  l.in(seq(1), text(100));
  l.read();
  l.close().out(seq(1), ack(101), fin());
}

TEST_P(Close, InTimeWaitKeepsTimeWaitEvenWithUnreadText) {
  Ladder l(start());
  l.shutdown().out(fin()).in(seq(1), ack(2), text(100), fin()).out(ack(102)).in_state(State::kTimeWait);
  l.close().silent().in_state(State::kTimeWait);
  l.at(61s).gone(CloseReason::kFinished);
}

// --- Abort
// ----------------------------------------------------------------------------------------------------------

TEST_P(Close, AbortSendsResetFromTheStatesThatRfc9293Names) {  // section 3.10.5
  const auto check = [&](auto&& bring, bool reset) {
    Ladder l(start());
    bring(l);
    l.ignore_output();
    l.abort();
    const auto segment = l.next_out();
    EXPECT_EQ(segment.has_value(), reset);
    if (segment) {
      EXPECT_EQ(segment->flags, kRst | kAck);
      EXPECT_EQ(segment->seq, Seq{GetParam().iss} + (l.counters().bytes_sent.value() != 0 ? 501u : 1u));
    }
    l.silent_until(10min);
  };
  check([](Ladder&) {}, true);
  check([](Ladder& l) { l.send(500); }, true);
  check([](Ladder& l) { l.in(fin()); }, true);  // CLOSE-WAIT
  Ladder l(start());
  l.shutdown().ignore_output().in(ack(2)).in_state(State::kFinWait2);
  l.abort().out(seq(2), flags(kRst | kAck)).gone(CloseReason::kAborted);
}

TEST_P(Close, AbortInTimeWaitSendsNothing) {
  Ladder l(start());
  l.close().out(fin()).in(ack(2), fin()).out(ack(2)).abort().silent_until(10min);
}

TEST_P(Close, AbortFreesWhatWasQueued) {
  Ladder l(start());
  l.send(50'000);
  l.ignore_output();
  l.in(seq(1001), text(1000)).in(seq(5001), text(1000)).ignore_output();
  l.abort().out(flags(kRst | kAck)).gone(CloseReason::kAborted);
  EXPECT_EQ(l.core().held_packets, 0u);
}

TEST_P(Close, WithdrawalGivesBackWhatThePeerHasNot) {
  Ladder l(start());
  l.send(5'000);
  l.ignore_output();
  net::PacketQueue text;
  l.burst([&] { ASSERT_TRUE(l.connection().withdraw(text, l.core())); });
  uint32_t bytes = 0;
  while (const net::Packet packet = text.pop_front()) bytes += packet.size();
  EXPECT_EQ(bytes, 5'000u);
  EXPECT_EQ(l.core().held_packets, 0u);
  l.out(flags(kRst | kAck)).gone(CloseReason::kAborted);
}

TEST_P(Close, NothingIsWithdrawnOnceThePeerHasSomeOfIt) {
  Ladder l(start());
  l.send(5'000);
  l.ignore_output();
  l.in(ack(101));
  l.ignore_output();
  net::PacketQueue text;
  EXPECT_FALSE(l.connection().withdraw(text, l.core()));
  EXPECT_TRUE(text.empty());
  l.in_state(State::kEstablished);
}

// --- A FIN ahead of text
// ------------------------------------------------------------------------------------------------------

TEST_P(Close, FinAheadOfMissingTextIsKept) {
  for (const uint32_t own : {0u, 500u}) {
    Ladder l(start());
    l.in(seq(1001), text(own), fin()).out(ack(1)).in_state(State::kEstablished);
    l.in(seq(1), text(1000)).out(ack(1002 + own)).in_state(State::kCloseWait);
    EXPECT_NE(l.told() & kMarkEnded, 0);
    EXPECT_EQ(l.read(), 1000 + own);
    EXPECT_TRUE(l.connection().at_end());
  }
}

TEST_P(Close, FinAheadOfTwoGapsWaitsForBoth) {
  Ladder l(start());
  l.in(seq(3001), fin()).out(ack(1)).in(seq(1001), text(1000)).out(ack(1));
  l.in(seq(1), text(1000)).out(ack(2001)).in_state(State::kEstablished);
  l.in(seq(2001), text(1000)).out(ack(3002)).in_state(State::kCloseWait);
}

TEST_P(Close, FinBeyondTheWindowIsNotKept) {
  Ladder l(start());
  l.in(seq(9001), text(2000), fin()).ignore_output();
  l.in(seq(1), text(9000)).ignore_output().in_state(State::kEstablished);
  l.in(seq(11'001), fin()).ignore_output().in_state(State::kEstablished);
}

TEST_P(Close, KeptFinIsForgottenWhenTextGoesBeyondIt) {
  Ladder l(start());
  l.in(seq(501), fin()).out(ack(1)).in(seq(1), text(1000)).out(ack(1001)).in_state(State::kEstablished);
  l.in(seq(1001), fin()).out(ack(1002)).in_state(State::kCloseWait);
  EXPECT_EQ(l.core().reassemblies.in_use(), 0u);
}

TEST_P(Close, KeptFinEndsTheSecondHalfInFinWait2) {
  Ladder l(start());
  l.shutdown().out(fin()).in(seq(101), ack(2), fin()).out(ack(1)).in_state(State::kFinWait2);
  l.in(seq(1), text(100)).out(ack(102)).in_state(State::kTimeWait);
}

TEST_P(Close, LastAckAndFinOfThePeerComeAsOneSegment) {  // three-way close
  Ladder l(start());
  l.shutdown().out(seq(1), fin()).in(seq(1), ack(2), fin()).out(seq(2), ack(2)).in_state(State::kTimeWait);
  Ladder m(start());
  m.burst([&] { m.in(seq(1), fin()), m.shutdown(); });  // our FIN goes with the ACK of theirs
  m.out(seq(1), ack(2), fin()).silent().in(ack(2)).gone(CloseReason::kFinished);
}

}  // namespace
}  // namespace tern::test
