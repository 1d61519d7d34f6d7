// SPDX-License-Identifier: BSD-3-Clause
// A counter that one thread writes and any thread reads.
#pragma once

#include <atomic>
#include <cstdint>

namespace tern::net {

// Written by its owner only: a relaxed load and store, so no lock prefix; read by the control thread.
class Counter {
 public:
  void add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(uint64_t n) { add(~n + 1); }
  void operator++() { add(1); }
  void operator--() { subtract(1); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What a counter is called and means.
struct CounterDescription {
  const char* name;  // snake_case, unique in its group
  const char* unit;  // "segments", "frames", "bytes", "connections"
  const char* help;  // a sentence
};

// The members of a struct that has a list of counters: the list is a macro of a line X(name, unit, sentence)
// each. Its for_each calls visit(description, value) for all of them in that order.
#define TERN_COUNTERS_OF(LIST)         \
  LIST(TERN_COUNTER_MEMBER)            \
  template <typename Visit>            \
  void for_each(Visit&& visit) const { \
    LIST(TERN_COUNTER_VISIT)           \
  }
#define TERN_COUNTER_MEMBER(name, unit, help) ::tern::net::Counter name;
#define TERN_COUNTER_VISIT(name, unit, help) \
  visit(::tern::net::CounterDescription{#name, unit, help}, (name).value());

}  // namespace tern::net
