// SPDX-License-Identifier: BSD-3-Clause
// tern's command line: tern [EAL options --] --config FILE
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "tern/config.hpp"

namespace tern::app {

enum class Mode : uint8_t {
  kRun,      // serve until a signal
  kCheck,    // --check: validate the configuration and say what it would do
  kVersion,  // --version
  kHelp,     // --help
};

struct CommandLine {
  Mode mode = Mode::kRun;
  std::vector<std::string> eal_args;  // what stands before the first "--"; none where there is no "--"
  std::string config_path;            // empty with kVersion and kHelp
  std::string text;                   // kVersion and kHelp: what to print
  std::string error;                  // not empty: what is wrong and how to mend it, and nothing else counts
};

// arguments are main's argv. Reads nothing else and prints nothing.
CommandLine parse_command_line(std::span<const char* const> arguments);

// Does what --check asks: "FILE: ok" with a summary on out and true, or every error on err and false.
// Warnings go to err in either case.
bool check_config(const std::string& path, const Machine& machine, std::ostream& out, std::ostream& err);

}  // namespace tern::app
