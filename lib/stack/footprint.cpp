// SPDX-License-Identifier: BSD-3-Clause
// What a worker's connections take in memory.
#include "stack/footprint.hpp"

#include <algorithm>

#include "stack/worker.hpp"

namespace tern::stack {

namespace {

constexpr uint32_t kSmall = 262'144;  // up to here everybody has everything
constexpr uint32_t kBusyShare = 16;   // beyond, one in so many
constexpr uint32_t kWindowShare = 4;  // likewise
constexpr uint64_t kIndex = sizeof(uint32_t);

uint32_t share(uint32_t connections, uint32_t one_in) {
  return std::min(connections, std::max(kSmall, connections / one_in));
}

}  // namespace

Footprint::Footprint(const WorkerOptions& options, bool bbr) {
  constexpr uint64_t kBacklogLinks = 2 * kIndex;
  const uint32_t n = options.max_connections;
  connections.count = n;
  busy.count = options.busy_connections == 0 ? share(n, kBusyShare) : std::min(options.busy_connections, n);
  windows.count = share(n, kWindowShare);
  time_waits.count = options.max_time_waits == 0 ? n : options.max_time_waits;

  const uint64_t asleep = busy.count < n ? sizeof(tcp::Dormant) : 0;
  connections.bytes = net::dpdk::FlowTable::footprint(n) / n + asleep + sizeof(Path) +
                      tcp::TimerWheel::kBytesPerNode + kBacklogLinks + kIndex;
  // A slot knows whose it is, and may be free, ready, finished or in TIME-WAIT.
  busy.bytes = sizeof(tcp::Connection) + 5 * kIndex;
  windows.bytes = sizeof(tcp::CongestionState) + kIndex;
  time_waits.bytes = TimeWaits::footprint(time_waits.count) / time_waits.count;
  shared = std::min(kReassemblies, n) * sizeof(tcp::Reassembly) +
           std::min(kRecoveries, n) * sizeof(tcp::Recovery) +
           std::min(kExtras, n) * (sizeof(tcp::Extra) + sizeof(tcp::Config)) +
           std::min(kHyStarts, n) * sizeof(tcp::HyStart) +
           (bbr ? std::min(kBbrs, n) * sizeof(tcp::BbrState) : 0) +
           tcp::FastOpenCache::footprint(tcp::CoreLimits{}.fast_open_servers);
}

uint64_t Footprint::total() const {
  return connections.all() + busy.all() + windows.all() + time_waits.all() + shared;
}

uint64_t Footprint::per_connection() const { return (total() - time_waits.all()) / connections.count; }

}  // namespace tern::stack
