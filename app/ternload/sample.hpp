// SPDX-License-Identifier: BSD-3-Clause
// How a run goes, interval by interval.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ternload/options.hpp"
#include "ternload/tally.hpp"

namespace tern::load {

struct Sample {
  double seconds = 0;                 // since the first; the interval's end
  bool measured = false;              // it lies within the time that is measured
  double connections_per_second = 0;  // opened
  double responses_per_second = 0;
  double bits_per_second_in = 0;
  double bits_per_second_out = 0;
  uint64_t connections = 0;  // at the interval's end
  uint64_t in_flight = 0;
  uint64_t errors = 0;
  double p50_us = 0, p99_us = 0, p99_9_us = 0;  // latency
};

// What came between two states.
Sample sample_of(const Snapshot& before, const Snapshot& after, double seconds, bool measured);
// A line of progress, without a newline.
std::string to_line(const Sample& sample);

// A drawing of rate and percentiles over time.
std::string to_svg(const Options& options, const std::vector<Sample>& samples);

}  // namespace tern::load
