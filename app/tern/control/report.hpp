// SPDX-License-Identifier: BSD-3-Clause
// The counters of all workers, added up and named; read by telemetry and by the report at exit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/counter.hpp"
#include "net/dpdk/port.hpp"
#include "stack/worker.hpp"

namespace tern::app {

struct CounterValue {
  net::CounterDescription description;
  uint64_t value = 0;
};

// Adds up structs of counters of one list.
class CounterSum {
 public:
  template <typename Counters>
  void add(const Counters& counters) {
    size_t next = 0;
    counters.for_each(
        [&](const net::CounterDescription& about, uint64_t value) { add(next++, about, value); });
  }
  // One counter, which is the index-th.
  void add(size_t index, const net::CounterDescription& about, uint64_t value) {
    if (index == counters_.size()) counters_.push_back({about, 0});
    counters_[index].value += value;
  }
  std::vector<CounterValue> take() { return std::move(counters_); }

 private:
  std::vector<CounterValue> counters_;
};

// One group of counters: "stack", "tcp" or "drops".
struct CounterGroup {
  std::string name;
  std::vector<CounterValue> counters;
};

// Every counter of these workers, in the order in which it is declared.
std::vector<CounterGroup> read_counters(std::span<const std::unique_ptr<stack::Worker>> workers);
// How many connections are in each state, by tcp::State.
std::array<uint64_t, tcp::kStates> read_connections(std::span<const std::unique_ptr<stack::Worker>> workers);
// What stands before a service, and in it: half-open connections, those in its accept queue, those it serves.
struct ServiceGauges {
  uint64_t half_open = 0;
  uint64_t waiting = 0;
  uint64_t served = 0;
};
// binding: the service's number in the configuration.
ServiceGauges read_gauges(std::span<const std::unique_ptr<stack::Worker>> workers, uint16_t binding);
// Of these counters all that are not zero, one per line as "group.name value", for the log at exit.
std::string report(const std::vector<CounterGroup>& groups);

}  // namespace tern::app
