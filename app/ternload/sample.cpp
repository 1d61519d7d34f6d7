// SPDX-License-Identifier: BSD-3-Clause
// How a run goes, interval by interval.
#include "ternload/sample.hpp"

#include <fmt/format.h>

namespace tern::load {

Sample sample_of(const Snapshot& before, const Snapshot& after, double seconds, bool measured) {
  const Snapshot between = after.since(before);
  const double time = static_cast<double>((after.at - before.at).count()) / 1e9;
  const auto rate = [time](uint64_t count) { return time > 0 ? static_cast<double>(count) / time : 0; };
  const auto percentile = [&](double percent) {
    return static_cast<double>(between.latency.percentile(percent)) / 1e3;
  };
  Sample sample;
  sample.seconds = seconds;
  sample.measured = measured;
  sample.connections_per_second = rate(between.connections_opened);
  sample.responses_per_second = rate(between.responses);
  sample.bits_per_second_in = rate(between.bytes_received) * 8;
  sample.bits_per_second_out = rate(between.bytes_sent) * 8;
  sample.connections = after.connections;
  sample.in_flight = after.in_flight;
  sample.errors = between.error_sum();
  sample.p50_us = percentile(50);
  sample.p99_us = percentile(99);
  sample.p99_9_us = percentile(99.9);
  return sample;
}

std::string to_line(const Sample& s) {
  return fmt::format(
      "{:7.1f} s{}  {:.0f} responses/s  {:.0f} connections/s  {:.2f}/{:.2f} Gbit/s in/out  "
      "{} open  {} in flight  50% {:.0f} 99% {:.0f} 99.9% {:.0f} us  {} errors",
      s.seconds, s.measured ? "" : " (warm-up)", s.responses_per_second, s.connections_per_second,
      s.bits_per_second_in / 1e9, s.bits_per_second_out / 1e9, s.connections, s.in_flight, s.p50_us, s.p99_us,
      s.p99_9_us, s.errors);
}

}  // namespace tern::load
