// SPDX-License-Identifier: BSD-3-Clause
// Micro-benchmarks of the parts that each frame meets. Starts EAL once; fails where a benchmark does.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>

#include "net/dpdk/eal.hpp"
#include "net/dpdk/eal_arguments.hpp"

namespace {

class Reporter : public benchmark::ConsoleReporter {
 public:
  using ConsoleReporter::ConsoleReporter;
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) failed_ = failed_ || run.error_occurred;
    ConsoleReporter::ReportRuns(runs);
  }
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
};

}  // namespace

int main(int count, char** words) try {
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  tern::net::dpdk::EalOptions options;
  options.program = words[0];
  options.arguments = {"--in-memory", "--no-telemetry", "--log-level=error"};
  options.worker_cpus = {tern::net::dpdk::Machine::inspect().cpus.back()};
  const tern::net::dpdk::Eal eal(options);
  Reporter reporter(benchmark::ConsoleReporter::OO_Tabular);
  return benchmark::RunSpecifiedBenchmarks(&reporter) == 0 || reporter.failed() ? 1 : 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "tern_bench: %s\n", failure.what());
  return 1;
}
