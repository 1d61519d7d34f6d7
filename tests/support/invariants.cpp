// SPDX-License-Identifier: BSD-3-Clause
// What must hold of a connection whenever its core has done with a burst.
#include "support/invariants.hpp"

#include <algorithm>

namespace tern::test {

using namespace tcp;

namespace {

bool synchronized(const Tcb& tcb) { return tcb.state > State::kSynReceived; }

const char* broken_queue_rule(const Connection& connection) {
  const Tcb& tcb = connection.tcb;
  uint32_t unread = 0;
  for (rte_mbuf* b = tcb.receive_queue.front(); b != nullptr; b = tcb.receive_queue.after(b)) {
    unread += net::buffer::field(b).length;
  }
  if (unread != tcb.unread) return "unread is the size of the receive queue";
  if (tcb.state == State::kClosed) return tcb.send_queue.empty() ? nullptr : "CLOSED keeps no text to send";

  Seq next = tcb.send_end;
  bool unsent_found = tcb.unsent == nullptr;
  if (rte_mbuf* first = tcb.send_queue.front()) {
    next = Seq{net::buffer::field(first).seq};
    if (next > tcb.snd.una && synchronized(tcb)) return "the send queue begins at or before SND.UNA";
  }
  for (rte_mbuf* b = tcb.send_queue.front(); b != nullptr; b = tcb.send_queue.after(b)) {
    const net::PacketField& field = net::buffer::field(b);
    if (Seq{field.seq} != next) return "the send queue has no gap";
    next += field.length;
    if (next <= tcb.snd.una) return "what is acknowledged is not kept";
    if (b == tcb.unsent) {
      unsent_found = true;
      if (tcb.snd.nxt < Seq{field.seq} || tcb.snd.nxt >= next) return "the unsent packet holds SND.NXT";
    }
  }
  if (next != tcb.send_end) return "the send queue ends at send_end";
  if (!unsent_found) return "the unsent packet is in the send queue";
  if ((tcb.unsent == nullptr) != (tcb.snd.nxt >= tcb.send_end)) return "unsent text has an unsent packet";
  return nullptr;
}

const char* broken_timer_rule(const Connection& connection, Core& core) {
  const Tcb& tcb = connection.tcb;
  const Deadline next = earliest({tcb.retransmit_deadline, tcb.ack_deadline, tcb.idle_deadline}, core.now);
  if (tcb.state == State::kClosed) {
    return next.is_never() ? nullptr : "CLOSED waits for nothing";
  }
  if (!next.is_never() &&
      (next.before(tcb.fires_at, core.now) || !core.wheel.armed(core.index_of(connection)))) {
    return "the wheel's node fires no later than the earliest deadline";
  }
  const bool waits = connection.flight() != 0 || connection.unsent_bytes() != 0;
  // A retransmission that pacing holds back: the wheel's node alone is for it.
  const bool paced = connection.has(kDeparturesNoted) && (tcb.hold & kHoldScoreboard) != 0 &&
                     core.wheel.armed(core.index_of(connection));
  if (waits && !paced && tcb.retransmit_deadline.is_never()) {
    return "whoever has something unacknowledged or unsent has a timer";
  }
  if (tcb.state == State::kTimeWait && tcb.idle_deadline.is_never()) return "TIME-WAIT ends";
  if (tcb.segments_owed != 0 && tcb.ack_deadline.is_never()) return "a held back ACK has a timer";
  return nullptr;
}

const char* broken_sending_rule(const Connection& connection) {
  const Tcb& tcb = connection.tcb;
  if (tcb.snd.una > tcb.snd.nxt) return "SND.UNA =< SND.NXT";
  if (tcb.snd.nxt > tcb.send_end + 1) return "no more is sent than was queued, and a FIN";
  if (connection.has(kFinSent) != (tcb.snd.nxt == tcb.send_end + 1) && tcb.state > State::kSynReceived) {
    return "SND.NXT lies beyond our FIN if it was sent";
  }
  if (connection.has(kFinSent) && !connection.has(kFinQueued)) return "only a FIN that is queued is sent";
  if (!synchronized(tcb)) return nullptr;
  // A probe's byte and a FIN may lie beyond.
  if (connection.flight() > tcb.max_wnd + 2) return "flight is bounded by the largest window ever offered";
  if (tcb.cwnd < tcb.mss) return "the congestion window holds a segment";
  if (tcb.mss == 0) return "a segment takes text";
  return nullptr;
}

}  // namespace

bool idle(const Backlog& backlog) {
  return backlog.half_open.count.value() == 0 && backlog.waiting.count.value() == 0 &&
         backlog.served.value() == 0;
}

uint64_t buffers_of(const Connection& connection, Core& core) {
  const Tcb& tcb = connection.tcb;
  uint64_t n = tcb.reassembly == kNoReassembly ? 0 : core.reassemblies[tcb.reassembly].packets();
  for (rte_mbuf* b = tcb.receive_queue.front(); b != nullptr; b = tcb.receive_queue.after(b)) ++n;
  for (rte_mbuf* b = tcb.send_queue.front(); b != nullptr; b = tcb.send_queue.after(b)) ++n;
  return n;
}

const char* broken_rule(const Connection& connection, Core& core, Watch& watch) {
  const Tcb& tcb = connection.tcb;
  if (const char* rule = broken_queue_rule(connection)) return rule;
  if (const char* rule = broken_timer_rule(connection, core)) return rule;
  if (tcb.state == State::kClosed) return nullptr;
  if (const char* rule = broken_sending_rule(connection)) return rule;
  if (((tcb.hold & kHoldState) != 0) != (tcb.state != State::kEstablished)) {
    return "the hold bit says whether the state is ESTABLISHED";
  }
  if (((tcb.hold & kHoldReassembly) != 0) != (tcb.reassembly != kNoReassembly)) {
    return "the hold bit says whether there is out-of-order text";
  }
  if ((tcb.hold & kHoldScoreboard) != 0 && tcb.recovery == kNoSlot) {
    return "the hold bit says that there is a scoreboard";
  }
  if (tcb.recovery != kNoSlot) {
    const Recovery& recovery = core.recoveries[tcb.recovery];
    const Scoreboard& board = recovery.board;
    const bool waits = recovery.may_undo || recovery.dsack_round;  // for duplicates
    const bool amiss = board.any_sacked() || board.any_lost() || recovery.probing || !waits;
    if ((tcb.hold & kHoldScoreboard) == 0 && amiss) return "a scoreboard that is at work has its hold bit";
    if (board.una() != tcb.snd.una || board.nxt() != tcb.snd.nxt) return "the scoreboard knows all in flight";
  }
  if (connection.has(kFastOpenPending) && (tcb.state != State::kSynReceived || tcb.extra == kNoSlot)) {
    return "a Fast Open request is pending in SYN-RECEIVED, and counted";
  }
  if (!synchronized(tcb)) return nullptr;
  const Seq edge = tcb.rcv.nxt + tcb.rcv.wnd;
  if (watch.begun && edge < watch.edge) return "the right edge of RCV.WND never moves left";
  if (watch.begun && tcb.snd.una < watch.una) return "SND.UNA never moves back";
  watch = {true, edge, tcb.snd.una};
  return nullptr;
}

}  // namespace tern::test
