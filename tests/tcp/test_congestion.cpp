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
  for (int i = 0; i < 100; ++i) round_trip(l, end, 5ms);
  // Reno with the same share: 9/17 of a segment each round trip up to the old window, a segment each then.
  EXPECT_GT(l.tcb().cwnd, 50'000u);
  l.ignore_output();
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
