// SPDX-License-Identifier: BSD-3-Clause
// How problems are worded: quotes that are fit for a terminal, suggestions that help.
#include <gtest/gtest.h>

#include <array>

#include "tern/config_problem.hpp"

namespace tern::app {
namespace {

TEST(Quotes, ControlCharactersNeverReachTheTerminal) {
  EXPECT_EQ(in_quotes("a\x1b[2J\n\"\\\xc3\xa9"), "\"a\\x1b[2J\\x0a\\\"\\\\\\xc3\\xa9\"");
}

TEST(Quotes, WhatIsVeryLongIsCut) {
  EXPECT_EQ(in_quotes(std::string(64, 'a')), "\"" + std::string(64, 'a') + "\"");
  EXPECT_EQ(in_quotes(std::string(65, 'a')), "\"" + std::string(64, 'a') + "...\"");
}

TEST(Suggestions, AreTheWordFewestMistakesAway) {
  constexpr std::array<std::string_view, 5> kWords{"mtu", "msl_s", "mss", "addresses", "max_connections"};
  EXPECT_EQ(closest("mtuu", kWords), "mtu");             // one too many
  EXPECT_EQ(closest("mts", kWords), "mtu");              // one changed, the first of equals
  EXPECT_EQ(closest("adresses", kWords), "addresses");   // one missing
  EXPECT_EQ(closest("addersses", kWords), "addresses");  // two swapped
  EXPECT_EQ(closest("maxconection", kWords), "max_connections");
  EXPECT_EQ(closest("msl", kWords), "msl_s");  // the unit forgotten
}

TEST(Suggestions, AreNotMadeForWordsTooFarAway) {
  constexpr std::array<std::string_view, 3> kWords{"mtu", "sack", "workers"};
  EXPECT_EQ(closest("threads", kWords), "");
  EXPECT_EQ(closest("x", kWords), "");
  EXPECT_EQ(closest("", kWords), "");
}

TEST(Problems, AreSortedByPlace) {
  ProblemLog log("f");
  log.error({3, 1}, "c", "third");
  log.error({2, 9}, "b", "second");
  log.error({2, 1}, "a", "first");
  const auto errors = log.take_errors();
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(to_string(errors[0]), "f:2:1: a: first");
  EXPECT_EQ(to_string(errors[2]), "f:3:1: c: third");
}

TEST(Problems, AreToldOnceHoweverOftenTheyAreMet) {
  ProblemLog log("f");
  for (int i = 0; i < 2; ++i) {
    log.error({1, 1}, "a", "wrong");
    log.error({1, 1}, "a", "and wrong otherwise");
    log.warning({1, 1}, "a", "wrong");
  }
  EXPECT_EQ(log.take_errors().size(), 2u);
  EXPECT_EQ(log.take_warnings().size(), 1u);
}

}  // namespace
}  // namespace tern::app
