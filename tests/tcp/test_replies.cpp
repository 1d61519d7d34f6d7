// SPDX-License-Identifier: BSD-3-Clause
// What a receiver answers at once: text that was received twice (RFC 2883), the window where the header field
// bounds it, the first text of a connection; and what a RST carries.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class DuplicateSack : public LadderTest {
 protected:
  Start start() const {
    Start start = LadderTest::start();
    start.sack = true;
    start.config.sack = true;
    return start;
  }
};

TEST_P(DuplicateSack, TextBelowTheAckIsReportedOnce) {
  Ladder l(start());
  l.in(seq(1), text(1000)).at(40ms).out(ack(1001));
  l.in(seq(1), text(1000)).out(ack(1001), sack(1, 1001));
  l.in(seq(1001), text(100)).at(80ms).out(ack(1101));
}

TEST_P(DuplicateSack, OnlyThePartThatIsKnownIsReported) {
  Ladder l(start());
  l.in(seq(1), text(1000)).at(40ms).out(ack(1001));
  l.in(seq(501), text(1000)).out(ack(1501), sack(501, 1001));
}

TEST_P(DuplicateSack, TextBeyondAGapIsReportedBeforeTheBlockThatHoldsIt) {
  Ladder l(start());
  l.in(seq(1001), text(2000)).out(ack(1), sack(1001, 3001));
  l.in(seq(5001), text(500)).out(ack(1), sack(5001, 5501), sack(1001, 3001));
  l.in(seq(2001), text(500)).out(ack(1), sack(2001, 2501), sack(1001, 3001), sack(5001, 5501));
}

TEST_P(DuplicateSack, FirstKnownPartOfASegmentIsReported) {
  Ladder l(start());
  l.in(seq(1001), text(500)).out(ack(1), sack(1001, 1501));
  l.in(seq(2001), text(500)).out(ack(1), sack(2001, 2501), sack(1001, 1501));
  l.in(seq(1), text(3000)).out(ack(3001), sack(1001, 1501));
}

TEST_P(DuplicateSack, NothingIsReportedWithoutSack) {
  Ladder l(LadderTest::start());
  l.in(seq(1), text(1000)).at(40ms).out(ack(1001));
  l.in(seq(1), text(1000)).out(ack(1001));
}

TERN_LADDERS(DuplicateSack);

class FieldBoundWindow : public LadderTest {};

TEST_P(FieldBoundWindow, EdgeFollowsWhatIsReceivedWhileTheFieldIsTheBound) {
  Start s = start();
  s.config.receive_buffer = 100'000;
  Ladder l(s);
  l.in(seq(1), text(99)).at(40ms).out(ack(100), wnd(65535));
  l.in(seq(100), fin()).out(ack(101), wnd(65535));
}

TERN_LADDERS(FieldBoundWindow);

class FirstReplies : public LadderTest {};

TEST_P(FirstReplies, FirstTextIsAcknowledgedAtOnce) {
  Start s = start();
  s.config.quick_ack_segments = 2;
  Ladder l(s);
  l.in(seq(1), text(1000)).out(ack(1001));
  l.in(seq(1001), text(999)).out(ack(2000));
  l.in(seq(2000), text(100)).silent();
  l.at(40ms).out(ack(2100));
}

TEST_P(FirstReplies, ResetCarriesTimestamps) {
  Start s = start();
  s.timestamps = true;
  s.config.timestamps = true;
  Ladder l(s);
  l.at(10ms).abort().out(seq(1), rst(), ts(10, Ladder::kPeerClock));
}

TERN_LADDERS(FirstReplies);

}  // namespace
}  // namespace tern::test
