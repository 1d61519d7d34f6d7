// SPDX-License-Identifier: BSD-3-Clause
// BBR, version 3: draft-ietf-ccwg-bbr (the working group's text of August 2026), its names without "BBR.".
//
// A model of the path, the rate it delivers at most and its round trip at least, from which a pacing rate and
// a window follow; and a state machine that probes for both in turn. It knows nothing of a connection: told
// of departures and acknowledgments, it says at what rate and how far to send. bbr_control.cpp is between
// them.
//
// What differs from the draft, or is left open there:
// - ECN is not an input (section 3.7 leaves it out as well): a service that uses BBR does not agree on it.
// - The six lost ranges by which Startup ends (section 5.3.1.3) are six acknowledgments that found losses.
// - Losses are handled once for all that an acknowledgment found, with the snapshot of what was sent last of
//   them, and not once for each packet.
// - extra_acked is the largest of two halves of ten round trips, not of a sliding window.
// - The random numbers of PickProbeWait() come from a seed of the connection, so that a run can be repeated.
// - Without SACK duplicate ACKs do not count as deliveries (section 4.1.3.6.1 has a heuristic for it).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "net/instant.hpp"
#include "tcp/delivery_rate.hpp"

namespace tern::tcp {

class Bbr {
 public:
  enum class Phase : uint8_t { kStartup, kDrain, kDown, kCruise, kRefill, kUp, kProbeRtt };
  static constexpr uint32_t kInfinite = std::numeric_limits<uint32_t>::max();
  static constexpr double kStartupPacingGain = 2.77;
  static constexpr double kDrainPacingGain = 0.5;
  static constexpr double kDownPacingGain = 0.9;
  static constexpr double kUpPacingGain = 1.25;
  static constexpr double kCwndGain = 2;  // DefaultCwndGain
  static constexpr double kUpCwndGain = 2.25;
  static constexpr double kProbeRttCwndGain = 0.5;
  static constexpr double kLossThresh = 0.02;
  static constexpr double kBeta = 0.7;
  static constexpr double kHeadroom = 0.15;
  static constexpr double kPacingMargin = 0.99;  // 1 - PacingMarginPercent
  static constexpr net::Duration kMinRttFilter = std::chrono::seconds(10);
  static constexpr net::Duration kProbeRttInterval = std::chrono::seconds(5);
  static constexpr net::Duration kProbeRttDuration = std::chrono::milliseconds(200);

  // What an acknowledgment brings, after the connection has worked on it; bytes.
  struct Ack {
    net::Instant now;
    RateSample sample;
    uint32_t newly_acked = 0;   // delivered by it, cumulatively or selectively
    uint32_t newly_lost = 0;    // found lost with it
    uint32_t in_flight = 0;     // after it
    bool cwnd_limited = false;  // the window was all in flight before it
    bool in_fast_recovery = false;
    bool sack = false;  // C.has_selective_acks
    // Of what was found lost, if anything was; its lost: what was found lost since, this included.
    DeliveryRate::Departure lost_departure{};
  };

  // OnInit(). srtt_us: 0 when nothing was measured.
  void begin(net::Instant now, uint16_t mss, uint32_t initial_window, uint32_t srtt_us, uint32_t seed);
  // C.SMSS has changed.
  void resize(uint16_t mss);
  // UpdateOnACK(), HandleLostPacket() first if anything was lost.
  void acknowledged(const Ack& ack, DeliveryRate& rates);
  // HandleRestartFromIdle(): something will be sent, nothing is in flight.
  void restart_from_idle(net::Instant now, bool app_limited);
  void enter_loss_recovery(uint32_t in_flight, bool timeout);
  void leave_loss_recovery();
  // HandleSpuriousLossDetection().
  void undo(uint32_t delivered);

  uint32_t cwnd() const { return cwnd_; }
  uint64_t pacing_rate() const { return static_cast<uint64_t>(pacing_rate_); }  // bytes per second
  uint16_t mss() const { return mss_; }
  Phase phase() const { return phase_; }
  double max_bw() const { return std::max(max_bw_[0], max_bw_[1]); }  // bytes per second
  double bw() const { return bw_; }
  uint32_t min_rtt_us() const { return min_rtt_us_; }
  uint32_t inflight_longterm() const { return inflight_longterm_; }
  uint32_t inflight_shortterm() const { return inflight_shortterm_; }
  bool full_bw_reached() const { return full_bw_reached_; }

 private:
  enum class AckPhase : uint8_t { kInit, kRefilling, kProbeStarting, kProbeFeedback, kProbeStopping };
  enum class Undo : uint8_t { kNone, kStartup, kUp };

  // bbr.cpp: the model and what follows from it
  void handle_loss(const Ack& ack, uint32_t delivered);
  void note_loss(uint32_t delivered);
  void handle_inflight_too_high(const Ack& ack, uint32_t tx_in_flight, uint32_t delivered);
  void update_latest_delivery_signals(const Ack& ack, uint32_t delivered);
  void update_congestion_signals(const Ack& ack);
  void update_round(const Ack& ack, uint32_t delivered);
  void update_ack_aggregation(const Ack& ack);
  void check_full_bw_reached(const Ack& ack);
  void check_startup_done(const Ack& ack);
  void check_drain_done(const Ack& ack, uint32_t delivered);
  void reset_congestion_signals();
  void reset_short_term_model();
  void reset_full_bw(double baseline = 0);
  void init_pacing_rate(uint32_t rtt_us);
  void set_pacing_rate(double gain);
  void set_cwnd(const Ack& ack, uint32_t delivered);
  void bound_cwnd_for_model();
  void save_cwnd();
  void restore_cwnd();
  void enter_startup();
  void start_round(uint32_t delivered) { next_round_delivered_ = delivered; }
  uint32_t least_cwnd() const { return 4u * mss_; }  // MinPipeCwnd
  uint32_t bdp(double gain) const;
  uint32_t quantized(uint32_t inflight) const;
  uint32_t inflight(double gain) const { return quantized(bdp(gain)); }
  uint32_t inflight_with_headroom() const;
  uint32_t target_inflight() const;
  double pacing_gain() const;
  double cwnd_gain() const;

  // bbr_probe.cpp: ProbeBW and ProbeRTT
  void update_probe_bw_phase(const Ack& ack, uint32_t delivered);
  bool adapt_long_term_model(const Ack& ack, uint32_t delivered);
  void probe_inflight_upward(const Ack& ack);
  void raise_inflight_slope();
  bool probing_is_due(net::Instant now) const;
  bool is_time_to_cruise(const Ack& ack) const;
  bool is_time_to_go_down(const Ack& ack);
  void start_down(net::Instant now, uint32_t delivered);
  void start_refill(uint32_t delivered);
  void start_up(const Ack& ack, uint32_t delivered);
  void pick_probe_wait();
  void update_min_rtt(const Ack& ack);
  void check_probe_rtt(const Ack& ack, DeliveryRate& rates);
  void check_probe_rtt_done(net::Instant now, uint32_t delivered);
  void exit_probe_rtt(net::Instant now, uint32_t delivered);
  uint32_t probe_rtt_cwnd() const;
  uint32_t random();
  bool in_probe_bw() const { return phase_ >= Phase::kDown && phase_ <= Phase::kUp; }
  bool probing_bw() const {
    return phase_ == Phase::kStartup || phase_ == Phase::kRefill || phase_ == Phase::kUp;
  }

  // Rates in bytes per second, volumes in bytes, counts of bytes delivered modulo 2^32.
  double max_bw_[2] = {0, 0};  // of this cycle and the one before
  double bw_shortterm_ = std::numeric_limits<double>::infinity();
  double bw_ = 0;
  double bw_latest_ = 0;
  double full_bw_ = 0;
  double pacing_rate_ = 0;
  double undo_bw_shortterm_ = 0;
  net::Instant min_rtt_stamp_;
  net::Instant probe_rtt_min_stamp_;
  net::Instant probe_rtt_done_ = net::Instant::never();
  net::Instant cycle_stamp_;
  net::Instant extra_acked_start_;
  net::Duration bw_probe_wait_{0};
  uint32_t min_rtt_us_ = kInfinite;
  uint32_t probe_rtt_min_us_ = kInfinite;  // probe_rtt_min_delay
  uint32_t cwnd_ = 0;
  uint32_t prior_cwnd_ = 0;
  uint32_t initial_window_ = 0;
  uint32_t inflight_longterm_ = kInfinite;
  uint32_t inflight_shortterm_ = kInfinite;
  uint32_t inflight_latest_ = 0;
  uint32_t undo_inflight_longterm_ = 0;
  uint32_t undo_inflight_shortterm_ = 0;
  uint32_t extra_acked_[2] = {0, 0};
  uint32_t extra_acked_delivered_ = 0;
  uint32_t next_round_delivered_ = 0;
  uint32_t loss_round_delivered_ = 0;
  uint32_t round_count_ = 0;
  uint32_t drain_start_round_ = 0;
  uint32_t rounds_since_probe_up_ = 0;
  uint32_t probe_up_acked_per_inc_ = kInfinite;
  uint32_t bw_probe_up_acked_ = 0;
  uint32_t extra_acked_round_ = 0;  // when extra_acked's halves were exchanged
  uint32_t seed_ = 0;
  uint16_t mss_ = 0;
  uint8_t bw_probe_up_rounds_ = 0;
  uint8_t full_bw_count_ = 0;
  uint8_t loss_events_in_round_ = 0;
  uint8_t recovery_rounds_ = 0;  // ended since fast recovery began, up to 255
  Phase phase_ = Phase::kStartup;
  AckPhase ack_phase_ = AckPhase::kInit;
  Undo undo_ = Undo::kNone;
  bool rtt_known_ = false;
  bool full_bw_now_ = false;
  bool full_bw_reached_ = false;
  bool round_start_ = false;
  bool loss_round_start_ = false;
  bool loss_in_round_ = false;    // is_loss_in_round
  bool bw_probe_sample_ = false;  // is_bw_probe_sample
  bool prev_probe_too_high_ = false;
  bool prev_probe_precautionary_ = false;
  bool probe_rtt_expired_ = false;
  bool probe_rtt_round_done_ = false;
  bool idle_restart_ = false;
  bool in_loss_recovery_ = false;
  bool timed_out_ = false;  // that recovery is one after a timeout
};

// What a connection that chose BBR has in its core's pool.
struct BbrState {
  Bbr model;
  DeliveryRate rates;
};

}  // namespace tern::tcp
