// SPDX-License-Identifier: BSD-3-Clause
// What BBR flows, and those that are paced or watched by HyStart++, do at a bottleneck.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/bottleneck.hpp"

namespace tern::test {
namespace {

using namespace tcp;
using Phase = Bbr::Phase;

constexpr double kText = 1448.0 / 1500;  // of each packet
constexpr uint32_t kBdp = 50'000;        // 10 Mbit/s, 40 ms

const Bbr& model(Bottleneck& b, size_t flow = 0) {
  Core& core = b.core(flow);
  return core.bbrs[core.congestions[b.sender(flow).tcb.congestion].bbr].model;
}

TEST(BottleneckBbr, FillsThePipeDrainsAndCruisesWithAShortQueue) {
  Bottleneck b({.bits_per_second = 10e6, .queue_bytes = 4 * kBdp}, {bulk(Congestion::kBbr)}, 1ms);
  while (b.now() < 5s && (b.now() == 0s || model(b).phase() == Phase::kStartup)) b.run_until(b.now() + 1ms);
  EXPECT_LT(b.now(), 1s) << "Startup";
  EXPECT_NEAR(model(b).max_bw(), 10e6 / 8 * kText, 1e4);
  EXPECT_NEAR(b.largest_queue(0s, b.now()), kBdp, 0.6 * kBdp) << "a window of two products";
  const Duration drain = b.now();
  while (b.now() < 5s && model(b).phase() != Phase::kCruise) b.run_until(b.now() + 1ms);
  EXPECT_LT(b.now() - drain, 200ms) << "Drain";
  EXPECT_LT(b.samples().back().queue, kBdp / 10);
  const Duration cruise = b.now();
  while (model(b).phase() == Phase::kCruise) b.run_until(b.now() + 1ms);
  EXPECT_LT(b.mean_queue(cruise, b.now()), kBdp / 10);
  EXPECT_NEAR(b.goodput(0, cruise, b.now()), 10e6 * kText, 0.02 * 10e6);
  EXPECT_EQ(b.samples().back().dropped, 0u);
}

TEST(BottleneckBbr, ProbesTheRoundTripEveryFiveSecondsAndLosesLittle) {
  Bottleneck b({.bits_per_second = 10e6, .queue_bytes = 4 * kBdp}, {bulk(Congestion::kBbr)});
  std::vector<Duration> probes;
  bool probing = false;
  Duration low{0};
  while (b.now() < 60s) {
    b.run_until(b.now() + 5ms);
    const bool now = model(b).phase() == Phase::kProbeRtt;
    if (now && !std::exchange(probing, true)) probes.push_back(b.now());
    if (now && b.samples().back().queue == 0) low += 5ms;
    probing = now;
  }
  ASSERT_GE(probes.size(), 5u);
  for (size_t i = 1; i < probes.size(); ++i) {
    EXPECT_GE(probes[i] - probes[i - 1], 5s);
    EXPECT_LE(probes[i] - probes[i - 1], 15s) << "put off where a shorter round trip is met meanwhile";
  }
  EXPECT_GT(low, 100ms * static_cast<int>(probes.size())) << "the queue is empty meanwhile";
  EXPECT_NEAR(model(b).min_rtt_us(), 41'000, 1500);
  EXPECT_GT(b.utilization(5s, 60s), 0.94 * kText);
}

TEST(BottleneckBbr, HoldsItsRateUnderRandomLossWhereCubicFalls) {
  const Link link{.bits_per_second = 50e6, .queue_bytes = 250'000, .loss = 0.01};
  Bottleneck bbr(link, {bulk(Congestion::kBbr)});
  Bottleneck cubic(link, {bulk(Congestion::kCubic)});
  bbr.run_until(60s);
  cubic.run_until(60s);
  EXPECT_GT(bbr.utilization(10s, 60s), 0.7);
  EXPECT_LT(cubic.utilization(10s, 60s), 0.15);
}

TEST(BottleneckBbr, FollowsALinkThatChangesItsRate) {
  Bottleneck b({.bits_per_second = 10e6, .queue_bytes = 100'000}, {bulk(Congestion::kBbr)});
  b.run_until(20s);
  b.set_rate(30e6);
  b.run_until(40s);
  EXPECT_GT(b.goodput(0, 30s, 40s), 25e6) << "found by probing";
  b.set_rate(5e6);
  b.run_until(60s);
  EXPECT_NEAR(model(b).max_bw() * 8, 5e6 * kText, 3e5);
  EXPECT_LT(b.mean_queue(50s, 60s), 50'000) << "and no queue stands";
}

class SharingBbr : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Queues, SharingBbr, testing::Values(1.0, 2.0, 4.0));

TEST_P(SharingBbr, TwoFlowsAreFairToEachOther) {
  Bottleneck b({.bits_per_second = 10e6, .queue_bytes = static_cast<uint32_t>(GetParam() * kBdp)},
               {bulk(Congestion::kBbr), bulk(Congestion::kBbr, 40ms, 10s)});
  b.run_until(180s);
  EXPECT_GE(b.fairness(60s, 180s), 0.97);
  EXPECT_GE(b.utilization(60s, 180s), 0.92);
}

// Neither starves: BBR takes more of a short queue, which CUBIC's halvings leave, and less of a long one.
TEST_P(SharingBbr, BbrAndCubicBothGetASixthAtLeast) {
  Bottleneck b({.bits_per_second = 10e6, .queue_bytes = static_cast<uint32_t>(GetParam() * kBdp)},
               {bulk(Congestion::kBbr), bulk(Congestion::kCubic)});
  b.run_until(240s);
  const double bbr = b.goodput(0, 60s, 240s), cubic = b.goodput(1, 60s, 240s);
  EXPECT_GT(bbr / (bbr + cubic), 1.0 / 6);
  EXPECT_GT(cubic / (bbr + cubic), 1.0 / 6);
}

// --- HyStart++ and pacing
// -------------------------------------------------------------------------------------------

TEST(BottleneckSlowStart, HyStartLosesLessThanHalfOfWhatRenoLoses) {  // RFC 9406
  const Link link{.bits_per_second = 50e6, .queue_bytes = 1'000'000};
  Bottleneck cubic(link, {bulk(Congestion::kCubic)}), reno(link, {bulk(Congestion::kNewReno)});
  cubic.run_until(5s);
  reno.run_until(5s);
  EXPECT_LT(cubic.samples().back().dropped, reno.samples().back().dropped / 2);
  EXPECT_GT(cubic.goodput(0, 0s, 5s), 0.95 * reno.goodput(0, 0s, 5s));
}

TEST(BottleneckSlowStart, HyStartEndsItWithoutALossWhereTheQueueIsDeep) {
  Bottleneck b({.bits_per_second = 10e6, .queue_bytes = 16 * kBdp}, {bulk(Congestion::kCubic)});
  b.run_until(3s);
  EXPECT_EQ(b.core().counters.hystart_exits.value(), 1u);
  EXPECT_EQ(b.core().hystarts.in_use(), 0u);
  EXPECT_EQ(b.samples().back().dropped, 0u);
  EXPECT_LT(b.samples().back().ssthresh, 16 * kBdp);
  EXPECT_GT(b.utilization(1s, 3s), 0.95);
}

TEST(BottleneckSlowStart, PacedFlowsGrowAndShrinkAsOthersDo) {
  Flow flow = bulk(Congestion::kCubic);
  flow.config.pacing = true;
  Bottleneck b({.bits_per_second = 50e6, .queue_bytes = 250'000}, {flow});
  b.run_until(40s);
  EXPECT_GT(b.utilization(10s, 40s), 0.95);
  for (const Reduction& r : b.reductions()) {
    if (r.at > 5s) {
      EXPECT_NEAR(static_cast<double>(r.ssthresh) / r.cwnd_before, 0.7, 0.01);
    }
  }
}

// A window of which one round trip's ACKs came together leaves over a round trip, not at once: a queue of
// thirty packets holds what it sends.
TEST(BottleneckSlowStart, PacingNeedsLessOfAQueue) {
  const Link link{.bits_per_second = 100e6, .queue_bytes = 45'000};
  Flow flow = bulk(Congestion::kNewReno, 20ms);
  Bottleneck plain(link, {flow});
  flow.config.pacing = true;
  Bottleneck paced(link, {flow});
  plain.run_until(300ms);
  paced.run_until(300ms);
  EXPECT_GT(paced.goodput(0, 0ms, 300ms), plain.goodput(0, 0ms, 300ms));
}

}  // namespace
}  // namespace tern::test
