// SPDX-License-Identifier: BSD-3-Clause
// The command line that EAL is started with.
#include "net/dpdk/eal_arguments.hpp"

#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <stdexcept>
#include <string_view>

namespace tern::net::dpdk {

namespace {

// Whether the user gave one of the options: "-m", "-m512", "--lcores", "--lcores=...".
bool gives(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> options) {
  return std::ranges::any_of(arguments, [&](std::string_view argument) {
    return std::ranges::any_of(options, [&](std::string_view option) {
      if (!argument.starts_with(option)) return false;
      const std::string_view rest = argument.substr(option.size());
      const bool is_short = option.size() == 2;
      return rest.empty() || is_short || rest.front() == '=';
    });
  });
}

std::string join(const std::vector<unsigned>& numbers) {
  std::string text;
  for (const unsigned number : numbers) {
    if (!text.empty()) text += ',';
    text += std::to_string(number);
  }
  return text;
}

// "0@(0,2),1@(1)": lcore 0, the main one, on the CPUs that no worker has.
std::string lcores(const std::vector<unsigned>& worker_cpus, const std::vector<unsigned>& cpus) {
  std::vector<unsigned> others;
  std::ranges::copy_if(cpus, std::back_inserter(others), [&](unsigned cpu) {
    return std::ranges::find(worker_cpus, cpu) == worker_cpus.end();
  });
  std::string text = "0@(" + join(others.empty() ? cpus : others) + ")";
  for (size_t i = 0; i < worker_cpus.size(); ++i) {
    if (std::ranges::find(cpus, worker_cpus[i]) == cpus.end()) {
      throw std::runtime_error("worker CPU " + std::to_string(worker_cpus[i]) +
                               " is not available to this process; available are " + join(cpus));
    }
    text += "," + std::to_string(i + 1) + "@(" + std::to_string(worker_cpus[i]) + ")";
  }
  return text;
}

// Of any size: EAL takes 1 GiB pages as well, which /proc/meminfo does not show.
bool has_free_huge_pages() {
  std::error_code error;
  for (const auto& size : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    uint64_t free_pages = 0;
    if (std::ifstream(size.path() / "free_hugepages") >> free_pages && free_pages > 0) return true;
  }
  return false;
}

}  // namespace

Machine Machine::inspect() {
  Machine machine;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("sched_getaffinity failed");
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) machine.cpus.push_back(cpu);
  }
  machine.free_huge_pages = has_free_huge_pages();
  return machine;
}

std::vector<std::string> eal_arguments(const EalOptions& options, const Machine& machine) {
  const std::vector<std::string>& user = options.arguments;
  // EAL tells of each normal step at its own level "info"; the user's own --log-level comes later and
  // prevails.
  std::vector<std::string> all{options.program, "--log-level=*:warning"};
  all.insert(all.end(), user.begin(), user.end());

  if (options.pci_allowed.empty()) {
    all.emplace_back("--no-pci");
  } else {
    for (const std::string& address : options.pci_allowed) all.insert(all.end(), {"-a", address});
  }
  if (!gives(user, {"-l", "-c", "--lcores"})) {
    all.insert(all.end(), {"--lcores", lcores(options.worker_cpus, machine.cpus)});
  }
  const bool chose_memory = gives(user, {"--no-huge", "-m", "--socket-mem", "--huge-dir"});
  const bool adds_no_huge = !chose_memory && !machine.free_huge_pages;
  if (adds_no_huge) all.emplace_back("--no-huge");
  if (adds_no_huge || gives(user, {"--no-huge"})) {
    // EAL refuses --in-memory beside --no-huge, whose memory has no file anyway; what is left of it is
    // --no-shconf.
    std::ranges::replace(all, "--in-memory", "--no-shconf");
    // EAL's own amount without huge pages, 64 MiB, does not hold a port's buffers.
    if (!gives(user, {"-m"})) all.insert(all.end(), {"-m", std::to_string(options.plain_memory_mib)});
  }
  return all;
}

}  // namespace tern::net::dpdk
