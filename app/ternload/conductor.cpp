// SPDX-License-Identifier: BSD-3-Clause
// Leads a run.
#include "ternload/conductor.hpp"

#include <time.h>

#include <algorithm>
#include <stdexcept>

namespace tern::load {

using namespace std::chrono_literals;

Signals::Signals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGINT);
  sigaddset(&set_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

bool Signals::wait(net::Duration duration) const {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t ns = std::max<int64_t>(duration.count(), 0);
  const timespec limit{ns / kSecond, ns % kSecond};
  return sigtimedwait(&set_, nullptr, &limit) > 0;
}

void Loop::operator()() {
  net::Instant last = clock_.now();
  worker_.poll_once(last);  // a worker's time is that of its last round
  bool worked = false;
  while (!stop_.load(std::memory_order_relaxed)) {
    const net::Instant now = clock_.now();
    if (worked) tally_.busy_ns.add(static_cast<uint64_t>((now - last).count()));
    last = now;
    traffic_.before_round(worker_, now);
    const bool flooded = flood_ != nullptr && flood_->before_round(worker_, now);
    worked = worker_.poll_once(now) || flooded;
    if (traffic_.done()) done_.store(true, std::memory_order_relaxed);
  }
  worker_.abort_all();
}

Conductor::Conductor(const Options& options, const Signals& signals, Rig& rig, stack::Worker& worker,
                     Traffic& traffic, SynFlood* flood, Tally& tally)
    : options_(options),
      signals_(signals),
      rig_(rig),
      worker_(worker),
      traffic_(traffic),
      tally_(tally),
      loop_(worker, traffic, flood, tally, rig.clock()),
      progress_(options) {}

Result Conductor::conduct() {
  Result result;
  result.interrupted = await_link();
  if (result.interrupted) return result;
  worker_.announce();
  Snapshot before = tally_.read(rig_.clock().now());
  std::vector<uint64_t> tcp_before = tcp_counters();
  progress_.note(before, is_limited());
  rig_.eal().launch(0, [this] { loop_(); });
  result.interrupted = await_connections() || (!is_limited() && pass(options_.warm_up, false));
  if (!is_limited()) {
    before = tally_.read(rig_.clock().now());
    tcp_before = tcp_counters();
  }
  if (!result.interrupted) result.interrupted = pass(options_.duration, true);
  const Snapshot after = tally_.read(rig_.clock().now());
  const std::vector<uint64_t> tcp_after = tcp_counters();
  result.measured = after.since(before);
  result.took = after.at - before.at;
  worker_.tcp_counters().for_each([&](const auto& about, uint64_t) {
    const size_t index = result.tcp.size();
    result.tcp.emplace_back(about.name, tcp_after[index] - tcp_before[index]);
  });
  traffic_.drain();
  for (int i = 0; i < 200 && !loop_.done(); ++i) {
    if (signals_.wait(10ms)) break;
  }
  loop_.stop();
  rig_.eal().wait(0);
  result.samples = progress_.take_samples();
  return result;
}

// What is limited in number is measured from its first SYN to its last response.
bool Conductor::is_limited() const { return options_.most_connections != 0 || options_.most_requests != 0; }

// A memif has a link once its peer is there; others say nothing that could be relied on. Returns whether a
// signal came.
bool Conductor::await_link() {
  for (int i = 0; i < 500 && options_.port.is_memif() && !rig_.port().link_up(); ++i) {
    if (signals_.wait(10ms)) return true;
  }
  if (options_.port.is_memif() && !rig_.port().link_up()) {
    throw std::runtime_error(
        "nobody is at the other end of the memif after 5 seconds: is the peer running, with the other role "
        "and the same socket?");
  }
  return false;
}

// Warm-up begins when the server has answered for the first time, or all connections that are to be held are
// there, or ten seconds on. Returns whether a signal came.
bool Conductor::await_connections() {
  const uint64_t wanted = options_.mode == Mode::kConcurrent ? options_.connections : 1;
  if (options_.mode == Mode::kFlood) return false;
  const net::Instant limit = rig_.clock().now() + 10s;
  for (;;) {
    if (tally_.connections_opened.value() >= wanted || loop_.done()) return false;
    // Where many are to be opened it takes as long as it takes, while they come.
    const net::Instant now = rig_.clock().now();
    if (now > limit && (wanted == 1 || tally_.connections_opened.value() == 0)) return false;
    if (now >= progress_.due()) progress_.note(tally_.read(now), false);
    if (signals_.wait(5ms)) return true;
  }
}

// Until so much time has passed, or all is done (then false), or a signal comes (then true).
bool Conductor::pass(net::Duration duration, bool measured) {
  const net::Instant end = rig_.clock().now() + duration;
  bool signal = false;
  net::Instant now = rig_.clock().now();
  for (; now < end && !signal && !loop_.done(); now = rig_.clock().now()) {
    signal = signals_.wait(std::min({end - now, progress_.due() - now, net::Duration(50ms)}));
    now = rig_.clock().now();
    if (now >= progress_.due()) progress_.note(tally_.read(now), measured);
  }
  return signal;
}

std::vector<uint64_t> Conductor::tcp_counters() const {
  std::vector<uint64_t> values;
  worker_.tcp_counters().for_each([&](const auto&, uint64_t value) { values.push_back(value); });
  return values;
}

}  // namespace tern::load
