// SPDX-License-Identifier: BSD-3-Clause
// The timer wheel with 100,000 connections.
#include <benchmark/benchmark.h>

#include "tcp/timer_wheel.hpp"

namespace tern::bench {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kNodes = 100'000;
constexpr net::Instant kStart{1'000'000'000};

// A retransmission timeout's distance, spread.
net::Duration distance(uint32_t n) { return 200ms + std::chrono::microseconds(n * 2'654'435'761u % 100'000); }

void arm_and_disarm(benchmark::State& state) {
  tcp::TimerWheel wheel(kNodes, kStart);
  uint32_t n = 0;
  for (auto _ : state) {
    wheel.arm(n % kNodes, kStart + distance(n));
    wheel.disarm(n % kNodes);
    ++n;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(arm_and_disarm);

// What each acknowledgment does: the deadline moves later, and the node stays.
void arm_later(benchmark::State& state) {
  tcp::TimerWheel wheel(kNodes, kStart);
  for (uint32_t n = 0; n < kNodes; ++n) wheel.arm(n, kStart + distance(n));
  uint32_t n = 0;
  for (auto _ : state) {
    wheel.arm(n % kNodes, kStart + distance(n) + 300ms);
    ++n;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(arm_later);

void arm_earlier(benchmark::State& state) {
  tcp::TimerWheel wheel(kNodes, kStart);
  uint32_t n = 0;
  for (auto _ : state) {
    if (n % kNodes == 0) {
      state.PauseTiming();
      for (uint32_t node = 0; node < kNodes; ++node) {
        wheel.disarm(node);
        wheel.arm(node, kStart + distance(node) + 300ms);
      }
      state.ResumeTiming();
    }
    wheel.arm(n % kNodes, kStart + distance(n));
    ++n;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(arm_earlier);

// A round that finds nothing due, as most do.
void advance_idle(benchmark::State& state) {
  tcp::TimerWheel wheel(kNodes, kStart);
  for (uint32_t n = 0; n < kNodes; ++n) wheel.arm(n, kStart + 1h);
  net::Instant now = kStart;
  for (auto _ : state) {
    benchmark::DoNotOptimize(wheel.expire(now));
    now += 1us;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(advance_idle);

// Nodes that fire early and are armed anew.
void expire_and_arm(benchmark::State& state) {
  tcp::TimerWheel wheel(kNodes, kStart);
  for (uint32_t n = 0; n < kNodes; ++n) wheel.arm(n, kStart + distance(n));
  net::Instant now = kStart;
  for (auto _ : state) {
    uint32_t node = wheel.expire(now);
    while (node == tcp::TimerWheel::kNone) node = wheel.expire(now += 1ms);
    wheel.arm(node, now + distance(node));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(expire_and_arm);

}  // namespace
}  // namespace tern::bench
