// SPDX-License-Identifier: BSD-3-Clause
// A run: warm-up, measurement, end.
#pragma once

#include <string>

#include "ternload/options.hpp"
#include "ternload/tally.hpp"

namespace tern::load {

struct Result {
  Snapshot measured;         // what came within the time that was measured
  net::Duration took;        // that time
  bool interrupted = false;  // by a signal
};

// Does what options say. program: argv[0]. Throws std::runtime_error with
// cause and remedy.
Result run(const Options& options, const std::string& program);

}  // namespace tern::load
