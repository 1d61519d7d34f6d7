// SPDX-License-Identifier: BSD-3-Clause
// The flow table with 10^3 to 10^7 connections in it, asked a burst at a time in no order.
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <exception>
#include <optional>
#include <vector>

#include "net/dpdk/flow_table.hpp"

namespace tern::bench {
namespace {

using net::dpdk::FlowTable;

constexpr uint32_t kBurst = FlowTable::kMaxBurst;

net::FourTuple tuple(uint32_t n) {
  return {{0xc0000202}, {0x0a000000 + n / 50'000}, 80, static_cast<uint16_t>(1 + n % 50'000)};
}

// A table, so many connections in it, and the next burst of names.
struct Filled {
  explicit Filled(uint32_t count)
      : keys(count + kBurst), table("bench_table", count + kBurst, {1}, {keys.data()}), in_use(count) {
    for (uint32_t n = 0; n < count; n += kBurst) {
      name(n, [](uint32_t first) { return first; });
      for (uint32_t i = 0; i < kBurst && n + i < count; ++i) table.insert(tuples[i], hashes[i]);
    }
  }

  // The names of [first, first + kBurst), each number put through a function.
  template <typename Choose>
  void name(uint32_t first, Choose choose) {
    for (uint32_t i = 0; i < kBurst; ++i) tuples[i] = tuple(choose(first + i));
    table.hash(tuples, hashes);
  }

  std::vector<net::FourTuple> keys;
  FlowTable table;
  uint32_t in_use;
  std::array<net::FourTuple, kBurst> tuples;
  std::array<uint32_t, kBurst> hashes;
  std::array<int32_t, kBurst> positions;
};

std::optional<Filled> fill(benchmark::State& state) {
  try {
    return std::optional<Filled>(std::in_place, static_cast<uint32_t>(state.range(0)));
  } catch (const std::exception& short_of_memory) {
    state.SkipWithError(short_of_memory.what());
    return std::nullopt;
  }
}

// Hash included, as for frames that arrive.
void find(benchmark::State& state) {
  auto filled = fill(state);
  if (!filled) return;
  uint32_t n = 0;
  for (auto _ : state) {
    filled->name(n, [&](uint32_t i) { return i * 2'654'435'761u % filled->in_use; });
    filled->table.find(filled->tuples, filled->hashes, filled->positions);
    for (const int32_t position : filled->positions) {
      if (position == FlowTable::kAbsent) return state.SkipWithError("a connection was not found");
    }
    n += kBurst;
  }
  state.SetItemsProcessed(state.iterations() * kBurst);
}

double seconds(auto work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// One more burst of connections is inserted and erased; erased says which of the two is timed.
void change(benchmark::State& state, bool erased) {
  auto filled = fill(state);
  if (!filled) return;
  uint32_t n = filled->in_use;
  for (auto _ : state) {
    filled->name(n, [](uint32_t i) { return i; });
    const double in = seconds([&] {
      for (uint32_t i = 0; i < kBurst; ++i)
        filled->positions[i] = filled->table.insert(filled->tuples[i], filled->hashes[i]);
    });
    for (const int32_t position : filled->positions) {
      if (position == FlowTable::kAbsent) return state.SkipWithError("a connection was refused");
    }
    const double out = seconds([&] {
      for (uint32_t i = 0; i < kBurst; ++i) filled->table.erase(filled->tuples[i], filled->hashes[i]);
    });
    state.SetIterationTime(erased ? out : in);
    n += kBurst;
  }
  state.SetItemsProcessed(state.iterations() * kBurst);
}

BENCHMARK(find)->RangeMultiplier(10)->Range(1'000, 10'000'000);
BENCHMARK_CAPTURE(change, insert, false)->RangeMultiplier(10)->Range(1'000, 10'000'000)->UseManualTime();
BENCHMARK_CAPTURE(change, erase, true)->RangeMultiplier(10)->Range(1'000, 10'000'000)->UseManualTime();

}  // namespace
}  // namespace tern::bench
