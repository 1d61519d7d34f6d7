// SPDX-License-Identifier: BSD-3-Clause
// [eal] and [dataplane]: what tern takes of the machine.
#include <algorithm>
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
  reader.read_integer("max_connections", dataplane.max_connections);
  reader.read_integer("buffers", dataplane.buffers);
  return dataplane;
}

}  // namespace tern::app
