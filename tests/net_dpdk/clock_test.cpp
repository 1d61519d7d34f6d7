// SPDX-License-Identifier: BSD-3-Clause
// The clock of a worker.
#include "net/dpdk/clock.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace tern::net::dpdk {
namespace {

TEST(Clock, NeverGoesBack) {
  const Clock clock;
  Instant last = clock.now();
  EXPECT_GE(last.ns, 0);
  for (int i = 0; i < 100'000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

// The two clocks are read one inside the other, so the bounds hold whatever the machine does in between; 1 %
// is for the calibration of the counter.
TEST(Clock, AgreesWithTheKernelsClock) {
  using Kernel = std::chrono::steady_clock;
  const auto before_start = Kernel::now();
  const Clock clock;
  const auto outer_begin = Kernel::now();
  const Instant begin = clock.now();
  const auto inner_begin = Kernel::now();
  while (Kernel::now() - inner_begin < std::chrono::milliseconds(20)) {
  }
  const auto inner_end = Kernel::now();
  const Instant end = clock.now();
  const auto outer_end = Kernel::now();
  EXPECT_LE((end - Instant{}) * 0.99, outer_end - before_start);  // it counts from its making
  EXPECT_GE((end - begin) * 1.01, inner_end - inner_begin);
  EXPECT_LE((end - begin) * 0.99, outer_end - outer_begin);
}

}  // namespace
}  // namespace tern::net::dpdk
