// SPDX-License-Identifier: BSD-3-Clause
// The clock of a worker: the time stamp counter times nanoseconds per cycle.
#include "net/dpdk/clock.hpp"

#include <rte_cycles.h>

namespace tern::net::dpdk {

namespace {

__extension__ using Wide = unsigned __int128;  // 64 bits of cycles times 32.32 would overflow within seconds

}  // namespace

Clock::Clock() : origin_(rte_rdtsc()), scale_((uint64_t{1'000'000'000} << 32) / rte_get_tsc_hz()) {}

Clock Clock::since_boot() {
  Clock clock;
  clock.origin_ = 0;
  return clock;
}

Instant Clock::now() const {
  const uint64_t cycles = rte_rdtsc() - origin_;
  return {static_cast<int64_t>((Wide{cycles} * scale_) >> 32)};
}

}  // namespace tern::net::dpdk
