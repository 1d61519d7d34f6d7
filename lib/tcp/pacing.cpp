// SPDX-License-Identifier: BSD-3-Clause
// Pacing: segments leave at a rate, not as fast as windows let them.
//
// Each segment sent moves the time at which the next may leave by its length over the rate. Until then the
// wheel waits, whose tick is 1.05 ms: it fires up to a tick late, and then as much leaves at once as the rate
// gives for the time since, at least a segment. So bursts are as long as what the rate gives in a tick, or as
// a segment. Time that was not used is made up for up to two ticks, so that lateness costs no rate and a
// pause allows no burst of more than two ticks' worth.
//
// The time is kept in units of 64 ns, so that a segment at 10 Gbit/s is not rounded away, on a circle of 274
// s. While something is in flight the timeout sees to it that no half circle passes; with nothing in flight a
// segment may leave at once.
#include <algorithm>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

constexpr int kUnitShift = 6;
constexpr int32_t kCredit = (2 << TimerWheel::kTickShift) >> kUnitShift;  // two ticks of the wheel
// Longer than any segment should wait, however slow the rate: two seconds.
constexpr uint64_t kLongestGap = 2'000'000'000u >> kUnitShift;

uint32_t units(net::Instant t) { return static_cast<uint32_t>(t.ns >> kUnitShift); }

}  // namespace

// As Linux: twice the window in a round trip while slow start may double it, else a fifth more than the
// window, so that pacing does not keep it from growing. Before the first measurement nothing is held back.
uint64_t window_pacing_rate(const Connection& connection, Core&) {
  const Tcb& tcb = connection.tcb;
  if (tcb.srtt_us == 0) return 0;
  const uint64_t percent = tcb.cwnd < tcb.ssthresh / 2 ? 200 : 120;
  return std::max<uint64_t>(tcb.cwnd, connection.flight()) * 10'000 * percent / tcb.srtt_us;
}

void begin_paced(Connection& connection, Core& core) {
  if (!core.config(connection).pacing) return;
  CongestionState* state = connection.congestion_state(core);
  if (state == nullptr) return;
  state->paced = true;
  connection.tcb.flags |= kDeparturesNoted;
}

// Where kDeparturesNoted is set: whether the next segment may leave now. If not, the wheel is set for when it
// may; whatever else fires its node, on_timeout() asks again.
bool Connection::may_depart(Core& core) {
  const CongestionState& state = core.congestions[tcb.congestion];
  if (!state.paced || flight() == 0) return true;
  const auto wait = static_cast<int32_t>(state.send_at - units(core.now));
  if (wait <= 0) return true;
  if ((tcb.hold & kHoldScoreboard) == 0 && (unsent_bytes() == 0 || usable_window(core) == 0)) return true;
  const Deadline due = core.now + net::Duration(int64_t{wait} << kUnitShift);
  if (due.before(tcb.fires_at, core.now)) {
    core.wheel.arm(core.index_of(*this), due.instant(core.now));
    tcb.fires_at = due;
  }
  return false;
}

void Connection::delay_next_departure(uint32_t length, Core& core) {
  CongestionState& state = core.congestions[tcb.congestion];
  const uint64_t rate = congestion_control(*this, core).pacing_rate(*this, core);
  const uint32_t now = units(core.now);
  const bool first = flight() <= length;  // it has left already
  const auto ahead = first ? 0 : std::max(static_cast<int32_t>(state.send_at - now), -kCredit);
  const uint64_t gap = rate == 0 ? 0 : (uint64_t{length} * (1'000'000'000u >> kUnitShift) + rate / 2) / rate;
  state.send_at = now + static_cast<uint32_t>(ahead) + static_cast<uint32_t>(std::min(gap, kLongestGap));
}

}  // namespace tern::tcp
