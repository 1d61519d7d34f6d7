// SPDX-License-Identifier: BSD-3-Clause
// A rate that is kept whether or not the server is ready, and what a stall of it then costs.
#include <gtest/gtest.h>

#include "two_sides.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using load::Mode;

// Answers nothing while it stalls, then all that waits.
class Stalling {
 public:
  explicit Stalling(const load::Options& options) {
    auto made = std::make_unique<Web>(
        [this](const std::string& request) { return stalls_ ? std::string() : page(request, "hello"); });
    web_ = made.get();
    sides = std::make_unique<TwoSides>(options, std::move(made));
  }
  void stall(net::Duration time) {
    stalls_ = true;
    sides->pass(time);
    stalls_ = false;
    for (const auto& [index, queue] : std::map(web_->waiting)) {
      if (auto socket = sides->theirs->worker().socket(index)) web_->answer(*socket);
    }
  }
  std::unique_ptr<TwoSides> sides;

 private:
  Web* web_ = nullptr;
  bool stalls_ = false;
};

TEST(OpenLoop, KeepsItsRate) {
  for (const Mode mode : {Mode::kConnections, Mode::kRequests, Mode::kConcurrent}) {
    load::Options options = load_options(mode, 20);
    options.rate = 1'000;
    Stalling server(options);
    server.sides->pass(50ms);
    const load::Snapshot before = server.sides->tally.read(server.sides->ours->now);
    server.sides->pass(200ms);
    const load::Snapshot all = server.sides->tally.read(server.sides->ours->now).since(before);
    EXPECT_NEAR(static_cast<double>(all.responses), 200, 3) << name_of(mode);
    EXPECT_EQ(all.overdue, 0u);
    EXPECT_LT(all.latency.highest(), 2'000'000u) << name_of(mode);
    EXPECT_EQ(all.error_sum(), 0u);
  }
}

// Coordinated omission: a stall of 100 ms is met by the 100 requests that were to be sent meanwhile, and the
// mean of their waits is half of it.
TEST(OpenLoop, AStallIsChargedForAllThatItKeptWaiting) {
  for (const Mode mode : {Mode::kConnections, Mode::kRequests}) {
    for (const uint32_t connections :
         {200u, 4u}) {  // with room for all, and with few that must wait themselves
      load::Options options = load_options(mode, connections);
      options.rate = 1'000;
      Stalling server(options);
      server.sides->pass(300ms);
      const load::Snapshot before = server.sides->tally.read(server.sides->ours->now);
      server.stall(100ms);
      EXPECT_EQ(server.sides->tally.overdue.value() > 90, connections == 4) << "what could not even begin";
      server.sides->pass(200ms);
      const load::Snapshot all = server.sides->tally.read(server.sides->ours->now).since(before);
      EXPECT_NEAR(static_cast<double>(all.responses), 300, 5) << "none is left out";
      const double sum = all.latency.mean() * static_cast<double>(all.latency.count()) / 1e9;
      EXPECT_GT(sum, 0.100 * 100 / 2 * 0.9) << name_of(mode) << ' ' << connections;
      EXPECT_LT(sum, 0.100 * 100 / 2 * 1.5) << name_of(mode) << ' ' << connections;
      EXPECT_GT(all.latency.highest(), 95'000'000u);
      EXPECT_EQ(all.overdue, 0u);
      EXPECT_EQ(all.error_sum(), 0u);
    }
  }
}

// A closed loop sees the same stall only as many times as it has requests in flight.
TEST(OpenLoop, AClosedLoopHidesTheStall) {
  Stalling server(load_options(Mode::kRequests, 4));
  server.sides->pass(50ms);
  server.stall(100ms);
  server.sides->pass(50ms);
  const load::Distribution latency = server.sides->tally.latency.read();
  EXPECT_LT(latency.percentile(99), 10'000'000u);
  EXPECT_GT(latency.highest(), 95'000'000u);
}

TEST(OpenLoop, RampGrowsAClosedLoopToo) {
  load::Options options = load_options(Mode::kRequests, 100);
  options.ramp = 1s;
  TwoSides sides(options, std::make_unique<Web>([](const std::string&) { return std::string(); }));
  sides.pass(500ms, 1ms);
  EXPECT_NEAR(static_cast<double>(sides.tally.in_flight.value()), 50, 3);
  sides.pass(600ms, 1ms);
  EXPECT_EQ(sides.tally.in_flight.value(), 100u);
}

}  // namespace
}  // namespace tern::test
