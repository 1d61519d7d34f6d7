// SPDX-License-Identifier: BSD-3-Clause
// What load balancing has to tell: its counters, and how each backend is.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lb/backend.hpp"
#include "tern/bindings.hpp"
#include "tern/control/report.hpp"

namespace tern::app {

// "proxy" and "limits" of all services together; empty where none is a proxy.
std::vector<CounterGroup> read_balancing(std::span<const Balancing> workers);

// A backend as all workers see it.
struct BackendReport {
  std::string name;
  lb::BackendState state = lb::BackendState::kDown;   // the best that a worker has for it
  lb::CheckStatus check = lb::CheckStatus::kUnknown;  // of the first worker
  uint64_t connections = 0;
  std::vector<CounterValue> counters;  // lb::BackendCounters
};
std::vector<BackendReport> read_backends(std::span<const Balancing> workers, size_t pool);

// A way from one of our addresses to a backend, all workers added up.
struct WayReport {
  std::string backend;
  net::Ipv4Address source;             // unspecified: the port's, in the backend's network
  std::vector<CounterValue> counters;  // of Way
};
std::vector<WayReport> read_ways(std::span<const Balancing> workers, size_t pool);

}  // namespace tern::app
