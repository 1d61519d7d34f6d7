// SPDX-License-Identifier: BSD-3-Clause
// A segment arrives at a connection: RFC 9293 section 3.10.7.4, its eight steps, and the fast path in front
// of them.
#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"
#include "tcp/rto.hpp"

namespace tern::tcp {

namespace {

bool is_bare_ack(const Segment& seg) {
  return seg.length == 0 && (seg.flags & (kSyn | kFin | kRst | kAck)) == kAck;
}

}  // namespace

Verdict Connection::on_segment(const Segment& seg, net::Packet text, Core& core) {
  ++core.counters.segments_received;
  if (expects(seg, core)) {
    on_expected_segment(seg, std::move(text), core);
    return Verdict::kDone;
  }
  return on_unexpected_segment(seg, std::move(text), core);
}

// Each term is zero when the segment is what a connection under way mostly sees: in order, acknowledging
// something or carrying text, with nothing rare about it. Gathered with '|' they make one branch.
bool Connection::expects(const Segment& seg, const Core& core) const {
  const uint32_t timestamps = has(kTimestampsOn) ? 1 : 0;
  const uint32_t unexpected =
      (seg.seq - tcb.rcv.nxt) |                                     // next in order
      static_cast<uint32_t>((seg.flags & ~kPsh) ^ kAck) |           // ACK, perhaps PSH
      tcb.hold |                                                    // nothing rare under way
      (static_cast<uint32_t>(seg.has_timestamps) ^ timestamps) |    // as negotiated
      (((seg.ts_val - tcb.ts_recent) & (0u - timestamps)) >> 31) |  // not older (PAWS)
      static_cast<uint32_t>(seg.ack - tcb.snd.una >
                            tcb.snd.nxt - tcb.snd.una) |                     // SND.UNA <= SEG.ACK <= SND.NXT
      static_cast<uint32_t>(seg.length > tcb.rcv.wnd) |                      // within the window
      static_cast<uint32_t>((seg.length == 0) & (seg.ack == tcb.snd.una)) |  // says something new
      seg.sack_count |
      seg.user_timeout | static_cast<uint32_t>(seg.congested()) | static_cast<uint32_t>(core.pressed());
  return unexpected == 0;
}

void Connection::on_expected_segment(const Segment& seg, net::Packet text, Core& core) {
  ++core.counters.segments_expected;
  core.mark(*this, 0);
  note_heard(core);
  record_timestamp(seg);
  update_send_window(seg);
  if (seg.ack > tcb.snd.una) acknowledge(seg, core);
  if (seg.length != 0) accept_text(seg, std::move(text), core);
}

Verdict Connection::on_unexpected_segment(const Segment& seg, net::Packet text, Core& core) {
  if (tcb.state == State::kClosed) return Verdict::kReset;
  core.mark(*this, 0);
  if (tcb.state == State::kSynSent) return on_segment_in_syn_sent(seg, std::move(text), core);
  if (tcb.state == State::kTimeWait && reopens(seg)) {
    ++core.counters.time_wait_reused;
    return Verdict::kReopen;
  }

  Verdict verdict = Verdict::kDone;
  if (check_sequence(seg, core) == Step::kDrop) return verdict;  // first
  if (check_rst(seg, core) == Step::kDrop) return verdict;       // second; third, security, is not used
  if (check_syn(seg, core) == Step::kDrop) return verdict;       // fourth
  if (check_ack(seg, core, verdict) == Step::kDrop)
    return verdict;  // fifth; sixth: urgent text is plain text
  take_congestion_mark(seg, core);
  process_text(seg, std::move(text), core);  // seventh
  check_fin(seg, core);                      // eighth
  return verdict;
}

// RFC 9293 section 3.4, table 6, with the allowance of section 3.10.7.4 that a segment at RCV.NXT is looked
// at even when the window is closed: its text is cut off, its ACK and RST count.
bool Connection::acceptable(const Segment& seg) const {
  if (seg.seq == tcb.rcv.nxt) return true;
  const Seq edge = tcb.rcv.nxt + tcb.rcv.wnd;
  const uint32_t length = seg.sequence_length();
  const bool starts_inside = seg.seq >= tcb.rcv.nxt && seg.seq < edge;
  if (length == 0) return starts_inside;
  const Seq last = seg.seq + (length - 1);
  return tcb.rcv.wnd != 0 && (starts_inside || (last >= tcb.rcv.nxt && last < edge));
}

// RFC 9293 appendix A.2: by the table alone, ends that lost what filled a window, or that probe each other's
// closed ones, would not hear each other's acknowledgments. Where text is missing a bare ACK stands at the
// right edge. And what stands before RCV.NXT, but acknowledges something new, comes of a peer that has not
// heard that its probe was taken, or what it sent beyond a window that was taken back since.
bool Connection::heard_beside_window(const Segment& seg, Core& core) {
  if (!is_bare_ack(seg)) return false;
  if (tcb.state <= State::kSynReceived || tcb.state == State::kTimeWait) return false;  // nothing is missing
  if (seg.seq == tcb.rcv.nxt + tcb.rcv.wnd) return true;
  const bool before = seg.seq < tcb.rcv.nxt && tcb.rcv.nxt - seg.seq <= receive_buffer(core);
  if (!before || seg.ack <= tcb.snd.una) return false;
  core.mark(*this, kMarkAckNow);
  return true;
}

// RFC 9293 section 3.10.7.4, first; RFC 5961 section 4.2 of a SYN, wherever its number lies. Two ends that
// find each other's ACKs out of place would answer for ever: these count as challenges do.
void Connection::answer_out_of_place(const Segment& seg, Core& core) {
  if (seg.has(kSyn) || is_bare_ack(seg)) return challenge(core);
  core.mark(*this, kMarkAckNow);
}

Connection::Step Connection::check_sequence(const Segment& seg, Core& core) {
  const bool old_timestamp = has(kTimestampsOn) && seg.has_timestamps && !seg.has(kRst) &&
                             static_cast<int32_t>(seg.ts_val - tcb.ts_recent) < 0 && !timestamp_aged(core);
  if (old_timestamp) {  // RFC 7323 section 5.3, R1
    ++core.counters.paws_rejected;
    answer_out_of_place(seg, core);
    return Step::kDrop;
  }
  if (!acceptable(seg) && !heard_beside_window(seg, core)) {
    ++core.counters.unacceptable_sequence;
    if (seg.has(kRst)) return Step::kDrop;
    if (seg.length != 0 && seg.end() <= tcb.rcv.nxt) note_duplicate(seg.seq, seg.seq + seg.length, core);
    // The SYN that was queued, or opened the connection by its text, again: our SYN-ACK was lost.
    const bool again = (half_open() || has(kFastOpenPending)) && seg.has(kSyn) && seg.seq == tcb.irs;
    if (again) {
      // One that does not ask for ECN takes back what an earlier one asked (RFC 3168 section 6.1.1).
      if (!seg.asks_for_ecn()) tcb.flags = static_cast<uint16_t>(tcb.flags & ~kEcnOn);
      core.mark(*this, kMarkHandshake);
    } else {
      answer_out_of_place(seg, core);
    }
    if (tcb.state == State::kTimeWait && seg.has(kFin)) {
      // A FIN again means that our last ACK was lost: acknowledge, and begin 2MSL anew.
      ++core.counters.time_wait_restarted;
      enter_time_wait(core);
    }
    return Step::kDrop;
  }
  return Step::kContinue;
}

// RFC 7323 section 5.5: a peer's clock may have gone half round since, so that old and new look alike.
bool Connection::timestamp_aged(const Core& core) const {
  return silence(core) > std::chrono::hours(24 * 24);
}

// RFC 7323 section 4.3: only a segment that covers the last acknowledgment we sent moves TS.Recent.
void Connection::record_timestamp(const Segment& seg) {
  if (!seg.has_timestamps || !has(kTimestampsOn)) return;
  if (seg.seq <= tcb.last_ack_sent && static_cast<int32_t>(seg.ts_val - tcb.ts_recent) >= 0) {
    tcb.ts_recent = seg.ts_val;
  }
}

// RFC 5961 section 3.2: only a RST at exactly RCV.NXT counts; elsewhere in the window it is challenged.
Connection::Step Connection::check_rst(const Segment& seg, Core& core) {
  if (!seg.has(kRst)) return Step::kContinue;
  ++core.counters.resets_received;
  if (seg.seq != tcb.rcv.nxt) {
    challenge(core);
    return Step::kDrop;
  }
  if (half_open()) {  // back to LISTEN, without a word
    ++core.counters.half_open_reset;
    give_up(CloseReason::kRefused, core);
    return Step::kDrop;
  }
  // The peer has closed as well, and all that we had to say is acknowledged, but perhaps for our FIN.
  const bool closing = tcb.state == State::kClosing || tcb.state == State::kLastAck;
  const bool over = (closing && tcb.snd.una == tcb.send_end) || tcb.state == State::kTimeWait;
  if (!over) ++core.counters.connections_reset_by_peer;
  if (has(kFastOpenPending)) core.fast_opens[fast_open_attempt(core)->listener].note_reset(core.now);
  // What is left of SYN-RECEIVED came of an active open.
  const bool refused = tcb.state == State::kSynReceived && !has(kFastOpenPending);
  const CloseReason reset = refused ? CloseReason::kRefused : CloseReason::kResetByPeer;
  give_up(over ? CloseReason::kFinished : reset, core);
  return Step::kDrop;
}

// RFC 5961 section 4.2: a SYN within the window of a synchronized connection is challenged.
Connection::Step Connection::check_syn(const Segment& seg, Core& core) {
  if (!seg.has(kSyn)) return Step::kContinue;
  if (half_open()) {  // "return this connection to the LISTEN state": the peer will send its new SYN again
    ++core.counters.half_open_reset;
    give_up(CloseReason::kRefused, core);
    return Step::kDrop;
  }
  challenge(core);
  return Step::kDrop;
}

// RFC 5961 section 7: so many in an interval at most, counted for this connection alone, so that nobody
// learns from what one connection is still owed whether another is there (CVE-2016-5696).
void Connection::challenge(Core& core) {
  const Config& config = core.config(*this);
  const auto epoch = static_cast<uint16_t>((core.now.ns / config.challenge_interval.count()) & 0x3ff);
  if (epoch != tcb.challenge_epoch) {
    tcb.challenge_epoch = epoch & 0x3ff;
    tcb.challenges = 0;
  }
  if (tcb.challenges >= config.challenge_acks) {
    ++core.counters.challenge_acks_withheld;
    return;
  }
  tcb.challenges = (tcb.challenges + 1) & 0x3f;
  ++core.counters.challenge_acks;
  core.mark(*this, kMarkAckNow);
}

Connection::Step Connection::check_ack(const Segment& seg, Core& core, Verdict& verdict) {
  if (!seg.has(kAck)) {
    ++core.counters.missing_ack;
    return Step::kDrop;
  }
  const bool first = tcb.state == State::kSynReceived;
  if (first) {
    if (seg.ack <= tcb.iss || seg.ack > tcb.snd.nxt) {
      verdict = Verdict::kReset;
      return Step::kDrop;
    }
    // The third segment of a cookie's handshake is here at once; else SYN-RECEIVED lasts, with its timer
    // running, after a simultaneous open or in the SYN queue.
    if (has(kFastOpenPending)) {
      finish_fast_open(seg, core);
    } else {
      const bool passive = half_open() || tcb.retransmit_deadline.is_never();
      if (half_open() && !may_leave_syn_queue(core, verdict)) return Step::kDrop;
      if (!passive) {
        ++core.counters.connections_opened;
        settle_syn_text(seg, core);
      }
      become_established(seg, core);
      if (passive) await_turn(core);
    }
  }
  if (seg.ack > tcb.snd.nxt) {
    ++core.counters.unacceptable_ack;
    challenge(core);
    return Step::kDrop;
  }
  if (seg.ack < tcb.snd.una - tcb.max_wnd) {  // RFC 5961 section 5.2
    ++core.counters.unacceptable_ack;
    challenge(core);
    return Step::kDrop;
  }
  const uint32_t window = static_cast<uint32_t>(seg.wnd) << tcb.snd_scale;
  const bool same = !first && seg.ack == tcb.snd.una && flight() != 0 && seg.length == 0 && !seg.has(kFin) &&
                    window == tcb.snd.wnd;  // RFC 5681 section 2
  const Seq una = tcb.snd.una;
  const bool told = take_sacks(seg, core);
  // With SACK it is the blocks that make a duplicate ACK (RFC 6675 section 2), be it that the core has no
  // scoreboard left to tell whether they are new.
  const bool duplicate =
      has(kSackOn) ? told || (same && seg.sack_count != 0 && tcb.recovery == kNoSlot) : same;
  // What is dropped for its ACK leaves no trace, TS.Recent included.
  if (seg.has_timestamps && has(kTimestampsOn) && timestamp_aged(core)) tcb.ts_recent = seg.ts_val;
  record_timestamp(seg);
  if (seg.user_timeout != 0) take_user_timeout(seg.user_timeout, core);
  tcb.silent_probes = 0;
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldKeepAlive);
  note_heard(core);
  take_congestion_echo(seg, core);
  if (seg.ack >= tcb.snd.una) update_send_window(seg);
  if (seg.ack > tcb.snd.una) {
    acknowledge(seg, core);
  } else if (duplicate) {
    on_duplicate_ack(core);
  }
  if ((tcb.hold & kHoldMtuProbe) != 0) settle_mtu_probe(core);
  if ((tcb.hold & kHoldRate) != 0) {
    assess_rate(tcb.snd.una - una, core);
  } else {
    assess_losses(core);
  }
  return tcb.state == State::kClosed ? Step::kDrop : Step::kContinue;
}

void Connection::become_established(const Segment& seg, Core& core) {
  core.set_state(*this, State::kEstablished);
  tcb.snd.wnd = static_cast<uint32_t>(seg.wnd) << tcb.snd_scale;
  tcb.snd.wl1 = seg.seq;
  tcb.snd.wl2 = seg.ack;
  tcb.max_wnd = std::max(tcb.max_wnd, tcb.snd.wnd);  // that of a Fast Open's SYN may have been larger
  if (core.config(*this).mtu_probing == MtuProbing::kAlways) search_path(core);
  if (tcb.retransmit_expiries != 0) {
    // Our SYN or the answer to it was lost: begin with one segment (RFC 5681 section 3.1) and a timeout of
    // three seconds (RFC 6298 section 5.7), which is what a first sample of one second yields.
    RttEstimate estimate;
    estimate.sample(std::chrono::seconds(1));
    tcb.srtt_us = estimate.srtt_us;
    tcb.rttvar_us = estimate.rttvar_us;
    tcb.cwnd = tcb.mss;
  }
  congestion_control(*this, core).begin(*this, core);
  core.counters.ecn_agreed.add(has(kEcnOn) ? 1 : 0);
  core.mark(*this, kMarkOpened);
  leave_fast_open(core);
  if ((tcb.hold & kHoldReassembly) != 0) take_syn_text(core);
  note_heard(core);
  watch_peer(core);
  tell_user_timeout(core);
  begin_accounting(core);
  if (!has(kFinQueued)) return;
  core.set_state(*this, State::kFinWait1);
  become_orphan(core);
}

void Connection::process_text(const Segment& seg, net::Packet text, Core& core) {
  if (seg.length == 0) return;
  const bool receiving = tcb.state == State::kEstablished || tcb.state == State::kFinWait1 ||
                         tcb.state == State::kFinWait2 || has(kFastOpenPending);
  if (!receiving) return;  // the peer's FIN was received: there can be no more text
  if (seg.seq == tcb.rcv.nxt && seg.length <= tcb.rcv.wnd && tcb.reassembly == kNoReassembly &&
      !core.pressed())
    return accept_text(seg, std::move(text), core);  // as it is mostly

  Segment rest = seg;
  if (rest.seq < tcb.rcv.nxt) {
    const uint32_t known = std::min(tcb.rcv.nxt - rest.seq, rest.length);
    note_duplicate(rest.seq, rest.seq + known, core);
    text.remove_prefix(known);
    rest.seq += known;
    rest.length -= known;
    core.mark(*this, kMarkAckNow);
    if (rest.length == 0) {
      ++core.counters.text_duplicate;
      return;
    }
  }
  const uint32_t ahead = rest.seq - tcb.rcv.nxt;
  const uint32_t room = tcb.rcv.wnd > ahead ? tcb.rcv.wnd - ahead : 0;
  if (rest.length > room) {
    core.counters.text_beyond_window.add(rest.length - room);
    text.remove_suffix(rest.length - room);
    rest.length = room;
    core.mark(*this, kMarkAckNow);
    if (room == 0) return;
  }
  if (tcb.reassembly != kNoReassembly) {
    const SackBlock known = core.reassemblies[tcb.reassembly].overlap(rest.seq, rest.seq + rest.length);
    note_duplicate(known.left, known.right, core);
  }
  if (ahead != 0) {
    keep_out_of_order(rest.seq, std::move(text), core);
  } else if (core.pressed()) {
    ++core.counters.text_refused_memory;  // as if it had been lost: the peer sends it again
  } else {
    accept_text(rest, std::move(text), core);
  }
}

void Connection::check_fin(const Segment& seg, Core& core) {
  if (!seg.has(kFin) || has(kFinReceived)) return;
  const bool receiving =
      tcb.state == State::kEstablished || tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2;
  if (!receiving) return;
  const Seq fin = seg.seq + seg.length;
  if (fin == tcb.rcv.nxt) return take_fin(core);
  // Text before it is still missing. A FIN without text of its own is owed a duplicate ACK here (RFC 5681
  // section 4.2); for others process_text() has seen to it.
  if (seg.length == 0 && tcb.duplicate_acks_owed != 0xff) ++tcb.duplicate_acks_owed;
  if (fin > tcb.rcv.nxt && fin - tcb.rcv.nxt <= tcb.rcv.wnd) keep_fin(fin, core);
}

// The FIN is next in order.
void Connection::take_fin(Core& core) {
  tcb.rcv.nxt += 1;
  if (tcb.rcv.wnd != 0) --tcb.rcv.wnd;
  tcb.flags |= kFinReceived;
  core.mark(*this, kMarkAckNow | kMarkEnded);
  switch (tcb.state) {
    case State::kEstablished:
      core.set_state(*this, State::kCloseWait);
      break;
    case State::kFinWait1:  // an ACK of our FIN would have made it FIN-WAIT-2 in the fifth step
      core.set_state(*this, State::kClosing);
      break;
    default:
      enter_time_wait(core);
  }
}

// RFC 9293 section 3.6.1 and RFC 6191: a new SYN ends TIME-WAIT when its timestamp, or else its sequence
// number, proves that it is new.
bool Connection::reopens(const Segment& seg) const {
  if (!seg.has(kSyn) || seg.has(kAck) || seg.has(kRst) || seg.has(kFin)) return false;
  if (has(kTimestampsOn) && seg.has_timestamps) {
    const auto newer = static_cast<int32_t>(seg.ts_val - tcb.ts_recent);
    if (newer != 0) return newer > 0;
  }
  return seg.seq > tcb.rcv.nxt;
}

}  // namespace tern::tcp
