// SPDX-License-Identifier: BSD-3-Clause
// Loss recovery: by SACK (RFC 6675, with the rate of RFC 6937), without it NewReno's fast recovery
// (RFC 6582), and what follows a timeout.
#include "tcp/recovery.hpp"

#include <algorithm>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {
constexpr uint8_t kDuplicateThreshold = 3;  // RFC 5681 section 3.2

// RFC 2883 section 4: a first block at or below SEG.ACK, or within the second, tells of text that came twice.
bool reports_duplicate(const Segment& seg) {
  if (seg.sack_count == 0) return false;
  const SackBlock& first = seg.sacks[0];
  const SackBlock& second = seg.sacks[1];
  return first.right <= seg.ack ||
         (seg.sack_count > 1 && first.left >= second.left && first.right <= second.right);
}
}  // namespace

// --- The scoreboard
// ------------------------------------------------------------------------------------------------

// Begins to keep a scoreboard, unless the core has none left. What is in flight now was sent during the last
// round trip; more is not known of it, but that all are full segments where none was small.
bool Connection::keep_scoreboard(Core& core) {
  if (tcb.recovery == kNoSlot) {
    tcb.recovery = core.recoveries.allocate();
    if (tcb.recovery == kNoSlot) {
      ++core.counters.scoreboards_refused;
      return false;
    }
    core.recoveries[tcb.recovery] = Recovery{};
    const bool full = tcb.small_end <= tcb.snd.una && flight() % tcb.mss == 0;
    core.recoveries[tcb.recovery].board.begin(tcb.snd.una, tcb.snd.nxt, stamp_of(core.now) - tcb.srtt_us,
                                              full ? tcb.mss : uint16_t{0});
  }
  tcb.hold |= kHoldScoreboard;
  return true;
}

void Connection::drop_scoreboard(Core& core) {
  if (tcb.recovery == kNoSlot) return;
  core.recoveries.release(tcb.recovery);
  tcb.recovery = kNoSlot;
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldScoreboard);
}

// RFC 6675 section 5, before SND.UNA moves. Whether the blocks told something new, which is what makes a
// duplicate ACK here (section 2).
bool Connection::take_sacks(const Segment& seg, Core& core) {
  const bool blocks = has(kSackOn) && seg.sack_count != 0;
  if (!blocks && tcb.recovery == kNoSlot) return false;
  const bool duplicate = blocks && reports_duplicate(seg);
  if (tcb.recovery == kNoSlot && blocks && flight() != 0) keep_scoreboard(core);
  if (duplicate) widen_reordering_window(seg.ack, core);
  if (tcb.recovery == kNoSlot) return false;
  Recovery& recovery = core.recoveries[tcb.recovery];
  recovery.delivery = Delivery{};
  recovery.delivery.ambiguous_after_us = stamp_of(core.now) - tcb.srtt_us / 2;
  recovery.delivery.highest_before = recovery.board.highest();
  recovery.delivery.recover = tcb.recover;
  recovery.delivery.repeats = seg.ack == tcb.snd.una && seg.length == 0 && !seg.has(kFin) &&
                              seg.sack_count == 0 &&
                              static_cast<uint32_t>(seg.wnd) << tcb.snd_scale == tcb.snd.wnd;
  recovery.delivery.duplicate = duplicate;
  if (duplicate) {
    recovery.delivery.duplicate_end = seg.sacks[0].right;
    count_duplicate(seg, recovery);
  }
  if (!blocks) return false;
  for (uint32_t i = 0; i < seg.sack_count; ++i) recovery.board.sack(seg.sacks[i], recovery.delivery);
  return recovery.delivery.bytes != 0;
}

// After an acknowledgment and its blocks: what is lost, what may be sent, whether the trouble is over.
void Connection::assess_losses(Core& core) {
  if (tcb.recovery == kNoSlot) return;
  Recovery& recovery = core.recoveries[tcb.recovery];
  if (recovery.board.reneged()) {
    ++core.counters.sacks_reneged;
    enter_loss_recovery(core);
    return;
  }
  if (all_came_twice(recovery)) undo(recovery, core);
  settle_tail_probe(recovery, core);
  const bool news = recovery.delivery.bytes != 0 || recovery.delivery.advanced;  // else what was due still is
  if (news && (tcb.marks & kMarkEarlyTimer) != 0 && flight() != 0) start_retransmission_timer(core);
  bool found = mark_lost_by_time(recovery, core);
  // Where the path is known to reorder, only time tells (RFC 8985 section 3.2).
  const bool counts = tcb.reo_wnd == 0;
  if (counts && recovery.board.mark_lost_by_count(tcb.mss)) found = true;
  if ((tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) == 0) {
    // RFC 6675 section 5: three duplicate ACKs, however small the segments were that they answer.
    if (counts && tcb.duplicate_acks >= kDuplicateThreshold && !recovery.board.any_lost()) {
      recovery.board.lose_head(tcb.mss);
    }
    if (recovery.board.any_lost()) {
      enter_fast_recovery(core);
      found = true;
    }
  }
  if ((tcb.hold & kHoldFastRecovery) != 0) {
    reduce_in_proportion(recovery, !found && recovery.delivery.advanced);
  }
  const bool mended = (tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) == 0 && !recovery.probing &&
                      !recovery.board.any_sacked() && !recovery.board.any_lost();
  if (!mended) {
    tcb.hold |= kHoldScoreboard;
  } else if (!may_hear_of_duplicates(recovery)) {
    drop_scoreboard(core);
  } else {
    await_duplicates(core);
  }
}

// RFC 9937 section 6.2: the congestion window that lets this acknowledgment's share be sent. Below the
// threshold only as much is sent as was delivered, but a segment more for an acknowledgment that is safe: it
// moves SND.UNA and no loss came to light with it (PRR-CRB and PRR-SSRB of RFC 6937).
void Connection::reduce_in_proportion(Recovery& recovery, bool safe) {
  recovery.delivered += recovery.delivery.bytes;
  const uint32_t pipe = recovery.board.pipe();
  uint32_t share = 0;
  if (pipe > tcb.ssthresh) {
    const uint64_t flight_at_start = std::max(recovery.flight_at_start, 1u);
    const uint64_t due =
        (uint64_t{recovery.delivered} * tcb.ssthresh + flight_at_start - 1) / flight_at_start;
    share = due > recovery.sent ? static_cast<uint32_t>(due) - recovery.sent : 0;
  } else {
    const uint32_t behind = recovery.delivered > recovery.sent ? recovery.delivered - recovery.sent : 0;
    const uint32_t limit = std::max(behind, recovery.delivery.bytes) + (safe ? tcb.mss : 0u);
    share = std::min(tcb.ssthresh - pipe, limit);
  }
  if (recovery.sent == 0) share = std::max(share, uint32_t{tcb.mss});  // the fast retransmission itself
  tcb.cwnd = std::max(pipe + share, uint32_t{tcb.mss});
}

// --- Events
// ------------------------------------------------------------------------------------------------------

void Connection::on_duplicate_ack(Core& core) {
  ++core.counters.duplicate_acks_received;
  if ((tcb.hold & kHoldPersist) != 0) return;  // an answer to a probe says nothing about loss
  if (tcb.recovery != kNoSlot) {
    take_frto_duplicate(core.recoveries[tcb.recovery], core);
  }
  if (tcb.duplicate_acks != 0xff) ++tcb.duplicate_acks;
  tcb.hold |= kHoldDuplicates;
  if (tcb.recovery != kNoSlot) return;  // assess_losses() decides
  if ((tcb.hold & kHoldFastRecovery) != 0) {
    // RFC 6582 section 3.2, step 3: a segment has left the network. No more can have left than were in it,
    // however many duplicates a peer makes up (RFC 5681 section 3.2, step 4).
    if (tcb.cwnd < tcb.ssthresh + (tcb.recover - tcb.snd.una)) tcb.cwnd += tcb.mss;
  } else if (tcb.duplicate_acks == kDuplicateThreshold && (tcb.hold & kHoldLossRecovery) == 0 &&
             (tcb.snd.una > tcb.recover || has(kEcnReduced))) {
    enter_fast_recovery(core);
  }
}

void Connection::enter_fast_recovery(Core& core) {
  if (lost_mtu_probe(core)) return;
  ++core.counters.fast_retransmits;
  // What limited transmit has sent beyond the window does not count (RFC 5681 section 3.2, step 2).
  const uint32_t cwnd = tcb.cwnd, ssthresh = tcb.ssthresh;
  if (!reduced_for_ecn(tcb.snd.una)) {
    tcb.ssthresh = threshold_after_loss(std::min(flight(), tcb.cwnd), core);
  }
  tcb.recover = tcb.snd.nxt;
  tcb.bytes_acked_in_round = 0;  // of a window twice as large
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kEcnReduced);
  tcb.hold |= kHoldFastRecovery;
  answer_congestion();
  if (tcb.recovery != kNoSlot) {
    Recovery& recovery = core.recoveries[tcb.recovery];
    recovery.flight_at_start = flight();
    recovery.delivered = recovery.sent = 0;
    recovery.probing = false;
    recovery.frto = Frto::kOff;
    remember_for_undo(recovery, cwnd, ssthresh, core);
    core.mark(*this, 0);
    return;
  }
  tcb.cwnd = tcb.ssthresh + kDuplicateThreshold * tcb.mss;
  core.mark(*this, kMarkRetransmitHead);
}

// An acknowledgment of something new while recovering; SND.UNA has moved already.
void Connection::recover_on_ack(uint32_t acknowledged, Core& core) {
  const bool full = tcb.snd.una >= tcb.recover;
  if ((tcb.hold & kHoldFastRecovery) != 0) {
    if (full) {  // RFC 6937 section 3; without SACK RFC 6582 section 3.2, step 3, option 1
      tcb.cwnd = tcb.recovery != kNoSlot
                     ? tcb.ssthresh
                     : std::min(tcb.ssthresh, std::max(flight(), uint32_t{tcb.mss}) + tcb.mss);
      tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldFastRecovery);
      if (tcb.recovery != kNoSlot) core.recoveries[tcb.recovery].undo_until = tcb.snd.nxt;
      age_reordering_window();
      revalidate_window(core);
      return;
    }
    if (tcb.recovery != kNoSlot) return;
    // Partial: the segment now at SND.UNA was lost as well.
    core.mark(*this, kMarkRetransmitHead);
    tcb.cwnd -= std::min(acknowledged, tcb.cwnd - tcb.mss);
    if (acknowledged >= tcb.mss) tcb.cwnd += tcb.mss;
    return;
  }
  if (full) {
    tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldLossRecovery);
    age_reordering_window();
    revalidate_window(core);
  }
  if (tcb.recovery != kNoSlot) {
    core.recoveries[tcb.recovery].undo_until = tcb.snd.nxt;
    go_on_with_frto(core.recoveries[tcb.recovery], full);
  } else if (!full) {
    core.mark(*this, kMarkRetransmitHead);
  }
  // RFC 3465 section 2.3: one segment after a timeout.
  grow_window(std::min(acknowledged, uint32_t{tcb.mss}), core);
}

// RFC 6298 section 5.4 to 5.6 and RFC 5681, equation (4): all that is in flight counts as lost, but for what
// the peer says it has (RFC 6675 section 5.1). A peer that says so of the very byte it waits for has given up
// what it had (RFC 2018 section 8). Where the core has no scoreboard left, each ACK sends one segment again.
void Connection::enter_loss_recovery(Core& core) {
  const uint32_t cwnd = tcb.cwnd, ssthresh = tcb.ssthresh;
  const bool first = tcb.retransmit_expiries == 0;
  const bool fresh = (tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) == 0;
  if (first) {
    answer_congestion();
    const CongestionControl& control = congestion_control(*this, core);
    tcb.ssthresh = control.reduce(*this, std::min(flight(), tcb.cwnd), core);
    control.time_out(*this, core);
  }
  if (WindowValidation* own = validation(core)) own->forget(core.now);
  tcb.cwnd = tcb.mss;
  tcb.bytes_acked_in_round = 0;
  tcb.recover = tcb.snd.nxt;
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kEcnReduced);
  tcb.duplicate_acks = 0;
  tcb.hold = static_cast<uint16_t>((tcb.hold & ~(kHoldFastRecovery | kHoldDuplicates)) | kHoldLossRecovery);
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkRetransmitHead);
  if (keep_scoreboard(core)) {
    Recovery& recovery = core.recoveries[tcb.recovery];
    Scoreboard& board = recovery.board;
    recovery.probing = false;
    if (first && fresh) {
      remember_for_undo(recovery, cwnd, ssthresh, core);
      recovery.frto = Frto::kHeadSent;
    } else if (recovery.frto != Frto::kHeadSent) {
      recovery.frto = Frto::kOff;
    }
    if (board.reneged()) {
      recovery.may_undo = false;
      recovery.frto = Frto::kOff;
      board.forget_sacks();
    }
    board.lose_all();
    core.mark(*this, 0);
  } else {
    core.mark(*this, kMarkRetransmitHead);
  }
}

}  // namespace tern::tcp
