// SPDX-License-Identifier: BSD-3-Clause
// BBR's model of the path and what to send by it: draft-ietf-ccwg-bbr sections 5.2, 5.3.1, 5.3.2, 5.5
// and 5.6.
#include "tcp/bbr.hpp"

#include <algorithm>
#include <cmath>

namespace tern::tcp {

namespace {

constexpr uint8_t kStartupFullLossCount = 6;
constexpr uint8_t kFullBwRounds = 3;
constexpr uint32_t kDrainRounds = 3;
constexpr uint32_t kExtraAckedHalf = 5;  // half of ExtraAckedFilterLen, in round trips
constexpr uint32_t kLargestWindow = 1u << 30;

uint32_t bytes(double volume) {
  return static_cast<uint32_t>(std::clamp(volume, 0.0, double{kLargestWindow}));
}
// Of counts modulo 2^32.
bool reached(uint32_t count, uint32_t goal) { return static_cast<int32_t>(count - goal) >= 0; }

bool too_high(uint32_t lost, uint32_t tx_in_flight, bool sack) {  // IsInflightTooHigh()
  return lost > tx_in_flight * Bbr::kLossThresh || (lost != 0 && !sack);
}

}  // namespace

void Bbr::begin(net::Instant now, uint16_t mss, uint32_t initial_window, uint32_t srtt_us, uint32_t seed) {
  *this = Bbr{};
  mss_ = mss;
  cwnd_ = initial_window_ = initial_window;
  seed_ = seed;
  if (srtt_us != 0) min_rtt_us_ = probe_rtt_min_us_ = srtt_us;
  rtt_known_ = srtt_us != 0;
  min_rtt_stamp_ = probe_rtt_min_stamp_ = extra_acked_start_ = now;
  init_pacing_rate(srtt_us != 0 ? srtt_us : 1000);
  enter_startup();
}

// The window holds a segment of the new size at once, and four with the next acknowledgment.
void Bbr::resize(uint16_t mss) {
  mss_ = mss;
  cwnd_ = std::max(cwnd_, uint32_t{mss});
}

void Bbr::init_pacing_rate(uint32_t rtt_us) {
  pacing_rate_ = kStartupPacingGain * initial_window_ * 1e6 / rtt_us;
}

void Bbr::acknowledged(const Ack& ack, DeliveryRate& rates) {
  const uint32_t delivered = rates.delivered();
  if (ack.newly_lost != 0) handle_loss(ack, delivered);
  update_latest_delivery_signals(ack, delivered);
  update_round(ack, delivered);
  if (!rtt_known_ && ack.sample.rtt_us > 0) {
    rtt_known_ = true;
    init_pacing_rate(static_cast<uint32_t>(ack.sample.rtt_us));
  }
  update_congestion_signals(ack);
  update_ack_aggregation(ack);
  check_full_bw_reached(ack);
  check_startup_done(ack);
  check_drain_done(ack, delivered);
  update_probe_bw_phase(ack, delivered);
  update_min_rtt(ack);
  check_probe_rtt(ack, rates);
  if (loss_round_start_) {  // AdvanceLatestDeliverySignals()
    bw_latest_ = ack.sample.rate;
    inflight_latest_ = ack.sample.delivered;
  }
  bw_ = std::min(max_bw(), bw_shortterm_);  // BoundBWForModel()
  set_pacing_rate(pacing_gain());
  set_cwnd(ack, delivered);
}

// --- Section 5.5.10: losses
// -----------------------------------------------------------------------------------------

void Bbr::note_loss(uint32_t delivered) {
  if (!loss_in_round_) {
    loss_round_delivered_ = delivered;
    save_cwnd();
    undo_ = Undo::kNone;
    undo_bw_shortterm_ = bw_shortterm_;
    undo_inflight_shortterm_ = inflight_shortterm_;
    undo_inflight_longterm_ = inflight_longterm_;
  }
  loss_in_round_ = true;
}

// HandleLostPacket().
void Bbr::handle_loss(const Ack& ack, uint32_t delivered) {
  note_loss(delivered);
  if (loss_events_in_round_ != 0xff) ++loss_events_in_round_;
  if (!bw_probe_sample_) return;
  const DeliveryRate::Departure& departure = ack.lost_departure;
  const uint32_t lost = departure.lost;  // since it left, this loss included
  if (!too_high(lost, departure.in_flight, ack.sack)) return;
  // InflightAtLoss(): at which volume did losses cross the threshold?
  const double size = std::min({ack.newly_lost, departure.in_flight, lost});
  const double inflight_before = departure.in_flight - size;
  const double lost_before = lost - size;
  const double prefix = (kLossThresh * inflight_before - lost_before) / (1 - kLossThresh);
  handle_inflight_too_high(ack, bytes(inflight_before + std::max(prefix, 0.0)), delivered);
}

void Bbr::handle_inflight_too_high(const Ack& ack, uint32_t tx_in_flight, uint32_t delivered) {
  prev_probe_too_high_ = true;
  bw_probe_sample_ = false;
  if (!ack.lost_departure.app_limited) {
    inflight_longterm_ = std::max(tx_in_flight, bytes(target_inflight() * kBeta));
  }
  if (phase_ != Phase::kUp) return;
  undo_ = Undo::kUp;
  start_down(ack.now, delivered);
}

void Bbr::update_latest_delivery_signals(const Ack& ack, uint32_t delivered) {
  loss_round_start_ = false;
  bw_latest_ = std::max(bw_latest_, ack.sample.rate);
  inflight_latest_ = std::max(inflight_latest_, ack.sample.delivered);
  if (ack.sample.any && reached(ack.sample.prior_delivered, loss_round_delivered_)) {
    loss_round_delivered_ = delivered;
    loss_round_start_ = true;
  }
}

void Bbr::update_round(const Ack& ack, uint32_t delivered) {
  round_start_ = ack.sample.any && reached(ack.sample.prior_delivered, next_round_delivered_);
  if (!round_start_) return;
  start_round(delivered);
  ++round_count_;
  ++rounds_since_probe_up_;
  if (in_loss_recovery_ && recovery_rounds_ != 0xff) ++recovery_rounds_;
}

void Bbr::update_congestion_signals(const Ack& ack) {
  const RateSample& sample = ack.sample;
  if (sample.rate > 0 && (sample.rate >= max_bw() || !sample.app_limited)) {
    max_bw_[0] = std::max(max_bw_[0], sample.rate);  // UpdateMaxBw()
  }
  if (!loss_round_start_) return;
  if (loss_in_round_ && !probing_bw()) {  // AdaptLowerBoundsFromCongestion()
    if (std::isinf(bw_shortterm_)) bw_shortterm_ = max_bw();
    if (inflight_shortterm_ == kInfinite) inflight_shortterm_ = cwnd_;
    bw_shortterm_ = std::max(bw_latest_, kBeta * bw_shortterm_);
    inflight_shortterm_ = std::max(inflight_latest_, bytes(kBeta * inflight_shortterm_));
  }
  loss_in_round_ = false;
}

void Bbr::reset_congestion_signals() {
  loss_in_round_ = false;
  bw_latest_ = 0;
  inflight_latest_ = 0;
}

void Bbr::reset_short_term_model() {
  bw_shortterm_ = std::numeric_limits<double>::infinity();
  inflight_shortterm_ = kInfinite;
}

void Bbr::enter_loss_recovery(uint32_t in_flight, bool timeout) {
  save_cwnd();
  if (!in_loss_recovery_) recovery_rounds_ = 0;
  in_loss_recovery_ = true;
  timed_out_ = timeout;
  if (timeout) cwnd_ = in_flight + mss_;
}

void Bbr::leave_loss_recovery() {
  if (!in_loss_recovery_) return;
  in_loss_recovery_ = false;
  restore_cwnd();
}

void Bbr::undo(uint32_t delivered) {
  leave_loss_recovery();
  loss_in_round_ = false;
  reset_full_bw();
  bw_shortterm_ = std::max(bw_shortterm_, undo_bw_shortterm_);
  inflight_shortterm_ = std::max(inflight_shortterm_, undo_inflight_shortterm_);
  inflight_longterm_ = std::max(inflight_longterm_, undo_inflight_longterm_);
  if (undo_ == Undo::kStartup && phase_ != Phase::kStartup) {
    full_bw_reached_ = false;
    if (phase_ != Phase::kProbeRtt) enter_startup();
  } else if (undo_ == Undo::kUp && phase_ != Phase::kUp && phase_ != Phase::kProbeRtt) {
    start_refill(delivered);
  }
  undo_ = Undo::kNone;
}

// --- Section 5.5.9: aggregation
// -------------------------------------------------------------------------------------

void Bbr::update_ack_aggregation(const Ack& ack) {
  const double interval = std::chrono::duration<double>(ack.now - extra_acked_start_).count();
  double expected = bw_ * interval;
  if (extra_acked_delivered_ <= expected) {
    extra_acked_delivered_ = 0;
    extra_acked_start_ = ack.now;
    expected = 0;
  }
  extra_acked_delivered_ += ack.newly_acked;
  const uint32_t extra = std::min(bytes(extra_acked_delivered_ - expected), cwnd_);
  const uint32_t half = full_bw_reached_ ? kExtraAckedHalf : 1;
  if (round_start_ && round_count_ - extra_acked_round_ >= half) {
    extra_acked_[1] = full_bw_reached_ ? extra_acked_[0] : 0;
    extra_acked_[0] = 0;
    extra_acked_round_ = round_count_;
  }
  extra_acked_[0] = std::max(extra_acked_[0], extra);
}

// --- Sections 5.3.1 and 5.3.2: Startup and Drain
// --------------------------------------------------------------------

void Bbr::enter_startup() { phase_ = Phase::kStartup; }

void Bbr::reset_full_bw(double baseline) {
  full_bw_ = baseline;
  full_bw_count_ = 0;
  full_bw_now_ = false;
}

void Bbr::check_full_bw_reached(const Ack& ack) {
  if (full_bw_now_ || !round_start_ || ack.sample.app_limited) return;
  if (ack.sample.rate >= full_bw_ * 1.25) return reset_full_bw(ack.sample.rate);
  if (++full_bw_count_ < kFullBwRounds) return;
  full_bw_now_ = full_bw_reached_ = true;
}

// CheckStartupHighLoss() and the way out.
void Bbr::check_startup_done(const Ack& ack) {
  if (phase_ == Phase::kStartup && !full_bw_reached_ && ack.in_fast_recovery) {
    const bool rounds = recovery_rounds_ != 0 && loss_round_start_;
    const bool losses = rounds && loss_events_in_round_ >= kStartupFullLossCount &&
                        too_high(ack.sample.lost, ack.sample.tx_in_flight, true);
    if (losses || (!ack.sack && ack.newly_lost != 0)) {
      undo_ = Undo::kStartup;
      full_bw_reached_ = true;
      inflight_longterm_ = std::max(bdp(1), inflight_latest_);
    }
  }
  if (loss_round_start_) loss_events_in_round_ = 0;
  if (phase_ != Phase::kStartup || !full_bw_reached_) return;
  phase_ = Phase::kDrain;
  drain_start_round_ = round_count_;
}

void Bbr::check_drain_done(const Ack& ack, uint32_t delivered) {
  if (phase_ != Phase::kDrain) return;
  if (ack.in_flight <= inflight(1) || round_count_ > drain_start_round_ + kDrainRounds) {
    start_down(ack.now, delivered);  // EnterProbeBW()
  }
}

// --- Section 5.6: pacing rate and window
// ----------------------------------------------------------------------------

double Bbr::pacing_gain() const {
  switch (phase_) {
    case Phase::kStartup:
      return kStartupPacingGain;
    case Phase::kDrain:
      return kDrainPacingGain;
    case Phase::kDown:
      return kDownPacingGain;
    case Phase::kUp:
      return kUpPacingGain;
    default:
      return 1;
  }
}

double Bbr::cwnd_gain() const {
  if (phase_ == Phase::kUp) return kUpCwndGain;
  return phase_ == Phase::kProbeRtt ? kProbeRttCwndGain : kCwndGain;
}

void Bbr::set_pacing_rate(double gain) {
  const double rate = gain * bw_ * kPacingMargin;
  if (rate > 0 && (full_bw_reached_ || rate > pacing_rate_)) pacing_rate_ = rate;
}

uint32_t Bbr::bdp(double gain) const {
  return min_rtt_us_ == kInfinite ? initial_window_ : bytes(gain * bw_ * min_rtt_us_ / 1e6);
}

// QuantizationBudget(). The quantum of section 5.6.3 is what the wheel's tick, about a millisecond, lets go
// at once; of the model's rate, since the first pacing rate is but a guess.
uint32_t Bbr::quantized(uint32_t inflight_cap) const {
  const uint32_t least = 2u * mss_;
  const uint32_t quantum = std::clamp(bytes(bw_ / 1000), least, std::max(65'536u, least));
  const uint32_t cap = std::max({inflight_cap, 3 * quantum, least_cwnd()});
  return phase_ == Phase::kUp ? cap + 2u * mss_ : cap;
}

uint32_t Bbr::inflight_with_headroom() const {
  if (inflight_longterm_ == kInfinite) return kInfinite;
  const uint32_t headroom = std::max(uint32_t{mss_}, bytes(kHeadroom * inflight_longterm_));
  return std::max(inflight_longterm_ - std::min(headroom, inflight_longterm_), least_cwnd());
}

uint32_t Bbr::target_inflight() const { return std::min(bdp(1), cwnd_); }

void Bbr::set_cwnd(const Ack& ack, uint32_t delivered) {
  const uint32_t extra = std::max(extra_acked_[0], extra_acked_[1]);
  const uint32_t most = quantized(bdp(cwnd_gain()) + extra);  // UpdateMaxInflight()
  if (full_bw_reached_) {
    cwnd_ = std::min(cwnd_ + ack.newly_acked, most);
  } else if (cwnd_ < most || delivered < initial_window_) {
    cwnd_ = std::min(cwnd_ + ack.newly_acked, kLargestWindow);
  }
  cwnd_ = std::max(cwnd_, least_cwnd());
  if (phase_ == Phase::kProbeRtt) cwnd_ = std::min(cwnd_, probe_rtt_cwnd());
  bound_cwnd_for_model();
}

void Bbr::bound_cwnd_for_model() {
  uint32_t cap = kInfinite;
  if (in_probe_bw() && phase_ != Phase::kCruise) {
    cap = inflight_longterm_;
  } else if (phase_ == Phase::kProbeRtt || phase_ == Phase::kCruise) {
    cap = inflight_with_headroom();
  }
  cap = std::max(std::min(cap, inflight_shortterm_), least_cwnd());
  cwnd_ = std::min(cwnd_, cap);
}

void Bbr::save_cwnd() {
  const bool whole = !in_loss_recovery_ && phase_ != Phase::kProbeRtt;
  prior_cwnd_ = whole ? cwnd_ : std::max(prior_cwnd_, cwnd_);
}

void Bbr::restore_cwnd() { cwnd_ = std::max(cwnd_, prior_cwnd_); }

}  // namespace tern::tcp
