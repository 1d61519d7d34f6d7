// SPDX-License-Identifier: BSD-3-Clause
// SYNs of connections that nobody will open.
#include <gtest/gtest.h>

#include <set>

#include "ternload/syn_flood.hpp"
#include "two_sides.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

TEST(SynFlood, AreAsManyAsAskedForAndEachFromAnotherAddress) {
  load::Options options = load_options(load::Mode::kFlood, 0);
  options.flood_rate = 10'000;
  load::Tally tally;
  Bench bench(bindings({{}, {}, std::make_unique<Script>()}));
  load::SynFlood flood(options, bench.port(), bench.headers, 1, tally);
  stack::Binding listening;
  listening.listen = {{kPeerAddress, 80}};
  listening.service = std::make_unique<Script>();
  Bench target(bindings(std::move(listening)), {.address = kPeerAddress});
  std::set<uint32_t> addresses;
  bench.poll();
  for (int i = 0; i < 1'000; ++i) {
    bench.now += 100us;
    flood.before_round(bench.worker(), bench.now);
    bench.poll();
    for (const SentFrame& frame : bench.collect()) {
      target.inject(frame.bytes);  // ARP is answered
      const auto syn = read_reply(frame);
      if (!syn) continue;
      addresses.insert(syn->tuple.local.value);
      EXPECT_TRUE(options.flood_sources.contains(syn->tuple.local));
      EXPECT_EQ(syn->tuple.remote, kPeerAddress);
      EXPECT_EQ(syn->seg.flags, tcp::kSyn);
      EXPECT_EQ(syn->to, target.mac());
    }
    target.now = bench.now;
    target.poll();
    for (const SentFrame& frame : target.collect()) {
      if (!read_reply(frame)) bench.inject(frame.bytes);
    }
  }
  EXPECT_NEAR(static_cast<double>(tally.flood_syns.value()), 1'000, 20);
  EXPECT_GT(addresses.size(), 900u);
  EXPECT_EQ(target.tcp().cookies_sent.value(), tally.flood_syns.value());
  EXPECT_EQ(target.connections(), 0u);
}

// What has come is taken first: what is left in the port's queue until there is no room may be a
// connection's.
TEST(SynFlood, WaitsForAQueueThatIsNotEmpty) {
  load::Options options = load_options(load::Mode::kFlood, 0);
  options.flood_rate = 1'000'000;
  load::Tally tally;
  Bench bench(bindings({{}, {}, std::make_unique<Script>()}));
  load::SynFlood flood(options, bench.port(), bench.headers, 1, tally);
  Bench target(bindings({{}, {}, std::make_unique<Script>()}), {.address = kPeerAddress});
  const auto round = [&] {
    bench.now += 100us;
    const uint64_t before = tally.flood_syns.value();
    flood.before_round(bench.worker(), bench.now);
    return tally.flood_syns.value() - before;
  };
  bench.poll();
  EXPECT_EQ(round(), 0u);  // it asks for the target's address
  bench.poll();
  for (const SentFrame& frame : bench.collect()) target.inject(frame.bytes);
  target.poll();
  for (const SentFrame& frame : target.collect()) bench.inject(frame.bytes);
  bench.poll();
  EXPECT_NE(round(), 0u);
  const std::vector<uint8_t> rubbish(60);
  for (uint32_t i = 0; i < stack::Ingress::kBurst; ++i) bench.inject(rubbish);
  bench.poll();
  EXPECT_EQ(round(), 0u);
  bench.poll();
  EXPECT_NE(round(), 0u);
}

}  // namespace
}  // namespace tern::test
