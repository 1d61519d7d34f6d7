// SPDX-License-Identifier: BSD-3-Clause
// Two ends and a bad network in virtual time, from seeds. TERN_SEEDS says how many (1000), TERN_SEED runs
// one.
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/two_ends.hpp"

namespace tern::test {
namespace {

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST(TwoEnds, ExchangeWhatTheyWriteAndEndWhateverTheNetworkDoes) {
  const uint64_t one = number_from("TERN_SEED", 0);
  const uint64_t first = one != 0 ? one : 1;
  const uint64_t last = one != 0 ? one : number_from("TERN_SEEDS", 1000);
  uint64_t opened = 0, queued = 0, waited = 0, complete = 0, retransmissions = 0, expected = 0, bytes = 0;
  uint64_t fast_opens = 0, outlived = 0;
  uint64_t marks = 0, echoes = 0, undone = 0, narrowed = 0, probes = 0, chosen = 0, in_order = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    const Scenario s = scenario(seed);
    const Result result = run(s, seed);
    EXPECT_EQ(result.fault, "") << "TERN_SEED=" << seed << "\n" << to_string(s);
    if (HasFailure()) break;
    opened += result.opened;
    complete += result.complete;
    queued += result.queued;
    waited += result.waited;
    retransmissions += result.retransmissions;
    expected += result.expected;
    bytes += result.bytes;
    fast_opens += result.fast_opens;
    marks += result.congestion_marks;
    echoes += result.congestion_echoes;
    undone += result.losses_undone;
    narrowed += result.paths_narrowed;
    probes += result.mtu_probes;
    chosen += result.options_chosen;
    in_order += result.in_order;
    outlived += result.complete && result.opened && !result.in_order;
  }
  RecordProperty("bytes", static_cast<int>(bytes));
  if (one != 0 || HasFailure()) return;
  // The scenarios must be worth something: nearly all open, half from the SYN queue and a quarter by an
  // accept call, most end politely, many lose and many use the fast path.
  const uint64_t seeds = last - first + 1;
  EXPECT_GE(opened * 100, seeds * 95);
  EXPECT_GE(queued * 100, seeds * 45);
  EXPECT_GE(waited * 100, seeds * 20);
  EXPECT_GE(complete * 100, seeds * 60);
  EXPECT_GE(in_order * 100, seeds * 60);
  EXPECT_LE(outlived * 500, seeds);
  EXPECT_GE(retransmissions, seeds);
  EXPECT_GE(fast_opens * 100, seeds * 12);
  EXPECT_GE(expected, 10 * seeds);
  EXPECT_GE(marks * 10, seeds);
  EXPECT_GE(echoes * 10, seeds);
  EXPECT_GE(undone * 10, seeds);
  EXPECT_GE(narrowed * 50, seeds);
  EXPECT_GE(probes * 20, seeds);
  EXPECT_GE(chosen * 2, seeds);
}

// Whatever a connection is about to do, having slept makes no difference to it.
TEST(TwoEnds, GoOnAsIfTheyHadNotSlept) {
  const uint64_t one = number_from("TERN_SEED", 0);
  const uint64_t first = one != 0 ? one : 1;
  const uint64_t last = one != 0 ? one : number_from("TERN_SEEDS", 1000) / 5;
  uint64_t woken = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    Scenario s = scenario(seed);
    const Result awake = run(s, seed);
    s.active.sleeps = s.passive.sleeps = true;
    EXPECT_EQ(run(s, seed, &woken), awake) << "TERN_SEED=" << seed << "\n" << to_string(s);
    if (HasFailure()) return;
  }
  EXPECT_TRUE(one != 0 || woken >= 5 * last) << woken;
}

}  // namespace
}  // namespace tern::test
