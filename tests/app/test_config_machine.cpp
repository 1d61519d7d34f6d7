// SPDX-License-Identifier: BSD-3-Clause
// The kernel's lists of CPUs.
#include <gtest/gtest.h>

#include "tern/config.hpp"

namespace tern::app {
namespace {

TEST(CpuList, RangesAndSingleNumbersAreRead) {
  EXPECT_EQ(parse_cpu_list("0"), (std::vector<unsigned>{0}));
  EXPECT_EQ(parse_cpu_list("0-2,5,8-9"), (std::vector<unsigned>{0, 1, 2, 5, 8, 9}));
}

TEST(CpuList, WhatIsNoListIsNothing) {
  for (const char* text : {"", ",", "1,", "-1", "3-1", "1-", "a", "1 ", "0-4294967295", "99999999999"}) {
    EXPECT_EQ(parse_cpu_list(text), std::nullopt) << text;
  }
}

TEST(CpuList, WrittenListsAreReadBackTheSame) {
  for (const char* text : {"0", "0-1", "0-2,5,8-9", "1,3,5"}) {
    EXPECT_EQ(format_cpu_list(parse_cpu_list(text).value_or(std::vector<unsigned>{})), text);
  }
}

TEST(CpuList, ThisMachineHasACpu) { EXPECT_FALSE(this_machine().cpus.empty()); }

}  // namespace
}  // namespace tern::app
