// SPDX-License-Identifier: BSD-3-Clause
// What a configuration costs in memory.
#include "tern/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "net/dpdk/frame.hpp"
#include "stack/local_ports.hpp"
#include "stack/worker.hpp"
#include "tern/services/proxy_sessions.hpp"

namespace tern::app {

namespace {

constexpr uint64_t kMiB = uint64_t{1024} * 1024;
constexpr uint16_t kDescriptors = 1024;
constexpr uint32_t kAutomaticBuffers = 32768;  // 80 MB with 1500-byte frames
constexpr uint32_t kLeastHeld = 1024;          // buffers that connections must be able to hold
constexpr uint64_t kEalOwn = 64 * kMiB;        // EAL's heap, rings, driver state

uint64_t mebibytes(uint64_t bytes) { return (bytes + kMiB - 1) / kMiB; }

}  // namespace

MemoryPlan plan_memory(const Config& config, bool huge_pages) {
  MemoryPlan plan;
  uint16_t mtu = 0;
  for (const PortConfig& port : config.ports) mtu = std::max(mtu, port.mtu);
  const auto ports = static_cast<uint32_t>(config.ports.size());
  constexpr uint16_t kFrameOverhead = 26;  // Ethernet header, two VLAN tags, checksum, as Port reckons
  plan.buffer_bytes = static_cast<uint16_t>(std::max(2048, mtu + kFrameOverhead));
  plan.descriptors = kDescriptors;
  // Each receive queue keeps its descriptors filled; a burst more is under way in the worker.
  plan.receive_reserve = ports * (kDescriptors + 2u * 64);
  plan.receive_buffers =
      config.dataplane.buffers != 0 ? config.dataplane.buffers : kAutomaticBuffers + plan.receive_reserve;
  // A frame takes a buffer for headers and perhaps two references, until the device has sent it.
  plan.header_buffers = ports * kDescriptors * 3 + 1024;
  const auto is_bbr = [](const tcp::Config& tcp) { return tcp.congestion == tcp::Congestion::kBbr; };
  const bool bbr =
      std::ranges::any_of(config.services, is_bbr, &ServiceConfig::tcp) ||
      std::ranges::any_of(config.services, [&](const ServiceConfig& s) { return is_bbr(s.proxy.tcp); }) ||
      std::ranges::any_of(config.pools, is_bbr, &PoolConfig::tcp);
  stack::WorkerOptions options;
  options.max_connections = config.dataplane.max_connections;
  options.busy_connections = config.dataplane.busy_connections;
  options.max_time_waits = config.dataplane.max_time_waits;
  plan.connections = stack::Footprint(options, bbr);
  plan.buffer_pool_bytes =
      net::dpdk::FramePool::footprint(plan.receive_buffers, plan.buffer_bytes, huge_pages) +
      net::dpdk::FramePool::footprint(plan.header_buffers, plan.buffer_bytes, huge_pages);
  for (const ServiceConfig& service : config.services) plan.file_bytes += service.http.root_bytes;
  for (const ServiceConfig& service : config.services) {
    if (service.kind != ServiceKind::kProxy) continue;
    plan.session_bytes += Sessions::footprint(config.dataplane.max_connections);
    plan.session_bytes += lb::Limits::footprint(service.proxy.limits);
  }
  for (const PoolConfig& pool : config.pools) {
    plan.session_bytes += lb::Pool::footprint(pool.balance);
    plan.session_bytes += pool.balance.backends.size() * std::max<size_t>(1, pool.sources.size()) *
                          stack::LocalPorts::kBytesPerPeer;
  }
  plan.ordinary_bytes = plan.session_bytes * config.dataplane.workers.size();
  plan.total_bytes =
      (plan.connections.total() + plan.buffer_pool_bytes + plan.file_bytes) * config.dataplane.workers.size();
  return plan;
}

uint32_t MemoryPlan::plain_memory_mib() const {
  // Large arrays must be contiguous, so leave room for what fragmentation takes.
  return static_cast<uint32_t>(mebibytes(total_bytes + total_bytes / 4 + kEalOwn));
}

std::string describe(const MemoryPlan& plan, const Config& config) {
  const stack::Footprint& taken = plan.connections;
  const auto line = [](std::string_view name, uint64_t count, uint64_t bytes, std::string_view note) {
    return fmt::format("  {:<12} {:>10} x {:>4} bytes = {:>6} MiB{}\n", name, count, bytes,
                       mebibytes(count * bytes), note);
  };
  const auto part = [&](std::string_view name, const stack::Footprint::Part& p, std::string_view note = "") {
    return line(name, p.count, p.bytes, note);
  };
  const uint32_t buffers = plan.receive_buffers + plan.header_buffers;
  const size_t workers = config.dataplane.workers.size();
  return fmt::format("memory: {} MiB for {} worker{}; each\n", mebibytes(plan.total_bytes), workers,
                     workers == 1 ? "" : "s") +
         part("connections", taken.connections) + part("busy", taken.busy, " more, for those awake at once") +
         part("windows", taken.windows, " more, for those whose window has a past") +
         part("TIME-WAIT", taken.time_waits) +
         fmt::format("  {:<12} {:>27}   {:>6} MiB\n", "rare needs", "", mebibytes(taken.shared)) +
         line("buffers", buffers, plan.buffer_pool_bytes / buffers,
              fmt::format(" ({} to receive and hold text, {} to send)", plan.receive_buffers,
                          plan.header_buffers)) +
         (plan.file_bytes == 0 ? std::string()
                               : fmt::format("  files {:>35} MiB\n", mebibytes(plan.file_bytes))) +
         (plan.session_bytes == 0
              ? std::string()
              : fmt::format("  sessions {:>32} MiB of ordinary memory\n", mebibytes(plan.session_bytes))) +
         fmt::format("  all told a connection takes {} bytes, one in TIME-WAIT {}\n", taken.per_connection(),
                     taken.time_waits.bytes);
}

std::string refuse(const MemoryPlan& plan, uint64_t free_bytes, bool huge_pages) {
  if (plan.receive_buffers < plan.receive_reserve + kLeastHeld) {
    return fmt::format(
        "dataplane.buffers = {} leaves too few to connections, since the ports' queues need {}: make it at "
        "least {}, or leave it out",
        plan.receive_buffers, plan.receive_reserve, plan.receive_reserve + kLeastHeld);
  }
  const uint64_t needed =
      huge_pages ? plan.total_bytes + kEalOwn : plan.plain_memory_mib() * kMiB + plan.ordinary_bytes;
  if (needed <= free_bytes) return {};
  if (huge_pages) {
    return fmt::format(
        "the configuration needs {} MiB and {} MiB of huge pages are free: reserve more "
        "(echo {} > /proc/sys/vm/nr_hugepages for 2 MiB pages), or lower dataplane.max_connections or "
        "dataplane.buffers, or pass --no-huge in eal.args",
        mebibytes(needed), free_bytes / kMiB, mebibytes(needed) / 2 + 1);
  }
  return fmt::format(
      "the configuration needs {} MiB and {} MiB of memory are free: lower dataplane.max_connections or "
      "dataplane.buffers",
      mebibytes(needed), free_bytes / kMiB);
}

uint64_t free_memory_bytes(bool huge_pages) {
  uint64_t bytes = 0;
  if (!huge_pages) {
    std::ifstream file("/proc/meminfo");
    for (std::string name, unit; file >> name;) {
      uint64_t value = 0;
      file >> value;
      std::getline(file, unit);
      if (name == "MemAvailable:") bytes = value * 1024;
    }
    return bytes;
  }
  std::error_code error;
  for (const auto& size : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    const std::string name = size.path().filename();  // hugepages-2048kB
    const uint64_t page = std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10) * 1024;
    uint64_t count = 0;
    std::ifstream(size.path() / "free_hugepages") >> count;
    bytes += page * count;
  }
  return bytes;
}

}  // namespace tern::app
