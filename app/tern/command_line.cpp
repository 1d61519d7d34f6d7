// SPDX-License-Identifier: BSD-3-Clause
// tern's command line, on CLI11.
#include "tern/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>
#include <string_view>

#include "tern/config.hpp"
#include "tern/config_eal.hpp"
#include "tern/version.hpp"

namespace tern::app {
namespace {

constexpr std::string_view kUsage = "tern [EAL options --] --config FILE";

constexpr const char* kExamples =
    "What stands before -- goes to DPDK's EAL, ahead of [eal] args in FILE.\n"
    "docs/configuration.md explains every key of FILE.\n"
    "\n"
    "Examples:\n"
    "  tern --check --config config/demo.toml        validate, print what it would do\n"
    "  tern --config config/demo.toml                serve until SIGINT or SIGTERM\n"
    "  tern --no-huge -m 512 -- --config config/demo.toml\n"
    "                                                without hugepages, in 512 MiB\n"
    "\n"
    "Exit status: 0 when all went well, 1 when not.";

// CLI11 knows nothing of the EAL options in front.
class Help : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: " + std::string(kUsage) + "\n";
  }
};

CommandLine with_error(CommandLine line, const std::string& what) {
  line.error = "tern: " + what + "\nusage: " + std::string(kUsage) + "\n";
  return line;
}

// tern's own options do nothing before "--", where EAL would be asked to make sense of them.
bool is_own_option(std::string_view argument) {
  const std::string_view name = argument.substr(0, argument.find('='));
  return name == "--config" || name == "--check";
}

std::string wrong_eal_argument(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (is_own_option(argument)) return argument + " stands before --; write it behind";
    const std::string reason = refused_eal_argument(argument);
    if (!reason.empty()) return "EAL option " + in_quotes(argument) + " " + reason;
  }
  return {};
}

}  // namespace

CommandLine parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  std::vector<std::string> own(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  const auto separator = std::find(own.begin(), own.end(), "--");
  const bool separated = separator != own.end();
  if (separated) {
    line.eal_args.assign(own.begin(), separator);
    own.erase(own.begin(), separator + 1);
  }

  CLI::App cli{"tern terminates TCP in user space on DPDK.", "tern"};
  cli.formatter(std::make_shared<Help>());
  cli.footer(kExamples);
  bool check = false;
  const auto* const config =
      cli.add_option("--config", line.config_path, "the configuration, a TOML file")->type_name("FILE");
  cli.add_flag("--check", check, "validate FILE, print what tern would do, and end");
  cli.set_version_flag("--version", "tern " + std::string(kVersion) + "\n", "print the version and end");
  cli.set_help_flag("--help", "print this help and end");

  std::reverse(own.begin(), own.end());  // CLI11 takes arguments from the back
  try {
    cli.parse(own);
  } catch (const CLI::CallForHelp&) {
    line.mode = Mode::kHelp;
    line.text = cli.help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.mode = Mode::kVersion;
    line.text = version.what();
    return line;
  } catch (const CLI::ExtrasError& error) {
    return with_error(
        std::move(line),
        std::string(error.what()) + (separated ? "" : "; EAL options stand before --, tern's own behind it"));
  } catch (const CLI::ParseError& error) {
    return with_error(std::move(line), error.what());
  }
  if (const std::string wrong = wrong_eal_argument(line.eal_args); !wrong.empty()) {
    return with_error(std::move(line), wrong);
  }
  if (config->empty() || line.config_path.empty()) {
    return with_error(std::move(line), "--config is missing; give the path of a TOML file");
  }
  line.mode = check ? Mode::kCheck : Mode::kRun;
  return line;
}

bool check_config(const std::string& path, const Machine& machine, std::ostream& out, std::ostream& err) {
  const LoadedConfig loaded = load_config(path, machine);
  for (const Problem& warning : loaded.warnings) err << to_warning(warning) << '\n';
  for (const Problem& error : loaded.errors) err << to_string(error) << '\n';
  if (!loaded.config) return false;
  out << path << ": ok\n" << summarize(*loaded.config);
  return true;
}

}  // namespace tern::app
