// SPDX-License-Identifier: BSD-3-Clause
// tern: terminates TCP. See the README for what it is and docs/configuration.md for what it is told.
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <span>

#include "tern/appliance.hpp"
#include "tern/command_line.hpp"
#include "tern/config.hpp"
#include "tern/control/pools.hpp"
#include "tern/control/report.hpp"
#include "tern/control/telemetry.hpp"

namespace {

using namespace tern::app;

constexpr int kFailed = 1;
constexpr int kMisused = 2;

// The signals that end tern, blocked before any thread is made so that only wait_for_signal() sees them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

// Lets connections finish, for as long as the configuration allows or until a second signal.
void drain(Appliance& appliance, const sigset_t& signals) {
  constexpr int kLooksPerSecond = 10;
  const auto limit = appliance.config().dataplane.drain;
  const timespec pause{0, 1'000'000'000 / kLooksPerSecond};
  for (int64_t look = 0; look < limit / std::chrono::seconds(1) * kLooksPerSecond; ++look) {
    const uint64_t open = appliance.drain();
    if (open == 0) return;
    if (look % kLooksPerSecond == 0) spdlog::info("draining: {} connections are open", open);
    if (sigtimedwait(&signals, nullptr, &pause) > 0) return;
  }
}

int serve(const CommandLine& command_line, const std::string& program) {
  const LoadedConfig loaded = load_config(command_line.config_path, this_machine());
  for (const Problem& problem : loaded.warnings) std::cerr << to_warning(problem) << '\n';
  for (const Problem& problem : loaded.errors) std::cerr << to_string(problem) << '\n';
  if (!loaded.config) return kFailed;

  const sigset_t signals = block_signals();
  Appliance appliance(*loaded.config, program, command_line.eal_args);
  std::fputs(appliance.memory_report().c_str(), stdout);
  {
    const Telemetry telemetry(appliance);
    appliance.start();
    std::puts("tern: ready");
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    spdlog::info("ending on {}", signal == SIGINT ? "SIGINT" : "SIGTERM");
    drain(appliance, signals);
    appliance.stop();
  }
  std::fputs(report(read_counters(appliance.workers())).c_str(), stdout);
  std::fputs(report(read_balancing(appliance.balancing())).c_str(), stdout);
  std::fflush(stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("tern"));
  try {
    const CommandLine command_line =
        parse_command_line(std::span<const char* const>(argv, static_cast<size_t>(argc)));
    if (!command_line.error.empty()) {
      std::cerr << command_line.error << '\n';
      return kMisused;
    }
    switch (command_line.mode) {
      case Mode::kVersion:
      case Mode::kHelp:
        std::cout << command_line.text;
        return 0;
      case Mode::kCheck:
        return check_config(command_line.config_path, this_machine(), std::cout, std::cerr) ? 0 : kFailed;
      case Mode::kRun:
        return serve(command_line, argv[0]);
    }
  } catch (const std::exception& error) {
    std::cerr << "tern: " << error.what() << '\n';
  }
  return kFailed;
}
