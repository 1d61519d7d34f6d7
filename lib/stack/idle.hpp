// SPDX-License-Identifier: BSD-3-Clause
// What a worker does when there is nothing to do: go on polling, or give its core away for a while.
#pragma once

#include <cstdint>

#include "net/instant.hpp"

namespace tern::stack {

enum class IdleMode : uint8_t { kPoll, kAdaptive };

class Idle {
 public:
  // Rounds without work before the first sleep.
  static constexpr uint32_t kPatience = 512;
  // The first sleep; each is twice the one before.
  static constexpr net::Duration kShortest = std::chrono::microseconds(10);
  // The longest where frames wake the worker. It bounds what a lost interrupt costs, and how late those are
  // that have no timer in the wheel: TIME-WAITs and neighbours.
  static constexpr net::Duration kLongestWoken = std::chrono::milliseconds(10);

  // longest: of a sleep that frames do not end, so that one that comes meanwhile waits as long.
  Idle(IdleMode mode, net::Duration longest, bool woken_by_frames)
      : mode_(mode), longest_(woken_by_frames ? kLongestWoken : longest) {}

  // To be told of each round: how long to sleep after it, zero mostly. until_next: time to the next timer.
  net::Duration after_round(bool worked, net::Duration until_next);
  // To be told of work, or of a wake that promises some: patience begins anew.
  void restart();
  // Once on the worker's own thread: lets the kernel end sleeps when they are due, not 50 us later.
  static void prepare_thread();

 private:
  IdleMode mode_;
  net::Duration longest_;
  uint32_t idle_rounds_ = 0;
  net::Duration next_sleep_ = kShortest;
};

}  // namespace tern::stack
