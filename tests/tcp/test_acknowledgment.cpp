// SPDX-License-Identifier: BSD-3-Clause
// When and how we acknowledge (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018), and what an
// acknowledgment does to us (section 3.10.7.4, fifth step).
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Acknowledgment : public LadderTest {};
TERN_LADDERS(Acknowledgment);

TEST_P(Acknowledgment, EverySecondSegmentIsAcknowledgedAtOnce) {
  Ladder l(start());
  l.in(seq(1), text(1000)).silent();
  l.in(seq(1001), text(1000)).out(ack(2001), wnd(8000));
  l.in(seq(2001), text(1000)).silent();
  l.in(seq(3001), text(1000)).out(ack(4001), wnd(6000));
}

TEST_P(Acknowledgment, TheDelayBeginsWithTheFirstSegmentThatIsOwed) {
  Ladder l(start());
  l.at(100ms).in(seq(1), text(1000));
  l.at(140ms).out(ack(1001));
  l.at(200ms).in(seq(1001), text(1000));
  l.at(240ms).out(ack(2001)).silent_until(1s);
}

TEST_P(Acknowledgment, NothingThatHappensMeanwhilePutsADelayedAckOff) {
  Ladder l(start());
  l.send(100);
  l.out(seq(1), text(100));
  l.at(100ms).in(seq(1), ack(1), text(1000)).silent();
  l.at(130ms).send(100);  // which Nagle holds back
  l.silent().at(140ms).out(seq(101), ack(1001));
}

TEST_P(Acknowledgment, AnAckForABurstIsMergedUpToTheBoundWithTheRightEdgeConstant) {
  Start s = start();
  s.config.ack_every_segments = 2;
  Ladder l(s);
  l.burst([&] {
    for (uint32_t i = 0; i < 9; ++i) l.in(seq(1 + 1000 * i), text(1000));
  });
  l.out(ack(2001), wnd(8000)).out(ack(4001), wnd(6000)).out(ack(6001), wnd(4000)).out(ack(8001), wnd(2000));
  l.out(ack(9001), wnd(1000)).silent_until(1s);
}

TEST_P(Acknowledgment, WhatAFullOutboxLeavesOfABurstFollowsInTheNext) {
  Start s = start();
  s.config.ack_every_segments = 2;
  s.limits.outbox = 2;
  Ladder l(s);
  l.burst([&] {
    for (uint32_t i = 0; i < 9; ++i) l.in(seq(1 + 1000 * i), text(1000));
  });
  l.out(ack(2001), wnd(8000)).out(ack(4001), wnd(6000)).out(ack(6001), wnd(4000)).out(ack(8001), wnd(2000));
  l.out(ack(9001), wnd(1000)).silent_until(1s);
}

TEST_P(Acknowledgment, ABurstWithinTheBoundGetsOneAck) {
  Ladder l(start());
  l.burst([&] {
    for (uint32_t i = 0; i < 8; ++i) l.in(seq(1 + 1000 * i), text(1000));
  });
  l.out(ack(8001)).silent_until(1s);
}

TEST_P(Acknowledgment, IntermediateOnesWithAScaleKeepTheRightEdgeWithinItsGrain) {
  Start s = start();
  s.config.ack_every_segments = 1;
  s.config.window_scale = 7;
  s.peer_scale = 2;
  Ladder l(s);
  l.burst([&] {
    for (uint32_t i = 0; i < 4; ++i) l.in(seq(1 + 1000 * i), text(1000));
  });
  for (uint32_t i = 1; i <= 4; ++i) {
    const auto segment = l.next_out();
    ASSERT_TRUE(segment);
    const uint32_t edge = segment->ack - l.tcb().irs + (uint32_t{segment->wnd} << 7);
    EXPECT_EQ(segment->ack - l.tcb().irs, 1000 * i + 1);
    EXPECT_LE(edge, 10'001u);
    EXPECT_GT(edge, 10'001u - 256);
  }
}

TEST_P(Acknowledgment, DuplicateAcksOfABurstAreCountedOneByOne) {
  Ladder l(start());
  l.burst([&] {
    for (uint32_t i = 1; i < 5; ++i) l.in(seq(1 + 1000 * i), text(1000));
  });
  for (int i = 0; i < 4; ++i) l.out(seq(1), ack(1), wnd(10'000));
  l.silent_until(1s);
}

TEST_P(Acknowledgment, DuplicateAcksReportWhatIsKeptLatestFirst) {
  Start s = start();
  s.sack = true;
  Ladder l(s);
  l.in(seq(1001), text(1000)).out(ack(1), sack(1001, 2001));
  l.in(seq(3001), text(1000)).out(ack(1), sack(3001, 4001), sack(1001, 2001));
  l.in(seq(5001), text(1000)).out(ack(1), sack(5001, 6001), sack(3001, 4001), sack(1001, 2001));
  l.in(seq(2001), text(1000)).out(ack(1), sack(1001, 4001), sack(5001, 6001));
  l.in(seq(1), text(1000)).out(ack(4001), sack(5001, 6001));
  l.in(seq(4001), text(1000)).out(ack(6001));
  EXPECT_EQ(l.read(), 6000u);
  l.out(ack(6001), wnd(10'000));
}

TEST_P(Acknowledgment, BesideTimestampsThreeBlocksFit) {
  Start s = start();
  s.sack = s.timestamps = true;
  Ladder l(s);
  l.in(seq(1001), text(100)).in(seq(2001), text(100)).in(seq(3001), text(100)).ignore_output();
  l.in(seq(4001), text(100)).out(ack(1), sack(4001, 4101), sack(3001, 3101), sack(2001, 2101));
}

TEST_P(Acknowledgment, TextHasBlocksTooAndIsTheShorterForThem) {  // RFC 2018 section 4
  Start s = start();
  s.sack = true;
  Ladder l(s);
  l.burst([&] {
    l.in(seq(1001), text(1000));
    l.send(3000);
  });
  for (const uint32_t at : {1u, 989u, 1977u}) l.out(seq(at), ack(1), text(988), sack(1001, 2001));
  l.out(seq(2965), ack(1), text(36), sack(1001, 2001));  // the rest of the write
  l.out(seq(3001), ack(1), sack(1001, 2001));            // the duplicate ACK, which the peer counts
  l.in(seq(1), ack(3001), text(1000)).out(ack(2001));
  l.send(2000);
  for (const uint32_t at : {3001u, 4001u}) l.out(seq(at), ack(2001), text(1000));
}

TEST_P(Acknowledgment, TextBesideTimestampsMakesRoomForThreeBlocks) {
  Start s = start();
  s.sack = s.timestamps = true;
  Ladder l(s);
  for (const uint32_t at : {1001u, 2001u, 3001u, 4001u}) l.in(seq(at), text(100));
  l.ignore_output().send(2000);
  for (const uint32_t at : {1u, 961u}) {
    l.out(seq(at), text(960), sack(4001, 4101), sack(3001, 3101), sack(2001, 2101));
  }
  // Those were full ones: Nagle holds nothing back for them.
  l.out(seq(1921), text(80), sack(4001, 4101), sack(3001, 3101), sack(2001, 2101));
}

TEST_P(Acknowledgment, ARetransmissionKeepsItsTextAndHasTheBlocksThatFit) {
  Start s = start();
  s.sack = true;
  Ladder l(s);
  l.send(1000);
  l.send(500);
  l.ignore_output().in(seq(1001), ack(1), text(100)).ignore_output();
  l.at(1s).out(seq(1), text(1000));
  l.in(seq(1), ack(1001)).out(seq(1001), text(500), sack(1001, 1101));
}

TEST_P(Acknowledgment, TextReportsWhatCameTwice) {  // RFC 2883
  Start s = start();
  s.sack = true;
  Ladder l(s);
  l.in(text(1000)).ignore_output();
  l.burst([&] {
    l.in(seq(1), text(1000));
    l.send(2000);
  });
  l.out(seq(1), ack(1001), text(988), sack(1, 1001)).out(seq(989), text(1000)).out(seq(1989), text(12));
}

TEST_P(Acknowledgment, WithoutSackPermittedNoBlocksAreSent) {
  Ladder l(start());
  l.in(seq(1001), text(1000)).out(ack(1));  // out() refuses blocks that it does not state
}

TEST_P(Acknowledgment, AFinAheadOfItsTurnIsAnsweredByADuplicateAck) {
  Ladder l(start());
  l.in(seq(1001), fin()).out(seq(1), ack(1));
  l.in(seq(1), text(1000)).out(ack(1002)).in_state(State::kCloseWait);
}

TEST_P(Acknowledgment, OfWhatWasNeverSentIsAnsweredAndDropped) {
  Ladder l(start());
  l.send(100);
  l.out(seq(1), text(100));
  l.in(seq(1), ack(102), text(500)).out(seq(101), ack(1));
  EXPECT_EQ(l.counters().unacceptable_ack.value(), 1u);
  EXPECT_EQ(l.read(), 0u);
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 1u);
}

TEST_P(Acknowledgment, OlderThanTheLargestWindowIsChallenged) {  // RFC 5961 section 5.2
  Start s = start();
  s.peer_window = 1000;
  Ladder l(s);
  for (uint32_t i = 0; i < 3; ++i) {
    l.send(1000);
    l.out(text(1000)).in(ack(1001 + 1000 * i)).silent();
  }
  l.in(seq(1), ack(2000), text(1)).out(seq(3001), ack(1));
  EXPECT_EQ(l.counters().challenge_acks.value(), 1u);
  EXPECT_EQ(l.read(), 0u);
  l.in(seq(1), ack(2001), text(1));  // as old as may be
  EXPECT_EQ(l.read(), 1u);
  l.ignore_output();
}

TEST_P(Acknowledgment, FreesWhatItCoversAndTellsAServiceThatWaits) {
  Start s = start();
  s.config.send_buffer = 4000;
  Ladder l(s);
  EXPECT_TRUE(l.send(2000));
  EXPECT_TRUE(l.send(2000));
  EXPECT_FALSE(l.send(1));
  EXPECT_EQ(l.core().held_packets, 2u);
  l.ignore_output();
  l.told();
  l.in(ack(1001));
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.core().held_packets, 2u);
  l.in(ack(2001));
  EXPECT_EQ(l.told(), kMarkWritable);
  EXPECT_EQ(l.core().held_packets, 1u);
  EXPECT_TRUE(l.send(1));
  l.ignore_output();
}

TEST_P(Acknowledgment, OfPartOfASegmentIsTaken) {
  Ladder l(start());
  l.send(1000);
  l.out(seq(1), text(1000)).in(ack(501));
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 501u);
  l.at(1s).out(seq(501), text(500));
}

}  // namespace
}  // namespace tern::test
