// SPDX-License-Identifier: BSD-3-Clause
// [eal] and [dataplane]: what tern takes of the machine.
#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "tern/config_eal.hpp"
#include "tern/config_sections.hpp"

namespace tern::app {
namespace {

constexpr size_t kMostWorkers = 127;

std::vector<unsigned> read_workers(const TableReader& reader, const Machine& machine, ProblemLog& log) {
  std::vector<unsigned> workers;
  std::set<int64_t> seen;
  const auto cpus = reader.integers("workers");
  for (const auto& cpu : cpus) {
    const std::string found = "found CPU " + std::to_string(cpu.value);
    const bool exists = std::find(machine.cpus.begin(), machine.cpus.end(), cpu.value) != machine.cpus.end();
    if (!exists) {
      log.error(cpu.at, "dataplane.workers",
                found + ", which this machine does not have; allowed are " + format_cpu_list(machine.cpus));
    } else if (!seen.insert(cpu.value).second) {
      log.error(cpu.at, "dataplane.workers", found + " twice; allowed is one worker per CPU, leave one out");
    } else {
      workers.push_back(static_cast<unsigned>(cpu.value));
    }
  }
  if (reader.has_array("workers") && reader.length("workers") == 0) {
    reader.refuse("workers", reader.where("workers"), "an empty array");
  } else if (cpus.size() > kMostWorkers) {
    reader.refuse("workers", reader.where("workers"), std::to_string(cpus.size()) + " CPUs");
  } else if (workers.size() == machine.cpus.size() && !workers.empty()) {
    log.warning(
        reader.where("workers"), "dataplane.workers",
        "found every CPU of this machine; the control thread and the system will share one with a worker, "
        "leave one out if there are several");
  }
  return workers;
}

// As Linux writes it: four numbers of eight digits, dashes between them, whose bytes lie in the key with the
// lowest first.
std::optional<net::PrfKey> parse_key(const std::string& text) {
  constexpr size_t kDigits = 8;
  constexpr size_t kNumbers = 4;
  if (text.size() != kNumbers * (kDigits + 1) - 1) return std::nullopt;
  net::PrfKey key;
  for (size_t i = 0; i < kNumbers; ++i) {
    const size_t at = i * (kDigits + 1);
    if (i != 0 && text[at - 1] != '-') return std::nullopt;
    uint32_t number = 0;
    const char* const end = text.data() + at + kDigits;
    const auto [rest, error] = std::from_chars(text.data() + at, end, number, 16);
    if (error != std::errc() || rest != end) return std::nullopt;
    for (size_t byte = 0; byte < 4; ++byte) key[4 * i + byte] = static_cast<uint8_t>(number >> (8 * byte));
  }
  return key;
}

std::vector<net::PrfKey> read_fast_open_keys(const TableReader& reader) {
  std::vector<net::PrfKey> keys;
  const auto texts = reader.texts("fast_open_keys");
  for (const auto& text : texts) {
    if (const auto key = parse_key(text.value)) {
      keys.push_back(*key);
    } else {
      reader.refuse("fast_open_keys", text.at, "a string that is no key");
    }
  }
  if (texts.size() > 2) {
    reader.refuse("fast_open_keys", reader.where("fast_open_keys"), std::to_string(texts.size()) + " keys");
  }
  return keys;
}

}  // namespace

std::vector<Placed<std::string>> read_eal(const toml::table& table, ProblemLog& log) {
  const TableReader reader(table, {"eal"}, log);
  reader.check_keys();
  auto arguments = reader.texts("args");
  for (const auto& argument : arguments) {
    const std::string reason = refused_eal_argument(argument.value);
    if (!reason.empty())
      log.error(argument.at, "eal.args", "found " + in_quotes(argument.value) + ", which " + reason);
  }
  return arguments;
}

DataplaneConfig read_dataplane(const toml::table& table, const Machine& machine, ProblemLog& log) {
  const TableReader reader(table, {"dataplane"}, log);
  reader.check_keys();
  DataplaneConfig dataplane;
  dataplane.workers = read_workers(reader, machine, log);
  if (const auto idle = reader.text("idle")) {
    if (idle->value == to_string(Idle::kPoll)) {
      dataplane.idle = Idle::kPoll;
    } else if (idle->value != to_string(Idle::kAdaptive)) {
      reader.refuse("idle", idle->at, in_quotes(idle->value));
    }
  }
  reader.read_duration<std::chrono::microseconds>("idle_sleep_us", dataplane.idle_sleep);
  reader.read_integer("max_connections", dataplane.max_connections);
  reader.read_integer("busy_connections", dataplane.busy_connections);
  reader.read_duration<std::chrono::seconds>("drain_s", dataplane.drain);
  reader.read_integer("max_time_waits", dataplane.max_time_waits);
  reader.read_integer("max_orphans", dataplane.max_orphans);
  reader.read_integer("buffers", dataplane.buffers);
  dataplane.fast_open_keys = read_fast_open_keys(reader);
  return dataplane;
}

}  // namespace tern::app
