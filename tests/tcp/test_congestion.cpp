// SPDX-License-Identifier: BSD-3-Clause
// Congestion control: CUBIC (RFC 9438), restart after idle (RFC 5681 section 4.1), spurious reductions taken
// back (RFC 3522, RFC 4015).
#include <algorithm>
#include <cmath>
#include <vector>

#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Congested : public LadderTest {
 protected:
  Start cubic() const {
    Start s = start();
    s.config.congestion = Congestion::kCubic;
    s.config.send_buffer = 10'000'000;
    s.sack = true;
    return s;
  }
};
TERN_LADDERS(Congested);

// Ladder's packets are of bounded size.
void write(Ladder& l, uint32_t bytes) {
  for (uint32_t n = 0; n < bytes; n += 10'000) l.send(std::min(bytes - n, 10'000u));
}

void fly(Ladder& l, uint32_t n) {
  write(l, 1000 * n);
  l.ignore_output();
}

// Sends as much as may be and acknowledges it a round trip later, all at once.
uint32_t round_trip(Ladder& l, uint32_t& end, Duration rtt) {
  if (l.connection().unsent_bytes() < l.tcb().cwnd) write(l, 2 * l.tcb().cwnd);
  uint32_t sent = 0;
  while (const auto segment = l.next_out()) sent += segment->length;
  l.after(rtt).in(ack(end += sent));
  return sent;
}

TEST_P(Congested, CubicGivesUpThreeTenthsOfItsWindow) {  // RFC 9438 section 4.6
  Ladder l(cubic());
  fly(l, 10);
  l.in(ack(1), sack(1001, 5001)).ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 7000u);
  l.in(ack(10'001));
  EXPECT_EQ(l.tcb().cwnd, 7000u);
}

TEST_P(Congested, NewRenoGivesUpHalf) {
  Start s = cubic();
  s.config.congestion = Congestion::kNewReno;
  Ladder l(s);
  fly(l, 10);
  l.in(ack(1), sack(1001, 5001)).ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
  EXPECT_EQ(l.core().congestions.in_use(), 0u);
}

// After a loss at W the window is back there after K seconds, nearly flat around it, then steeper and
// steeper.
TEST_P(Congested, CubicFollowsItsCurve) {  // RFC 9438 section 4.2
  Start s = cubic();
  s.peer_window = 65'535;
  s.peer_scale = 7;
  s.config.window_scale = 7;
  Ladder l(s);
  l.in(ack(1));  // whose window is scaled
  l.tcb().cwnd = 100'000;
  fly(l, 100);
  uint32_t end = 100'001;
  l.after(100ms).in(ack(1), sack(1001, 5001)).ignore_output();
  l.after(100ms).in(ack(end)).ignore_output();
  ASSERT_EQ(l.tcb().cwnd, 70'000u);
  const Duration began = l.now();
  const double k = std::cbrt(100 * 0.3 / 0.4);
  std::vector<uint32_t> windows;
  while (l.now() - began < 8s) {
    round_trip(l, end, 200ms);
    const double t = std::chrono::duration<double>(l.now() - began).count();
    const double curve = 0.4 * std::pow(t - k, 3) + 100;
    if (t > 0.5) {
      EXPECT_NEAR(l.tcb().cwnd, curve * 1000, 2500) << t;
    }
    windows.push_back(l.tcb().cwnd);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_NEAR(windows[static_cast<size_t>(k * 5)], 100'000, 1500) << "after K";
  l.ignore_output();
}

TEST_P(Congested, CubicIsNoSlowerThanReno) {  // RFC 9438 section 4.3: small windows, short round trips
  Ladder l(cubic());
  fly(l, 10);
  uint32_t end = 10'001;
  l.after(5ms).in(ack(1), sack(1001, 5001)).ignore_output();
  l.after(5ms).in(ack(end)).ignore_output();
  ASSERT_EQ(l.tcb().cwnd, 7000u);
  for (int i = 0; i < 45; ++i) round_trip(l, end, 5ms);
  // Reno with the same share: 9/17 of a segment each round trip up to the old window, a segment each then.
  EXPECT_NEAR(l.tcb().cwnd, 10'000 + 1000 * (45 - 3 * 17.0 / 9), 1000);
  l.ignore_output();
}

// A loss of a window of 100 segments, and what CUBIC sends next after a round trip of 200 ms.
void lose_of_a_hundred(Ladder& l, uint32_t& end) {
  l.in(ack(1));  // whose window is scaled
  l.tcb().cwnd = 100'000;
  fly(l, 100);
  l.after(200ms).in(ack(1), sack(1001, 5001)).ignore_output();
  l.after(200ms).in(ack(end = 100'001)).ignore_output();
  ASSERT_EQ(l.tcb().cwnd, 70'000u);
}

// One flight of n segments is acknowledged a round trip later.
void flight(Ladder& l, uint32_t n, uint32_t& end, Duration rtt) {
  fly(l, n);
  l.after(rtt).in(ack(end += 1000 * n)).ignore_output();
}

TEST_P(Congested, CubicsTimeStandsStillWhileItsWindowIsNotUsed) {  // RFC 9438 sections 4.2 and 5.8
  for (const bool idle : {false, true}) {
    Start s = cubic();
    s.peer_window = 65'535;
    s.peer_scale = 7;
    s.config.window_scale = 7;
    s.config.restart_after_idle = false;
    Ladder l(s);
    uint32_t end = 0;
    lose_of_a_hundred(l, end);
    flight(l, 70, end, 200ms);
    flight(l, 70, end, 200ms);
    const uint32_t before = l.tcb().cwnd;
    if (idle) l.after(4s);
    for (int i = 0; i < 20 && !idle; ++i) flight(l, 1, end, 200ms);
    EXPECT_EQ(l.tcb().cwnd, before);
    flight(l, 74, end, 200ms);
    // 3 C K^2 segments a second at the start of the curve; four seconds on it would be back at 100.
    EXPECT_NEAR(l.tcb().cwnd - before, 3 * 0.4 * std::pow(std::cbrt(75), 2) * 200, 1500);
  }
}

TEST_P(Congested, CubicGrowsByHalfInARoundTripAtMost) {  // RFC 9438 section 4.2
  Start s = cubic();
  s.config.rto_initial = 20s;
  Ladder l(s);
  fly(l, 10);
  uint32_t end = 10'001;
  l.after(5s).in(ack(1), sack(1001, 5001)).ignore_output();
  l.after(5s).in(ack(end)).ignore_output();
  flight(l, 7, end, 5s);
  const uint32_t before = l.tcb().cwnd;
  flight(l, before / 1000, end, 5s);
  EXPECT_NEAR(l.tcb().cwnd, before + before / 1000 * 500, 10) << "the curve is far beyond";
}

TEST_P(Congested, AfterATimeoutCubicBeginsOnAPlateauOfItsOwn) {  // RFC 9438 section 4.8
  Ladder l(cubic());
  fly(l, 10);
  uint32_t end = 10'001;
  l.at(1s).out(seq(1), text(1000)).after(100ms).in(ack(end)).ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 7000u);
  EXPECT_EQ(l.tcb().cwnd, 2000u);
  flight(l, 2, end, 100ms);
  flight(l, 4, end, 100ms);
  ASSERT_EQ(l.tcb().cwnd, 8000u);
  flight(l, 8, end, 100ms);
  const CongestionState& state = l.core().congestions[l.tcb().congestion];
  EXPECT_EQ(state.w_max, 8);
  EXPECT_EQ(state.k_seconds, 0);
  EXPECT_FLOAT_EQ(static_cast<float>(state.w_est), 8 + 9 / 17.0F) << "begins at the window";
}

TEST_P(Congested, AReductionTakenBackLateLeavesCubicAsItIs) {  // RFC 9438 section 4.9.2
  for (const bool late : {false, true}) {
    Ladder l(cubic());
    fly(l, 10);
    l.in(ack(1), sack(1001, 5001)).out(seq(1), text(1000)).in(ack(10'001)).silent();
    if (late) l.tcb().cwnd = 12'000;
    l.in(ack(10'001), sack(1, 1001));
    EXPECT_EQ(l.counters().losses_undone.value(), 1u);
    EXPECT_EQ(l.tcb().cwnd, late ? 12'000u : 10'000u);
    EXPECT_EQ(l.core().congestions[l.tcb().congestion].w_max, late ? 10 : 0);
  }
}

TEST_P(Congested, CubicMakesRoomWhenItsWindowShrinks) {  // RFC 9438 section 4.7
  Ladder l(cubic());
  fly(l, 10);
  l.in(ack(1), sack(1001, 5001)).ignore_output();
  EXPECT_EQ(l.core().congestions[l.tcb().congestion].w_max, 10);
  l.in(ack(10'001));
  fly(l, 7);
  l.in(ack(10'001), sack(11'001, 15'001)).ignore_output();
  EXPECT_FLOAT_EQ(l.core().congestions[l.tcb().congestion].w_max, 7 * 0.85F);
  EXPECT_EQ(l.tcb().ssthresh, 4900u);
}

TEST_P(Congested, WithoutMemoryOfLossesCubicGrowsAsReno) {
  Start s = cubic();
  s.limits.congestions = 0;
  Ladder l(s);
  fly(l, 10);
  l.in(ack(1), sack(1001, 5001)).ignore_output().in(ack(10'001));
  EXPECT_EQ(l.tcb().cwnd, 7000u);
  uint32_t end = 10'001;
  round_trip(l, end, 100ms);
  EXPECT_EQ(l.tcb().cwnd, 8000u);
  l.ignore_output();
}

// --- Idle
// -----------------------------------------------------------------------------------------------------------

// Three round trips of slow start; returns the end of what was sent.
uint32_t grow(Ladder& l) {
  uint32_t end = 1;
  for (int i = 0; i < 3; ++i) {
    const uint32_t n = std::min(l.tcb().cwnd / 1000, 40u);
    fly(l, n);
    l.after(50ms).in(ack(end += 1000 * n));
  }
  return end;
}

TEST_P(Congested, AfterAPauseTheInitialWindowCountsAgain) {  // RFC 5681 section 4.1
  Ladder l(cubic());
  grow(l);
  ASSERT_EQ(l.tcb().cwnd, 80'000u);
  l.after(5s);
  write(l, 30'000);
  for (int i = 0; i < 10; ++i) l.out(text(1000));
  l.silent();
}

TEST_P(Congested, AShortPauseCostsNothing) {
  Ladder l(cubic());
  grow(l);
  l.after(100ms);
  l.send(1000);
  l.ignore_output();
  EXPECT_EQ(l.tcb().cwnd, 80'000u);
}

TEST_P(Congested, AfterAPauseTheWindowStaysIfToldTo) {
  Start s = cubic();
  s.config.restart_after_idle = false;
  Ladder l(s);
  grow(l);
  l.after(5s);
  l.send(1000);
  l.ignore_output();
  EXPECT_EQ(l.tcb().cwnd, 80'000u);
}

// --- Spurious reductions
// --------------------------------------------------------------------------------------------

TEST_P(Congested, ATimeoutThatWasTooEarlyIsTakenBack) {  // RFC 3522, RFC 4015
  Start s = cubic();
  s.timestamps = true;
  Ladder l(s);
  l.send(5000);
  l.ignore_output().after(100ms).in(ack(4941)).ignore_output().in(ack(5001));
  const uint32_t cwnd = l.tcb().cwnd;
  const Duration sent = l.now();
  l.send(5 * 988);
  l.ignore_output();
  const uint32_t stamp = l.tcb().ts_offset + l.core().ts_now;
  while (l.counters().retransmission_timeouts.value() == 0) l.after(10ms);
  l.ignore_output();
  EXPECT_LT(l.tcb().cwnd, cwnd);
  EXPECT_GT(l.now() - sent, 200ms);
  l.in(ack(5001 + 988), ts_ecr(stamp)).silent();  // the first copy has come at last
  EXPECT_EQ(l.counters().losses_undone.value(), 1u);
  EXPECT_GE(l.tcb().cwnd, cwnd);
  EXPECT_EQ(l.tcb().ssthresh, 0x7fffffffu);
  l.in(ack(5001 + 5 * 988), ts_ecr(stamp)).silent();
}

TEST_P(Congested, AFurtherTimeoutLeavesTheStampOfTheFirst) {  // RFC 3522 section 3.2, step 2
  Start s = cubic();
  s.timestamps = true;
  Ladder l(s);
  l.send(5 * 988);
  l.ignore_output().after(1s).out(seq(1), text(988));
  const uint32_t first = l.tcb().ts_offset + l.core().ts_now;
  l.after(2s).out(seq(1), text(988));
  l.in(ack(989), ts_ecr(first)).ignore_output();  // the first retransmission's
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
}

TEST_P(Congested, ATimeoutThatWasRightIsNotTakenBack) {
  Start s = cubic();
  s.timestamps = true;
  Ladder l(s);
  l.send(5 * 988);
  l.ignore_output().after(1s).out(seq(1), text(988)).after(50ms).in(ack(989)).ignore_output();
  EXPECT_EQ(l.counters().losses_undone.value(), 0u);
  EXPECT_EQ(l.tcb().ssthresh, static_cast<uint32_t>(5 * 988 * 0.7));
}

}  // namespace
}  // namespace tern::test
