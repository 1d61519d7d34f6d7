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

TEST_P(DuplicateSack, PartBelowTheAckIsReportedBeforeOneBeyondAGap) {
  Ladder l(start());
  l.in(seq(1), text(1000)).at(40ms).out(ack(1001));
  l.in(seq(2001), text(500)).out(ack(1001), sack(2001, 2501));
  l.in(seq(501), text(2500)).out(ack(3001), sack(501, 1001));
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
  s.config.receive_buffer = s.config.receive_buffer_initial = 100'000;
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

class StretchedReplies : public LadderTest {};

TEST_P(StretchedReplies,
       ABurstIsAnsweredInParts) {  // RFC 5681 section 4.2, as far as ack_every_segments goes
  Start s = start();
  s.config.receive_buffer = 60'000;
  s.config.mss = 1000;
  s.config.ack_every_segments = 4;
  Ladder l(s);
  l.burst([&] {
    for (uint32_t i = 0; i < 10; ++i) l.in(seq(1 + 1000 * i), text(1000));
  });
  l.out(ack(4001)).out(ack(8001)).out(ack(10'001)).silent();
  l.read();
  l.ignore_output();
}

// Short of what SACK has told of, an ACK would say that we have thrown it away.
TEST_P(StretchedReplies, WhatWasKeptBeyondAGapIsAcknowledgedWhole) {
  Start s = start();
  s.sack = true;
  s.config.receive_buffer = 60'000;
  s.config.mss = 1000;
  s.config.ack_every_segments = 4;
  Ladder l(s);
  for (uint32_t i = 1; i < 12; ++i)
    l.in(seq(1 + 1000 * i), text(1000)).out(ack(1), sack(1001, 1001 + 1000 * i));
  l.in(seq(1), text(1000)).out(ack(12'001)).silent();
  l.burst([&] {
    l.in(seq(13'001), text(1000)).in(seq(14'001), text(6000)).in(seq(12'001), text(1000));
    for (uint32_t i = 20; i < 26; ++i) l.in(seq(1 + 1000 * i), text(1000));
  });
  uint32_t acks = 0;
  while (const auto reply = l.next_out()) {
    const uint32_t known = reply->ack - (l.tcb().irs + 1);
    if (reply->sack_count == 0) {
      EXPECT_GE(known, 20'000u) << "beyond what was reported as kept";
      ++acks;
    }
  }
  EXPECT_EQ(acks, 2u);
  l.read();
  l.ignore_output();
}
TERN_LADDERS(StretchedReplies);

}  // namespace
}  // namespace tern::test
