// SPDX-License-Identifier: BSD-3-Clause
// BBR as a congestion control of a connection: what it is told of departures and acknowledgments, and how its
// window and rate become the connection's. The model is bbr.cpp's. Where the core has no room left for one, a
// connection uses NewReno.
//
// Loss recovery chooses what is sent again; how much, is the model's to say, whose window replaces the one
// that RFC 6937 yields.
#include <algorithm>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

BbrState* state_of(const Connection& connection, Core& core) {
  const uint32_t congestion = connection.tcb.congestion;
  if (congestion == kNoSlot || core.congestions[congestion].bbr == kNoSlot) return nullptr;
  return &core.bbrs[core.congestions[congestion].bbr];
}

void begin(Connection& connection, Core& core) {
  Tcb& tcb = connection.tcb;
  CongestionState* state = connection.congestion_state(core);
  const uint32_t slot = state == nullptr ? kNoSlot : core.bbrs.allocate();
  if (slot == kNoSlot) {
    ++core.counters.bbr_refused;
    return begin_paced(connection, core);
  }
  state->bbr = slot;
  state->paced = true;
  core.bbrs[slot].model.begin(core.now, tcb.mss, tcb.cwnd, tcb.srtt_us, tcb.iss - tcb.irs);
  core.bbrs[slot].rates = DeliveryRate{};
  tcb.flags |= kDeparturesNoted;
  tcb.hold |= kHoldRate;
}

void slow_start(Connection& connection, uint32_t acknowledged, Core& core) {
  if (state_of(connection, core) == nullptr) kNewRenoControl.slow_start(connection, acknowledged, core);
}

void avoid(Connection& connection, uint32_t acknowledged, Core& core) {
  if (state_of(connection, core) == nullptr) kNewRenoControl.avoid(connection, acknowledged, core);
}

uint32_t reduce(Connection& connection, uint32_t flight, Core& core) {
  BbrState* state = state_of(connection, core);
  if (state == nullptr) return kNewRenoControl.reduce(connection, flight, core);
  state->model.enter_loss_recovery(flight, false);
  return std::max(connection.tcb.cwnd, 2u * connection.tcb.mss);
}

void time_out(Connection& connection, Core& core) {
  if (BbrState* state = state_of(connection, core)) state->model.enter_loss_recovery(0, true);
}

void undo(Connection& connection, Core& core) {
  BbrState* state = state_of(connection, core);
  if (state == nullptr) return;
  state->model.undo(state->rates.delivered());
  connection.tcb.cwnd = state->model.cwnd();
}

void resize(Connection& connection, Core& core) {
  if (BbrState* state = state_of(connection, core)) state->model.resize(connection.tcb.mss);
}

uint64_t pacing_rate(const Connection& connection, Core& core) {
  const BbrState* state = state_of(connection, core);
  return state == nullptr ? window_pacing_rate(connection, core) : state->model.pacing_rate();
}

}  // namespace

// What is believed to be under way: SetPipe() of RFC 6675, where something is missing.
uint32_t Connection::in_network(Core& core) const {
  return tcb.recovery == kNoSlot ? flight() : core.recoveries[tcb.recovery].board.pipe();
}

void Connection::note_departure_for_rate(uint32_t length, bool fresh, Core& core) {
  BbrState& state = *state_of(*this, core);
  const uint32_t now_us = stamp_of(core.now);
  // The scoreboard has heard of a retransmission, but not yet of what is new.
  const uint32_t in_flight = in_network(core) + (fresh && tcb.recovery != kNoSlot ? length : 0);
  if (in_flight <= length) {
    state.model.restart_from_idle(core.now, state.rates.app_limited());
    tcb.cwnd = std::max(tcb.cwnd, state.model.cwnd());  // a pause says nothing of the path
  }
  state.rates.sent(tcb.snd.nxt, !fresh, length, in_flight, now_us,
                   tcb.srtt_us / DeliveryRate::kDeparturesPerTrip);
  // CheckIfApplicationLimited().
  const bool lost = tcb.recovery != kNoSlot && core.recoveries[tcb.recovery].board.any_lost();
  if (unsent_bytes() == 0 && in_flight < tcb.cwnd && !lost) state.rates.limited_by_application(in_flight);
}

// An acknowledgment where kHoldRate is set: what it delivered, then what it shows to be lost, then the model.
void Connection::assess_rate(uint32_t acknowledged, Core& core) {
  BbrState& state = *state_of(*this, core);
  const uint32_t now_us = stamp_of(core.now);
  const bool board = tcb.recovery != kNoSlot && has(kSackOn);
  const Delivery delivery = board ? core.recoveries[tcb.recovery].delivery : Delivery{};
  const Newest newest{delivery.last.end, delivery.last.sent_us, delivery.last_again};
  Bbr::Ack ack;
  ack.now = core.now;
  ack.newly_acked = board ? delivery.bytes : acknowledged;
  ack.sample = state.rates.acknowledged(
      ack.newly_acked, tcb.snd.una, board ? &newest : nullptr,
      state.model.min_rtt_us() == Bbr::kInfinite ? 0 : state.model.min_rtt_us(), now_us);
  if (board && !delivery.any) ack.sample = RateSample{};  // a retransmission or its original: who can say
  assess_losses(core);
  if (tcb.state == State::kClosed) return;
  if (tcb.recovery != kNoSlot) {
    const Losses losses = core.recoveries[tcb.recovery].board.take_losses();
    if (losses.bytes != 0) {
      state.rates.lost(losses.bytes);
      const Newest lost{losses.last.end, losses.last.sent_us, losses.last_again};
      if (const auto* departure = state.rates.departure_of(lost)) {
        ack.newly_lost = losses.bytes;
        ack.lost_departure = *departure;
        ack.lost_departure.lost = state.rates.lost() - departure->lost;
      }
    }
  }
  if (ack.newly_acked == 0 && ack.newly_lost == 0) return;
  ack.in_flight = in_network(core);
  ack.cwnd_limited = ack.in_flight + ack.newly_acked + ack.newly_lost + tcb.mss > tcb.cwnd;
  ack.in_fast_recovery = (tcb.hold & kHoldFastRecovery) != 0;
  ack.sack = has(kSackOn);
  if ((tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) == 0) state.model.leave_loss_recovery();
  state.model.acknowledged(ack, state.rates);
  tcb.cwnd = state.model.cwnd();
  core.mark(*this, 0);
}

const CongestionControl kBbrControl{begin, slow_start, reduce, time_out, undo, resize, avoid, pacing_rate};

}  // namespace tern::tcp
