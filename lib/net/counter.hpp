// SPDX-License-Identifier: BSD-3-Clause
// A counter that one thread writes and any thread reads.
#pragma once

#include <cstdint>

namespace tern::net {

// Written by its owner only, so without a lock prefix; read by the control thread.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void add(uint64_t n) {
#ifdef __x86_64__
    asm("addq %1, %0" : "+m"(value_) : "er"(n));  // of an atomic load and store the compiler makes three
#else
    set(value() + n);
#endif
  }
  void subtract(uint64_t n) { add(~n + 1); }
  void operator++() { add(1); }
  void operator--() { subtract(1); }
  void set(uint64_t n) { __atomic_store_n(&value_, n, __ATOMIC_RELAXED); }
  uint64_t value() const { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }

 private:
  uint64_t value_ = 0;
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
