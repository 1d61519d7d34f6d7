// SPDX-License-Identifier: BSD-3-Clause
// The command line that EAL is started with: the user's own arguments and what tern adds.
#pragma once

#include <string>
#include <vector>

#include "net/dpdk/eal.hpp"

namespace tern::net::dpdk {

// What the arguments depend on besides the options.
struct Machine {
  std::vector<unsigned> cpus;  // that this process may run on, ascending
  bool free_huge_pages = false;

  static Machine inspect();
};

// argv for rte_eal_init. Throws std::runtime_error when a worker's CPU is not the process's to use.
std::vector<std::string> eal_arguments(const EalOptions& options, const Machine& machine);

}  // namespace tern::net::dpdk
