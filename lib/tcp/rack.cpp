// SPDX-License-Identifier: BSD-3-Clause
// RACK-TLP: losses found by time, and a probe where a tail stays unanswered. RFC 8985.
//
// The retransmission timer serves three deadlines, as there is never need of two: while nothing is amiss the
// probe's, while text may only have been reordered that of the reordering window, else the timeout.
#include <algorithm>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {
constexpr net::Duration kMaxAckDelay = std::chrono::milliseconds(200);  // TLP.max_ack_delay
// Two ticks of the timer wheel, which a deadline may be early or late by: the probe is not to overtake an
// answer that takes its usual time.
constexpr net::Duration kTicks = std::chrono::milliseconds(2);
// The TCB's byte for both: RACK.reo_wnd_mult in quarters of a round trip, and RACK.reo_wnd_persist, the
// recoveries until that is one again (section 6.2, step 4).
constexpr uint8_t kMultiple = 0x07;
constexpr uint8_t kWidest = 4;  // a whole round trip
constexpr uint8_t kRecovery = 0x08;
constexpr uint8_t kPersist = 16 * kRecovery;
}  // namespace

// Section 7.2, TLP_calc_PTO(); zero where no probe is called for, or none may be sent (section 7.3): where
// each flight is probed no round trip would ever be measured, and the next probe come too early again.
net::Duration Connection::probe_timeout() const {
  constexpr uint16_t kAmiss =
      kHoldFastRecovery | kHoldLossRecovery | kHoldPersist | kHoldDuplicates | kHoldScoreboard;
  if (!has(kSackOn) || tcb.srtt_us == 0 || (tcb.hold & kAmiss) != 0 || tcb.retransmit_expiries != 0 ||
      tcb.tail_probed) {
    return net::Duration{0};
  }
  const net::Duration round_trips = std::chrono::microseconds(2 * uint64_t{tcb.srtt_us});
  return round_trips + (flight() <= tcb.mss ? kMaxAckDelay : kTicks);
}

// RFC 6298 section 5, or the probe if that is due sooner.
void Connection::start_retransmission_timer(Core& core) {
  const net::Duration timeout = rto(core);
  const net::Duration probe = probe_timeout();
  const bool early = probe.count() != 0;
  tcb.retransmit_deadline = core.now + (early ? std::min(probe, timeout) : timeout);
  tcb.marks = static_cast<uint16_t>((tcb.marks & ~kMarkEarlyTimer) | (early ? kMarkEarlyTimer : 0));
}

// New text has left: the probe waits from now on, but never longer than a timeout. One that runs already is
// not put off: if it comes first, the probe takes its place.
void Connection::restart_tail_probe(Core& core) {
  const net::Duration probe = probe_timeout();
  if (probe.count() == 0) return;
  const Deadline due = core.now + std::min(probe, rto(core));
  const bool probe_runs = (tcb.marks & kMarkEarlyTimer) != 0;
  if (probe_runs || due.before(tcb.retransmit_deadline, core.now)) tcb.retransmit_deadline = due;
  tcb.marks |= kMarkEarlyTimer;
}

void Connection::on_early_timeout(Core& core) {
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkEarlyTimer);
  if (flight() == 0) {
    if (tcb.recovery != kNoSlot) drop_scoreboard(core);  // no duplicate was reported
    return core.mark(*this, 0);
  }
  tcb.retransmit_deadline = core.now + rto(core);
  if ((tcb.hold & kHoldScoreboard) == 0) return core.mark(*this, kMarkTailProbe);
  core.recoveries[tcb.recovery].delivery = Delivery{};
  assess_losses(core);
  core.mark(*this, 0);
}

// Section 6.2: steps 1 to 5 after an acknowledgment, or its last part when the reordering window has passed.
bool Connection::mark_lost_by_time(Recovery& recovery, Core& core) {
  if (tcb.srtt_us == 0) return false;
  const Delivery& delivery = recovery.delivery;
  const uint32_t now_us = stamp_of(core.now);
  if (delivery.any) {
    // Where one acknowledgment delivers a retransmission and what was sent before that, but stands behind it,
    // news of the latter took longer; who believed the retransmission's round trip would take for lost what
    // was sent together with the other. Linux measures so too.
    recovery.rtt_us = now_us - delivery.foremost.sent_us;
    if (!recovery.timed || delivery.last > recovery.newest) recovery.newest = delivery.last;
    recovery.timed = true;
  }
  if (delivery.reordered) note_reordering();
  if (!recovery.timed) return false;
  uint32_t wait_us = 0;
  const bool found = recovery.board.mark_lost_by_time(recovery.newest, recovery.rtt_us,
                                                      reordering_window(recovery), now_us, wait_us);
  if (wait_us != 0) {
    const Deadline due = core.now + std::chrono::microseconds(wait_us);
    if (due.before(tcb.retransmit_deadline, core.now)) {
      tcb.retransmit_deadline = due;
      tcb.marks |= kMarkEarlyTimer;
    }
  }
  return found;
}

void Connection::note_reordering() {
  if (tcb.reo_wnd == 0) tcb.reo_wnd = 1;
}

// Section 6.2, step 4: a duplicate tells that something was sent again too early, unless it was a probe. Once
// in a round trip.
void Connection::widen_reordering_window(Seq ack, Core& core) {
  if (tcb.recovery != kNoSlot) {
    Recovery& recovery = core.recoveries[tcb.recovery];
    if (recovery.probing || (recovery.dsack_round && ack < *recovery.dsack_round)) return;
    recovery.dsack_round = tcb.snd.nxt;
  }
  const int multiple = std::min(std::max(tcb.reo_wnd & kMultiple, 1) + 1, int{kWidest});
  tcb.reo_wnd = static_cast<uint8_t>(kPersist | multiple);
}

// A recovery is over.
void Connection::age_reordering_window() {
  if (tcb.reo_wnd < kRecovery) return;
  tcb.reo_wnd = static_cast<uint8_t>(tcb.reo_wnd - kRecovery);
  if (tcb.reo_wnd < kRecovery) tcb.reo_wnd = 1;
}

// Section 6.2, step 4, RACK_update_reo_wnd(), in microseconds; the smoothed round trip in place of the
// shortest.
uint32_t Connection::reordering_window(const Recovery& recovery) const {
  if (tcb.reo_wnd == 0) {
    const bool sure = (tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) != 0 ||
                      recovery.board.sacked() > (Scoreboard::kThreshold - 1) * tcb.mss;
    if (sure) return 0;
  }
  const uint64_t quarters = std::max<uint64_t>(tcb.reo_wnd & kMultiple, 1);
  return static_cast<uint32_t>(std::min<uint64_t>(quarters * (tcb.srtt_us / 4), tcb.srtt_us));
}

// Section 7.3: new text if the peer's window takes it, else the last segment again.
bool Connection::emit_tail_probe(Core& core) {
  if (core.outbox.full()) return false;
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkTailProbe);
  const bool amiss = (tcb.hold & (kHoldFastRecovery | kHoldLossRecovery | kHoldPersist)) != 0;
  if (amiss || flight() == 0 || !keep_scoreboard(core)) return true;
  ++core.counters.tail_loss_probes;
  Recovery& recovery = core.recoveries[tcb.recovery];
  const uint32_t length = std::min(unsent_bytes(), full_text(core));
  recovery.probe_again = length == 0 || flight() + length > tcb.snd.wnd;
  if (recovery.probe_again) {
    const Seq text_end = earlier(tcb.snd.nxt, tcb.send_end);
    const Seq from = later(tcb.snd.una, text_end - tcb.mss);
    retransmit(earlier(from, tcb.snd.nxt - 1), tcb.snd.nxt, core);
  } else {
    send_new_text(length, core);
  }
  recovery.probing = tcb.tail_probed = true;
  recovery.probe_end = tcb.snd.nxt;
  tcb.retransmit_deadline = core.now + rto(core);
  return true;
}

// Section 7.4: whether the probe has mended a loss, which then counts as one, or merely came twice.
void Connection::settle_tail_probe(Recovery& recovery, Core& core) {
  if (!recovery.probing || tcb.snd.una < recovery.probe_end) return;
  const Delivery& delivery = recovery.delivery;
  const bool both_arrived = (delivery.duplicate && delivery.duplicate_end == recovery.probe_end) ||
                            (tcb.snd.una == recovery.probe_end && delivery.repeats);
  if (!recovery.probe_again || both_arrived) {
    recovery.probing = false;
  } else if (tcb.snd.una > recovery.probe_end) {
    recovery.probing = false;
    tcb.ssthresh = threshold_after_loss(std::max(flight(), tcb.cwnd), core);
    tcb.cwnd = std::min(tcb.cwnd, tcb.ssthresh);
    answer_congestion();
    revalidate_window(core);
  }
}

}  // namespace tern::tcp
