// SPDX-License-Identifier: BSD-3-Clause
// The user's calls: RFC 9293 section 3.10.2 (SEND) to 3.10.5 (ABORT).
#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"

namespace tern::tcp {

uint32_t Connection::send_room(const Core& core) const {
  const bool open = tcb.state == State::kEstablished || tcb.state == State::kCloseWait ||
                    tcb.state == State::kSynSent || tcb.state == State::kSynReceived;
  if (!open || has(kFinQueued)) return 0;
  const uint32_t queued = tcb.send_end - tcb.snd.una;
  const uint32_t buffer = core.config(*this).send_buffer;
  return queued < buffer ? buffer - queued : 0;
}

// A packet larger than the room is taken whole, so that a buffer smaller than one packet never stops the
// flow.
bool Connection::send(net::Packet& packet, Core& core) {
  if (packet.size() == 0) {
    packet.reset();
    return true;
  }
  if (send_room(core) == 0) {
    tcb.marks |= kMarkWantsRoom;
    return false;
  }
  append_text(std::move(packet), core);
  if (tcb.extra != kNoSlot) core.extras[tcb.extra].more = false;
  core.mark(*this, 0);
  return true;
}

bool Connection::send_more(net::Packet& packet, Core& core) {
  if (!send(packet, core)) return false;
  if (Extra* own = extra(core)) {  // without a slot it is a send as any other
    own->more = true;
    own->more_una = tcb.snd.una;
  }
  return true;
}

net::Packet Connection::receive(Core& core) {
  net::Packet packet = tcb.receive_queue.pop_front();
  if (!packet) return packet;
  --core.held_packets;
  tcb.unread -= packet.size();
  if (window_update_due(core)) core.mark(*this, kMarkAckNow);
  return packet;
}

void Connection::skip(uint32_t n, Core& core) {
  while (n != 0) {
    const uint32_t first = net::buffer::field(tcb.receive_queue.front()).length;
    if (first > n) {
      net::Packet packet = tcb.receive_queue.pop_front();
      packet.remove_prefix(n);
      tcb.receive_queue.push_front(std::move(packet));
      tcb.unread -= n;
      return;
    }
    n -= first;
    receive(core);
  }
}

// 3.10.4: the FIN follows what is queued; the state changes at once.
void Connection::shutdown(Core& core) {
  if (has(kFinQueued)) return;
  switch (tcb.state) {
    case State::kEstablished:
      core.set_state(*this, State::kFinWait1);
      break;
    case State::kCloseWait:
      core.set_state(*this, State::kLastAck);
      break;
    case State::kSynReceived:
      break;  // FIN-WAIT-1 once the handshake is done
    case State::kSynSent:
      give_up(CloseReason::kFinished, core);
      return;
    default:
      return;
  }
  tcb.flags |= kFinQueued;
  core.mark(*this, 0);
}

void Connection::close(Core& core) {
  if (tcb.state == State::kClosed || has(kReadClosed)) return;
  tcb.flags |= kReadClosed;
  // In TIME-WAIT the peer has had every answer that it waits for: what is unread is merely dropped with the
  // rest.
  const bool unread = tcb.unread != 0 || (tcb.hold & kHoldReassembly) != 0;
  const net::Duration linger = core.config(*this).linger;
  if ((unread || linger.count() == 0) && tcb.state != State::kTimeWait) return abort(core);
  shutdown(core);
  const bool sending = tcb.state == State::kFinWait1 || tcb.state == State::kClosing ||
                       tcb.state == State::kLastAck || tcb.state == State::kSynReceived;
  if (sending && linger.count() > 0) {
    tcb.hold |= kHoldLinger;
    tcb.idle_deadline = core.now + linger;
  }
  become_orphan(core);
  if (tcb.state == State::kFinWait2) tcb.idle_deadline = core.now + core.config(*this).fin_wait_2;
  core.mark(*this, 0);
}

// Nobody waits for a connection that its user has closed, so that what it holds until the peer acknowledges
// is bounded: beyond the limit it is ended at once.
void Connection::become_orphan(Core& core) {
  const bool orphan = has(kReadClosed) && (tcb.state == State::kFinWait1 || tcb.state == State::kClosing ||
                                           tcb.state == State::kLastAck);
  if (!orphan || (tcb.hold & kHoldOrphan) != 0) return;
  if (core.orphans.value() >= core.limits.orphans) {
    ++core.counters.orphans_aborted;
    return abort(core);
  }
  ++core.orphans;
  tcb.hold |= kHoldOrphan;
}

void Connection::abort(Core& core) {
  if (tcb.state == State::kClosed) return;
  if (tcb.state == State::kTimeWait) return give_up(CloseReason::kFinished, core);
  const bool silent = tcb.state == State::kSynSent;
  ++core.counters.connections_aborted;
  give_up(CloseReason::kAborted, core);
  if (!silent) core.mark(*this, kMarkReset);
}

bool Connection::withdraw(net::PacketQueue& text, Core& core) {
  if (tcb.state == State::kClosed || tcb.snd.una != tcb.iss + 1) return false;
  for (rte_mbuf* b = tcb.send_queue.front(); b != nullptr; b = tcb.send_queue.after(b)) --core.held_packets;
  text = std::move(tcb.send_queue);
  tcb.unsent = nullptr;
  abort(core);
  return true;
}

Error Connection::send_error(const Core& core) const {
  if (tcb.state == State::kClosed) return error_of(tcb.close_reason);
  if (has(kFinQueued)) return Error::kPipe;
  if (send_room(core) != 0) return Error::kNone;
  return tcb.state == State::kTimeWait ? Error::kPipe : Error::kAgain;
}

Error Connection::receive_error() const {
  if (tcb.unread != 0 || has(kFinReceived)) return Error::kNone;
  if (tcb.state == State::kClosed) return error_of(tcb.close_reason);
  if (tcb.state == State::kSynSent || tcb.state == State::kSynReceived) return Error::kNotConnected;
  return has(kReadClosed) ? Error::kPipe : Error::kAgain;
}

}  // namespace tern::tcp
