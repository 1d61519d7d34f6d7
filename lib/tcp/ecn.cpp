// SPDX-License-Identifier: BSD-3-Clause
// Explicit Congestion Notification: RFC 3168 section 6.1. Agreed on by connect.cpp and listener.cpp;
// sender.cpp sets ECT(0) on text that is sent for the first time, and ECE and CWR where the flags kept here
// say so.
#include <algorithm>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

// Section 6.1.3, the receiver: ECE goes out with every ACK from the mark on until the peer's CWR.
void Connection::take_congestion_mark(const Segment& seg, Core& core) {
  if (!has(kEcnOn) || seg.length == 0) return;
  if (seg.has(kCwr)) {
    tcb.flags = static_cast<uint16_t>(tcb.flags & ~kEcnEcho);
    core.mark(*this, kMarkAckNow);  // the peer's window is small now
  }
  if (seg.congested()) {
    ++core.counters.congestion_marks;
    tcb.flags |= kEcnEcho;
    core.mark(*this, kMarkAckNow);
  }
}

// Section 6.1.2, the sender: an echo counts as a loss of which nothing is missing, once for what was in
// flight; nor does the window shrink twice where something was lost as well. SND.UNA has not moved yet.
void Connection::take_congestion_echo(const Segment& seg, Core& core) {
  if (!has(kEcnOn) || !seg.has(kEce) || flight() == 0) return;
  if ((tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) != 0) {
    // The reduction stands for the mark too, even if nothing was lost (RFC 4015 section 3.1, step 9).
    if (tcb.recovery != kNoSlot) {
      core.recoveries[tcb.recovery].undo_cwnd = core.recoveries[tcb.recovery].undo_ssthresh = 0;
    }
    return;
  }
  if (reduced_for_ecn(seg.ack)) return;
  ++core.counters.congestion_echoes;
  tcb.ssthresh = threshold_after_loss(std::min(flight(), tcb.cwnd), core);
  tcb.cwnd = std::min(tcb.cwnd, tcb.ssthresh);
  tcb.bytes_acked_in_round = 0;
  tcb.recover = tcb.snd.nxt;
  tcb.flags |= kEcnReduced;
  answer_congestion();
  revalidate_window(core);
}

// Whether what was in flight at such a reduction is still unacknowledged by this number.
bool Connection::reduced_for_ecn(Seq ack) const { return has(kEcnReduced) && ack <= tcb.recover; }

// The window was reduced, for whatever reason.
void Connection::answer_congestion() {
  if (has(kEcnOn)) tcb.flags |= kEcnAnswer;
}

}  // namespace tern::tcp
