// SPDX-License-Identifier: BSD-3-Clause
// How large a receive buffer has to be: RFC 9293 section 3.8.6.2.2 leaves it open, RFC 7323 section 2 wants
// it no smaller than what the path holds. A connection begins with little, and gets twice what its user takes
// in a round trip, so that the window never is what slows the peer down (dynamic right-sizing, as Linux does
// it).
//
// A buffer only grows: what was announced is not taken back. All growth of a core stays below
// CoreLimits::tuned_bytes, and there is none while connections hold half of the buffers they may.
#include <algorithm>

#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

// What a flow that takes so much in a round trip should be offered. Twice that, since the peer may send
// twice as much in the next, and half as much again as it grew, since the window gets there a round later.
uint64_t wanted(uint32_t taken, uint32_t before, uint16_t mss) {
  constexpr uint32_t kSegments = 16;
  const uint64_t twice = 2 * uint64_t{taken} + kSegments * uint64_t{mss};
  return before == 0 ? twice : twice + 2 * twice * (taken - before) / before;
}

}  // namespace

uint32_t Connection::receive_buffer(const Core& core) const {
  const Config& config = core.config(*this);
  const uint32_t initial = std::min(config.receive_buffer, config.receive_buffer_initial);
  return tcb.extra == kNoSlot ? initial : initial + core.extras[tcb.extra].tuning.granted;
}

// Called when an acknowledgment leaves by itself, as those of bulk do.
void Connection::tune_receive_buffer(Core& core) {
  const Config& config = core.config(*this);
  if (config.receive_buffer <= config.receive_buffer_initial) return;
  const bool bulk = tcb.rcv.nxt - tcb.irs > config.receive_buffer_initial / 2;
  if (tcb.extra == kNoSlot && (!bulk || core.extras.full())) return;
  ReceiveTuning& tuning = extra(core)->tuning;
  const uint32_t now_us = stamp_of(core.now);
  const Seq taken_up_to = tcb.rcv.nxt - tcb.unread;
  if (!tuning.begun) {
    tuning.begun = true;
    tuning.round_from = taken_up_to;
    tuning.window_end = tcb.rcv.nxt + tcb.rcv.wnd;
    tuning.round_began_us = tuning.window_began_us = now_us;
    return;
  }
  // A peer that fills the window takes a round trip for each, one that does not takes longer.
  if (tcb.rcv.nxt >= tuning.window_end) {
    const uint32_t took = std::max(now_us - tuning.window_began_us, 1u);
    tuning.window_us = tuning.window_us == 0 ? took : std::min(tuning.window_us, took);
    tuning.window_end = tcb.rcv.nxt + tcb.rcv.wnd;
    tuning.window_began_us = now_us;
  }
  const uint32_t trip = tcb.srtt_us == 0        ? tuning.window_us
                        : tuning.window_us == 0 ? tcb.srtt_us
                                                : std::min(tcb.srtt_us, tuning.window_us);
  if (trip == 0 || now_us - tuning.round_began_us < trip) return;
  const uint32_t taken = taken_up_to - tuning.round_from;
  if (taken > tuning.taken_most) {
    grow_receive_buffer(wanted(taken, tuning.taken_most, config.mss), core);
    tuning.taken_most = taken;
  }
  tuning.round_from = taken_up_to;
  tuning.round_began_us = now_us;
}

void Connection::grow_receive_buffer(uint64_t bytes, Core& core) {
  const Config& config = core.config(*this);
  const uint64_t goal = std::min<uint64_t>(bytes, config.receive_buffer);
  const uint32_t now = receive_buffer(core);
  if (goal <= now) return;
  if (core.held_packets >= core.limits.held_packets / 2 || core.tuned_bytes >= core.limits.tuned_bytes) {
    ++core.counters.receive_growth_refused;
    return;
  }
  const uint64_t step = std::min(goal - now, core.limits.tuned_bytes - core.tuned_bytes);
  core.extras[tcb.extra].tuning.granted += static_cast<uint32_t>(step);
  core.tuned_bytes += step;
  ++core.counters.receive_buffers_grown;
}

// What was granted is there for others. What was announced of it stays announced.
void Connection::end_receive_tuning(Core& core) {
  if (tcb.extra == kNoSlot) return;
  core.tuned_bytes -= core.extras[tcb.extra].tuning.granted;
  core.extras[tcb.extra].tuning.granted = 0;
}

}  // namespace tern::tcp
