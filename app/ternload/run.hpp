// SPDX-License-Identifier: BSD-3-Clause
// A run: warm-up, measurement, end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ternload/options.hpp"
#include "ternload/sample.hpp"
#include "ternload/tally.hpp"

namespace tern::load {

struct Result {
  Snapshot measured;            // what came within the time that was measured
  net::Duration took{0};        // that time
  bool interrupted = false;     // by a signal
  std::vector<Sample> samples;  // warm-up included
  // What our own TCP counted within that time, by its counters' names.
  std::vector<std::pair<std::string, uint64_t>> tcp;
};

// Does what options say, and tells of its progress on standard error. program: argv[0]. Throws
// std::runtime_error with cause and remedy.
Result run(const Options& options, const std::string& program);

}  // namespace tern::load
