// SPDX-License-Identifier: BSD-3-Clause
// Counters and points in time: the small types that everything else counts and measures with.
#include "net/counter.hpp"

#include <gtest/gtest.h>

#include "net/byte_order.hpp"
#include "net/instant.hpp"

namespace tern::net {
namespace {

using namespace std::chrono_literals;

TEST(Counter, CountsUpAndDown) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0u);
  counter.add(5);
  ++counter;
  --counter;
  counter.subtract(2);
  EXPECT_EQ(counter.value(), 3u);
  counter.set(9);
  EXPECT_EQ(counter.value(), 9u);
}

TEST(Instant, MovesBySpansAndMeasuresThem) {
  Instant t{1'500'000'000};
  EXPECT_EQ((t + 200ms).milliseconds(), 1700);
  EXPECT_EQ((t - 1s).microseconds(), 500'000);
  EXPECT_EQ((t + 3us) - t, 3us);
  t += 1ns;
  EXPECT_EQ(t.ns, 1'500'000'001);
}

TEST(Instant, NeverIsLaterThanAll) {
  EXPECT_TRUE(Instant::never().is_never());
  EXPECT_LT(Instant{INT64_MAX - 1}, Instant::never());
  EXPECT_FALSE(Instant{}.is_never());
}

TEST(ByteOrder, MostSignificantByteLiesFirst) {
  uint8_t bytes[7] = {};
  store_be16(bytes + 1, 0x0102);
  store_be32(bytes + 3, 0x03040506);
  for (uint8_t i = 0; i < 7; ++i) EXPECT_EQ(bytes[i], i);
  EXPECT_EQ(load_be16(bytes + 1), 0x0102);
  EXPECT_EQ(load_be32(bytes + 3), 0x03040506u);
}

}  // namespace
}  // namespace tern::net
