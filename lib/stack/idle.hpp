// SPDX-License-Identifier: BSD-3-Clause
// What a worker does when there is nothing to do: go on polling, or give its core away for a moment.
#pragma once

#include <cstdint>

#include "net/instant.hpp"

namespace tern::stack {

enum class IdleMode : uint8_t { kPoll, kAdaptive };

class Idle {
 public:
  // Rounds without work before the first sleep.
  static constexpr uint32_t kPatience = 512;
  // The first sleep and the longest; each is twice the one before. A frame that comes meanwhile waits as
  // long.
  static constexpr net::Duration kShortest = std::chrono::microseconds(10);
  static constexpr net::Duration kLongest = std::chrono::microseconds(100);

  explicit Idle(IdleMode mode) : mode_(mode) {}

  // To be told of each round: how long to sleep after it, zero mostly. until_next: time to the next timer.
  net::Duration after_round(bool worked, net::Duration until_next);
  // Once on the worker's own thread: lets the kernel end sleeps when they are due, not 50 us later.
  static void prepare_thread();
  static void sleep(net::Duration duration);

 private:
  IdleMode mode_;
  uint32_t idle_rounds_ = 0;
  net::Duration next_sleep_ = kShortest;
};

}  // namespace tern::stack
