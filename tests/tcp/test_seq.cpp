// SPDX-License-Identifier: BSD-3-Clause
// The order of sequence numbers modulo 2^32. RFC 9293 section 3.4.
#include "tcp/seq.hpp"

#include <gtest/gtest.h>

namespace tern::tcp {
namespace {

TEST(Seq, OrderHoldsAcrossTheWrap) {
  for (const uint32_t base : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu}) {
    const Seq a{base};
    for (const uint32_t distance : {1u, 2u, 0xffffu, 0x7fffffffu}) {
      const Seq b = a + distance;
      EXPECT_TRUE(a < b && b > a && a <= b && b >= a);
      EXPECT_FALSE(b < a || a > b || b <= a || a >= b || a == b);
      EXPECT_EQ(b - a, distance);
      EXPECT_EQ(b - distance, a);
      EXPECT_EQ(later(a, b), b);
      EXPECT_EQ(earlier(a, b), a);
    }
    EXPECT_TRUE(a <= a && a >= a);
    EXPECT_FALSE(a < a || a > a);
  }
}

}  // namespace
}  // namespace tern::tcp
