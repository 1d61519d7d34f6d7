// SPDX-License-Identifier: BSD-3-Clause
// Congestion window and loss recovery: RFC 5681, NewReno's fast recovery of RFC 6582, and what follows a
// timeout.
#include <algorithm>

#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {
constexpr uint8_t kDuplicateThreshold = 3;  // RFC 5681 section 3.2

uint32_t half_of_flight(const Connection& connection) {  // RFC 5681, equation (4)
  return std::max(connection.flight() / 2, 2u * connection.tcb.mss);
}
}  // namespace

// RFC 5681 section 3.1, bytes counted as in RFC 3465.
void Connection::grow_window(uint32_t acknowledged) {
  if (tcb.cwnd < tcb.ssthresh) {
    tcb.cwnd += acknowledged;
    return;
  }
  tcb.bytes_acked_in_round += acknowledged;
  if (tcb.bytes_acked_in_round >= tcb.cwnd) {
    tcb.bytes_acked_in_round -= tcb.cwnd;
    tcb.cwnd += tcb.mss;
  }
}

void Connection::on_duplicate_ack(Core& core) {
  ++core.counters.duplicate_acks_received;
  if ((tcb.hold & kHoldPersist) != 0) return;  // an answer to a probe says nothing about loss
  if (tcb.duplicate_acks != 0xff) ++tcb.duplicate_acks;
  tcb.hold |= kHoldDuplicates;
  if ((tcb.hold & kHoldFastRecovery) != 0) {
    // RFC 6582 section 3.2, step 3: a segment has left the network. No more can have left than were in it,
    // however many duplicates a peer makes up (RFC 5681 section 3.2, step 4).
    if (tcb.cwnd < tcb.ssthresh + (tcb.recover - tcb.snd.una)) tcb.cwnd += tcb.mss;
  } else if (tcb.duplicate_acks == kDuplicateThreshold && (tcb.hold & kHoldLossRecovery) == 0 &&
             tcb.snd.una > tcb.recover) {
    enter_fast_recovery(core);
  }
}

void Connection::enter_fast_recovery(Core& core) {
  ++core.counters.fast_retransmits;
  tcb.ssthresh = half_of_flight(*this);
  tcb.cwnd = tcb.ssthresh + kDuplicateThreshold * tcb.mss;
  tcb.recover = tcb.snd.nxt;
  tcb.hold |= kHoldFastRecovery;
  core.mark(*this, kMarkRetransmitHead);
}

// An acknowledgment of something new while recovering; SND.UNA has moved already.
void Connection::recover_on_ack(uint32_t acknowledged, Core& core) {
  if ((tcb.hold & kHoldFastRecovery) != 0) {
    if (tcb.snd.una >= tcb.recover) {  // full: RFC 6582 section 3.2, step 3, option 1
      tcb.cwnd = std::min(tcb.ssthresh, std::max(flight(), uint32_t{tcb.mss}) + tcb.mss);
      tcb.hold = static_cast<uint8_t>(tcb.hold & ~kHoldFastRecovery);
      return;
    }
    // Partial: the segment now at SND.UNA was lost as well.
    core.mark(*this, kMarkRetransmitHead);
    tcb.cwnd -= std::min(acknowledged, tcb.cwnd - tcb.mss);
    if (acknowledged >= tcb.mss) tcb.cwnd += tcb.mss;
    return;
  }
  if (tcb.snd.una >= tcb.recover) {
    tcb.hold = static_cast<uint8_t>(tcb.hold & ~kHoldLossRecovery);
  } else {
    tcb.retransmit_next = later(tcb.retransmit_next, tcb.snd.una);
  }
  grow_window(
      std::min(acknowledged, uint32_t{tcb.mss}));  // RFC 3465 section 2.3: one segment after a timeout
}

// RFC 6298 section 5.4 to 5.6 and RFC 5681, equation (4): all that is in flight counts as lost.
void Connection::enter_loss_recovery(Core& core) {
  if (tcb.retransmit_expiries == 0) tcb.ssthresh = half_of_flight(*this);
  tcb.cwnd = tcb.mss;
  tcb.bytes_acked_in_round = 0;
  tcb.recover = tcb.snd.nxt;
  tcb.retransmit_next = tcb.snd.una;
  tcb.duplicate_acks = 0;
  tcb.hold = static_cast<uint8_t>((tcb.hold & ~(kHoldFastRecovery | kHoldDuplicates)) | kHoldLossRecovery);
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkRetransmitHead);
  core.mark(*this, 0);
}

}  // namespace tern::tcp
