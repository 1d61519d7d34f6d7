// SPDX-License-Identifier: BSD-3-Clause
// BBR's probing, for more bandwidth and for the shortest round trip: draft-ietf-ccwg-bbr
// sections 5.3.3, 5.3.4 and 5.4.
#include <algorithm>

#include "tcp/bbr.hpp"

namespace tern::tcp {

namespace {
constexpr uint32_t kMostRenoRounds = 63;
constexpr uint8_t kMostUpRounds = 30;
}  // namespace

// --- Section 5.3.3: ProbeBW
// -----------------------------------------------------------------------------------------

// Knuth's, of which the upper bits are good enough to spread probes.
uint32_t Bbr::random() { return seed_ = seed_ * 1'664'525u + 1'013'904'223u; }

void Bbr::pick_probe_wait() {
  rounds_since_probe_up_ = random() >> 31;
  bw_probe_wait_ = std::chrono::milliseconds(2000 + (random() >> 16) * 1000 / 65'536);
}

void Bbr::start_down(net::Instant now, uint32_t delivered) {
  reset_congestion_signals();
  probe_up_acked_per_inc_ = kInfinite;
  pick_probe_wait();
  cycle_stamp_ = now;
  ack_phase_ = AckPhase::kProbeStopping;
  start_round(delivered);
  phase_ = Phase::kDown;
}

void Bbr::start_refill(uint32_t delivered) {
  reset_short_term_model();
  bw_probe_up_rounds_ = 0;
  bw_probe_up_acked_ = 0;
  prev_probe_precautionary_ = false;
  ack_phase_ = AckPhase::kRefilling;
  start_round(delivered);
  phase_ = Phase::kRefill;
}

void Bbr::start_up(const Ack& ack, uint32_t delivered) {
  ack_phase_ = AckPhase::kProbeStarting;
  start_round(delivered);
  reset_full_bw(ack.sample.rate);
  phase_ = Phase::kUp;
  raise_inflight_slope();
}

void Bbr::update_probe_bw_phase(const Ack& ack, uint32_t delivered) {
  if (!full_bw_reached_ || adapt_long_term_model(ack, delivered)) return;
  switch (phase_) {
    case Phase::kDown:
      if (probing_is_due(ack.now)) {
        start_refill(delivered);
      } else if (is_time_to_cruise(ack)) {
        phase_ = Phase::kCruise;
      }
      break;
    case Phase::kCruise:
      if (probing_is_due(ack.now)) start_refill(delivered);
      break;
    case Phase::kRefill:
      if (round_start_) {
        bw_probe_sample_ = true;
        start_up(ack, delivered);
      }
      break;
    case Phase::kUp:
      if (is_time_to_go_down(ack)) {
        prev_probe_too_high_ = false;
        start_down(ack.now, delivered);
      }
      break;
    default:
      break;
  }
}

// IsTimeToProbeBW(): after some time, or as often as a Reno flow would have recovered.
bool Bbr::probing_is_due(net::Instant now) const {
  const uint32_t reno_rounds = target_inflight() / mss_;
  return now > cycle_stamp_ + bw_probe_wait_ ||
         rounds_since_probe_up_ >= std::min(reno_rounds, kMostRenoRounds);
}

bool Bbr::is_time_to_cruise(const Ack& ack) const {
  return ack.in_flight <= inflight_with_headroom() && ack.in_flight <= inflight(1);
}

bool Bbr::is_time_to_go_down(const Ack& ack) {
  if (prev_probe_too_high_ && ack.in_flight >= inflight_longterm_) {
    prev_probe_precautionary_ = true;
    return true;
  }
  if (ack.cwnd_limited && cwnd_ >= inflight_longterm_) {
    reset_full_bw(ack.sample.rate);
    return false;
  }
  return full_bw_now_;
}

bool Bbr::adapt_long_term_model(const Ack& ack, uint32_t delivered) {
  if (ack_phase_ == AckPhase::kProbeStarting && round_start_) ack_phase_ = AckPhase::kProbeFeedback;
  if (ack_phase_ == AckPhase::kProbeStopping && round_start_) {
    bw_probe_sample_ = false;
    ack_phase_ = AckPhase::kInit;
    if (in_probe_bw() && !ack.sample.app_limited) {  // AdvanceMaxBwFilter()
      max_bw_[1] = max_bw_[0];
      max_bw_[0] = 0;
    }
    if (in_probe_bw() && prev_probe_precautionary_ && !prev_probe_too_high_) {
      start_refill(delivered);
      return true;
    }
  }
  const bool too_high =
      ack.sample.lost > ack.sample.tx_in_flight * kLossThresh || (ack.sample.lost != 0 && !ack.sack);
  if (!ack.sample.any || too_high || inflight_longterm_ == kInfinite) return false;
  inflight_longterm_ = std::max(inflight_longterm_, ack.sample.tx_in_flight);
  if (phase_ == Phase::kUp) probe_inflight_upward(ack);
  return false;
}

void Bbr::raise_inflight_slope() {
  const uint32_t growth = 1u << bw_probe_up_rounds_;
  bw_probe_up_rounds_ = std::min<uint8_t>(static_cast<uint8_t>(bw_probe_up_rounds_ + 1), kMostUpRounds);
  probe_up_acked_per_inc_ = std::max(cwnd_ / growth, uint32_t{mss_});
}

void Bbr::probe_inflight_upward(const Ack& ack) {
  if (!ack.cwnd_limited || cwnd_ < inflight_longterm_) return;
  bw_probe_up_acked_ += ack.newly_acked;
  if (bw_probe_up_acked_ >= probe_up_acked_per_inc_) {
    const uint32_t steps = bw_probe_up_acked_ / probe_up_acked_per_inc_;
    bw_probe_up_acked_ -= steps * probe_up_acked_per_inc_;
    inflight_longterm_ += steps * mss_;
  }
  if (round_start_) raise_inflight_slope();
}

// --- Section 5.3.4: ProbeRTT
// ----------------------------------------------------------------------------------------

void Bbr::update_min_rtt(const Ack& ack) {
  probe_rtt_expired_ = ack.now > probe_rtt_min_stamp_ + kProbeRttInterval;
  if (ack.sample.rtt_us >= 0) {
    const auto rtt_us = std::max(static_cast<uint32_t>(ack.sample.rtt_us), 1u);
    if (rtt_us < probe_rtt_min_us_ || probe_rtt_expired_) {
      probe_rtt_min_us_ = rtt_us;
      probe_rtt_min_stamp_ = ack.now;
    }
  }
  const bool expired = ack.now > min_rtt_stamp_ + kMinRttFilter;
  if (probe_rtt_min_us_ < min_rtt_us_ || expired) {
    min_rtt_us_ = probe_rtt_min_us_;
    min_rtt_stamp_ = probe_rtt_min_stamp_;
  }
}

uint32_t Bbr::probe_rtt_cwnd() const { return std::max(bdp(kProbeRttCwndGain), least_cwnd()); }

void Bbr::check_probe_rtt(const Ack& ack, DeliveryRate& rates) {
  if (phase_ != Phase::kProbeRtt && probe_rtt_expired_ && !idle_restart_) {
    save_cwnd();
    phase_ = Phase::kProbeRtt;
    probe_rtt_done_ = net::Instant::never();
    ack_phase_ = AckPhase::kProbeStopping;
    start_round(rates.delivered());
  }
  if (phase_ == Phase::kProbeRtt) {
    rates.limited_by_application(ack.in_flight);  // low rates are not the network's
    if (probe_rtt_done_.is_never()) {
      if (ack.in_flight <= probe_rtt_cwnd()) {
        probe_rtt_done_ = ack.now + kProbeRttDuration;
        probe_rtt_round_done_ = false;
        start_round(rates.delivered());
      }
    } else {
      if (round_start_) probe_rtt_round_done_ = true;
      if (probe_rtt_round_done_) check_probe_rtt_done(ack.now, rates.delivered());
    }
  }
  if (ack.sample.delivered != 0) idle_restart_ = false;
}

void Bbr::check_probe_rtt_done(net::Instant now, uint32_t delivered) {
  if (probe_rtt_done_.is_never() || now <= probe_rtt_done_) return;
  probe_rtt_min_stamp_ = now;  // from which the next one is reckoned
  restore_cwnd();
  exit_probe_rtt(now, delivered);
}

void Bbr::exit_probe_rtt(net::Instant now, uint32_t delivered) {
  reset_short_term_model();
  if (full_bw_reached_) {
    start_down(now, delivered);
    phase_ = Phase::kCruise;
  } else {
    enter_startup();
  }
}

// --- Section 5.4: restarting from idle
// ------------------------------------------------------------------------------

void Bbr::restart_from_idle(net::Instant now, bool app_limited) {
  if (!app_limited) return;
  idle_restart_ = true;
  extra_acked_start_ = now;
  if (in_probe_bw()) {
    set_pacing_rate(1);
  } else if (phase_ == Phase::kProbeRtt) {
    check_probe_rtt_done(now, next_round_delivered_);
  }
}

}  // namespace tern::tcp
