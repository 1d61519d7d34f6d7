// SPDX-License-Identifier: BSD-3-Clause
// Leads a run from the control thread: begins it, watches the clock and the signals, ends it.
#pragma once

#include <signal.h>

#include <array>
#include <atomic>

#include "ternload/progress.hpp"
#include "ternload/rig.hpp"
#include "ternload/run.hpp"
#include "ternload/syn_flood.hpp"
#include "ternload/traffic.hpp"

namespace tern::load {

// SIGINT and SIGTERM, blocked before any thread is made so that only wait() sees them.
class Signals {
 public:
  Signals();
  // Sleeps so long, or until a signal comes: then true.
  bool wait(net::Duration duration) const;

 private:
  sigset_t set_;
};

// The worker's thread: polls until it is told to stop, then resets what is still open.
class Loop {
 public:
  Loop(stack::Worker& worker, Traffic& traffic, SynFlood* flood, Tally& tally, const net::dpdk::Clock& clock)
      : worker_(worker), traffic_(traffic), flood_(flood), tally_(tally), clock_(clock) {}
  void operator()();
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  bool done() const { return done_.load(std::memory_order_relaxed); }

 private:
  stack::Worker& worker_;
  Traffic& traffic_;
  SynFlood* flood_;  // null: none
  Tally& tally_;
  const net::dpdk::Clock& clock_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> done_ = false;
};

class Conductor {
 public:
  Conductor(const Options& options, const Signals& signals, Rig& rig, stack::Worker& worker, Traffic& traffic,
            SynFlood* flood, Tally& tally);
  Result conduct();

 private:
  bool is_limited() const;
  bool await_link();
  bool await_connections();
  bool pass(net::Duration duration, bool measured);
  std::vector<uint64_t> tcp_counters() const;

  const Options& options_;
  const Signals& signals_;
  Rig& rig_;
  stack::Worker& worker_;
  Traffic& traffic_;
  const Tally& tally_;
  Loop loop_;
  Progress progress_;
};

}  // namespace tern::load
