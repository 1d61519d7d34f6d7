// SPDX-License-Identifier: BSD-3-Clause
// The congestion window: what all algorithms share.
#include "tcp/congestion.hpp"

#include <algorithm>

#include "tcp/connection.hpp"

namespace tern::tcp {

const CongestionControl& congestion_control(const Connection& connection, const Core& core) {
  static constexpr const CongestionControl* kControls[] = {&kCubicControl, &kNewRenoControl};
  return *kControls[static_cast<size_t>(core.config(connection).congestion)];
}

uint32_t initial_window(uint16_t mss, const Config& config) {
  const uint32_t segments = config.initial_window_segments;
  return std::min(segments * mss, std::max(2u * mss, segments * 1460));
}

// Slow start, counted in bytes (RFC 5681 section 3.1, RFC 3465), or congestion avoidance.
void Connection::grow_window(uint32_t acknowledged, Core& core) {
  if (tcb.cwnd < tcb.ssthresh) {
    tcb.cwnd += acknowledged;
  } else {
    congestion_control(*this, core).avoid(*this, acknowledged, core);
  }
}

// RFC 5681 section 4.1. The last segment left no earlier than a round trip after the one timed last, and what
// is said of a pause of an hour holds for one that is a multiple of the stamp's range too rarely to matter.
void Connection::restart_after_idle(Core& core) {
  const Config& config = core.config(*this);
  if (!config.restart_after_idle) return;
  const uint32_t idle_us = stamp_of(core.now) - tcb.rtt_started_us;
  if (std::chrono::microseconds(idle_us) <= rto(core)) return;
  tcb.cwnd = std::min(tcb.cwnd, initial_window(tcb.mss, config));
}

}  // namespace tern::tcp
