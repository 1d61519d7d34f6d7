// SPDX-License-Identifier: BSD-3-Clause
// The order of four-tuples: each once, before any comes again.
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "ternload/four_tuples.hpp"

namespace tern::load {
namespace {

constexpr net::FourTuple kRemote{{}, {0xc0000202}, 0, 80};

TEST(FourTuples, EachComesOnceInARound) {
  FourTuples tuples({0xc0000210}, 3, 1000, 1004, kRemote, 7);
  ASSERT_EQ(tuples.count(), 15u);
  std::set<std::pair<uint32_t, uint16_t>> seen;
  const net::FourTuple first = tuples.next();
  seen.emplace(first.local.value, first.local_port);
  for (int i = 1; i < 15; ++i) {
    const net::FourTuple tuple = tuples.next();
    EXPECT_GE(tuple.local.value, 0xc0000210);
    EXPECT_LE(tuple.local.value, 0xc0000212);
    EXPECT_GE(tuple.local_port, 1000);
    EXPECT_LE(tuple.local_port, 1004);
    EXPECT_EQ(tuple.remote, kRemote.remote);
    EXPECT_EQ(tuple.remote_port, 80);
    EXPECT_TRUE(seen.emplace(tuple.local.value, tuple.local_port).second);
  }
  EXPECT_EQ(tuples.next(), first);
}

TEST(FourTuples, AllPortsOfOneAddress) {
  FourTuples tuples({0xc0000210}, 1, 1, 65'535, kRemote, 65'534);
  EXPECT_EQ(tuples.next().local_port, 65'535);
  EXPECT_EQ(tuples.next().local_port, 1);
}

}  // namespace
}  // namespace tern::load
