// SPDX-License-Identifier: BSD-3-Clause
// Requirements of docs/conformance.md that no other ladder shows: what leaves, and when.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

class ConformanceSending : public LadderTest {};
TERN_LADDERS(ConformanceSending);

// How long the connection sends before it gives up; what leaves is not looked at.
Duration time_of_giving_up(Ladder& l) {
  while (l.tcb().state != State::kClosed && l.now() < 1h) l.after(1s).ignore_output();
  return l.now();
}

TEST_P(ConformanceSending, AWindowAbove32767IsUnsigned) {
  Start s = start();
  s.config.initial_window_segments = 100;
  s.peer_window = 65'535;
  Ladder l(s);
  for (const uint32_t bytes : {30'000u, 30'000u, 5'535u}) l.send(bytes);
  uint32_t sent = 0;
  while (const auto segment = l.next_out()) sent += segment->length;
  EXPECT_EQ(sent, 65'535u);
}

// Read from the outbox, since whoever parses a segment takes this option only from a SYN.
TEST_P(ConformanceSending, OnlyASynCarriesAnMssOption) {
  Ladder l(start());
  uint32_t segments = 0;
  const auto expect_no_options = [&] {
    l.connection().emit(l.core());
    for (const tcp::Departure& departure : l.core().outbox.departures()) {
      EXPECT_EQ(departure.header.option_length, 0);
      ++segments;
    }
  };
  l.burst([&] {
    l.send(500);
    l.in(seq(1001), text(1000));
    expect_no_options();
  });
  EXPECT_EQ(segments, 2u);
  l.burst([&] {
    l.shutdown();
    expect_no_options();
  });
  EXPECT_EQ(segments, 3u);
  l.ignore_output();
  l.burst([&] {
    l.abort();
    expect_no_options();
  });
  EXPECT_EQ(segments, 4u);
  l.ignore_output().gone(tcp::CloseReason::kAborted);

  Start opening = start();
  opening.active = true;
  opening.handshake = false;
  Ladder active(opening);
  active.out(flags(tcp::kSyn), mss(1000));
  active.abort();
}

TEST_P(ConformanceSending, EverySegmentButResetCarriesTimestamps) {
  Start s = start();
  s.timestamps = true;
  s.config.timestamps = true;
  Ladder l(s);
  l.send(1500);
  l.in(seq(2001), ack(1), text(1000));       // a duplicate ACK
  l.in(seq(1), ack(1), text(1000));          // and the ACK of both
  l.after(1010ms).in(ack(1501)).shutdown();  // text again, then the FIN
  uint32_t segments = 0;
  while (const auto segment = l.next_out()) {
    EXPECT_TRUE(segment->has_timestamps) << segments;
    ++segments;
  }
  EXPECT_EQ(segments, 6u);
}

TEST_P(ConformanceSending, ASynEchoesNoTimestamp) {
  Start s = start();
  s.active = true;
  s.handshake = false;
  s.timestamps = true;
  s.config.timestamps = true;
  Ladder l(s);
  l.out(flags(tcp::kSyn), ts_ecr(0));
  l.abort();
}

TEST_P(ConformanceSending, TimestampsTickEachMillisecond) {
  Start s = start();
  s.timestamps = true;
  s.config.timestamps = true;
  Ladder l(s);
  l.send(100);
  const auto first = l.next_out();
  l.at(100ms).in(ack(101));
  l.send(100);
  const auto second = l.next_out();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->ts_val - first->ts_val, 100u);
}

TEST_P(ConformanceSending, R2OfASynIsAtLeastThreeMinutes) {  // RFC 9293 MUST-23
  Start s = start();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  EXPECT_GE(time_of_giving_up(l), 3min);
  l.gone(tcp::CloseReason::kTimedOut);
}

TEST_P(ConformanceSending, TheThirdRetransmissionInARowDoubtsTheNextHop) {  // MUST-20: R1
  Ladder l(start());
  l.send(1000);
  l.ignore_output();
  for (const Duration rto : {1s, 2s}) l.after(rto).out(seq(1), text(1000));
  EXPECT_EQ(l.counters().next_hops_doubted.value(), 0u);
  l.after(4s).out(seq(1), text(1000));
  EXPECT_EQ(l.counters().next_hops_doubted.value(), 1u);
  l.after(8s).out(seq(1), text(1000));
  EXPECT_EQ(l.counters().next_hops_doubted.value(), 1u);
}

TEST_P(ConformanceSending, TheServiceHearsOfTheThirdRetransmissionOnce) {  // SHLD-9
  Ladder l(start());
  l.send(1000);
  l.ignore_output();
  for (const Duration rto : {1s, 2s}) l.after(rto).out(seq(1), text(1000));
  EXPECT_EQ(l.told() & tcp::kMarkDoubted, 0);
  l.after(4s).out(seq(1), text(1000));
  EXPECT_EQ(l.told(), tcp::kMarkDoubted);
  l.after(8s).out(seq(1), text(1000));
  EXPECT_EQ(l.told(), 0) << "once";
}

TEST_P(ConformanceSending, ProbesThatAreAnsweredDoubtNobody) {
  Ladder l(start());
  l.in(wnd(0)).send(500);
  while (l.now() < 60s) {
    l.after(100ms);
    while (l.next_out()) l.in(ack(1), wnd(0));
  }
  EXPECT_GE(l.counters().zero_window_probes.value(), 4u);
  EXPECT_EQ(l.told() & tcp::kMarkDoubted, 0);
}

TEST_P(ConformanceSending, TheThirdSynInVainDoubtsItToo) {
  Start s = start();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.out(flags(tcp::kSyn));
  for (const Duration rto : {1s, 2s, 4s}) l.after(rto).out(flags(tcp::kSyn));
  EXPECT_EQ(l.counters().next_hops_doubted.value(), 1u);
}

TEST_P(ConformanceSending, R2OfTextIsAtLeastAHundredSeconds) {  // RFC 9293 SHLD-11
  Ladder l(start());
  l.send(100);
  l.at(1ms).in(ack(101));  // the shortest timeout that there is
  l.send(100);
  EXPECT_GE(time_of_giving_up(l), 100s);
  l.gone(tcp::CloseReason::kTimedOut);
}

// RFC 5681, equation (4): where less than four segments were in flight.
TEST_P(ConformanceSending, ALossLeavesAThresholdOfTwoSegments) {
  Ladder l(start());
  l.send(1000);
  l.out(seq(1), text(1000)).after(1s).out(seq(1), text(1000));
  EXPECT_EQ(l.tcb().ssthresh, 2000u);
}

}  // namespace
}  // namespace tern::test
