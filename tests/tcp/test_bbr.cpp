// SPDX-License-Identifier: BSD-3-Clause
// BBR's state machine (draft-ietf-ccwg-bbr section 5), an acknowledgment at a time.
#include <gtest/gtest.h>

#include "tcp/bbr.hpp"

namespace tern::tcp {
namespace {

using namespace std::chrono_literals;
using Phase = Bbr::Phase;

constexpr uint16_t kMss = 1000;
constexpr uint32_t kWindow = 10'000;

// A round trip is one acknowledgment: of so many bytes, at such a rate, after so long.
class Path {
 public:
  Path() { bbr.begin(now, kMss, kWindow, 0, 7); }

  // rate: bytes per second.
  void round(double rate, net::Duration rtt = 100ms) { ack(rate, rtt, 0); }
  void ack(double rate, net::Duration rtt, uint32_t lost_bytes) {
    now += rtt;
    Bbr::Ack a;
    a.now = now;
    a.newly_acked = static_cast<uint32_t>(rate * std::chrono::duration<double>(rtt).count());
    a.sample.any = true;
    a.sample.prior_delivered = rates.delivered();
    rates.acknowledged(a.newly_acked, Seq{}, nullptr, 0, 0);
    a.sample.rate = rate;
    a.sample.delivered = a.newly_acked;
    a.sample.rtt_us = rtt.count() / 1000;
    a.sample.tx_in_flight = tx_in_flight;
    a.sample.app_limited = app_limited;
    a.in_flight = in_flight;
    a.cwnd_limited = cwnd_limited;
    a.sack = true;
    a.in_fast_recovery = recovering;
    if (lost_bytes != 0) {
      rates.lost(lost_bytes);
      a.newly_lost = a.sample.lost = lost_bytes;
      a.lost_departure.in_flight = tx_in_flight;
      a.lost_departure.lost = lost_bytes;
    }
    bbr.acknowledged(a, rates);
  }
  // Startup, and a pipe of 1 MB/s and 100 ms that is full; then drained.
  void fill_and_drain() {
    for (int i = 0; i < 5; ++i) round(1e6);
    EXPECT_EQ(bbr.phase(), Phase::kDrain);
    in_flight = 90'000;
    round(1e6);
    EXPECT_EQ(bbr.phase(), Phase::kCruise);
  }
  void go_on_until(Phase phase, double rate = 1e6) {
    for (int i = 0; i < 60 && bbr.phase() != phase; ++i) round(rate);
    ASSERT_EQ(bbr.phase(), phase);
  }

  Bbr bbr;
  DeliveryRate rates;
  net::Instant now{1'000'000'000};
  uint32_t in_flight = 200'000;
  uint32_t tx_in_flight = 100'000;
  bool app_limited = false;
  bool cwnd_limited = false;
  bool recovering = false;
};

TEST(Bbr, StartupEndsAfterThreeRoundsWithoutAQuarterMore) {  // section 5.3.1.2
  Path p;
  double rate = 1e5;
  for (int i = 0; i < 6; ++i, rate *= 1.3) {
    p.round(rate);
    EXPECT_EQ(p.bbr.phase(), Phase::kStartup);
    EXPECT_NEAR(static_cast<double>(p.bbr.pacing_rate()), std::max(2.77 * 0.99 * rate, 2.77 * kWindow / 0.1),
                2);
  }
  const double plateau = rate / 1.3 * 1.2;
  p.round(plateau);
  p.round(plateau);
  EXPECT_EQ(p.bbr.phase(), Phase::kStartup);
  p.round(plateau);
  EXPECT_EQ(p.bbr.phase(), Phase::kDrain);
  EXPECT_NEAR(static_cast<double>(p.bbr.pacing_rate()), 0.5 * 0.99 * plateau, 2);
}

TEST(Bbr, StartupGoesOnWhileTheApplicationIsTheLimit) {
  Path p;
  p.app_limited = true;
  for (int i = 0; i < 20; ++i) p.round(1e5);
  EXPECT_EQ(p.bbr.phase(), Phase::kStartup);
}

TEST(Bbr, StartupEndsByLossInOneRoundOfRecovery) {  // section 5.3.1.3
  Path p;
  double rate = 1e5;
  for (int i = 0; i < 3; ++i, rate *= 2) p.round(rate);
  p.bbr.enter_loss_recovery(100'000, false);
  p.recovering = true;
  for (int i = 0; i < 5; ++i) p.ack(rate *= 1.5, 100ms, 3000);
  EXPECT_FALSE(p.bbr.full_bw_reached()) << "one event in each round is not enough";
  EXPECT_EQ(p.bbr.inflight_longterm(), Bbr::kInfinite);
}

TEST(Bbr, DrainEndsWhenTheQueueIsGone) {  // section 5.3.2
  Path p;
  for (int i = 0; i < 5; ++i) p.round(1e6);
  ASSERT_EQ(p.bbr.phase(), Phase::kDrain);
  p.in_flight = 100'001;
  p.round(1e6);
  EXPECT_EQ(p.bbr.phase(), Phase::kDrain);
  p.in_flight = 100'000;
  p.round(1e6);
  EXPECT_EQ(p.bbr.phase(), Phase::kCruise) << "DOWN, and at once CRUISE: nothing is in the queue";
}

TEST(Bbr, DrainEndsAfterThreeRoundsAnyway) {
  Path p;
  for (int i = 0; i < 4; ++i) p.round(1e6);
  int rounds = 0;
  for (; p.bbr.phase() == Phase::kDrain; ++rounds) p.round(1e6);
  EXPECT_EQ(rounds, 4);
  EXPECT_EQ(p.bbr.phase(), Phase::kDown);
}

TEST(Bbr, ProbesForBandwidthInFourPhases) {  // section 5.3.3
  Path p;
  p.fill_and_drain();
  const auto paced = [&] { return static_cast<double>(p.bbr.pacing_rate()) / 0.99e6; };
  EXPECT_NEAR(paced(), 1, 0.001);
  const net::Instant cruising = p.now;
  p.go_on_until(Phase::kRefill);
  EXPECT_GT(p.now - cruising, 1900ms);
  EXPECT_LE(p.now - cruising, 3100ms);
  EXPECT_NEAR(paced(), 1, 0.001);
  p.round(1e6);
  EXPECT_EQ(p.bbr.phase(), Phase::kUp) << "after one round";
  EXPECT_NEAR(paced(), 1.25, 0.001);
  p.round(1e6);
  p.round(1e6);
  EXPECT_EQ(p.bbr.phase(), Phase::kUp);
  p.in_flight = 125'000;
  p.round(1e6);
  EXPECT_EQ(p.bbr.phase(), Phase::kDown) << "three rounds without more";
  EXPECT_NEAR(paced(), 0.9, 0.001);
  p.in_flight = 100'000;
  p.round(1e6);
  EXPECT_EQ(p.bbr.phase(), Phase::kCruise);
}

TEST(Bbr, MoreBandwidthIsFoundByProbing) {
  Path p;
  p.fill_and_drain();
  p.go_on_until(Phase::kUp);
  for (double rate = 1.2e6; rate < 4e6; rate *= 1.25) {
    p.round(rate);
    EXPECT_EQ(p.bbr.phase(), Phase::kUp);
    EXPECT_EQ(p.bbr.max_bw(), rate);
  }
}

TEST(Bbr, LostBandwidthIsForgottenAfterACycle) {  // section 5.5.5
  Path p;
  p.fill_and_drain();
  p.go_on_until(Phase::kUp, 5e5);
  EXPECT_EQ(p.bbr.max_bw(), 1e6);
  p.in_flight = 150'000;
  p.go_on_until(Phase::kDown, 5e5);
  EXPECT_EQ(p.bbr.max_bw(), 1e6);
  p.round(5e5);
  EXPECT_EQ(p.bbr.max_bw(), 5e5) << "a round after the probe";
}

TEST(Bbr, TooMuchLossInAProbeEndsItAndIsRemembered) {  // section 5.5.10.2
  Path p;
  p.fill_and_drain();
  p.go_on_until(Phase::kUp);
  p.round(1e6);
  p.tx_in_flight = 150'000;
  p.ack(1e6, 100ms, 3000);
  EXPECT_EQ(p.bbr.phase(), Phase::kUp) << "two percent are borne";
  EXPECT_EQ(p.bbr.inflight_longterm(), Bbr::kInfinite);
  p.ack(1e6, 100ms, 9000);
  EXPECT_NE(p.bbr.phase(), Phase::kUp);
  // At 141,000 in flight and 2877 lost the threshold was crossed: (2 % of 141,000 - 0) / 0.98 of them.
  EXPECT_NEAR(p.bbr.inflight_longterm(), 143'878, 2);
  p.go_on_until(Phase::kCruise);
  EXPECT_LE(p.bbr.cwnd(), 143'878 * 0.85 + 1) << "room for others";
}

TEST(Bbr, LossBetweenProbesShrinksTheShortTermModel) {  // section 5.5.10.3
  Path p;
  p.fill_and_drain();
  for (int i = 0; i < 5; ++i) p.round(1e6);
  const uint32_t cwnd = p.bbr.cwnd();
  p.ack(3e5, 100ms, 1000);
  p.round(3e5);
  EXPECT_EQ(p.bbr.bw(), 1e6) << "which the round with the loss had delivered still";
  p.ack(3e5, 100ms, 1000);
  p.round(3e5);
  EXPECT_NEAR(p.bbr.bw(), 0.7e6, 1) << "never by more than three tenths in a round";
  EXPECT_NEAR(p.bbr.inflight_shortterm(), 0.7 * 0.7 * cwnd, 2) << "what is in flight at once";
  EXPECT_EQ(p.bbr.max_bw(), 1e6);
  p.go_on_until(Phase::kRefill, 3e5);
  EXPECT_EQ(p.bbr.bw(), 1e6) << "forgotten before the next probe";
}

TEST(Bbr, AReductionThatWasSpuriousIsTakenBack) {  // section 5.5.11.2
  Path p;
  p.fill_and_drain();
  p.go_on_until(Phase::kUp);
  p.tx_in_flight = 150'000;
  p.bbr.enter_loss_recovery(100'000, false);
  p.ack(1e6, 100ms, 30'000);
  ASSERT_NE(p.bbr.phase(), Phase::kUp);
  ASSERT_NE(p.bbr.inflight_longterm(), Bbr::kInfinite);
  p.bbr.undo(p.rates.delivered());
  EXPECT_EQ(p.bbr.phase(), Phase::kRefill);
  EXPECT_EQ(p.bbr.inflight_longterm(), Bbr::kInfinite);
}

TEST(Bbr, ATimeoutLeavesOneSegmentAndWhatWasComesBack) {  // section 5.6.4.4
  Path p;
  p.fill_and_drain();
  const uint32_t before = p.bbr.cwnd();
  p.bbr.enter_loss_recovery(0, true);
  EXPECT_EQ(p.bbr.cwnd(), kMss);
  p.bbr.leave_loss_recovery();
  EXPECT_EQ(p.bbr.cwnd(), before);
}

TEST(Bbr, LargerSegmentsFitTheWindowAtOnce) {
  Path p;
  p.fill_and_drain();
  p.bbr.enter_loss_recovery(0, true);
  p.bbr.resize(1460);
  EXPECT_EQ(p.bbr.cwnd(), 1460u);
  p.round(1);
  EXPECT_GE(p.bbr.cwnd(), 4 * 1460u);  // MinPipeCwnd, section 2.7
}

TEST(Bbr, ProbesTheRoundTripEveryFiveSeconds) {  // section 5.3.4
  Path p;
  p.fill_and_drain();
  const net::Instant measured{1'100'000'000};
  while (p.bbr.phase() != Phase::kProbeRtt && p.now < net::Instant{10'000'000'000}) p.round(1e6, 101ms);
  EXPECT_NEAR(std::chrono::duration<double>(p.now - measured).count(), 5, 0.2);
  EXPECT_LE(p.bbr.cwnd(), 50'500u) << "half of what the pipe holds";
  p.in_flight = 60'000;
  p.round(1e6, 101ms);
  const net::Instant low = p.now;
  p.in_flight = 50'000;
  while (p.bbr.phase() == Phase::kProbeRtt) p.round(5e5, 100ms);
  EXPECT_GT(p.now - low, 300ms) << "a round trip to see it, 200 ms of it";
  EXPECT_LE(p.now - low, 500ms);
  EXPECT_EQ(p.bbr.phase(), Phase::kCruise);
  EXPECT_GT(p.bbr.cwnd(), 150'000u) << "the window is back";
}

TEST(Bbr, AShorterRoundTripPutsTheProbeOff) {
  Path p;
  p.fill_and_drain();
  for (int i = 0; i < 80; ++i) {
    p.round(1e6, 100ms - std::chrono::microseconds(10 * i));
    EXPECT_NE(p.bbr.phase(), Phase::kProbeRtt);
  }
}

}  // namespace
}  // namespace tern::tcp
