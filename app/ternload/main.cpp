// SPDX-License-Identifier: BSD-3-Clause
// ternload: loads TCP servers, on tern's own stack. docs/load.md says how.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <stdexcept>

#include "ternload/command_line.hpp"
#include "ternload/report.hpp"
#include "ternload/run.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kMisused = 2;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tern::load;
  try {
    const CommandLine line =
        parse_command_line(std::span<const char* const>(argv, static_cast<size_t>(argc)));
    if (!line.error.empty()) {
      std::cerr << line.error;
      return kMisused;
    }
    if (!line.text.empty()) {
      std::cout << line.text;
      return 0;
    }
    const Result result = run(line.options, argv[0]);
    std::fputs(summarize(line.options, result).c_str(), stdout);
    std::fflush(stdout);
    const Options& options = line.options;
    if (!options.json_path.empty()) write_file(options.json_path, to_json(options, result));
    if (!options.plot_path.empty()) write_file(options.plot_path, to_svg(options, result.samples));
    return succeeded(options, result) ? 0 : kFailed;
  } catch (const std::exception& error) {
    std::cerr << "ternload: " << error.what() << '\n';
  }
  return kFailed;
}
