// SPDX-License-Identifier: BSD-3-Clause
// CUBIC: RFC 9438, with HyStart++ (RFC 9406) in the first slow start. Where the core has no state left, a
// connection grows as RFC 5681 says.
#include <algorithm>
#include <cmath>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

constexpr double kBeta = 0.7;                                   // section 4.6
constexpr double kC = 0.4;                                      // section 5, segments per second cubed
constexpr double kAlpha = 3.0 * (1.0 - kBeta) / (1.0 + kBeta);  // section 4.3

double seconds(net::Duration d) { return std::chrono::duration<double>(d).count(); }

float in_segments(const Tcb& tcb) { return static_cast<float>(static_cast<double>(tcb.cwnd) / tcb.mss); }

CongestionState* state_of(Connection& connection, Core& core) {
  return connection.tcb.congestion == kNoSlot ? nullptr : &core.congestions[connection.tcb.congestion];
}

// RFC 9406 section 4.3: only in the first slow start, whose threshold knows nothing of the path.
HyStart* hystart_of(Connection& connection, Core& core) {
  Tcb& tcb = connection.tcb;
  if (tcb.ssthresh != kNoThreshold || tcb.cwnd < initial_window(tcb.mss, core.config(connection))) {
    return nullptr;
  }
  CongestionState* state = connection.congestion_state(core);
  if (state == nullptr) return nullptr;
  if (state->hystart == kNoSlot) {
    state->hystart = core.hystarts.allocate();
    if (state->hystart == kNoSlot) {
      ++core.counters.hystarts_refused;
      return nullptr;
    }
    core.hystarts[state->hystart].begin(tcb.snd.nxt);
    tcb.flags |= kDeparturesNoted;
  }
  return &core.hystarts[state->hystart];
}

void slow_start(Connection& connection, uint32_t acknowledged, Core& core) {
  Tcb& tcb = connection.tcb;
  HyStart* hystart = hystart_of(connection, core);
  if (hystart == nullptr) return kNewRenoControl.slow_start(connection, acknowledged, core);
  tcb.cwnd += hystart->acknowledged(tcb.snd.una, tcb.snd.nxt, acknowledged, stamp_of(core.now));
  if (!hystart->over()) return;
  ++core.counters.hystart_exits;
  tcb.ssthresh = tcb.cwnd;
  connection.end_hystart(core);
}

uint32_t reduce(Connection& connection, uint32_t flight, Core& core) {
  Tcb& tcb = connection.tcb;
  if (CongestionState* state = connection.congestion_state(core)) {
    connection.end_hystart(core);
    const double cwnd = static_cast<double>(tcb.cwnd) / tcb.mss;
    state->w_max_before = state->w_max;
    // Fast convergence, section 4.7: a window that did not come back to where it was makes room for others.
    const bool grew_back = static_cast<float>(cwnd) >= state->w_max;
    state->w_max = static_cast<float>(grew_back ? cwnd : cwnd * (1.0 + kBeta) / 2.0);
    state->cwnd_prior = static_cast<float>(cwnd);
    state->epoch_start = net::Instant::never();
  }
  return std::max(static_cast<uint32_t>(flight * kBeta), 2u * tcb.mss);  // section 4.6
}

// Section 4.8: the first congestion avoidance after a timeout begins on a plateau of its own.
void time_out(Connection& connection, Core& core) {
  if (CongestionState* state = state_of(connection, core)) state->w_max = 0;
}

// Section 4.9. What has grown beyond where it was meanwhile goes on as it does.
void undo(Connection& connection, Core& core) {
  CongestionState* state = state_of(connection, core);
  if (state == nullptr || in_segments(connection.tcb) > state->cwnd_prior) return;
  state->w_max = state->w_max_before;
  state->epoch_start = net::Instant::never();
}

// TCP's windows are bytes; those of the curve, in segments, are what the path bore of either size.
void resize(Connection&, Core&) {}

void begin_epoch(CongestionState& state, double cwnd, net::Instant now) {  // sections 4.2 and 4.3
  state.epoch_start = state.grew = now;
  state.cwnd = state.w_est = cwnd;
  if (state.w_max <= static_cast<float>(cwnd)) {
    state.w_max = static_cast<float>(cwnd);
    state.k_seconds = 0;
  } else {
    state.k_seconds = static_cast<float>(std::cbrt((state.w_max - cwnd) / kC));
  }
}

void avoid(Connection& connection, uint32_t acknowledged, Core& core) {
  CongestionState* state = state_of(connection, core);
  if (state == nullptr) return kNewRenoControl.avoid(connection, acknowledged, core);
  Tcb& tcb = connection.tcb;
  const double cwnd = static_cast<double>(tcb.cwnd) / tcb.mss;
  const net::Duration rtt = std::chrono::microseconds(tcb.srtt_us);
  if (state->epoch_start.is_never()) begin_epoch(*state, cwnd, core.now);
  // Time in which the window was not used does not count (sections 4.2 and 5.8): what is used is acknowledged
  // after a round trip.
  const net::Duration pause = core.now - state->grew;
  if (pause > 2 * rtt) state->epoch_start += pause - rtt;
  state->grew = core.now;

  const auto curve = [state](double t) {  // W_cubic(t), section 4.2
    const double x = t - state->k_seconds;
    return kC * x * x * x + state->w_max;
  };
  const double t = seconds(core.now - state->epoch_start);
  const double segments = static_cast<double>(acknowledged) / tcb.mss;
  const double alpha = state->w_est < state->cwnd_prior ? kAlpha : 1.0;
  state->w_est += alpha * segments / cwnd;
  // What whole bytes leave out is carried on, unless another rule has set the window.
  double next = std::floor(state->cwnd * tcb.mss) == tcb.cwnd ? state->cwnd : cwnd;
  if (curve(t) < state->w_est) {
    next = std::max(next, state->w_est);  // the Reno-friendly region, section 4.3
  } else {
    const double target = std::clamp(curve(t + seconds(rtt)), cwnd, 1.5 * cwnd);
    next += (target - cwnd) / cwnd * segments;  // sections 4.4 and 4.5
  }
  state->cwnd = next;
  constexpr double kLargest = 1u << 30;  // no peer's window is larger
  tcb.cwnd = static_cast<uint32_t>(std::min(std::floor(next * tcb.mss), kLargest));
}

}  // namespace

const CongestionControl kCubicControl{begin_paced, slow_start, reduce, time_out,
                                      undo,        resize,     avoid,  window_pacing_rate};

}  // namespace tern::tcp
