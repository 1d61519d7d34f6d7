// SPDX-License-Identifier: BSD-3-Clause
// What a worker's connections take in memory, and how many there may be of what.
#pragma once

#include <cstdint>

namespace tern::stack {

struct WorkerOptions;

// Of each kind: how many, and bytes for one.
struct Footprint {
  struct Part {
    uint32_t count = 0;
    uint64_t bytes = 0;
    uint64_t all() const { return count * bytes; }
  };
  Part connections;  // whatever they do: place in the table, path, timer, what outlasts sleep
  Part busy;         // more for those that are awake
  Part windows;      // more for those whose congestion window has a past: tcp::CongestionState
  Part time_waits;
  uint64_t shared = 0;  // what few connections need at a time, all of it

  Footprint() = default;
  // bbr: whether a service uses it.
  Footprint(const WorkerOptions& options, bool bbr);
  uint64_t total() const;
  // Bytes for each connection, but for its TIME-WAIT, when there are as many as there may be.
  uint64_t per_connection() const;
};

// How many connections of a worker may need one of these at a time; more do without, each as its kind allows.
constexpr uint32_t kReassemblies = 4096;
constexpr uint32_t kRecoveries = 4096;
constexpr uint32_t kExtras = 4096;
constexpr uint32_t kHyStarts = 4096;
constexpr uint32_t kBbrs = 8192;

}  // namespace tern::stack
