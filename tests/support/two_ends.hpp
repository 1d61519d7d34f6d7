// SPDX-License-Identifier: BSD-3-Clause
// Two ends of a connection joined by a bad network in virtual time; everything follows from one seed.
#pragma once

#include <cstdint>
#include <string>

#include "support/scenario.hpp"

namespace tern::test {

struct Result {
  std::string fault;  // empty when all that must hold held
  uint64_t events = 0;
  uint64_t bytes = 0;  // read by both
  uint64_t retransmissions = 0;
  uint64_t expected = 0;  // segments that took the fast path
  uint64_t fast_opens = 0;
  uint64_t congestion_marks = 0;
  uint64_t congestion_echoes = 0;
  uint64_t losses_undone = 0;
  uint64_t paths_narrowed = 0;
  uint64_t mtu_probes = 0;
  uint64_t options_chosen = 0;  // under way
  bool opened = false;
  bool queued = false;    // the passive end kept the SYN
  bool waited = false;    // and its service took an accept call
  bool complete = false;  // neither end broke off: bytes out equal bytes in
  bool in_order = false;  // both ended in order, whether or not they had to

  friend bool operator==(const Result&, const Result&) = default;
};

// Runs it until both ends are gone. woken: how often one of them was.
Result run(const Scenario& scenario, uint64_t seed, uint64_t* woken = nullptr);

}  // namespace tern::test
