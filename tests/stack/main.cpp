// SPDX-License-Identifier: BSD-3-Clause
// Starts EAL once for all tests of a program that drives workers.
#include <gtest/gtest.h>

#include "net/dpdk/eal.hpp"
#include "net/dpdk/eal_arguments.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  tern::net::dpdk::EalOptions options;
  options.program = argv[0];
  options.arguments = {"--no-huge", "-m", "256", "--in-memory", "--no-telemetry", "--log-level=error"};
  options.worker_cpus = {tern::net::dpdk::Machine::inspect().cpus.back()};
  const tern::net::dpdk::Eal eal(options);
  return RUN_ALL_TESTS();
}
