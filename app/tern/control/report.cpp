// SPDX-License-Identifier: BSD-3-Clause
// The counters of all workers, added up and named.
#include "tern/control/report.hpp"

#include <fmt/format.h>

#include <span>

namespace tern::app {

std::vector<CounterGroup> read_counters(std::span<const std::unique_ptr<stack::Worker>> workers) {
  CounterSum of_stack, of_tcp, drops;
  for (const auto& worker : workers) {
    of_stack.add(worker->counters());
    of_tcp.add(worker->tcp_counters());
    for (size_t reason = 1; reason < net::kDropReasons; ++reason) {
      drops.add(reason - 1, net::kDropDescriptions[reason], worker->drops()[reason].value());
    }
  }
  return {{"stack", of_stack.take()}, {"tcp", of_tcp.take()}, {"drops", drops.take()}};
}

std::array<uint64_t, tcp::kStates> read_connections(std::span<const std::unique_ptr<stack::Worker>> workers) {
  std::array<uint64_t, tcp::kStates> states{};
  for (const auto& worker : workers) {
    for (size_t i = 0; i < states.size(); ++i) states[i] += worker->connections_in()[i].value();
  }
  return states;
}

ServiceGauges read_gauges(std::span<const std::unique_ptr<stack::Worker>> workers, uint16_t binding) {
  ServiceGauges gauges;
  for (const auto& worker : workers) {
    const tcp::Backlog& backlog = worker->backlog(binding);
    gauges.half_open += backlog.half_open.count.value();
    gauges.waiting += backlog.waiting.count.value();
    gauges.served += backlog.served.value();
  }
  return gauges;
}

std::string report(const std::vector<CounterGroup>& groups) {
  std::string text;
  for (const CounterGroup& group : groups) {
    for (const CounterValue& counter : group.counters) {
      if (counter.value == 0) continue;
      text += fmt::format("{}.{} {} {}\n", group.name, counter.description.name, counter.value,
                          counter.description.unit);
    }
  }
  return text;
}

}  // namespace tern::app
