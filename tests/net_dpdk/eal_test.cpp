// SPDX-License-Identifier: BSD-3-Clause
// EAL's command line, workers and memory.
#include "net/dpdk/eal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>

#include "environment.hpp"
#include "net/dpdk/eal_arguments.hpp"

namespace tern::net::dpdk {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

EalOptions with(std::vector<std::string> arguments, std::vector<unsigned> worker_cpus = {1}) {
  return {.program = "tern",
          .arguments = std::move(arguments),
          .pci_allowed = {},
          .worker_cpus = std::move(worker_cpus)};
}

const Machine kPlain{.cpus = {0, 1, 2}, .free_huge_pages = false};
const Machine kHuge{.cpus = {0, 1, 2}, .free_huge_pages = true};

// What follows option in the arguments; "" when it is not there.
std::string value_of(const std::vector<std::string>& arguments, const std::string& option) {
  const auto found = std::ranges::find(arguments, option);
  return found == arguments.end() || found + 1 == arguments.end() ? "" : *(found + 1);
}

TEST(EalArguments, ProgramComesFirst) { EXPECT_EQ(eal_arguments(with({}), kHuge).front(), "tern"); }

TEST(EalArguments, PciIsNotProbedUnlessAPortNamesAnAddress) {
  EXPECT_THAT(eal_arguments(with({}), kHuge), Contains("--no-pci"));
  EalOptions options = with({});
  options.pci_allowed = {"0000:01:00.0", "0000:02:00.0"};
  const auto arguments = eal_arguments(options, kHuge);
  EXPECT_THAT(arguments, Not(Contains("--no-pci")));
  EXPECT_THAT(arguments, Contains("-a").Times(2));
  EXPECT_THAT(arguments, Contains("0000:02:00.0"));
}

TEST(EalArguments, MainLcoreRunsWhereNoWorkerDoes) {
  EXPECT_EQ(value_of(eal_arguments(with({}, {1}), kHuge), "--lcores"), "0@(0,2),1@(1)");
  EXPECT_EQ(value_of(eal_arguments(with({}, {2, 0}), kHuge), "--lcores"), "0@(1),1@(2),2@(0)");
}

TEST(EalArguments, MainLcoreSharesWhenWorkersHaveAllCpus) {
  EXPECT_EQ(value_of(eal_arguments(with({}, {0, 1, 2}), kHuge), "--lcores"), "0@(0,1,2),1@(0),2@(1),3@(2)");
}

TEST(EalArguments, WorkerCpuThatTheProcessMayNotUseIsRefused) {
  EXPECT_THROW(
      {
        try {
          eal_arguments(with({}, {3}), kHuge);
        } catch (const std::runtime_error& error) {
          EXPECT_THAT(error.what(), HasSubstr("CPU 3"));
          EXPECT_THAT(error.what(), HasSubstr("0,1,2"));
          throw;
        }
      },
      std::runtime_error);
}

TEST(EalArguments, TheUsersLcoresStand) {
  for (const auto& own : {std::vector<std::string>{"-l", "0-1"},
                          {"-l0-1"},
                          {"--lcores=0,1"},
                          {"--lcores", "0,1"},
                          {"-c", "3"}}) {
    const auto arguments = eal_arguments(with(own), kHuge);
    EXPECT_THAT(arguments, Not(Contains(HasSubstr("0@(")))) << own.front();
  }
}

TEST(EalArguments, PlainMemoryIsUsedOnlyWithoutHugePages) {
  const auto plain = eal_arguments(with({}), kPlain);
  EXPECT_THAT(plain, Contains("--no-huge"));
  EXPECT_EQ(value_of(plain, "-m"), "512");
  const auto huge = eal_arguments(with({}), kHuge);
  EXPECT_THAT(huge, Not(Contains("--no-huge")));
  EXPECT_THAT(huge, Not(Contains("-m")));
}

TEST(EalArguments, TheUsersWordOnMemoryStands) {
  for (const auto& own :
       {std::vector<std::string>{"-m", "64"}, {"-m64"}, {"--socket-mem=64"}, {"--huge-dir", "/h"}}) {
    const auto arguments = eal_arguments(with(own), kPlain);
    EXPECT_THAT(arguments, Not(Contains("--no-huge"))) << own.front();
    EXPECT_THAT(arguments, Not(Contains("512"))) << own.front();
  }
}

TEST(EalArguments, AmountIsAddedToTheUsersNoHuge) {
  EalOptions options = with({"--no-huge"});
  options.plain_memory_mib = 900;
  const auto arguments = eal_arguments(options, kHuge);
  EXPECT_THAT(arguments, Contains("--no-huge").Times(1));
  EXPECT_EQ(value_of(arguments, "-m"), "900");
}

TEST(EalArguments, InMemoryWithoutHugePagesBecomesWhatEalTakesThen) {
  const auto plain = eal_arguments(with({"--in-memory"}), kPlain);
  EXPECT_THAT(plain, Not(Contains("--in-memory")));
  EXPECT_THAT(plain, Contains("--no-shconf"));
  EXPECT_THAT(eal_arguments(with({"--in-memory", "--no-huge"}), kHuge), Not(Contains("--in-memory")));
  EXPECT_THAT(eal_arguments(with({"--in-memory"}), kHuge), Contains("--in-memory"));
}

TEST(EalArguments, TheUsersLogLevelComesAfterOurs) {
  const auto arguments = eal_arguments(with({"--log-level=debug"}), kHuge);
  EXPECT_THAT(arguments[1], StartsWith("--log-level="));
  EXPECT_EQ(arguments[2], "--log-level=debug");
}

TEST(Eal, SaysThatThereAreNoHugePages) { EXPECT_FALSE(test::eal().huge_pages()); }

TEST(Eal, WorkerRunsWhatItIsGiven) {
  int ran = 0;
  for (int i = 0; i < 3; ++i) {
    test::eal().launch(0, [&] { ++ran; });
    test::eal().wait(0);
  }
  EXPECT_EQ(ran, 3);
}

TEST(Eal, WhatAWorkerThrowsReachesWait) {
  test::eal().launch(0, [] { throw std::domain_error("out of bounds"); });
  EXPECT_THROW(test::eal().wait(0), std::domain_error);
  EXPECT_NO_THROW(test::eal().wait(0));  // thrown once
}

TEST(Eal, BusyWorkerIsNotLaunchedAgain) {
  std::atomic<bool> end = false;
  test::eal().launch(0, [&] {
    while (!end) {
    }
  });
  EXPECT_THROW(test::eal().launch(0, [] {}), std::runtime_error);
  end = true;
  test::eal().wait(0);
}

TEST(Eal, WorkerThatDoesNotExistIsRefused) {
  EXPECT_THROW(test::eal().launch(1, [] {}), std::out_of_range);
}

TEST(Memory, IsZeroedAndAlignedToCacheLines) {
  for (int round = 0; round < 2; ++round) {
    auto* bytes = static_cast<uint8_t*>(allocate_memory("test", 1000));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes) % 64, 0u);
    EXPECT_EQ(std::count(bytes, bytes + 1000, 0), 1000);
    std::fill(bytes, bytes + 1000, uint8_t{0xff});  // the second round gets it back
    free_memory(bytes);
  }
}

TEST(Memory, ShortageNamesTheRemedy) {
  try {
    allocate_memory("connections", uint64_t{4} << 30);
    FAIL() << "4 GiB of 256 MiB";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("connections"));
    EXPECT_THAT(error.what(), HasSubstr("4096 MiB"));
    EXPECT_THAT(error.what(), HasSubstr("-m"));
  }
}

}  // namespace
}  // namespace tern::net::dpdk
