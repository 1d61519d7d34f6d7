// SPDX-License-Identifier: BSD-3-Clause
// The receiving half: taking text in, the window we announce (RFC 9293 section 3.8.6.2.2), TIME-WAIT.
#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"

namespace tern::tcp {

// Text that begins at RCV.NXT and fits the window.
void Connection::accept_text(const Segment& seg, net::Packet text, Core& core) {
  if (has(kReadClosed)) {  // RFC 1122 section 4.2.2.13
    ++core.counters.text_after_close;
    abort(core);
    return;
  }
  core.counters.bytes_received.add(seg.length);
  tcb.rcv.nxt += seg.length;
  tcb.rcv.wnd -= seg.length;
  tcb.unread += seg.length;
  if (tcb.segments_owed != 0xff) ++tcb.segments_owed;

  // A small segment behind unread text is copied into the buffer before it, rather than pin one of its own.
  if (!tcb.receive_queue.empty() && seg.length <= Reassembly::kCopyBelow &&
      net::buffer::tailroom(tcb.receive_queue.back()) >= seg.length) {
    net::Packet last(tcb.receive_queue.back());
    last.append(text.data(), seg.length);
    last.detach();
    text.reset();
  } else {
    ++core.held_packets;
    tcb.receive_queue.push_back(std::move(text));
  }
  core.mark(*this, kMarkText);
  if ((tcb.hold & kHoldReassembly) != 0) take_reassembled(core);
}

void Connection::keep_out_of_order(Seq seq, net::Packet text, Core& core) {
  if (has(kReadClosed)) {
    ++core.counters.text_after_close;
    abort(core);
    return;
  }
  // Each out-of-order segment is answered by one duplicate ACK, so that the peer counts right (RFC 5681
  // section 4.2).
  if (tcb.duplicate_acks_owed != 0xff) ++tcb.duplicate_acks_owed;
  core.mark(*this, 0);
  if (core.pressed_for_reassembly()) {
    ++core.counters.text_refused_memory;
    return;
  }
  if (tcb.reassembly == kNoReassembly) tcb.reassembly = core.reassemblies.allocate();
  if (tcb.reassembly == kNoReassembly) {
    ++core.counters.reassembly_refused;
    return;
  }
  Reassembly& queue = core.reassemblies[tcb.reassembly];
  const uint32_t packets_before = queue.packets();
  const Reassembly::Outcome outcome = queue.insert(seq, std::move(text));
  core.held_packets += queue.packets();
  core.held_packets -= packets_before;
  if (outcome.refused) ++core.counters.reassembly_refused;
  if (outcome.duplicate) ++core.counters.text_duplicate;
  if (outcome.kept) ++core.counters.text_out_of_order;
  if (!queue.empty()) tcb.hold |= kHoldReassembly;
}

// SHLD-31 holds for a FIN too: the peer need not send it again when the gap before it has been filled.
void Connection::keep_fin(Seq seq, Core& core) {
  if (tcb.reassembly == kNoReassembly) tcb.reassembly = core.reassemblies.allocate();
  if (tcb.reassembly == kNoReassembly) {
    ++core.counters.reassembly_refused;
    return;
  }
  core.reassemblies[tcb.reassembly].keep_fin(seq);
  tcb.hold |= kHoldReassembly;
}

// RCV.NXT has moved: what was kept may now be in order.
void Connection::take_reassembled(Core& core) {
  Reassembly& queue = core.reassemblies[tcb.reassembly];
  uint32_t freed = 0;
  const uint32_t bytes = queue.take(tcb.rcv.nxt, tcb.receive_queue, freed);
  core.held_packets -= freed;
  tcb.rcv.nxt += bytes;
  tcb.rcv.wnd -= bytes;
  tcb.unread += bytes;
  core.counters.bytes_received.add(bytes);
  core.mark(*this, kMarkAckNow);  // RFC 5681 section 4.2: at once when a gap is filled, wholly or in part
  // No part of it is left to a second ACK: short of what SACK has told of, the first would say that it was
  // thrown away (RFC 2018 section 8).
  if (bytes != 0) tcb.last_ack_sent = tcb.rcv.nxt;
  const bool ended = queue.take_fin(tcb.rcv.nxt);
  if (queue.empty()) {
    core.reassemblies.release(tcb.reassembly);
    tcb.reassembly = kNoReassembly;
    tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldReassembly);
  }
  if (ended) take_fin(core);
}

// Only the first part of a segment that had been received before is reported (RFC 2883 section 4).
void Connection::note_duplicate(Seq left, Seq right, Core& core) {
  const uint32_t index = core.index_of(*this);
  if (left == right || !has(kSackOn) || core.duplicate.connection == index) return;
  core.duplicate = {index, {left, right}};
}

// Moves the right edge as far as the buffer allows, but never left, and to the right only in steps that are
// worth a segment (receiver's SWS avoidance, RFC 9293 MUST-39); returns the window field.
uint32_t Connection::announce_window(Core& core) {
  const Config& config = core.config(*this);
  const uint32_t ceiling = 0xffffu << tcb.rcv_scale;
  const uint32_t buffer = receive_buffer(core);
  const uint32_t room = buffer > tcb.unread ? buffer - tcb.unread : 0;
  const uint32_t window = std::min(room, ceiling);
  if (window > tcb.rcv.wnd) {
    // The largest window that the field can say is never a silly one, however small the step to it.
    const uint32_t step = std::min<uint32_t>(buffer / 2, config.mss);
    if (window == ceiling || window - tcb.rcv.wnd >= step) tcb.rcv.wnd = window;
  }
  const uint32_t field = tcb.rcv.wnd >> tcb.rcv_scale;
  if (field == 0) ++core.counters.zero_windows_sent;
  return field;
}

// Whether the user has taken so much that the peer should hear of it without waiting for a segment of ours.
bool Connection::window_update_due(const Core& core) const {
  // Before the third segment of a Fast Open there is nothing to hurry: the SYN-ACK offered what it could say.
  if (has(kFinReceived) || has(kFastOpenPending)) return false;
  const Config& config = core.config(*this);
  const uint32_t buffer = receive_buffer(core);
  const uint32_t room = buffer > tcb.unread ? buffer - tcb.unread : 0;
  const uint32_t window = std::min(room, 0xffffu << tcb.rcv_scale);
  return window > tcb.rcv.wnd && window - tcb.rcv.wnd >= std::min<uint32_t>(buffer / 2, 2u * config.mss);
}

// RFC 9293 section 3.6.1. The service is told now: nothing more can come for it.
void Connection::enter_time_wait(Core& core) {
  if (tcb.state != State::kTimeWait) {
    ++core.counters.connections_closed;
    tcb.close_reason = CloseReason::kFinished;
    core.set_state(*this, State::kTimeWait);
    core.mark(*this, kMarkClosed);
  }
  tcb.retransmit_deadline = Deadline::never();
  tcb.ack_deadline = Deadline::never();
  tcb.idle_deadline = core.now + 2 * core.config(*this).msl;
}

}  // namespace tern::tcp
