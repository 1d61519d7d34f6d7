// SPDX-License-Identifier: BSD-3-Clause
// What an attacker may send, and what it may cost: CVE-2018-5390, CVE-2019-11477 to 11479, RFC 5961.
#include "support/heap_packet.hpp"
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Attacks : public LadderTest {};
TERN_LADDERS(Attacks);

TEST_P(Attacks, TinySegmentsOutOfOrderPinFewBuffersAndRuns) {  // CVE-2018-5390
  Start s = start();
  s.config.receive_buffer = 65'535;
  Ladder l(s);
  const uint32_t before = live_packets();
  for (uint32_t i = 0; i < 20'000; ++i) l.in(seq(2 + 2 * i), text(1)).ignore_output();
  EXPECT_LE(l.core().held_packets, Reassembly::kMaxRuns);
  EXPECT_LE(live_packets() - before, Reassembly::kMaxRuns);
  EXPECT_GT(l.counters().reassembly_refused.value(), 19'000u);
  l.in(seq(1), text(60'000));
  EXPECT_EQ(l.read(), 60'000u);
  EXPECT_EQ(l.core().reassemblies.in_use(), 0u);
  l.ignore_output();
}

TEST_P(Attacks, TinySegmentsInOneRunShareBuffers) {
  Start s = start();
  s.config.receive_buffer = 65'535;
  Ladder l(s);
  for (uint32_t i = 0; i < 10'000; ++i) l.in(seq(2 + i), text(1)).ignore_output();
  EXPECT_LE(l.core().held_packets, 10u);
  l.in(seq(1), text(1));
  EXPECT_EQ(l.read(), 10'001u);
  l.ignore_output();
}

TEST_P(Attacks, APeerWithATinyMssStillGetsTextInEverySegment) {  // CVE-2019-11479
  Start s = start();
  s.peer_mss = 1;
  s.timestamps = s.sack = true;
  Ladder l(s);
  EXPECT_EQ(l.tcb().mss, 48 - kTimestampOptionBytes);
  l.send(1000);
  l.out(seq(1), text(36)).ignore_output();
}

TEST_P(Attacks, SackFloodsWithATinyMssCostNoMemoryAndFewSegments) {  // CVE-2019-11477, CVE-2019-11478
  Start s = start();
  s.peer_mss = 48;
  s.timestamps = s.sack = true;
  s.config.send_buffer = 64 * 1024;
  Ladder l(s);
  while (l.send(1000)) {
  }
  l.ignore_output();
  const uint32_t before = live_packets();
  const uint64_t sent_before = l.counters().segments_sent.value();
  for (const uint32_t length : {8, 36}) {  // part of a segment, which says nothing, and a whole one
    EXPECT_EQ(l.counters().fast_retransmits.value(), 0u);
    for (uint32_t i = 0; i < 5000; ++i) {
      const uint32_t hole = 1 + 36 * (1 + i % 4);
      l.in(ack(1), sack(hole, hole + length), sack(hole + 72, hole + 72 + length),
           sack(hole + 144, hole + 144 + length))
          .ignore_output();
    }
  }
  EXPECT_EQ(live_packets(), before);
  EXPECT_LE(l.counters().segments_sent.value() - sent_before, 64u);
  EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
}

TEST_P(Attacks, SackBlocksOfNonsenseChangeNothing) {
  Start s = start();
  s.sack = true;
  Ladder l(s);
  l.send(5000);
  l.ignore_output();
  l.in(ack(1), sack(0x7fffffff, 0x80000000), sack(9000, 20'000)).silent();
  l.in(ack(5001)).silent();
  EXPECT_EQ(l.tcb().snd.una, l.tcb().snd.nxt);
}

TEST_P(Attacks, BlindResetsAndSynsAreChallengedNotObeyed) {  // RFC 5961
  Ladder l(start());
  for (uint32_t i = 2; i < 10'000; i += 97) {
    l.in(seq(i), rst(), no_ack()).in(seq(i), syn(), no_ack()).ignore_output();
  }
  l.in_state(State::kEstablished).in(seq(1), text(10));
  EXPECT_EQ(l.read(), 10u);
  l.ignore_output();
}

TEST_P(Attacks, BlindTextWithAnAckOutOfRangeIsNotTaken) {  // RFC 5961 section 5
  Ladder l(start());
  for (uint32_t i = 0; i < 64; ++i) {
    const uint32_t guess = i << 26;
    if (guess == 0) continue;
    l.in(seq(1), ack(guess), text(100)).ignore_output();
  }
  EXPECT_EQ(l.read(), 0u);
}

TEST_P(Attacks, OptimisticAcksAreRefused) {
  Ladder l(start());
  l.send(50'000);
  l.ignore_output();
  l.in(ack(20'001)).out(seq(10'001), ack(1));
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

TEST_P(Attacks, AckDivisionGrowsTheWindowByWhatItAcknowledges) {  // RFC 3465
  Ladder l(start());
  l.send(10'000);
  l.ignore_output();
  for (uint32_t i = 2; i <= 1001; ++i) l.in(ack(i));
  l.ignore_output();
  EXPECT_EQ(l.tcb().cwnd, 11'000u);
}

TEST_P(Attacks, ManyConnectionsShareABoundedNumberOfReassemblies) {
  Start s = start();
  s.limits.reassemblies = 0;
  Ladder l(s);
  l.in(seq(1001), text(100)).out(ack(1));
  EXPECT_EQ(l.counters().reassembly_refused.value(), 1u);
  l.in(seq(1), text(1000)).in(seq(1001), text(100)).out(ack(1101));
  EXPECT_EQ(l.read(), 1100u);
}

TEST_P(Attacks, OutOfOrderTextIsRefusedBeforeTextInOrderIs) {
  Start s = start();
  s.limits.held_packets = 8;
  Ladder l(s);
  for (uint32_t i = 0; i < 20; ++i) l.in(seq(1001 + 300 * i), text(299)).ignore_output();
  EXPECT_EQ(l.core().held_packets, 7u);
  l.in(seq(1), text(1000));
  EXPECT_GE(l.read(), 1000u);
  l.ignore_output();
}

}  // namespace
}  // namespace tern::test
