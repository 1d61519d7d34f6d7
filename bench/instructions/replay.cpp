// SPDX-License-Identifier: BSD-3-Clause
// Plays clients against a worker in virtual time and writes what was on the wire; or plays such a capture's
// frames to another worker, which must send what the first one sent. scripts/bench-instructions counts the
// instructions of the second.
//
//   replay record SCENARIO CAPTURE     prints how many units there were
//   replay play CAPTURE
#include <valgrind/callgrind.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "instructions/capture.hpp"
#include "instructions/scenarios.hpp"
#include "instructions/stage.hpp"
#include "net/dpdk/eal.hpp"
#include "net/dpdk/eal_arguments.hpp"
#include "net/ethernet.hpp"

namespace tern::bench {
namespace {

constexpr net::Instant kStart{10'000'000'000};
constexpr net::Duration kRound = std::chrono::microseconds(100);
constexpr net::Duration kPatience =
    std::chrono::seconds(100);  // of clients: longer than any timeout of tern's

int record(const std::string& name, const std::string& path) {
  Stage stage;
  const auto scenario = make_scenario(name, stage.mac());
  if (scenario == nullptr) throw std::runtime_error("there is no scenario " + name);
  std::vector<CapturedFrame> capture;
  net::Instant now = kStart, spoken = kStart;
  for (std::vector<Bytes> frames;; frames.clear(), now += kRound) {
    scenario->speak(now, frames);
    if (frames.empty() && scenario->ended()) break;
    if (!frames.empty()) spoken = now;
    if (now - spoken > kPatience) throw std::runtime_error("the clients wait in vain");
    for (Bytes& frame : frames) {
      stage.lay(frame);
      capture.push_back({now, std::move(frame)});
    }
    stage.poll(now);
    for (test::SentFrame& sent : stage.take()) {
      scenario->hear(read_reply(sent.bytes));
      capture.push_back({now, std::move(sent.bytes)});
    }
  }
  stage.drain(now);
  write_capture(path, capture);
  std::printf("%llu\n", static_cast<unsigned long long>(scenario->units()));
  return 0;
}

int play(const std::string& path) {
  const std::vector<CapturedFrame> capture = read_capture(path);
  Stage stage;
  CALLGRIND_START_INSTRUMENTATION;
  for (auto next = capture.begin(); next != capture.end();) {
    const net::Instant now = next->at;
    for (; next != capture.end() && next->at == now; ++next) {
      if (net::source_mac(next->bytes.data()) == stage.mac()) break;
      stage.lay(next->bytes);
    }
    stage.poll(now);
    for (const test::SentFrame& sent : stage.take()) {
      if (next == capture.end() || next->at != now || next->bytes != sent.bytes)
        throw std::runtime_error(path + ": other frames are sent than when it was recorded");
      ++next;
    }
    if (next != capture.end() && next->at == now)
      throw std::runtime_error(path + ": fewer frames are sent than when it was recorded");
  }
  stage.drain(capture.back().at);
  CALLGRIND_STOP_INSTRUMENTATION;
  return 0;
}

int run(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  net::dpdk::EalOptions options;
  options.program = words[0];
  options.arguments = {"--no-huge", "-m", "256", "--in-memory", "--no-telemetry", "--log-level=error"};
  options.worker_cpus = {net::dpdk::Machine::inspect().cpus.back()};
  const net::dpdk::Eal eal(options);
  if (arguments.size() == 3 && arguments[0] == "record") return record(arguments[1], arguments[2]);
  if (arguments.size() == 2 && arguments[0] == "play") return play(arguments[1]);
  std::fprintf(stderr, "usage: replay record SCENARIO CAPTURE | replay play CAPTURE\n");
  return 2;
}

}  // namespace
}  // namespace tern::bench

int main(int count, char** words) {
  try {
    return tern::bench::run(count, words);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "replay: %s\n", failure.what());
    return 1;
  }
}
