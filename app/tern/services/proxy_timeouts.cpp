// SPDX-License-Identifier: BSD-3-Clause
// The proxy service: how long a session may stay in a phase, and how long its sides may be idle.
#include <algorithm>

#include "tern/services/proxy.hpp"

namespace tern::app {

namespace {
// How often those who wait for a backend are looked after when nothing else does: a place may come free
// through another service of the pool, or a backend through a check.
constexpr net::Duration kLookAfter = std::chrono::milliseconds(5);
// How often spare connections and drains are looked after: spares also after a backend has failed, so no
// sooner.
constexpr net::Duration kTendEvery = std::chrono::milliseconds(100);
}  // namespace

void Proxy::due() {
  for (uint32_t index; (index = timers_.expire(stack_->now())) != tcp::TimerWheel::kNone;) time_out(index);
  if (stack_->now() >= next_tending_) {
    next_tending_ = stack_->now() + kTendEvery;
    tend_spares();
    tend_drains();
  }
  serve_waiting();
  wake();
}

// The phase that the session is in, or enters, ends after this time.
void Proxy::limit(uint32_t index, net::Duration time) {
  sessions_[index].deadline = stack_->now() + time;
  arm(index);
}

// Its time is not limited any more, and it waits for no place.
void Proxy::unlimit(uint32_t index) {
  Session& session = sessions_[index];
  if (session.deadline.is_never()) return;
  session.deadline = net::Instant::never();
  if (session.phase != Phase::kWaiting) return;
  --upstream_->waiting;
  waiting_.remove(index);
}

// Sets its timer, which is left alone where it fires early enough already.
void Proxy::arm(uint32_t index) {
  const net::Instant when = due_at(sessions_[index]);
  if (when.is_never()) return;
  timers_.arm(index, when);
  stack_->wake_at(when);
}

net::Instant Proxy::idle_until(Session& session, Side side) const {
  if (session[side].connection == kNone) return net::Instant::never();
  const auto number = static_cast<size_t>(side);
  const bool half_closed = session[side].fin_passed || session[other(side)].fin_passed;
  const bool fin = half_closed && config_.fin_timeouts[number] != net::Duration::zero();
  const net::Duration timeout = fin ? config_.fin_timeouts[number] : config_.idle_timeouts[number];
  return timeout == net::Duration::zero() ? net::Instant::never() : session.active[number] + timeout;
}

net::Instant Proxy::due_at(Session& session) const {
  if (session.phase != Phase::kJoined) return session.deadline;
  return std::min(idle_until(session, Side::kClient), idle_until(session, Side::kServer));
}

void Proxy::time_out(uint32_t index) {
  Session& session = sessions_[index];
  if (due_at(session) > stack_->now()) return arm(index);  // it has moved on since
  switch (session.phase) {
    case Phase::kFree:
      return;
    case Phase::kHeader:
      return end(index, counters_.headers_timed_out);
    case Phase::kWaiting:
      return end(index, counters_.queue_timeouts);
    case Phase::kSpare:
      return drop_spare(index, &counters_.spares_aged);
    case Phase::kConnecting:
    case Phase::kOpening:
      ++counters_.connect_timeouts;
      unlimit(index);
      return abort(index, Side::kServer);  // closed() follows, and tries another for a client
    case Phase::kJoined:
      if (session[Side::kClient].fin_passed || session[Side::kServer].fin_passed)
        return end(index, counters_.fin_timeouts);
      return end(index, idle_until(session, Side::kClient) <= stack_->now() ? counters_.client_timeouts
                                                                            : counters_.server_timeouts);
    case Phase::kEnding:
      unlimit(index);
      abort(index, Side::kClient);
      return abort(index, Side::kServer);
  }
}

// Asks for due() when there will be something to do, whatever else asks for it.
void Proxy::wake() {
  net::Instant when = std::min(timers_.next_expiry(), next_tending_);
  if (!waiting_.empty()) when = std::min(when, stack_->now() + kLookAfter);
  stack_->wake_at(when);
}

}  // namespace tern::app
