// SPDX-License-Identifier: BSD-3-Clause
// Timeouts: RFC 9293 section 3.10.8; retransmission by RFC 6298, the persist timer of section 3.8.6.1,
// delayed ACK, TIME-WAIT. A connection has one node in the wheel and several deadlines; see Time in the
// README.
#include <algorithm>
#include <memory>

#include "tcp/connection.hpp"
#include "tcp/rto.hpp"

namespace tern::tcp {

net::Duration Connection::rto(const Core& core) const {
  const Config& config = core.config(*this);
  const RttEstimate estimate{tcb.srtt_us, tcb.rttvar_us};
  const net::Duration timeout = estimate.timeout(config.rto_initial, config.rto_min, config.rto_max);
  if (tcb.retransmit_expiries == 0) [[likely]]
    return timeout;
  return bounded_by_user(backed_off(timeout, tcb.retransmit_expiries, config.rto_max), core);
}

// The wheel's node fired, which means only that some deadline may be due.
void Connection::on_timeout(Core& core) {
  tcb.fires_at = Deadline::never();
  if (tcb.ack_deadline.due(core.now)) {
    tcb.ack_deadline = Deadline::never();
    ++core.counters.acks_delayed;
    core.mark(*this, kMarkAckNow);
  }
  if (tcb.retransmit_deadline.due(core.now)) {
    tcb.retransmit_deadline = Deadline::never();
    if ((tcb.marks & kMarkEarlyTimer) != 0) {
      on_early_timeout(core);
    } else {
      on_retransmission_timeout(core);
    }
  }
  if (tcb.idle_deadline.due(core.now)) {
    on_idle_timeout(core);
  }
  if (has(kDeparturesNoted)) core.mark(*this, 0);  // it may be paced
  arm(core);
}

void Connection::on_retransmission_timeout(Core& core) {
  const bool handshake = tcb.state == State::kSynSent || tcb.state == State::kSynReceived;
  const bool opens = handshake || has(kFastOpenPending);
  const bool window_closed = !handshake && (tcb.snd.wnd == 0 || flight() == 0);
  const Config& config = core.config(*this);
  // R2 of RFC 9293 section 3.8.3, which for SYNs is one of its own (MUST-23).
  const uint8_t opening = half_open() || has(kFastOpenPending) ? config.syn_ack_retries : config.syn_retries;
  const uint8_t limit = opens ? opening : config.retransmit_limit;
  // RFC 9293 section 3.8.6.1: a closed window is probed for as long as the peer answers.
  const uint8_t unanswered = window_closed ? tcb.silent_probes : tcb.retransmit_expiries;
  // Advice that came with a SYN counts once the handshake is done: nobody may keep one open by it.
  const bool enough = unanswered >= limit && (opens || !takes_advice(core));
  if (enough || (!half_open() && outlived_user_timeout(core))) {
    ++(half_open() ? core.counters.half_open_timed_out : core.counters.connections_timed_out);
    give_up(timed_out(), core);
    return;
  }
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kRttTimed);  // Karn
  if (handshake) {
    ++core.counters.retransmission_timeouts;
    core.mark(*this, kMarkHandshake);
  } else if (window_closed) {
    ++tcb.silent_probes;
    tcb.hold |= kHoldPersist;
    core.mark(*this, kMarkProbe);
  } else if (confirm_too_big(core)) {
    return;
  } else {
    ++core.counters.retransmission_timeouts;
    if ((tcb.hold & kHoldMtuProbe) != 0) give_up_mtu_probe(core);
    suspect_black_hole(core);
    enter_loss_recovery(core);
  }
  if (tcb.retransmit_expiries != 0xff) ++tcb.retransmit_expiries;
  const uint8_t in_vain = window_closed ? tcb.silent_probes : tcb.retransmit_expiries;
  if (in_vain == kR1 && !half_open()) core.mark(*this, kMarkDoubted);  // SHLD-9
}

// To CLOSED, with nothing left but the word to the service and perhaps a RST.
void Connection::give_up(CloseReason reason, Core& core) {
  const bool unheard_of = half_open() || waiting();
  const bool told = tcb.state == State::kTimeWait || unheard_of;
  if (unheard_of) {
    leave_backlog(core);
    tcb.marks = static_cast<uint16_t>(tcb.marks & ~kServiceMarks);
  }
  if (tcb.state == State::kSynSent &&
      (reason == CloseReason::kTimedOut || reason == CloseReason::kUnreachable)) {
    note_fast_open_failure(core);
  }
  leave_fast_open(core);
  core.set_state(*this, State::kClosed);
  if (!told) {
    tcb.close_reason = reason;
    core.mark(*this, kMarkClosed);
  } else {
    core.mark(*this, 0);
  }
  while (net::Packet packet = tcb.send_queue.pop_front()) core.release(std::move(packet));
  tcb.unsent = nullptr;
  drop_scoreboard(core);
  tcb.retransmit_deadline = tcb.ack_deadline = tcb.idle_deadline = Deadline::never();
  const uint16_t output = kMarkAckNow | kMarkRetransmitHead | kMarkProbe | kMarkHandshake | kMarkWantsRoom |
                          kMarkEarlyTimer | kMarkTailProbe | kMarkMtuProbe;
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~output);
}

void Connection::release(Core& core) {
  while (net::Packet packet = tcb.send_queue.pop_front()) core.release(std::move(packet));
  while (net::Packet packet = tcb.receive_queue.pop_front()) core.release(std::move(packet));
  if (tcb.reassembly != kNoReassembly) {
    core.held_packets -= core.reassemblies[tcb.reassembly].packets();
    core.reassemblies.release(tcb.reassembly);
  }
  leave_backlog(core);
  drop_scoreboard(core);
  release_congestion(core);
  leave_fast_open(core);
  end_receive_tuning(core);
  if (tcb.extra != kNoSlot) core.extras.release(tcb.extra);
  core.set_state(*this, State::kClosed);
  const uint32_t index = core.index_of(*this);
  core.wheel.disarm(index);
  if (core.duplicate.connection == index) core.duplicate.connection = Core::kNobody;
  std::construct_at(&tcb);  // nothing is left in its queues
  core.slots_.give_back(static_cast<uint32_t>(this - core.connections_.data()));
}

// Sets the wheel's node if a deadline comes before it fires. A deadline that moved later costs nothing here.
void Connection::arm(Core& core) {
  const Deadline next = earliest({tcb.retransmit_deadline, tcb.ack_deadline, tcb.idle_deadline}, core.now);
  if (next.before(tcb.fires_at, core.now)) {
    core.wheel.arm(core.index_of(*this), next.instant(core.now));
    tcb.fires_at = next;
  } else if (next.is_never() && flight() == 0 && !tcb.fires_at.is_never() && core.may_sleep()) {
    // Where there are so many, one that fires for nothing has to be fetched from afar. While something is in
    // flight it may be pacing that set the node.
    core.wheel.disarm(core.index_of(*this));
    tcb.fires_at = next;
  }
}

}  // namespace tern::tcp
