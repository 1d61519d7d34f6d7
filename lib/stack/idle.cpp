// SPDX-License-Identifier: BSD-3-Clause
// What a worker does when there is nothing to do.
#include "stack/idle.hpp"

#include <sys/prctl.h>

#include <algorithm>

namespace tern::stack {

net::Duration Idle::after_round(bool worked, net::Duration until_next) {
  if (worked) {
    restart();
    return net::Duration::zero();
  }
  if (mode_ == IdleMode::kPoll || ++idle_rounds_ < kPatience) return net::Duration::zero();
  const net::Duration sleep = std::min(next_sleep_, until_next);
  next_sleep_ = std::min(2 * next_sleep_, longest_);
  return std::max(sleep, net::Duration::zero());
}

void Idle::restart() {
  idle_rounds_ = 0;
  next_sleep_ = kShortest;
}

void Idle::prepare_thread() { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

}  // namespace tern::stack
