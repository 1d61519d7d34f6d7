// SPDX-License-Identifier: BSD-3-Clause
// Pacing (pacing.cpp): when segments leave, and how many at once.
#include <algorithm>

#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Paced : public LadderTest {
 protected:
  Start paced() const {
    Start s = start();
    s.config.congestion = Congestion::kNewReno;
    s.config.pacing = true;
    s.config.send_buffer = 1'000'000;
    return s;
  }
};
TERN_LADDERS(Paced);

// A segment and its acknowledgment, so that the round trip is known.
void measure(Ladder& l, Duration rtt) {
  l.send(1000);
  l.out(seq(1), text(1000)).after(rtt).in(ack(1001)).silent();
}

TEST_P(Paced, BeforeTheFirstMeasurementNothingIsHeldBack) {
  Ladder l(paced());
  l.send(10'000);
  for (uint32_t i = 0; i < 10; ++i) l.out(seq(1 + 1000 * i), text(1000));
  l.silent().at(1ms).in(ack(10'001)).silent();
}

TEST_P(Paced, InSlowStartTheWindowLeavesInHalfARoundTrip) {
  Ladder l(paced());
  measure(l, 100ms);
  l.tcb().cwnd = 10'000;
  l.send(10'000);
  for (uint32_t i = 0; i < 10; ++i) {
    l.at(100ms + 5ms * i).out(seq(1001 + 1000 * i), text(1000));
    l.silent_until(100ms + 5ms * i + 3ms);
  }
  l.at(200ms).in(ack(11'001)).silent();
}

TEST_P(Paced, AfterSlowStartAFifthFasterThanTheWindow) {
  Ladder l(paced());
  measure(l, 120ms);
  l.tcb().cwnd = l.tcb().ssthresh = 10'000;
  l.send(10'000);
  for (uint32_t i = 0; i < 10; ++i) {
    l.at(120ms + 10ms * i).out(seq(1001 + 1000 * i), text(1000));
    l.silent_until(120ms + 10ms * i + 8ms);
  }
  l.at(230ms).in(ack(11'001)).silent();
}

TEST_P(Paced, AFastFlowLeavesInBurstsOfATick) {
  Start s = paced();
  s.peer_window = 65'535;
  s.peer_scale = 4;
  s.config.window_scale = 4;
  Ladder l(s);
  measure(l, 20ms);
  l.in(ack(1001), wnd(65'535));
  l.tcb().cwnd = l.tcb().ssthresh = 500'000;
  for (int i = 0; i < 30; ++i) l.send(10'000);  // 30 segments in a millisecond
  uint32_t most = 0, all = 0;
  const Duration began = l.now();
  while (all < 300 && l.now() - began < 100ms) {
    uint32_t burst = 0;
    while (l.next_out()) ++burst;
    most = std::max(most, burst);
    all += burst;
    l.after(100us);
  }
  EXPECT_EQ(all, 300u);
  EXPECT_NEAR(std::chrono::duration<double>(l.now() - began).count(), 0.010, 0.002);
  EXPECT_LE(most, 32u);
  l.in(ack(301'001)).ignore_output();
}

TEST_P(Paced, APauseAllowsNoBurst) {
  Ladder l(paced());
  measure(l, 100ms);
  l.send(2000);
  l.out(text(1000)).at(105ms).out(text(1000));
  l.at(150ms).send(3000);
  // Two ticks of the wheel are made up for.
  l.out(text(1000))
      .silent_until(152ms)
      .at(153ms)
      .out(text(1000))
      .silent_until(157ms)
      .at(158ms)
      .out(text(1000));
  l.at(260ms).in(ack(6001)).silent();
}

TEST_P(Paced, RetransmissionsArePacedToo) {
  Start s = paced();
  s.sack = true;
  Ladder l(s);
  measure(l, 100ms);
  l.send(10'000);
  while (l.now() < 160ms) l.after(1ms);
  l.ignore_output();
  const Duration lost = l.now();
  l.in(ack(1001), sack(5001, 11'001)).out(seq(1001), text(1000)).silent_until(lost + 3ms);
  uint32_t again = 0;
  while (l.now() - lost < 100ms) {
    uint32_t burst = 0;
    while (l.next_out()) ++burst;
    EXPECT_LE(burst, 1u);
    again += burst;
    l.after(1ms);
  }
  EXPECT_EQ(again, 3u);
  l.in(ack(11'001)).ignore_output();
}

TEST_P(Paced, WithoutRoomForItAFlowIsNotPaced) {
  Start s = paced();
  s.limits.congestions = 0;
  Ladder l(s);
  measure(l, 100ms);
  l.send(10'000);
  for (uint32_t i = 0; i < 10; ++i) l.out(text(1000));
  l.at(200ms).in(ack(11'001)).silent();
}

TEST_P(Paced, NobodyIsPacedUnlessToldTo) {
  Start s = paced();
  s.config.pacing = false;
  Ladder l(s);
  measure(l, 100ms);
  l.send(10'000);
  for (uint32_t i = 0; i < 10; ++i) l.out(text(1000));
  EXPECT_EQ(l.core().congestions.in_use(), 0u);
  l.at(200ms).in(ack(11'001)).silent();
}

// --- BBR, whose model test_bbr.cpp tests
// ----------------------------------------------------------------------------

TEST_P(Paced, BbrIsPacedByItsModel) {
  Start s = paced();
  s.config.congestion = Congestion::kBbr;
  s.config.pacing = false;
  s.limits.bbrs = 1;
  Ladder l(s);
  measure(l, 100ms);
  l.send(10'000);
  // Ten segments in 100 ms, 2.77 times as fast: one each 3.6 ms.
  for (uint32_t i = 0; i < 10; ++i) l.at(100ms + 3610us * i).out(seq(1001 + 1000 * i), text(1000));
  l.at(240ms).in(ack(11'001)).silent();
  EXPECT_EQ(l.core().bbrs.in_use(), 1u);
}

TEST_P(Paced, MoreThanMayUseBbrUseNewReno) {
  Start s = paced();
  s.config.congestion = Congestion::kBbr;
  s.config.pacing = false;
  s.sack = true;
  s.limits.bbrs = 0;
  Ladder l(s);
  EXPECT_EQ(l.counters().bbr_refused.value(), 1u);
  l.send(10'000);
  l.ignore_output().in(ack(1), sack(1001, 5001)).ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
  l.in(ack(10'001)).silent();
}

}  // namespace
}  // namespace tern::test
