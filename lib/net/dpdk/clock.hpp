// SPDX-License-Identifier: BSD-3-Clause
// The one clock of a worker: the processor's time stamp counter, as an Instant since start.
#pragma once

#include <cstdint>

#include "net/instant.hpp"

namespace tern::net::dpdk {

class Clock {
 public:
  Clock();  // calibrated by EAL; begins with this process
  // Begins with the machine, so that what is reckoned from it goes on where an earlier process was.
  static Clock since_boot();
  Instant now() const;

 private:
  uint64_t origin_;
  uint64_t scale_;  // nanoseconds per cycle, 32.32 fixed point
};

}  // namespace tern::net::dpdk
