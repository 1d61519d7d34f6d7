// SPDX-License-Identifier: BSD-3-Clause
// The congestion window: what all algorithms share.
#include "tcp/congestion.hpp"

#include <algorithm>

#include "tcp/connection.hpp"

namespace tern::tcp {

const CongestionControl& congestion_control(const Connection& connection, const Core& core) {
  static constexpr const CongestionControl* kControls[] = {&kCubicControl, &kNewRenoControl, &kBbrControl};
  return *kControls[static_cast<size_t>(core.config(connection).congestion)];
}

uint32_t initial_window(uint16_t mss, const Config& config) {
  const uint32_t segments = config.initial_window_segments;
  return std::min(segments * mss, std::max(2u * mss, segments * 1460));
}

// A window that is not used says nothing about the path: it grows while more than half of it was in flight at
// some time of this round trip (RFC 7661 section 4.4.1, RFC 9438 section 5.8). What is in flight as the
// acknowledgment comes does not tell: the round's earlier ones may have taken nearly all of it away.
// One that was not validated of late must have been full (RFC 7661 section 4.4). Nor does it grow in the
// round trip after a reduction for ECN (RFC 3168 section 6.1.2).
bool Connection::window_in_use(Core& core) const {
  if (has(kEcnReduced)) return false;
  if (tcb.extra != kNoSlot && !window_valid(core)) return tcb.window_used + tcb.mss > tcb.cwnd;
  return tcb.window_used > tcb.cwnd / 2;
}

// The part of what was acknowledged that the window grows by. Duplicate ACKs and SACK blocks have let new
// text go for the rest already (RFC 3042), but where the path reorders they come all the time.
uint32_t Connection::newly_delivered(uint32_t acknowledged, Core& core) const {
  if (tcb.reo_wnd != 0) return acknowledged;
  if (tcb.recovery != kNoSlot) return std::min(acknowledged, core.recoveries[tcb.recovery].delivery.bytes);
  const uint32_t told = uint32_t{tcb.duplicate_acks} * tcb.mss;
  return acknowledged > told ? acknowledged - told : 0;
}

// Slow start, counted in bytes (RFC 5681 section 3.1, RFC 3465), or congestion avoidance.
void Connection::grow_window(uint32_t acknowledged, Core& core) {
  const CongestionControl& control = congestion_control(*this, core);
  (tcb.cwnd < tcb.ssthresh ? control.slow_start : control.avoid)(*this, acknowledged, core);
}

CongestionState* Connection::congestion_state(Core& core) {
  if (tcb.congestion == kNoSlot) {
    tcb.congestion = core.congestions.allocate();
    if (tcb.congestion == kNoSlot) {
      ++core.counters.congestions_refused;
      return nullptr;
    }
    core.congestions[tcb.congestion] = CongestionState{};
  }
  return &core.congestions[tcb.congestion];
}

void Connection::end_hystart(Core& core) {
  CongestionState& state = core.congestions[tcb.congestion];
  if (state.hystart == kNoSlot) return;
  core.hystarts.release(state.hystart);
  state.hystart = kNoSlot;
  if (!state.paced) tcb.flags = static_cast<uint16_t>(tcb.flags & ~kDeparturesNoted);
}

void Connection::release_congestion(Core& core) {
  if (tcb.congestion == kNoSlot) return;
  end_hystart(core);
  if (core.congestions[tcb.congestion].bbr != kNoSlot)
    core.bbrs.release(core.congestions[tcb.congestion].bbr);
  core.congestions.release(tcb.congestion);
}

// Another algorithm is chosen: what the one before had in mind is not the next one's.
void Connection::change_congestion(Core& core) {
  release_congestion(core);
  tcb.congestion = kNoSlot;
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kDeparturesNoted);
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldRate);
  if (tcb.state > State::kSynReceived) congestion_control(*this, core).begin(*this, core);
}

// Where kDeparturesNoted is set: a segment has left, for the first time if fresh.
void Connection::note_departure(uint32_t length, bool fresh, Core& core) {
  CongestionState& state = core.congestions[tcb.congestion];
  if (state.paced) delay_next_departure(length, core);
  if (state.bbr != kNoSlot) note_departure_for_rate(length, fresh, core);
  if (fresh && state.hystart != kNoSlot) {
    core.hystarts[state.hystart].sent(tcb.snd.nxt, tcb.cwnd, stamp_of(core.now));
  }
}

// RFC 5681 section 4.1. The last segment left no earlier than a round trip after the one timed last, and what
// is said of a pause of an hour holds for one that is a multiple of the stamp's range too rarely to matter.
void Connection::restart_after_idle(Core& core) {
  const Config& config = core.config(*this);
  if (WindowValidation* own = begin_validation(core)) return age_window(*own, core);
  const std::chrono::microseconds idle(stamp_of(core.now) - tcb.rtt_started_us);
  if (!config.restart_after_idle || idle <= rto(core)) return;
  tcb.cwnd = std::min(tcb.cwnd, initial_window(tcb.mss, config));
}

}  // namespace tern::tcp
