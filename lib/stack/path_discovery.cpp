// SPDX-License-Identifier: BSD-3-Clause
// The worker's part in path MTU discovery (RFC 1191): ICMP errors find their connection, and what one
// connection learns of a path the next begins with.
#include <span>

#include "stack/worker.hpp"

namespace tern::stack {

void Worker::on_icmp_errors() {
  for (const net::IcmpReport& report : ingress_.icmp_errors()) {
    uint32_t hash = 0;
    table_.hash(std::span(&report.tuple, 1), std::span(&hash, 1));
    const int32_t position = table_.find(report.tuple, hash);
    if (position == net::dpdk::FlowTable::kAbsent) {
      ++core_.counters.icmp_unmatched;
    } else if (tcp::Connection* connection = core_.wake(static_cast<uint32_t>(position))) {
      connection->on_icmp(report, core_);
    }
  }
}

// A new connection begins with what earlier ones have learned of its path.
void Worker::limit_path(uint32_t index) {
  const auto known = path_mtus_.find(paths_[index].tuple.remote, core_.now);
  if (known) core_.connection(index).limit_path(known->mss, known->until, core_);
}

void Worker::remember_paths() {
  for (const uint32_t index : core_.narrowed) {
    if (!core_.awake(index)) continue;
    const tcp::Connection& connection = core_.connection(index);
    if (connection.tcb.state == tcp::State::kClosed) continue;
    path_mtus_.learn({paths_[index].tuple.remote, connection.path_mss(), core_.now + tcp::kPathBelieved});
  }
  core_.narrowed.clear();
}

}  // namespace tern::stack
