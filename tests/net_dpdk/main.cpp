// SPDX-License-Identifier: BSD-3-Clause
// Starts EAL once for all tests of this program.
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "environment.hpp"
#include "net/dpdk/eal_arguments.hpp"

namespace tern::test {

namespace {

std::unique_ptr<net::dpdk::Eal> running;
bool own_network = false;

}  // namespace

net::dpdk::Eal& eal() { return *running; }
bool has_own_network() { return own_network; }

}  // namespace tern::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // Before EAL has threads, which would stay behind. The namespace, and each tap in it, ends with the
  // process.
  tern::test::own_network = unshare(CLONE_NEWNET) == 0;
  std::string directory = (std::filesystem::temp_directory_path() / "tern-test-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return 1;
  setenv("RUNTIME_DIRECTORY", directory.c_str(), 1);  // EAL puts its telemetry socket there

  tern::net::dpdk::EalOptions options;
  options.program = argv[0];
  options.arguments = {"--no-huge", "-m", "256", "--in-memory"};
  options.worker_cpus = {tern::net::dpdk::Machine::inspect().cpus.back()};
  tern::test::running = std::make_unique<tern::net::dpdk::Eal>(options);
  const int result = RUN_ALL_TESTS();
  tern::test::running.reset();
  std::filesystem::remove_all(directory);
  return result;
}
