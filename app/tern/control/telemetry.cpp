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
    {{"/tern/ready", "Takes a backend or service back. Parameter: POOL/BACKEND or SERVICE",
      lb::Admin::kReady},
     {"/tern/drain",
      "No new connections; the open ones go on. Parameter: POOL/BACKEND or SERVICE, and for how long: "
      ",SECONDS",
      lb::Admin::kDrain},
     {"/tern/maint", "No new connections and no checks. Parameter: POOL/BACKEND, and as above: ,SECONDS",
      lb::Admin::kMaint}}};

// Whom a command is for, and when those of its clients that are left are reset.
struct AdminRequest {
  std::string name;  // "pool/backend", or a service
  lb::Admin admin;
  net::Instant until = net::Instant::never();
};

AdminRequest parse_admin(const std::string& parameter, lb::Admin admin, net::Instant now) {
  constexpr unsigned kMostSeconds = 86400;
  const size_t comma = parameter.find(',');
  AdminRequest request{parameter.substr(0, comma), admin};
  if (comma == std::string::npos) return request;
  unsigned seconds = 0;
  const char* end = parameter.data() + parameter.size();
  const auto [stop, error] = std::from_chars(parameter.data() + comma + 1, end, seconds);
  if (admin == lb::Admin::kReady || error != std::errc() || stop != end || seconds == 0 ||
      seconds > kMostSeconds)
    throw std::invalid_argument("behind the comma /tern/drain and /tern/maint take seconds, 1 to 86400");
  request.until = now + std::chrono::seconds(seconds);
  return request;
}

// Whether there is such a backend.
bool set_backend(const Config& config, const Balancing& worker, const AdminRequest& request) {
  for (size_t i = 0; i < config.pools.size(); ++i) {
    const auto& backends = config.pools[i].balance.backends;
    for (size_t b = 0; b < backends.size(); ++b) {
      if (config.pools[i].balance.name + '/' + backends[b].name != request.name) continue;
      Wanted& wanted = worker.upstreams[i]->wanted[b];
      wanted.until.store(request.until, std::memory_order_relaxed);
      wanted.admin.store(request.admin, std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

// Whether there is such a service; it is never in maintenance, which is about checks.
bool set_service(const Config& config, const Balancing& worker, const AdminRequest& request) {
  if (request.admin == lb::Admin::kMaint) return false;
  for (size_t i = 0; i < config.services.size(); ++i) {
    if (config.services[i].name != request.name) continue;
    if (worker.proxies[i] != nullptr) {
      worker.proxies[i]->end_drain_at(request.until);
    } else if (!request.until.is_never()) {
      throw std::invalid_argument("only backends and proxies take seconds; leave them out");
    }
    worker.services[i]->drain(request.admin == lb::Admin::kDrain);
    return true;
  }
  return false;
}

void obey(const Appliance& appliance, const AdminRequest& request) {
  for (const Balancing& worker : appliance.balancing()) {
    if (!set_service(appliance.config(), worker, request) &&
        !set_backend(appliance.config(), worker, request))
      throw std::invalid_argument(
          "no such backend or service; /tern/pools lists POOL/BACKEND, /tern/services services");
  }
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
          obey(appliance, parse_admin(parameter, admin, appliance.now()));
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
