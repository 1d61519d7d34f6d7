// SPDX-License-Identifier: BSD-3-Clause
// tern [EAL options --] --config FILE
#include <gtest/gtest.h>

#include <initializer_list>
#include <sstream>
#include <vector>

#include "config_support.hpp"
#include "tern/command_line.hpp"
#include "tern/version.hpp"

namespace tern::app {
namespace {

CommandLine parse_line(std::initializer_list<const char*> arguments) {
  std::vector<const char*> all{"tern"};
  all.insert(all.end(), arguments);
  return parse_command_line(all);
}

const std::string kUsage = "\nusage: tern [EAL options --] --config FILE\n";

TEST(CommandLine, RunsWithAConfiguration) {
  const auto line = parse_line({"--config", "a.toml"});
  EXPECT_EQ(line.error, "");
  EXPECT_EQ(line.mode, Mode::kRun);
  EXPECT_EQ(line.config_path, "a.toml");
  EXPECT_TRUE(line.eal_args.empty());
}

TEST(CommandLine, WhatStandsBeforeTheDashesIsEals) {
  const auto line = parse_line({"--no-huge", "-m", "512", "--", "--config=a.toml"});
  EXPECT_EQ(line.error, "");
  EXPECT_EQ(line.eal_args, (std::vector<std::string>{"--no-huge", "-m", "512"}));
  EXPECT_EQ(line.config_path, "a.toml");
}

TEST(CommandLine, NothingNeedsToStandBeforeTheDashes) {
  const auto line = parse_line({"--", "--config", "a.toml"});
  EXPECT_EQ(line.error, "");
  EXPECT_TRUE(line.eal_args.empty());
}

TEST(CommandLine, ChecksInEitherOrder) {
  EXPECT_EQ(parse_line({"--check", "--config", "a.toml"}).mode, Mode::kCheck);
  EXPECT_EQ(parse_line({"--config", "a.toml", "--check"}).mode, Mode::kCheck);
}

TEST(CommandLine, VersionIsTheProjects) {
  const auto line = parse_line({"--version"});
  EXPECT_EQ(line.mode, Mode::kVersion);
  EXPECT_EQ(line.error, "");
  EXPECT_EQ(line.text, "tern " + std::string(kVersion) + "\n");
}

TEST(CommandLine, HelpHasUsageOptionsAndExamples) {
  const auto line = parse_line({"--help"});
  EXPECT_EQ(line.mode, Mode::kHelp);
  EXPECT_EQ(line.error, "");
  for (const char* part : {"Usage: tern [EAL options --] --config FILE", "--config FILE", "--check",
                           "--version", "Examples:", "tern --check --config config/demo.toml"}) {
    EXPECT_NE(line.text.find(part), std::string::npos) << part << " is not in:\n" << line.text;
  }
}

TEST(CommandLine, ConfigIsNeeded) {
  const std::string error = "tern: --config is missing; give the path of a TOML file" + kUsage;
  EXPECT_EQ(parse_line({}).error, error);
  EXPECT_EQ(parse_line({"--check"}).error, error);
  EXPECT_EQ(parse_line({"--config", ""}).error, error);
  EXPECT_EQ(parse_command_line({}).error, error);
}

TEST(CommandLine, ConfigNeedsAFileAndOnlyOne) {
  EXPECT_NE(parse_line({"--config"}).error, "");
  EXPECT_NE(parse_line({"--config", "a", "--config", "b"}).error, "");
}

TEST(CommandLine, EalOptionsWithoutDashesSayWhereTheyBelong) {
  EXPECT_EQ(
      parse_line({"--no-huge", "--config", "a.toml"}).error,
      "tern: The following argument was not expected: --no-huge; EAL options stand before --, tern's own "
      "behind it" +
          kUsage);
}

TEST(CommandLine, OwnOptionsBeforeTheDashesSayWhereTheyBelong) {
  EXPECT_EQ(parse_line({"--config=a.toml", "--", "--check", "--config", "b"}).error,
            "tern: --config=a.toml stands before --; write it behind" + kUsage);
  EXPECT_EQ(parse_line({"--config", "a.toml", "--"}).error,
            "tern: --config stands before --; write it behind" + kUsage);
}

TEST(CommandLine, EalOptionsThatTernSetsAreRefused) {
  EXPECT_EQ(parse_line({"-l", "0-1", "--", "--config", "a.toml"}).error,
            "tern: EAL option \"-l\" is set by tern; name the CPUs in [dataplane] workers" + kUsage);
}

TEST(CheckConfig, PrintsOkAndWhatItWouldDo) {
  std::ostringstream out, err;
  const std::string path = TERN_SOURCE_ROOT "/config/memif.toml";
  EXPECT_TRUE(check_config(path, eight_cpus(), out, err));
  EXPECT_TRUE(out.str().starts_with(path + ": ok\neal: --no-pci")) << out.str();
  EXPECT_EQ(err.str(), "");
}

TEST(CheckConfig, PrintsErrorsAndNothingElse) {
  std::ostringstream out, err;
  EXPECT_FALSE(check_config("/nonexistent.toml", eight_cpus(), out, err));
  EXPECT_EQ(out.str(), "");
  EXPECT_TRUE(err.str().starts_with("/nonexistent.toml:1:1: --config: cannot be read")) << err.str();
}

}  // namespace
}  // namespace tern::app
