// SPDX-License-Identifier: BSD-3-Clause
// What an acceptable acknowledgment does: RFC 9293 section 3.10.7.4, fifth step; round-trip time by RFC 6298.
#include "tcp/connection.hpp"
#include "tcp/rto.hpp"

namespace tern::tcp {

namespace {
// Moves a number that stays behind while nothing happens: more than 2^31 behind it would seem to be ahead.
// A window is less than 2^30, so that once per round trip is often enough.
void follow(Seq& behind, Seq una) {
  constexpr uint32_t kFar = 1u << 30;
  if (una > behind) behind = later(behind, una - kFar);
}
}  // namespace

// "SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)": an older segment does not move the
// window.
void Connection::update_send_window(const Segment& seg) {
  if (!(tcb.snd.wl1 < seg.seq || (tcb.snd.wl1 == seg.seq && tcb.snd.wl2 <= seg.ack))) return;
  tcb.snd.wnd = static_cast<uint32_t>(seg.wnd) << tcb.snd_scale;
  tcb.snd.wl1 = seg.seq;
  tcb.snd.wl2 = seg.ack;
  if (tcb.snd.wnd > tcb.max_wnd) tcb.max_wnd = tcb.snd.wnd;
  if ((tcb.hold & kHoldPersist) != 0 && tcb.snd.wnd != 0) {
    // The window opened. A probe's byte may have been refused by the peer: send it again with the rest.
    tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldPersist);
    tcb.retransmit_expiries = 0;
    tcb.retransmit_deadline = Deadline::never();
    if (seg.ack < tcb.snd.nxt) tcb.marks |= kMarkRetransmitHead;
  }
}

void Connection::acknowledge(const Segment& seg, Core& core) {
  const uint32_t acknowledged = seg.ack - tcb.snd.una;
  measure_rtt(seg, core);
  tcb.snd.una = seg.ack;
  release_acknowledged(core);
  if (tcb.recovery != kNoSlot) {
    Recovery& recovery = core.recoveries[tcb.recovery];
    recovery.board.acknowledge(tcb.snd.una, recovery.delivery);
    undo_if_spurious(seg, core);
    // One that was kept for duplicates to be reported, on the fast path.
    if ((tcb.hold & kHoldScoreboard) == 0 && !may_hear_of_duplicates(recovery)) drop_scoreboard(core);
  }
  tcb.retransmit_expiries = 0;
  tcb.soft_error = CloseReason::kNone;
  if ((tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) != 0) {
    recover_on_ack(acknowledged, core);
  } else {
    if (tcb.extra != kNoSlot) validate_window(acknowledged, core);
    if (window_in_use(core)) grow_window(newly_delivered(acknowledged, core), core);
  }
  tcb.duplicate_acks = 0;
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldDuplicates);
  // RFC 6298 section 5.2 and 5.3.
  if (flight() == 0) {
    tcb.retransmit_deadline = Deadline::never();
  } else {
    start_retransmission_timer(core);
  }
  if (has(kFinSent) && tcb.snd.una == tcb.snd.nxt) on_fin_acknowledged(core);
  if ((tcb.marks & kMarkWantsRoom) != 0 && send_room(core) >= core.config(*this).send_buffer / 2) {
    tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkWantsRoom);
    core.mark(*this, kMarkWritable);
  }
}

// One segment per window is timed (RFC 6298 section 3, Karn: never one that was sent twice). After a timeout
// the echoed timestamp, which knows which copy it answers, gives the sample (RFC 7323 section 4).
void Connection::measure_rtt(const Segment& seg, Core& core) {
  net::Duration rtt{-1};
  if (has(kRttTimed) && seg.ack >= tcb.rtt_seq) {
    rtt = std::chrono::microseconds(stamp_of(core.now) - tcb.rtt_started_us);
    tcb.flags = static_cast<uint16_t>(tcb.flags & ~kRttTimed);
  } else if (tcb.retransmit_expiries != 0 && has(kTimestampsOn) && seg.has_timestamps) {
    rtt = std::chrono::milliseconds(static_cast<int32_t>(core.ts_now + tcb.ts_offset - seg.ts_ecr));
  }
  if (rtt.count() < 0) return;
  tcb.tail_probed = false;
  RttEstimate estimate{tcb.srtt_us, tcb.rttvar_us};
  estimate.sample(rtt);
  tcb.srtt_us = estimate.srtt_us;
  tcb.rttvar_us = estimate.rttvar_us;
  if (tcb.snd.una >= tcb.recover) tcb.flags = static_cast<uint16_t>(tcb.flags & ~kEcnReduced);
  follow(tcb.recover, tcb.snd.una);
  follow(tcb.small_end, tcb.snd.una);
}

void Connection::on_fin_acknowledged(Core& core) {
  if ((tcb.hold & kHoldLinger) != 0) {
    tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldLinger);
    tcb.idle_deadline = Deadline::never();
  }
  switch (tcb.state) {
    case State::kFinWait1:
      core.set_state(*this, State::kFinWait2);
      // Nobody reads any more, so nobody waits for the peer's FIN for ever.
      if (has(kReadClosed)) tcb.idle_deadline = core.now + core.config(*this).fin_wait_2;
      if ((tcb.marks & kMarkWantsRoom) != 0) {
        tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkWantsRoom);
        core.mark(*this, kMarkWritable);
      }
      break;
    case State::kClosing:
      enter_time_wait(core);
      break;
    case State::kLastAck:
      ++core.counters.connections_closed;
      give_up(CloseReason::kFinished, core);
      break;
    default:
      break;
  }
}

}  // namespace tern::tcp
