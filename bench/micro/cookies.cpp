// SPDX-License-Identifier: BSD-3-Clause
// SYN cookies: made and checked, one by one and a burst at a time.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "net/address.hpp"
#include "tcp/syn_cookie.hpp"

namespace tern::bench {
namespace {

constexpr net::Instant kNow{1'000'000'000};
constexpr uint32_t kTsNow = 1'000;
constexpr tcp::CookieOptions kOffer{
    .mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = true};

net::FourTuple tuple(uint32_t n) { return {{0xc0000202}, {0x0a000000 + n}, 80, static_cast<uint16_t>(n)}; }

// At once: how many seals are computed together; argument.
void make_cookies(benchmark::State& state) {
  const tcp::SynCookies cookies({1}, kNow);
  const auto at_once = static_cast<size_t>(state.range(0));
  std::vector<tcp::SynCookies::Query> queries(at_once);
  std::vector<net::PrfBlock> seals(at_once);
  uint32_t n = 0;
  for (auto _ : state) {
    for (auto& query : queries) query = cookies.query_for_syn(tuple(n++).name());
    cookies.seal(queries, seals);
    for (const auto& seal : seals) benchmark::DoNotOptimize(cookies.make(seal, tcp::Seq{n}, kOffer, kTsNow));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(make_cookies)->Arg(1)->Arg(8)->Arg(64);

// The third segments of handshakes whose cookies are right.
void check_cookies(benchmark::State& state) {
  const tcp::SynCookies cookies({1}, kNow);
  const auto at_once = static_cast<size_t>(state.range(0));
  std::vector<tcp::Segment> thirds(at_once);
  std::vector<tcp::SynCookies::Query> queries(at_once);
  std::vector<net::PrfBlock> seals(at_once);
  for (uint32_t i = 0; i < at_once; ++i) {
    const auto query = cookies.query_for_syn(tuple(i).name());
    cookies.seal({&query, 1}, {&seals[i], 1});
    const tcp::Cookie cookie = cookies.make(seals[i], tcp::Seq{i}, kOffer, kTsNow);
    thirds[i].seq = tcp::Seq{i + 1};
    thirds[i].ack = cookie.iss + 1;
    thirds[i].flags = tcp::kAck;
    thirds[i].has_timestamps = true;
    thirds[i].ts_ecr = cookie.ts_val;
  }
  for (auto _ : state) {
    for (uint32_t i = 0; i < at_once; ++i) queries[i] = cookies.query_for_ack(tuple(i).name(), thirds[i].ack);
    cookies.seal(queries, seals);
    for (uint32_t i = 0; i < at_once; ++i) {
      if (!cookies.check(seals[i], thirds[i])) return state.SkipWithError("a right cookie was refused");
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(check_cookies)->Arg(1)->Arg(8)->Arg(64);

}  // namespace
}  // namespace tern::bench
