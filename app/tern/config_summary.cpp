// SPDX-License-Identifier: BSD-3-Clause
// The configuration in words: what `tern --check` prints, and the names of its values.
#include <algorithm>
#include <array>
#include <string>

#include "tern/config.hpp"

namespace tern::app {
namespace {

std::string milliseconds(net::Duration duration) {
  return std::to_string(duration / std::chrono::milliseconds(1)) + " ms";
}

std::string on_or_off(std::string_view what, bool on) { return std::string(what) + (on ? " on" : " off"); }

std::string describe(const PortConfig& port) {
  std::string text = "port " + port.device;
  if (!port.args.empty()) text += " (" + port.args + ")";
  text += ":";
  for (const auto& address : port.addresses) text += " " + net::to_string(address);
  text += ", mtu " + std::to_string(port.mtu);
  return text + (port.offload ? ", offloads where the device has them\n" : ", no offloads\n");
}

// label: whose settings they are.
std::string describe(std::string_view label, const tcp::Config& tcp) {
  return "  " + std::string(label) + ": " +
         std::string(tcp::kCongestionNames[static_cast<size_t>(tcp.congestion)]) + ", mss " +
         std::to_string(tcp.mss) + ", window scale " + std::to_string(tcp.window_scale) + ", " +
         on_or_off("timestamps", tcp.timestamps) + ", " + on_or_off("sack", tcp.sack) + ", " +
         on_or_off("nagle", tcp.nagle) + ", buffers " +
         std::to_string(std::min(tcp.receive_buffer, tcp.receive_buffer_initial) / 1024) + " to " +
         std::to_string(tcp.receive_buffer / 1024) + " KiB in and " + std::to_string(tcp.send_buffer / 1024) +
         " KiB out, rto " + milliseconds(tcp.rto_min) + " to " + milliseconds(tcp.rto_max) + "\n";
}

std::string describe(const PoolConfig& pool) {
  constexpr std::array<std::string_view, 3> kChecks{"no checks", "checked by TCP", "checked by HTTP"};
  std::string text = "pool " + pool.balance.name + ": " + std::string(lb::to_string(pool.balance.algorithm)) +
                     ", " + std::string(kChecks[static_cast<size_t>(pool.check)]) + "\n";
  for (const lb::BackendConfig& backend : pool.balance.backends) {
    text += "  backend " + backend.name + ": " + net::to_string(backend.address) + ':' +
            std::to_string(backend.port) + ", weight " + std::to_string(backend.weight) +
            (backend.backup ? ", backup\n" : "\n");
  }
  return text;
}

std::string describe(const ServiceConfig& service, const std::vector<PoolConfig>& pools) {
  std::string text = "service " + service.name + ": " + std::string(to_string(service.kind)) + " on";
  for (const auto& listen : service.listen) text += " " + to_string(listen);
  if (service.kind == ServiceKind::kProxy) text += " to pool " + pools[service.proxy.pool].balance.name;
  text += "\n" + describe("tcp", service.tcp);
  return service.kind == ServiceKind::kProxy ? text + describe("tcp to backends", service.proxy.tcp) : text;
}

}  // namespace

std::string_view to_string(Idle idle) { return idle == Idle::kPoll ? "poll" : "adaptive"; }

std::string_view to_string(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kEcho:
      return "echo";
    case ServiceKind::kDiscard:
      return "discard";
    case ServiceKind::kChargen:
      return "chargen";
    case ServiceKind::kHttp:
      return "http";
    case ServiceKind::kProxy:
      return "proxy";
  }
  return {};
}

std::string to_string(const ListenAddress& listen) {
  return net::to_string(listen.address) + ':' + std::to_string(listen.port);
}

std::string summarize(const Config& config) {
  std::string text;
  if (!config.eal_args.empty()) {
    text += "eal:";
    for (const auto& argument : config.eal_args) text += " " + argument;
    text += "\n";
  }
  const DataplaneConfig& dataplane = config.dataplane;
  text += "workers: " + std::to_string(dataplane.workers.size()) + ", on CPU";
  for (const unsigned cpu : dataplane.workers) text += " " + std::to_string(cpu);
  text += ", idle " + std::string(to_string(dataplane.idle)) + ", up to " +
          std::to_string(dataplane.max_connections) + " connections each, ";
  text +=
      dataplane.buffers == 0 ? "buffers automatic\n" : std::to_string(dataplane.buffers) + " buffers each\n";
  for (const auto& port : config.ports) text += describe(port);
  for (const auto& pool : config.pools) text += describe(pool);
  for (const auto& service : config.services) text += describe(service, config.pools);
  if (config.services.empty()) text += "no services: ARP and ping are answered, connections refused\n";
  return text;
}

}  // namespace tern::app
