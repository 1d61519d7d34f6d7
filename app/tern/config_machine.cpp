// SPDX-License-Identifier: BSD-3-Clause
// What Linux says of the machine's CPUs.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <thread>

#include "tern/config.hpp"

namespace tern::app {
namespace {

// More than Linux supports; a longer range is a mistake that must not cost memory.
constexpr unsigned kHighestCpu = 8191;

// Takes the number at the start of text; nothing if there is none that could be a CPU's.
std::optional<unsigned> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number > kHighestCpu) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

}  // namespace

std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> cpus;
  for (bool more = true; more;) {
    const auto first = take_number(text);
    auto last = first;
    if (first && text.starts_with('-')) {
      text.remove_prefix(1);
      last = take_number(text);
    }
    if (!first || !last || *last < *first) return std::nullopt;
    for (unsigned cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
    more = text.starts_with(',');
    if (more) text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return cpus;
}

std::string format_cpu_list(const std::vector<unsigned>& cpus) {
  std::string text;
  for (size_t first = 0, last = 0; first < cpus.size(); first = last + 1) {
    last = first;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[first]);
    if (last > first) text += '-' + std::to_string(cpus[last]);
  }
  return text;
}

Machine this_machine() {
  std::ifstream file("/sys/devices/system/cpu/online");
  std::string line;
  std::getline(file, line);
  if (auto cpus = parse_cpu_list(line)) return {std::move(*cpus)};
  // Without sysfs, as in some containers, CPUs are numbered from 0 without gaps.
  Machine machine;
  for (unsigned cpu = 0; cpu < std::max(1u, std::thread::hardware_concurrency()); ++cpu)
    machine.cpus.push_back(cpu);
  return machine;
}

}  // namespace tern::app
