// SPDX-License-Identifier: BSD-3-Clause
// Window reductions that are taken back, since nothing had been lost. Three signs tell: a timestamp that
// answers the first copy (Eifel, RFC 3522); after a timeout, text that was sent once only and arrives all the
// same (F-RTO, RFC 5682); the peer's word that all that was sent again came twice (RFC 2883, RFC 3708).
#include <algorithm>
#include <utility>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

// A reduction from these values begins; what is sent again leaves after this.
void Connection::remember_for_undo(Recovery& recovery, uint32_t cwnd, uint32_t ssthresh, Core& core) {
  recovery.may_undo = recovery.first_answer = true;
  recovery.undo_ts = core.ts_now + tcb.ts_offset;
  recovery.undo_cwnd = cwnd;
  recovery.undo_ssthresh = ssthresh;
  recovery.undo_start = tcb.snd.una;
  recovery.undo_end = tcb.snd.nxt;
  recovery.undo_again = recovery.undo_twice = 0;
}

// After SND.UNA has moved.
void Connection::undo_if_spurious(const Segment& seg, Core& core) {
  Recovery& recovery = core.recoveries[tcb.recovery];
  if (!recovery.may_undo) return;
  const bool first = std::exchange(recovery.first_answer, false);
  if ((first && answers_first_copy(seg, recovery)) || timeout_was_spurious(recovery)) undo(recovery, core);
}

// RFC 3522 section 3.2: the first acknowledgment of something new after a retransmission answers what was
// sent before it.
bool Connection::answers_first_copy(const Segment& seg, const Recovery& recovery) const {
  return has(kTimestampsOn) && seg.has_timestamps && static_cast<int32_t>(seg.ts_ecr - recovery.undo_ts) < 0;
}

// RFC 5682 section 2.1, step 3, and section 3.1: new text was answered by news of text from before the
// timeout that was never sent again.
bool Connection::timeout_was_spurious(const Recovery& recovery) const {
  return recovery.frto == Frto::kNewSent && recovery.delivery.original;
}

// Step 2 of the same: after the timeout's first acknowledgment new text goes in place of what seems lost, if
// emit_lost() finds that it may. full: all that had been sent is acknowledged, so that nothing can be told;
// nor can it by a peer that acknowledges only a part of what was sent again.
void Connection::go_on_with_frto(Recovery& recovery, bool full) const {
  const bool tells = recovery.frto == Frto::kHeadSent && !full && !recovery.board.begins_again();
  recovery.frto = tells ? Frto::kNewSent : Frto::kOff;
}

// Steps 2a and 3a: a duplicate ACK in answer means that something was lost, unless its blocks prove the
// opposite. With SACK the first answer is only what moves SND.UNA (section 3.1, step 2).
void Connection::take_frto_duplicate(Recovery& recovery, Core& core) {
  if (timeout_was_spurious(recovery)) return undo(recovery, core);
  if (recovery.frto == Frto::kHeadSent && has(kSackOn)) return;
  if (recovery.frto == Frto::kNewSent) tcb.cwnd = std::max(tcb.cwnd, 3u * tcb.mss);
  recovery.frto = Frto::kOff;
}

// RFC 2883 section 4: the first block tells of text that came twice; here, of what was sent again since the
// reduction.
void Connection::count_duplicate(const Segment& seg, Recovery& recovery) const {
  const SackBlock& block = seg.sacks[0];
  if (!recovery.may_undo || block.left < recovery.undo_start || block.right > recovery.undo_end) return;
  recovery.undo_twice += block.right - block.left;
}

// Whether the peer has had all of it twice.
bool Connection::all_came_twice(const Recovery& recovery) const {
  return recovery.may_undo && recovery.undo_again != 0 && recovery.undo_twice >= recovery.undo_again;
}

// RFC 4015 section 3.2.
void Connection::undo(Recovery& recovery, Core& core) {
  ++core.counters.losses_undone;
  if ((tcb.hold & kHoldLossRecovery) == 0) note_reordering();
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~(kHoldFastRecovery | kHoldLossRecovery));
  recovery.board.find_lost();
  recovery.may_undo = false;
  recovery.frto = Frto::kOff;
  tcb.cwnd = std::max(tcb.cwnd, recovery.undo_cwnd);
  tcb.ssthresh = std::max(tcb.ssthresh, recovery.undo_ssthresh);
  tcb.recover = tcb.snd.una - 1;  // RFC 5682: duplicate ACKs from now on may tell of a loss again
  congestion_control(*this, core).undo(*this, core);
  if (WindowValidation* own = validation(core)) own->forget(core.now);
}

// Whether the peer may still say, half a round trip after all is mended, that it came twice: until something
// sent after that is acknowledged. Or whether it has said so, and might once more in the same round trip.
// Once our FIN is sent no window matters any more.
bool Connection::may_hear_of_duplicates(const Recovery& recovery) const {
  const bool first = recovery.may_undo && recovery.undo_again != 0 && tcb.snd.una <= recovery.undo_until;
  const bool again = recovery.dsack_round && tcb.snd.una < *recovery.dsack_round;
  return has(kSackOn) && !has(kFinSent) && (first || again);
}

// Nor longer than a timeout: where nothing is in flight the retransmission timer, which else would rest,
// runs.
void Connection::await_duplicates(Core& core) {
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldScoreboard);
  if (flight() != 0 || unsent_bytes() != 0 || !tcb.retransmit_deadline.is_never()) return;
  tcb.retransmit_deadline = core.now + rto(core);
  tcb.marks |= kMarkEarlyTimer;
}

}  // namespace tern::tcp
