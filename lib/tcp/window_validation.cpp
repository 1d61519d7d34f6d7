// SPDX-License-Identifier: BSD-3-Clause
// RFC 7661 section 4: a window that is not used is kept, but it does not grow, it is not what a loss is
// answered by, and it is halved each five minutes.
#include "tcp/window_validation.hpp"

#include <algorithm>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

constexpr net::Duration kNonValidatedPeriod = std::chrono::minutes(5);  // section 4.4

// Section 4.2: the sampling period is Max(3*RTT, 1 second).
net::Duration third_of_period(net::Duration rtt) {
  return std::max(rtt, net::Duration(std::chrono::seconds(1)) / 3);
}

}  // namespace

void WindowValidation::forget(net::Instant now) {
  *this = WindowValidation{};
  valid_at_ = third_began_ = now;
}

// Section 4.2: a sample is what the acknowledgments of one round trip add up to, from the first of them on.
void WindowValidation::acknowledged(Seq from, Seq una, uint32_t cwnd, net::Duration rtt, net::Instant now) {
  if (rtt.count() == 0) return;
  if (round_began_.is_never() || now - round_began_ >= rtt) {
    if (!round_began_.is_never()) take_sample(from - round_from_, rtt, now);
    round_began_ = now;
    round_from_ = from;
  }
  if (valid(cwnd, una, rtt, now)) valid_at_ = now;
}

void WindowValidation::take_sample(uint32_t bytes, net::Duration rtt, net::Instant now) {
  const net::Duration third = third_of_period(rtt);
  const net::Duration age = now - third_began_;
  if (age >= third) {
    const bool adjoins = age < 2 * third;
    most_before_ = adjoins ? most_ : 0;
    most_ = 0;
    third_began_ = adjoins ? third_began_ + third : now;
  }
  if (now - round_began_ < third) most_ = std::max(most_, bytes);  // else it was long ago
  defined_ = true;
}

uint32_t WindowValidation::pipe_ack(Seq una, net::Duration rtt, net::Instant now) const {
  const net::Duration third = third_of_period(rtt);
  const net::Duration age = now - third_began_;
  uint32_t most = now - round_began_ < third ? una - round_from_ : 0;
  if (age < 2 * third) most = std::max(most, most_);
  if (age < third) most = std::max(most, most_before_);
  return most;
}

bool WindowValidation::valid(uint32_t cwnd, Seq una, net::Duration rtt, net::Instant now) const {
  return !defined_ || pipe_ack(una, rtt, now) >= cwnd / 2;
}

uint32_t WindowValidation::periods(net::Instant now) {
  uint32_t n = 0;
  for (; now - valid_at_ >= kNonValidatedPeriod; valid_at_ += kNonValidatedPeriod) ++n;
  return n;
}

uint32_t WindowValidation::lost(uint32_t flight, Seq una, net::Duration rtt, uint32_t segments_again,
                                net::Instant now) {
  loss_ = std::max(pipe_ack(una, rtt, now), flight);
  again_before_ = segments_again;
  return loss_ / 2;
}

uint32_t WindowValidation::recovered(uint32_t segments_again, uint16_t mss) const {
  if (loss_ == 0) return 0;
  const uint32_t resent = std::min((segments_again - again_before_) * mss, loss_);  // R
  return std::max((loss_ - resent) / 2, uint32_t{mss});
}

// --- The connection's part
// ---------------------------------------------------------------------------------------

// Kept by connections whose service wants it, from their first text on; a connection that finds no slot goes
// by RFC 5681, and BBR by its model.
WindowValidation* Connection::begin_validation(Core& core) {
  const Config& config = core.config(*this);
  if (!config.window_validation || config.congestion == Congestion::kBbr) return nullptr;
  Extra* own = extra(core);
  if (own == nullptr) return nullptr;
  if (!own->validation.begun()) own->validation.forget(core.now);
  return &own->validation;
}

WindowValidation* Connection::validation(Core& core) const {
  if (tcb.extra == kNoSlot || !core.extras[tcb.extra].validation.begun()) return nullptr;
  return &core.extras[tcb.extra].validation;
}

bool Connection::window_valid(Core& core) const {
  const WindowValidation* own = validation(core);
  return own == nullptr ||
         own->valid(tcb.cwnd, tcb.snd.una, std::chrono::microseconds(tcb.srtt_us), core.now);
}

void Connection::validate_window(uint32_t acknowledged, Core& core) {
  WindowValidation* own = validation(core);
  if (own == nullptr) return;
  const Seq from = tcb.snd.una - acknowledged;
  own->acknowledged(from, tcb.snd.una, tcb.cwnd, std::chrono::microseconds(tcb.srtt_us), core.now);
  age_window(*own, core);
}

// Section 4.4.3. The threshold remembers what the window was.
void Connection::age_window(WindowValidation& own, Core& core) {
  const uint32_t least = initial_window(tcb.mss, core.config(*this));
  for (uint32_t n = own.periods(core.now); n != 0 && tcb.cwnd > least; --n) {
    tcb.ssthresh = std::max(tcb.ssthresh, tcb.cwnd - tcb.cwnd / 4);
    tcb.cwnd = std::max(tcb.cwnd / 2, least);
  }
}

// The slow start threshold after a loss, with so much in flight: the algorithm's in the validated phase, else
// section 4.4.1's.
uint32_t Connection::threshold_after_loss(uint32_t in_flight, Core& core) {
  const bool valid = window_valid(core);
  const uint32_t threshold = congestion_control(*this, core).reduce(*this, in_flight, core);
  if (valid) return threshold;
  const net::Duration rtt = std::chrono::microseconds(tcb.srtt_us);
  const uint32_t window = validation(core)->lost(flight(), tcb.snd.una, rtt, tcb.retransmitted, core.now);
  return std::max(window, 2u * tcb.mss);
}

// A loss is dealt with: by a recovery that is over, by a timeout, or because nothing was missing.
void Connection::revalidate_window(Core& core) {
  WindowValidation* own = validation(core);
  if (own == nullptr) return;
  if (const uint32_t window = own->recovered(tcb.retransmitted, tcb.mss); window != 0) {
    tcb.cwnd = std::min(tcb.cwnd, window);
    tcb.ssthresh = std::max(window, 2u * tcb.mss);
  }
  own->forget(core.now);
}

}  // namespace tern::tcp
