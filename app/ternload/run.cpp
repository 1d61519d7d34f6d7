// SPDX-License-Identifier: BSD-3-Clause
// A run.
#include "ternload/run.hpp"

#include <signal.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>

#include "ternload/exchange.hpp"
#include "ternload/rig.hpp"

namespace tern::load {

namespace {

using namespace std::chrono_literals;

// SIGINT and SIGTERM, blocked before any thread is made so that only wait() sees them.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  // Sleeps so long, or until a signal comes: then true.
  bool wait(net::Duration duration) const {
    const auto ns = std::max<int64_t>(duration.count(), 0);
    const timespec limit{ns / 1'000'000'000, ns % 1'000'000'000};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_;
};

uint64_t random_start() {
  uint64_t start = 0;
  if (getrandom(&start, sizeof start, 0) != sizeof start) return 0;
  return start;
}

// The worker's thread: polls until stop, then resets what is still open.
class Loop {
 public:
  Loop(stack::Worker& worker, Exchange& exchange, const net::dpdk::Clock& clock)
      : worker_(worker), exchange_(exchange), clock_(clock) {}

  void operator()() {
    worker_.poll_once(clock_.now());  // a worker's time is that of its last round
    while (!stop.load(std::memory_order_relaxed)) {
      const net::Instant now = clock_.now();
      exchange_.before_round(worker_, now);
      worker_.poll_once(now);
      if (exchange_.done()) {
        done.store(true, std::memory_order_relaxed);
      }
    }
    worker_.abort_all();
  }

  std::atomic<bool> stop = false;
  std::atomic<bool> done = false;

 private:
  stack::Worker& worker_;
  Exchange& exchange_;
  const net::dpdk::Clock& clock_;
};

class Conductor {
 public:
  Conductor(const Options& options, const Signals& signals, Rig& rig, stack::Worker& worker,
            Exchange& exchange, const Tally& tally)
      : options_(options),
        signals_(signals),
        rig_(rig),
        worker_(worker),
        exchange_(exchange),
        tally_(tally),
        loop_(worker, exchange, rig.clock()) {}

  Result conduct() {
    if (await_link()) return Result{.measured = {}, .took = {}, .interrupted = true};
    worker_.announce();
    const Snapshot begun = tally_.read(rig_.clock().now());
    rig_.eal().launch(0, [this] { loop_(); });
    Result result;
    result.interrupted = await_first_connection() || (!is_limited() && pass(options_.warm_up));
    const Snapshot before = is_limited() ? begun : tally_.read(rig_.clock().now());
    if (!result.interrupted) result.interrupted = pass(options_.duration);
    const Snapshot after = tally_.read(rig_.clock().now());
    result.measured = after.since(before);
    result.took = after.at - before.at;
    exchange_.drain();
    for (int i = 0; i < 100 && !loop_.done.load(std::memory_order_relaxed); ++i) {
      if (signals_.wait(10ms)) break;
    }
    loop_.stop = true;
    rig_.eal().wait(0);
    return result;
  }

 private:
  // What is limited in number is measured from its first SYN to its last response.
  bool is_limited() const { return options_.most_connections != 0 || options_.most_requests != 0; }

  // A memif has a link once its peer is there; others say nothing that could be relied on. True: a signal
  // came.
  bool await_link() {
    for (int i = 0; i < 500 && options_.port.is_memif() && !rig_.port().link_up(); ++i) {
      if (signals_.wait(10ms)) return true;
    }
    if (options_.port.is_memif() && !rig_.port().link_up()) {
      throw std::runtime_error(
          "nobody is at the other end of the memif after 5 seconds: is the peer running, with "
          "the other role and the same socket?");
    }
    return false;
  }

  // What is measured begins when the server has answered for the first time, or cannot be reached.
  bool await_first_connection() {
    for (int i = 0; i < 1000; ++i) {
      if (tally_.connections_opened.value() != 0 || loop_.done.load(std::memory_order_relaxed)) return false;
      if (signals_.wait(5ms)) return true;
    }
    return false;
  }

  // Until so much time has passed, all is done (then false), or a signal comes (then true).
  bool pass(net::Duration duration) {
    const net::Instant end = rig_.clock().now() + duration;
    for (net::Instant now = rig_.clock().now(); now < end; now = rig_.clock().now()) {
      if (loop_.done.load(std::memory_order_relaxed)) return false;
      if (signals_.wait(std::min<net::Duration>(end - now, 50ms))) return true;
    }
    return false;
  }

  const Options& options_;
  const Signals& signals_;
  Rig& rig_;
  stack::Worker& worker_;
  Exchange& exchange_;
  const Tally& tally_;
  Loop loop_;
};

}  // namespace

Result run(const Options& options, const std::string& program) {
  const Signals signals;
  Tally tally;
  Rig rig(options, program);
  auto owned = std::make_unique<Exchange>(options, slots_for(options), random_start(), tally);
  Exchange& exchange = *owned;
  stack::Worker& worker = rig.make_worker(std::move(owned));
  return Conductor(options, signals, rig, worker, exchange, tally).conduct();
}

}  // namespace tern::load
