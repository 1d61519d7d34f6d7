// SPDX-License-Identifier: BSD-3-Clause
// The clock of an open loop: when each arrival is meant to happen, whether or not anyone is ready for it.
#pragma once

#include <cmath>
#include <cstdint>

#include "net/instant.hpp"

namespace tern::load {

// So many arrivals a second at even distances, growing to that number over a ramp. Whoever is late with an
// arrival measures from when it was meant to be: so that a server which stalls is charged for all that would
// have come meanwhile, not only for the one request that it kept waiting (coordinated omission).
class Schedule {
 public:
  Schedule() = default;
  Schedule(double per_second, net::Duration ramp)
      : interval_(1e9 / per_second),
        ramp_(static_cast<double>(ramp.count())),
        in_ramp_(static_cast<uint64_t>(ramp_ / interval_ / 2)) {}

  bool open_loop() const { return interval_ != 0; }
  void start(net::Instant at) { start_ = next_ = at, taken_ = 0; }
  // When the next arrival is meant to be.
  net::Instant next() const { return next_; }
  void take() { next_ = time_of(++taken_); }
  // Arrivals that were due by now and have not been taken.
  uint64_t late(net::Instant now) const {
    if (!open_loop() || next_ > now) return 0;
    return static_cast<uint64_t>(static_cast<double>((now - next_).count()) / interval_) + 1;
  }

 private:
  // In the ramp the rate grows in proportion to time, and so the count to its square.
  net::Instant time_of(uint64_t n) const {
    const double count = static_cast<double>(n);
    const double ns = n < in_ramp_ ? std::sqrt(2 * ramp_ * interval_ * count) : ramp_ / 2 + interval_ * count;
    return start_ + net::Duration(static_cast<int64_t>(ns));
  }

  double interval_ = 0;   // nanoseconds
  double ramp_ = 0;       // nanoseconds
  uint64_t in_ramp_ = 0;  // arrivals
  net::Instant start_, next_;
  uint64_t taken_ = 0;
};

}  // namespace tern::load
