// SPDX-License-Identifier: BSD-3-Clause
// Text arrives in ESTABLISHED: RFC 9293 section 3.10.7.4, first and seventh step; RFC 7323 for timestamps.
#include "support/heap_packet.hpp"
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Established : public LadderTest {};
TERN_LADDERS(Established);

TEST_P(Established, TextInOrderIsDeliveredAtOnceAndAcknowledgedWithinTheDelay) {
  Ladder l(start());
  l.in(seq(1), ack(1), text(1000));
  EXPECT_EQ(l.told(), kMarkText);
  EXPECT_EQ(l.read(), 1000u);
  l.silent_until(39ms);
  l.at(40ms).out(seq(1), ack(1001), wnd(10'000));
  EXPECT_EQ(l.counters().acks_delayed.value(), 1u);
}

TEST_P(Established, TextOfOneByteAndOfTheWholeWindowAreBothInOrder) {
  Ladder l(start());
  l.in(seq(1), text(1)).in(seq(2), text(9999));
  l.out(ack(8001), wnd(2000)).out(ack(10'001), wnd(0));
  EXPECT_EQ(l.read(), 10'000u);
  l.out(ack(10'001), wnd(10'000));
}

TEST_P(Established, DuplicateTextIsAcknowledgedAtOnceAndNotDelivered) {
  Ladder l(start());
  l.in(seq(1), text(1000)).in(seq(1001), text(1000)).out(ack(2001));
  EXPECT_EQ(l.read(), 2000u);
  l.ignore_output().told();
  l.in(seq(1), text(1000)).out(seq(1), ack(2001));  // wholly left of the window
  EXPECT_EQ(l.told(), 0);
  EXPECT_EQ(l.read(), 0u);
}

TEST_P(Established, OfTextThatOverlapsOnlyTheNewPartIsDelivered) {
  Ladder l(start());
  l.in(seq(1), text(1000)).in(seq(501), text(1000)).out(ack(1501));
  EXPECT_EQ(l.read(), 1500u);
}

TEST_P(Established, TextAheadIsKeptAndDeliveredWhenTheGapIsFilled) {
  Ladder l(start());
  l.in(seq(1001), text(1000)).out(ack(1));
  EXPECT_EQ(l.read(), 0u);
  l.in(seq(1), text(1000)).out(ack(2001));  // at once: RFC 5681 section 4.2
  EXPECT_EQ(l.read(), 2000u);
  l.out(ack(2001), wnd(10'000));
  EXPECT_EQ(l.tcb().hold, 0);
  EXPECT_EQ(l.core().reassemblies.in_use(), 0u);
}

TEST_P(Established, TheLastOfSeveralGapsReleasesAllThatFollows) {
  Ladder l(start());
  l.in(seq(2001), text(1000)).out(ack(1));
  l.in(seq(4001), text(1000)).out(ack(1));
  l.in(seq(3001), text(1000)).out(ack(1));
  l.in(seq(1), text(1000)).out(ack(1001));
  l.in(seq(1001), text(1000)).out(ack(5001));
  EXPECT_EQ(l.read(), 5000u);
  l.out(ack(5001), wnd(10'000));
}

TEST_P(Established, OutOfOrderTextThatOverlapsWhatIsKeptIsStoredOnce) {
  Ladder l(start());
  l.in(seq(1001), text(1000)).out(ack(1));
  l.in(seq(1501), text(1000)).out(ack(1));
  l.in(seq(501), text(3000)).out(ack(1));
  l.in(seq(1), text(700)).out(ack(3501));
  EXPECT_EQ(l.read(), 3500u);
  l.out(ack(3501), wnd(10'000));
}

TEST_P(Established, TextBeyondTheWindowIsCutOff) {
  Ladder l(start());
  l.in(seq(9001), text(2000)).out(ack(1));
  l.in(seq(1), text(9000)).out(ack(10'001), wnd(0));
  EXPECT_EQ(l.counters().text_beyond_window.value(), 1000u);
  EXPECT_EQ(l.read(), 10'000u);
  l.out(ack(10'001), wnd(10'000));
}

TEST_P(Established, ASegmentOutsideTheWindowIsAnsweredByAnAckAndDropped) {
  Ladder l(start());
  l.in(seq(10'001), text(1)).out(seq(1), ack(1), wnd(10'000));
  l.in(seq(0)).out(seq(1), ack(1));  // a keep-alive probe looks like this
  l.in(seq(0), text(1)).out(seq(1), ack(1));
  EXPECT_EQ(l.counters().unacceptable_sequence.value(), 3u);
  EXPECT_EQ(l.read(), 0u);
}

TEST_P(Established, AnEmptySegmentAtTheLastPlaceOfTheWindowIsAcceptable) {
  Ladder l(start());
  l.in(seq(10'000)).silent();
  EXPECT_EQ(l.counters().unacceptable_sequence.value(), 0u);
}

TEST_P(Established, ASegmentWithoutAckIsDropped) {
  Ladder l(start());
  l.in(seq(1), no_ack(), text(1000)).silent_until(1s);
  EXPECT_EQ(l.counters().missing_ack.value(), 1u);
  EXPECT_EQ(l.read(), 0u);
}

TEST_P(Established, UrgentTextIsPlainText) {
  Ladder l(start());
  l.in(seq(1), flags(kAck | kUrg), text(10));
  EXPECT_EQ(l.read(), 10u);
  l.at(40ms).out(ack(11));
}

TEST_P(Established, TextIsPushedOnlyAtItsEnd) {
  Ladder l(start());
  l.send(1500);
  l.out(seq(1), text(1000), psh(false)).out(seq(1001), text(500), psh(true));
}

TEST_P(Established, TextWeSendCarriesTheAcknowledgment) {
  Ladder l(start());
  l.burst([&] {
    l.in(seq(1), text(1000));
    l.in(seq(1001), text(1000));
    l.send(100);
  });
  l.out(seq(1), ack(2001), text(100)).silent_until(150ms);
}

TEST_P(Established, ALowOnBuffersCoreRefusesTextButHearsTheAck) {
  Start s = start();
  s.limits.held_packets = 2;
  Ladder l(s);
  l.send(300);
  l.out(text(300));
  l.in(seq(1), ack(1), text(1000)).ignore_output();
  l.in(seq(1001), ack(1), text(1000));  // one unread, one unacknowledged: this one is refused
  l.in(seq(1001), ack(301));
  EXPECT_EQ(l.counters().text_refused_memory.value(), 1u);
  EXPECT_EQ(l.tcb().snd.una - l.tcb().iss, 301u);
  EXPECT_EQ(l.read(), 1000u);
  l.in(seq(1001), ack(301), text(1000));
  EXPECT_EQ(l.read(), 1000u);
  l.ignore_output();
}

TEST_P(Established, SmallSegmentsShareABuffer) {
  Ladder l(start());
  for (uint32_t i = 0; i < 50; ++i) l.in(seq(1 + i), text(1));
  EXPECT_EQ(l.core().held_packets, 1u);
  EXPECT_EQ(l.read(), 50u);
  l.ignore_output();
}

// --- Timestamps
// -----------------------------------------------------------------------------------------------------

class Timestamps : public LadderTest {
 protected:
  Start with_timestamps() const {
    Start s = start();
    s.timestamps = true;
    return s;
  }
};
TERN_LADDERS(Timestamps);
constexpr uint32_t kClock = Ladder::kPeerClock;

TEST_P(Timestamps, AreEchoedFromTheSegmentThatWasAcknowledgedLast) {
  Ladder l(with_timestamps());
  l.at(10ms).in(seq(1), text(500), ts_val(kClock + 7)).in(seq(501), text(500), ts_val(kClock + 9));
  l.out(ack(1001), ts_ecr(kClock + 7));  // RFC 7323 section 4.3: of the first of the two
  l.in(seq(1001), text(500), ts_val(kClock + 20)).in(seq(1501), text(10), ts_val(kClock + 21));
  l.out(ack(1511), ts_ecr(kClock + 20));
}

TEST_P(Timestamps, OfTextAheadAreNotEchoed) {
  Ladder l(with_timestamps());
  l.in(seq(1001), text(1000), ts_val(kClock + 50)).out(ack(1), ts_ecr(kClock));
  l.in(seq(1), text(1000), ts_val(kClock + 60)).out(ack(2001), ts_ecr(kClock + 60));
}

TEST_P(Timestamps, OlderThanTheLastAreRefusedAndAnswered) {
  Ladder l(with_timestamps());
  l.in(seq(1), text(1000), ts_val(kClock - 1)).out(ack(1), ts_ecr(kClock));
  EXPECT_EQ(l.counters().paws_rejected.value(), 1u);
  EXPECT_EQ(l.read(), 0u);
  l.in(seq(1), text(1000), ts_val(kClock));  // as old as the last is not older
  EXPECT_EQ(l.read(), 1000u);
  l.ignore_output();
}

TEST_P(Timestamps, DoNotShieldFromAReset) {  // RFC 7323 section 5.2
  Ladder l(with_timestamps());
  l.in(seq(1), rst(), no_ack(), ts_val(kClock - 1000)).gone(CloseReason::kResetByPeer);
}

TEST_P(Timestamps, TakeTheirBytesFromTheSegment) {
  Ladder l(with_timestamps());
  l.send(3000);
  l.out(seq(1), text(988)).out(seq(989), text(988)).out(seq(1977), text(988)).out(seq(2965), text(36));
}

TEST_P(Timestamps, WrapAroundAsSequenceNumbersDo) {
  Start s = with_timestamps();
  Agreement agreement;
  agreement.iss = Seq{s.origin.iss};
  agreement.irs = Seq{s.origin.irs};
  agreement.peer_mss = 1000;
  agreement.timestamps = true;
  agreement.ts_recent = 0xfffffff0u;
  s.agreement = agreement;
  s.handshake = false;
  Ladder l(s);
  l.in(seq(1), ack(1), ts_val(0xfffffff0u));
  l.in(seq(1), text(100), ts_val(5)).in(seq(101), text(100), ts_val(0xfffffff8u)).out(ack(101), ts_ecr(5));
  EXPECT_EQ(l.counters().paws_rejected.value(), 1u);
}

// --- TS.Recent
// ------------------------------------------------------------------------------------------------------

class RecentTimestamp : public LadderTest {
 protected:
  Start stamped() const {
    Start s = start();
    s.timestamps = true;
    return s;
  }
};
TERN_LADDERS(RecentTimestamp);

TEST_P(RecentTimestamp, IsNotTrustedAfterTwentyFourDays) {  // RFC 7323 section 5.5
  Ladder l(stamped());
  const uint32_t recent = l.tcb().ts_recent;
  l.at(std::chrono::hours(24 * 23)).in(seq(1), text(10), ts_val(recent - 5)).out(ack(1));
  EXPECT_EQ(l.counters().paws_rejected.value(), 1u);
  l.at(std::chrono::hours(24 * 24) + 1s).in(seq(1), text(10), ts_val(recent - 5));
  EXPECT_EQ(l.counters().paws_rejected.value(), 1u);
  EXPECT_EQ(l.tcb().ts_recent, recent - 5);
  l.after(40ms).out(ack(11), ts_ecr(recent - 5));
  l.in(seq(11), text(10), ts_val(recent - 6)).out(ack(11));  // from here on it is young again
  EXPECT_EQ(l.counters().paws_rejected.value(), 2u);
}

TEST_P(RecentTimestamp, IsNotMovedByASegmentThatIsDroppedForItsAck) {
  Ladder l(stamped());
  const uint32_t recent = l.tcb().ts_recent;
  l.in(seq(1), ack(9999), ts_val(recent + 100'000)).out(ack(1), ts_ecr(recent));
  l.in(seq(1), no_ack(), ts_val(recent + 100'000)).silent();
  EXPECT_EQ(l.tcb().ts_recent, recent);
  l.in(seq(1), text(10), ts_val(recent + 1)).after(40ms).out(ack(11), ts_ecr(recent + 1));
}

TEST(EstablishedForLong, AStreamGoesOnBeyondFourGibibytes) {
  constexpr uint32_t kLength = 60'000;
  Start s = established();
  s.config.mss = kLength;
  s.config.receive_buffer = s.config.receive_buffer_initial = 65'535;
  Ladder l(s);
  const std::vector<uint8_t> bytes(kLength, 7);
  uint64_t taken = 0;
  for (uint32_t place = 1; taken < (uint64_t{1} << 32) + 10 * kLength; place += kLength) {
    Segment seg;
    seg.flags = kAck;
    seg.seq = Seq{s.origin.irs + place};
    seg.ack = Seq{s.origin.iss + 1};
    seg.wnd = 60'000;
    seg.length = kLength;
    l.burst([&] { l.connection().on_segment(seg, make_packet(bytes), l.core()); });
    l.burst([&] {
      while (const net::Packet packet = l.connection().receive(l.core())) taken += packet.size();
    });
    l.ignore_output();
    ASSERT_EQ(l.tcb().rcv.nxt, seg.seq + kLength);
  }
  EXPECT_EQ(l.counters().bytes_received.value(), taken);
  EXPECT_EQ(l.connection().info(l.core()).bytes_received, static_cast<uint32_t>(taken));
}

}  // namespace
}  // namespace tern::test
