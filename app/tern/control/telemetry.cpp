// SPDX-License-Identifier: BSD-3-Clause
// tern's commands on DPDK's telemetry socket.
#include "tern/control/telemetry.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <span>
#include <stdexcept>

#include "net/dpdk/telemetry.hpp"
#include "tern/control/flows.hpp"
#include "tern/control/pools.hpp"
#include "tern/control/report.hpp"

namespace tern::app {

namespace dpdk = net::dpdk;

namespace {

using Workers = std::span<const std::unique_ptr<stack::Worker>>;

// Those of all workers that a command's parameter names.
template <class T>
std::span<const T> chosen(const std::vector<T>& of_workers, const std::string& parameter) {
  const std::span<const T> all(of_workers);
  if (parameter.empty()) return all;
  size_t index = 0;
  const char* end = parameter.data() + parameter.size();
  const auto [stop, error] = std::from_chars(parameter.data(), end, index);
  if (error != std::errc() || stop != end || index >= all.size())
    throw std::invalid_argument("no such worker; there are 0 to " + std::to_string(all.size() - 1));
  return all.subspan(index, 1);
}

void show_counters(Workers workers, std::span<const Balancing> balancing, dpdk::TelemetryReply& reply) {
  std::vector<CounterGroup> groups = read_counters(workers);
  std::ranges::move(read_balancing(balancing), std::back_inserter(groups));
  for (const CounterGroup& group : groups) {
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
      inner.number("link_losses", statistics.link_losses);
      inner.text("link", !port->link_known() ? "unknown" : port->link_up() ? "up" : "down");
    });
  }
}

// Telemetry carries no object within an object, so a backend goes by "pool/backend".
void show_pools(const Appliance& appliance, std::span<const Balancing> workers, dpdk::TelemetryReply& reply) {
  const auto& pools = appliance.config().pools;
  for (size_t i = 0; i < pools.size(); ++i) {
    for (const BackendReport& backend : read_backends(workers, i)) {
      reply.object(pools[i].balance.name + '/' + backend.name, [&](dpdk::TelemetryReply& inner) {
        inner.text("state", lb::to_string(backend.state));
        inner.text("check", lb::to_string(backend.check));
        inner.number("connections", backend.connections);
        for (const CounterValue& counter : backend.counters)
          inner.number(counter.description.name, counter.value);
      });
    }
  }
}

// By "pool/backend/N", N being the source's place in the pool's.
void show_outgoing(const Appliance& appliance, std::span<const Balancing> workers,
                   dpdk::TelemetryReply& reply) {
  const auto& pools = appliance.config().pools;
  for (size_t i = 0; i < pools.size(); ++i) {
    const size_t sources = std::max<size_t>(1, pools[i].sources.size());
    size_t number = 0;
    for (const WayReport& way : read_ways(workers, i)) {
      const std::string name =
          pools[i].balance.name + '/' + way.backend + '/' + std::to_string(number++ % sources);
      reply.object(name, [&](dpdk::TelemetryReply& inner) {
        inner.text("source", way.source.is_unspecified() ? "the port's" : net::to_string(way.source));
        for (const CounterValue& counter : way.counters)
          inner.number(counter.description.name, counter.value);
      });
    }
  }
}

struct AdminCommand {
  const char* command;
  const char* about;
  lb::Admin admin;
};
constexpr std::array<AdminCommand, 3> kAdmins{
    {{"/tern/ready", "Takes a backend or proxy back into service. Parameter: POOL/BACKEND or SERVICE",
      lb::Admin::kReady},
     {"/tern/drain", "No new connections; the open ones go on. Parameter: POOL/BACKEND or SERVICE",
      lb::Admin::kDrain},
     {"/tern/maint", "No new connections and no checks. Parameter: POOL/BACKEND", lb::Admin::kMaint}}};

// name: "pool/backend", or a service that is a proxy, which is never in maintenance.
void set_admin(const Appliance& appliance, const std::string& name, lb::Admin admin) {
  const Config& config = appliance.config();
  bool found = false;
  for (const Balancing& worker : appliance.balancing()) {
    for (size_t i = 0; i < config.services.size(); ++i) {
      if (config.services[i].name != name || worker.proxies[i] == nullptr || admin == lb::Admin::kMaint)
        continue;
      worker.proxies[i]->drain(admin == lb::Admin::kDrain);
      found = true;
    }
    for (size_t i = 0; i < config.pools.size(); ++i) {
      const auto& backends = config.pools[i].balance.backends;
      for (size_t b = 0; b < backends.size(); ++b) {
        if (config.pools[i].balance.name + '/' + backends[b].name != name) continue;
        worker.upstreams[i]->wanted[b].store(admin, std::memory_order_relaxed);
        found = true;
      }
    }
  }
  if (!found)
    throw std::invalid_argument(
        "no such backend or proxy; /tern/pools lists POOL/BACKEND, /tern/services proxies");
}

}  // namespace

Telemetry::Telemetry(const Appliance& appliance) {
  dpdk::register_telemetry("/tern/counters",
                           "Every counter, by group. Parameter: a worker's number; none: all added up",
                           [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
                             show_counters(chosen(appliance.workers(), parameter),
                                           chosen(appliance.balancing(), parameter), reply);
                           });
  dpdk::register_telemetry("/tern/connections",
                           "Connections by state. Parameter: a worker's number; none: all added up",
                           [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
                             show_connections(chosen(appliance.workers(), parameter), reply);
                           });
  dpdk::register_telemetry(
      "/tern/services",
      "Connections of each service: half open, waiting, served. Parameter: a worker's number",
      [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
        show_services(appliance, chosen(appliance.workers(), parameter), reply);
      });
  dpdk::register_telemetry(
      "/tern/flows", "Each connection. Parameter: worker=, from=, state=, service=, remote=, all optional",
      [&appliance, names = binding_names(appliance.config())](const std::string& parameter,
                                                              dpdk::TelemetryReply& reply) {
        const auto& workers = appliance.workers();
        show_flows(workers, parse_flow_request(parameter, workers.size(), names), names, reply);
      });
  for (const auto& [command, about, admin] : kAdmins) {
    dpdk::register_telemetry(
        command, about,
        [&appliance, admin = admin](const std::string& parameter, dpdk::TelemetryReply& reply) {
          set_admin(appliance, parameter, admin);
          reply.text("done", parameter);
        });
  }
  dpdk::register_telemetry(
      "/tern/pools",
      "Each backend of each pool: state, last check, connections, counters. Parameter: a worker's number",
      [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
        show_pools(appliance, chosen(appliance.balancing(), parameter), reply);
      });
  dpdk::register_telemetry(
      "/tern/outgoing",
      "Local ports left from each source address to each backend of each pool. Parameter: a worker's number",
      [&appliance](const std::string& parameter, dpdk::TelemetryReply& reply) {
        show_outgoing(appliance, chosen(appliance.balancing(), parameter), reply);
      });
  dpdk::register_telemetry(
      "/tern/ports", "Each port's own statistics. Takes no parameter",
      [&appliance](const std::string&, dpdk::TelemetryReply& reply) { show_ports(appliance, reply); });
}

Telemetry::~Telemetry() {
  for (const char* command :
       {"/tern/counters", "/tern/connections", "/tern/services", "/tern/flows", "/tern/pools",
        "/tern/outgoing", "/tern/ports", "/tern/ready", "/tern/drain", "/tern/maint"}) {
    dpdk::unregister_telemetry(command);
  }
}

}  // namespace tern::app
