// SPDX-License-Identifier: BSD-3-Clause
// How packetdrill's two threads come in.
#include "packetdrill/calls.hpp"

#include <algorithm>

namespace tern::packetdrill {

namespace {
// A call that had to wait ended at this time; its thread reads the clock next, to judge how long it took, and
// by then the other may have moved it on.
thread_local std::optional<net::Instant> finished_at;

Calls* in_use = nullptr;
}  // namespace

Calls* Calls::current() { return in_use; }

Calls::~Calls() { in_use = nullptr; }

bool Calls::owns(int fd) {
  const std::lock_guard lock(mutex_);
  return sockets_.owns(fd);
}

Calls::Calls() : main_(std::this_thread::get_id()), clock_(sockets_.host().now()) {
  in_use = this;
  sockets_.host().after_round = [this] { answer_waiters(); };
}

void Calls::settle() { sockets_.host().round(); }

Result Calls::run(const std::function<Result(Sockets&)>& attempt) {
  const std::lock_guard lock(mutex_);
  advance(clock_);
  const Result result = attempt(sockets_);
  settle();
  return result;
}

Result Calls::run_waiting(bool waits, std::optional<net::Duration> span, Result timed_out,
                          const std::function<Result(Sockets&)>& attempt) {
  std::unique_lock lock(mutex_);
  advance(clock_);
  const Result result = attempt(sockets_);
  settle();
  if (result != kAgain || !waits) return result == kAgain && span ? timed_out : result;

  Waiter waiter{&attempt,  span ? clock_ + *span : net::Instant::never(),
                timed_out, std::nullopt,
                clock_,    std::this_thread::get_id() != main_};
  waiters_.push_back(&waiter);
  if (std::this_thread::get_id() == main_) {
    while (!waiter.result && advance_to_next_event()) {
    }
    if (!waiter.result) waiters_.remove(&waiter);
    return waiter.result.value_or(kAgain);
  }
  answered_.wait(lock, [&] { return waiter.result.has_value(); });
  finished_at = waiter.finished;
  return *waiter.result;
}

// Asks again those that wait. What they do may answer others.
void Calls::answer_waiters() {
  if (std::exchange(answering_, true)) return;
  bool progress = true;
  while (progress) {
    progress = false;
    for (auto it = waiters_.begin(); it != waiters_.end();) {
      Waiter& waiter = **it;
      Result result = (*waiter.attempt)(sockets_);
      if (result == kAgain && sockets_.host().now() >= waiter.deadline) result = waiter.timed_out;
      if (result == kAgain) {
        ++it;
        continue;
      }
      waiter.result = result;
      waiter.finished = sockets_.host().now();
      if (waiter.foreign) ++returning_;
      it = waiters_.erase(it);
      progress = true;
    }
    if (!sockets_.host().core().ready.empty()) sockets_.host().round();
  }
  answering_ = false;
  answered_.notify_all();
}

net::Instant Calls::next_event() {
  net::Instant next = sockets_.host().next_timer();
  for (const Waiter* waiter : waiters_) next = std::min(next, waiter->deadline);
  return next;
}

bool Calls::advance_to_next_event() {
  const net::Instant next = next_event();
  if (next.is_never()) return false;
  advance(std::max(next, clock_));
  return true;
}

void Calls::advance(net::Instant t) {
  while (next_event() <= t) {
    sockets_.host().advance(std::max(next_event(), sockets_.host().now()));
    answer_waiters();
  }
  sockets_.host().advance(t);
  clock_ = std::max(clock_, t);
}

net::Instant Calls::read_clock() {
  const std::lock_guard lock(mutex_);
  if (finished_at) {
    --returning_;
    answered_.notify_all();
    return *std::exchange(finished_at, std::nullopt);
  }
  return clock_ += std::chrono::microseconds(1);
}

// A call that was answered gets on meanwhile, as it would in a pause of real time: first its thread asks for
// the time, then it takes packetdrill's own lock, which nobody here can see.
void Calls::pass(net::Duration span) {
  std::unique_lock lock(mutex_);
  advance(clock_ + span);
  if (returning_ == 0) return;
  answered_.wait_for(lock, std::chrono::milliseconds(100), [this] { return returning_ == 0; });
  lock.unlock();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Calls::deliver(std::span<const uint8_t> packet) {
  const std::lock_guard lock(mutex_);
  advance(clock_);
  sockets_.host().receive(packet);
  settle();
}

std::optional<SentPacket> Calls::next_packet() {
  const std::lock_guard lock(mutex_);
  advance(clock_);
  auto& sent = sockets_.host().sent;
  while (sent.empty()) {
    if (!advance_to_next_event()) return std::nullopt;
  }
  SentPacket packet = std::move(sent.front());
  sent.pop_front();
  return packet;
}

}  // namespace tern::packetdrill
