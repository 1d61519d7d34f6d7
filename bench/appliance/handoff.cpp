// SPDX-License-Identifier: BSD-3-Clause
// How long a cache line takes from one CPU to another, which decides what any two programs on them can do
// together:
//
//   handoff CPU CPU
//
// Prints nanoseconds, the median of several measurements. Virtual CPUs move between physical ones, and two
// threads that wake each other often are brought together; so two threads do that for half a second first.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
    std::fprintf(stderr, "handoff: cannot run on CPU %d\n", cpu);
    std::exit(1);
  }
}

void on_both(int first, int second, const std::function<void()>& one, const std::function<void()>& other) {
  pin(first);
  std::thread thread([&] {
    pin(second);
    other();
  });
  one();
  thread.join();
}

// One byte back and forth through two pipes.
void bring_together(int first, int second) {
  std::array<int, 2> there{}, back{};
  if (pipe(there.data()) != 0 || pipe(back.data()) != 0) std::exit(1);
  const auto one = [&] {
    const auto end = Clock::now() + std::chrono::milliseconds(500);
    char byte = 0;
    while (Clock::now() < end && write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1) {
    }
    close(there[1]);
  };
  const auto other = [&] {
    char byte = 0;
    while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {
    }
  };
  on_both(first, second, one, other);
}

double measure(int first, int second) {
  constexpr int kTurns = 20'000;
  alignas(128) std::atomic<int> ball = 0;
  double nanoseconds = 0;
  const auto one = [&] {
    const auto began = Clock::now();
    for (int turn = 0; turn < kTurns; ++turn) {
      ball.store(2 * turn + 1, std::memory_order_release);
      while (ball.load(std::memory_order_acquire) != 2 * turn + 2) {
      }
    }
    nanoseconds = std::chrono::duration<double, std::nano>(Clock::now() - began).count() / (2 * kTurns);
  };
  const auto other = [&] {
    for (int turn = 0; turn < kTurns; ++turn) {
      while (ball.load(std::memory_order_acquire) != 2 * turn + 1) {
      }
      ball.store(2 * turn + 2, std::memory_order_release);
    }
  };
  on_both(first, second, one, other);
  return nanoseconds;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "usage: handoff CPU CPU\n");
    return 2;
  }
  const int first = std::atoi(words[1]), second = std::atoi(words[2]);
  bring_together(first, second);
  std::array<double, 5> times{};
  for (double& time : times) time = measure(first, second);
  std::ranges::sort(times);
  std::printf("%.0f\n", times[times.size() / 2]);
  return 0;
}
