// SPDX-License-Identifier: BSD-3-Clause
// What becomes of flows at a bottleneck: NewReno's sawtooth (RFC 5681), CUBIC's curve computed from RFC
// 9438's equations, and how two flows share (Jain's index over two minutes, after two minutes).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "support/bottleneck.hpp"

namespace tern::test {
namespace {

using namespace tcp;

constexpr double kMss = 1448;  // with timestamps
double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
double segments(uint32_t bytes) { return bytes / kMss; }

// A round trip while so much lies in the queue.
double round_trip(const Link& link, Duration propagation, uint32_t queue) {
  return seconds(propagation) + queue * 8 / link.bits_per_second;
}

// Reductions that follow on the first seconds, whose overshoot of slow start is another subject.
std::vector<Reduction> steady(const Bottleneck& b, Duration after) {
  std::vector<Reduction> all = b.reductions();
  std::erase_if(all, [after](const Reduction& r) { return r.at < after; });
  return all;
}

// By how many segments the window grows from one reduction to the next, beside the number of round trips it
// took.
struct Climb {
  double grown = 0;
  double round_trips = 0;
};
Climb climb(const Bottleneck& b, const Link& link, Duration rtt, Duration from, Duration to) {
  Climb climb;
  const Sample* first = nullptr;
  const Sample* before = nullptr;
  for (const Sample& s : b.samples()) {
    if (s.at < from || s.at >= to || s.recovering || s.cwnd < s.ssthresh) continue;
    if (first == nullptr) first = &s;
    if (before != nullptr) climb.round_trips += seconds(s.at - before->at) / round_trip(link, rtt, s.queue);
    before = &s;
    climb.grown = segments(s.cwnd) - segments(first->cwnd);
  }
  return climb;
}

TEST(Bottleneck, NewRenoHalvesAndGrowsByASegmentPerRoundTrip) {  // RFC 5681 sections 3.1 and 3.2
  const Link link{.bits_per_second = 10e6, .queue_bytes = 50'000};
  Bottleneck b(link, {bulk(Congestion::kNewReno)});
  b.run_until(40s);
  const auto teeth = steady(b, 2s);
  ASSERT_GE(teeth.size(), 10u);
  for (size_t i = 0; i < teeth.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(teeth[i].ssthresh) / teeth[i].cwnd_before, 0.5, 0.01);
    EXPECT_FALSE(teeth[i].timeout);
    if (i == 0) continue;
    const Climb c = climb(b, link, 40ms, teeth[i - 1].at, teeth[i].at);
    // Delayed ACKs make the round trip a little longer.
    EXPECT_NEAR(c.grown / c.round_trips, 0.95, 0.05) << seconds(teeth[i].at);
  }
  EXPECT_GT(b.utilization(2s, 40s), 0.95);  // of IP packets, of which text is 96.5 %
}

// A window that a loss has reduced, and the curve that it is to follow until the next one.
struct Curve {
  double w_max, k, epoch;
  double operator()(double t) const { return 0.4 * std::pow(t - epoch - k, 3) + w_max; }
};
// RFC 9438 sections 4.2 and 4.7, Figures 1 and 2; previous: W_max before.
Curve curve_after(const Reduction& r, double previous, double epoch) {
  const double cwnd = segments(r.cwnd_before);
  const double w_max = cwnd < previous ? cwnd * (1 + 0.7) / 2 : cwnd;
  return {w_max, std::cbrt((w_max - segments(r.ssthresh)) / 0.4), epoch};
}

TEST(Bottleneck, CubicIsConcaveThenConvexAsItsEquationSays) {  // RFC 9438 sections 4.2, 4.4 to 4.7
  const Link link{.bits_per_second = 50e6, .queue_bytes = 500'000};
  Bottleneck b(link, {bulk(Congestion::kCubic, 80ms)});
  b.run_until(100s);
  const auto teeth = steady(b, 10s);
  ASSERT_GE(teeth.size(), 6u);
  double previous = 0;
  int fast = 0;
  for (size_t i = 0; i < teeth.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(teeth[i].ssthresh) / teeth[i].cwnd_before, 0.7, 0.005);
    const auto& all = b.samples();
    const auto epoch = std::find_if(all.begin(), all.end(), [&](const Sample& s) {
      return s.at > teeth[i].at && !s.recovering && s.cwnd >= s.ssthresh;
    });
    const Duration end = i + 1 < teeth.size() ? teeth[i + 1].at : 100s;
    ASSERT_NE(epoch, all.end());
    const Curve w = curve_after(teeth[i], previous, seconds(epoch->at));
    fast += segments(teeth[i].cwnd_before) < previous;
    const double wmax_before = std::exchange(previous, w.w_max);
    if (i == 0) continue;  // what W_max was before is not known
    SCOPED_TRACE(std::to_string(seconds(teeth[i].at)) + " after W_max " + std::to_string(wmax_before));
    double farthest = 0;
    for (auto s = epoch; s != all.end() && s->at < end; ++s) {
      // Each ACK aims at where the curve is a round trip from now, in a window's worth of ACKs (section 4.4).
      const double behind = std::abs(segments(s->cwnd) - w(seconds(s->at)));
      farthest = std::max(farthest, behind / w.w_max);
    }
    EXPECT_LT(farthest, 0.02);
    if (seconds(end - epoch->at) < w.k + 0.1) continue;  // the simulation ends before
    const auto cwnd_at = [&](double t) { return segments((epoch + static_cast<long>(t * 100))->cwnd); };
    const double middle = cwnd_at(w.k / 2) - cwnd_at(0), late = cwnd_at(w.k) - cwnd_at(w.k / 2);
    EXPECT_GT(middle, 4 * late) << "concave towards W_max";
    if (seconds(end - epoch->at) > 1.9 * w.k) {
      EXPECT_GT(cwnd_at(1.9 * w.k) - cwnd_at(1.45 * w.k), 2 * (cwnd_at(1.45 * w.k) - cwnd_at(w.k)))
          << "convex";
    }
  }
  EXPECT_GT(fast, 0) << "fast convergence";
  EXPECT_LT(fast, static_cast<int>(teeth.size()));
}

// 9/17 of a segment each round trip while the window is below where it was, which the queue cuts short.
TEST(Bottleneck, CubicIsAsFastAsRenoWhereTheCurveIsSlow) {  // RFC 9438 section 4.3
  const Link link{.bits_per_second = 10e6, .queue_bytes = 12'000};
  Bottleneck b(link, {bulk(Congestion::kCubic, 10ms)});
  b.run_until(30s);
  const auto teeth = steady(b, 2s);
  ASSERT_GE(teeth.size(), 20u);
  for (size_t i = 1; i < teeth.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(teeth[i].ssthresh) / teeth[i].cwnd_before, 0.7, 0.03);
    const Climb c = climb(b, link, 10ms, teeth[i - 1].at, teeth[i].at);
    EXPECT_NEAR(c.grown / c.round_trips, 9.0 / 17, 0.1) << seconds(teeth[i].at);
  }
}

TEST(Bottleneck, EachCongestionControlReducesOncePerEpisode) {  // RFC 6675 section 5.1, RFC 9438 section 4.6
  for (const Congestion c : {Congestion::kNewReno, Congestion::kCubic}) {
    for (const Duration rtt : {20ms, 80ms, 160ms}) {
      const Link link{.bits_per_second = 20e6, .queue_bytes = 200'000};
      Bottleneck b(link, {bulk(c, rtt)});
      b.run_until(100s);
      const auto teeth = steady(b, 10s);
      ASSERT_GE(teeth.size(), 2u);  // NewReno takes 40 s to come back over the longest path
      for (size_t i = 1; i < teeth.size(); ++i) EXPECT_GT(teeth[i].at - teeth[i - 1].at, 8 * rtt);
      EXPECT_GT(b.utilization(10s, 100s), 0.9);
    }
  }
}

// A queue that marks in place of dropping (RFC 3168): nothing is lost, and the queue stays about where it
// marks.
TEST(Bottleneck, MarksInPlaceOfLossesKeepTheQueueShortAndTheLinkBusy) {
  for (const Congestion c : {Congestion::kNewReno, Congestion::kCubic}) {
    const Link link{.bits_per_second = 10e6, .queue_bytes = 200'000, .mark_bytes = 50'000};
    Flow flow = bulk(c);
    flow.config.ecn = Ecn::kOn;
    Bottleneck b(link, {flow});
    b.run_until(60s);
    EXPECT_EQ(b.samples().back().dropped, 0u);
    EXPECT_EQ(b.core().counters.retransmissions.value(), 0u);
    EXPECT_GE(b.core().counters.congestion_echoes.value(), 8u);
    EXPECT_GT(b.utilization(2s, 60s), 0.93);
    EXPECT_LT(b.largest_queue(5s, 60s), 65'000u);
    const auto teeth = steady(b, 2s);
    for (size_t i = 1; i < teeth.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(teeth[i].ssthresh) / teeth[i].cwnd_before,
                  c == Congestion::kCubic ? 0.7 : 0.5, 0.05);
      EXPECT_GT(teeth[i].at - teeth[i - 1].at, 160ms) << "once per window";
    }
  }
}

// --- Two flows
// ------------------------------------------------------------------------------------------------------

struct Pair {
  const char* name;
  Duration rtt[2];
  Duration start;  // of the second
  double bdp;      // of the queue, in products of 10 Mbit/s and 40 ms
  double jain[2];  // at least, for NewReno and CUBIC
};
class Sharing : public testing::TestWithParam<Pair> {};
INSTANTIATE_TEST_SUITE_P(
    Pairs, Sharing,
    testing::Values(Pair{"HalfABdp", {40ms, 40ms}, 10s, 0.5, {0.97, 0.97}},
                    Pair{"OneBdp", {40ms, 40ms}, 10s, 1, {0.97, 0.97}},
                    Pair{"TwoBdp", {40ms, 40ms}, 10s, 2, {0.97, 0.97}},
                    Pair{"TogetherFromTheStart", {40ms, 40ms}, 0s, 1, {0.97, 0.97}},
                    Pair{"SecondComesLate", {40ms, 40ms}, 60s, 1, {0.97, 0.97}},
                    Pair{"LongRoundTrips", {100ms, 100ms}, 10s, 1, {0.97, 0.96}},
                    // Reno's share goes with the inverse of the round trip (or of its square, where losses
                    // are in step), CUBIC's hardly less where it is in its Reno-friendly region.
                    Pair{"TwiceTheRoundTrip", {20ms, 40ms}, 10s, 1, {0.75, 0.80}},
                    Pair{"FourTimesTheRoundTrip", {20ms, 80ms}, 10s, 1, {0.60, 0.70}}),
    [](const testing::TestParamInfo<Pair>& p) { return p.param.name; });

TEST_P(Sharing, TwoFlowsOfAKindAreFairToEachOther) {
  const Pair& p = GetParam();
  for (const Congestion c : {Congestion::kNewReno, Congestion::kCubic}) {
    const Link link{.bits_per_second = 10e6, .queue_bytes = static_cast<uint32_t>(50'000 * p.bdp)};
    Bottleneck b(link, {bulk(c, p.rtt[0]), bulk(c, p.rtt[1], p.start)});
    b.run_until(240s);
    EXPECT_GE(b.fairness(120s, 240s), p.jain[c == Congestion::kNewReno ? 0 : 1]) << static_cast<int>(c);
    EXPECT_GE(b.utilization(120s, 240s), 0.85);
  }
}

// RFC 9438 section 5.1: where Reno does well, CUBIC takes no more than its share, by more than a little.
TEST(Bottleneck, CubicLeavesRenoItsShareOnAShortPath) {
  const Link link{.bits_per_second = 10e6, .queue_bytes = 25'000};
  Bottleneck b(link, {bulk(Congestion::kCubic, 20ms), bulk(Congestion::kNewReno, 20ms)});
  b.run_until(240s);
  EXPECT_GE(b.fairness(120s, 240s), 0.9);
}

// The window that follows the flow fills a path of 50 Mbit/s and 100 ms as one of 8 MiB from the start does;
// one that stays as it began holds it to a tenth.
TEST(Bottleneck, ReceiveWindowGrowsUntilALongPathIsFull) {
  const Link link{.bits_per_second = 50e6, .queue_bytes = 625'000};
  Flow large = bulk(Congestion::kCubic, 100ms), tuned = large, small = large;
  tuned.config.receive_buffer_initial = 64 * 1024;
  small.config.receive_buffer = 64 * 1024;
  const auto goodput = [&link](const Flow& flow) {
    Bottleneck b(link, {flow});
    b.run_until(20s);
    return b.goodput(0, 5s, 20s);
  };
  EXPECT_LT(goodput(small), 6e6);
  EXPECT_GT(goodput(tuned), 0.95 * goodput(large));
  EXPECT_GT(goodput(tuned), 0.85 * link.bits_per_second);
}

}  // namespace
}  // namespace tern::test
