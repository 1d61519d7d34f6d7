// SPDX-License-Identifier: BSD-3-Clause
// tern's commands on DPDK's telemetry socket.
#include "tern/control/telemetry.hpp"

#include <charconv>
#include <span>
#include <stdexcept>

#include "net/dpdk/telemetry.hpp"
#include "tern/control/report.hpp"

namespace tern::app {

namespace dpdk = net::dpdk;

namespace {

using Workers = std::span<const std::unique_ptr<stack::Worker>>;

// The workers that a command's parameter names.
Workers chosen(const Appliance& appliance, const std::string& parameter) {
  const Workers all(appliance.workers());
  if (parameter.empty()) return all;
  size_t index = 0;
  const char* end = parameter.data() + parameter.size();
  const auto [stop, error] = std::from_chars(parameter.data(), end, index);
  if (error != std::errc() || stop != end || index >= all.size())
    throw std::invalid_argument("no such worker");
  return all.subspan(index, 1);
}

void show_counters(Workers workers, dpdk::TelemetryReply& reply) {
  for (const CounterGroup& group : read_counters(workers)) {
    reply.object(group.name, [&](dpdk::TelemetryReply& inner) {
      for (const CounterValue& counter : group.counters)
        inner.number(counter.description.name, counter.value);
    });
  }
}

void show_connections(Workers workers, dpdk::TelemetryReply& reply) {
  const auto states = read_connections(workers);
  uint64_t total = 0;
  for (uint32_t i = 0; i < states.size(); ++i) {
    const auto state = static_cast<tcp::State>(i);
    if (state == tcp::State::kClosed || state == tcp::State::kListen) continue;  // hold no connection
    reply.number(tcp::state_name(state), states[i]);
    total += states[i];
  }
  reply.number("total", total);
}

void show_services(const Appliance& appliance, Workers workers, dpdk::TelemetryReply& reply) {
  const auto& services = appliance.config().services;
  for (size_t i = 0; i < services.size(); ++i) {
    reply.object(services[i].name, [&](dpdk::TelemetryReply& inner) {
      const ServiceGauges gauges = read_gauges(workers, static_cast<uint16_t>(i));
      inner.number("half_open", gauges.half_open);
      inner.number("waiting", gauges.waiting);
      inner.number("served", gauges.served);
    });
  }
}

void show_ports(const Appliance& appliance, dpdk::TelemetryReply& reply) {
  for (const auto& port : appliance.ports()) {
    reply.object(port->name(), [&](dpdk::TelemetryReply& inner) {
      const dpdk::Port::Statistics statistics = port->statistics();
      inner.number("received_frames", statistics.received_frames);
      inner.number("received_bytes", statistics.received_bytes);
      inner.number("transmitted_frames", statistics.transmitted_frames);
      inner.number("transmitted_bytes", statistics.transmitted_bytes);
      inner.number("missed", statistics.missed);
      inner.number("no_buffer", statistics.no_buffer);
      inner.number("errors", statistics.errors);
      inner.text("link", port->link_up() ? "up" : "down");
    });
  }
}

}  // namespace

Telemetry::Telemetry(const Appliance& appliance) {
  dpdk::register_telemetry("/tern/counters",
                           "Every counter, by group. Parameter: a worker's number; none: all added up",
                           [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
                             show_counters(chosen(appliance, parameter), reply);
                           });
  dpdk::register_telemetry("/tern/connections",
                           "Connections by state. Parameter: a worker's number; none: all added up",
                           [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
                             show_connections(chosen(appliance, parameter), reply);
                           });
  dpdk::register_telemetry(
      "/tern/services",
      "Connections of each service: half open, waiting, served. Parameter: a worker's number",
      [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
        show_services(appliance, chosen(appliance, parameter), reply);
      });
  dpdk::register_telemetry(
      "/tern/ports", "Each port's own statistics. Takes no parameter",
      [&appliance](const std::string&, dpdk::TelemetryReply& reply) { show_ports(appliance, reply); });
}

Telemetry::~Telemetry() {
  for (const char* command : {"/tern/counters", "/tern/connections", "/tern/services", "/tern/ports"}) {
    dpdk::unregister_telemetry(command);
  }
}

}  // namespace tern::app
