// SPDX-License-Identifier: BSD-3-Clause
// How packetdrill's two threads come in: one at a time; a call that must wait sleeps until the other thread's
// doings, packets or time, answer it.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "packetdrill/sockets.hpp"

namespace tern::packetdrill {

class Calls {
 public:
  Calls();
  ~Calls();
  // The one that packetdrill is using; null when it is not.
  static Calls* current();
  bool owns(int fd);

  // Runs a call that never waits, and what follows from it.
  Result run(const std::function<Result(Sockets&)>& attempt);
  // Runs one that waits while it returns kAgain, at most until a span has passed (none: for ever), but not
  // at all when waits is false. timed_out: what it then returns. The main thread cannot wait for itself: it
  // goes from timer to timer instead, and gets kAgain when none is left.
  Result run_waiting(bool waits, std::optional<net::Duration> span, Result timed_out,
                     const std::function<Result(Sockets&)>& attempt);

  // --- The clock and the link, which only the main thread has ---
  net::Instant read_clock();
  void pass(net::Duration span);
  void deliver(std::span<const uint8_t> packet);
  // The next packet sent; nothing when no timer is left that might send one.
  std::optional<SentPacket> next_packet();

 private:
  struct Waiter {
    const std::function<Result(Sockets&)>* attempt;
    net::Instant deadline;
    Result timed_out;
    std::optional<Result> result;
    net::Instant finished;
    bool foreign = false;  // not the main thread's
  };

  void settle();
  void answer_waiters();
  void advance(net::Instant t);
  bool advance_to_next_event();
  net::Instant next_event();

  std::mutex mutex_;
  std::condition_variable answered_;
  Sockets sockets_;
  std::list<Waiter*> waiters_;
  std::thread::id main_;
  net::Instant clock_;
  bool answering_ = false;
  int returning_ = 0;  // calls of other threads, answered, whose threads have not asked for the time since
};

}  // namespace tern::packetdrill
