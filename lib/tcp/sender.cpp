// SPDX-License-Identifier: BSD-3-Clause
// What to send now: the one place that decides it, asked once per burst. RFC 9293 section 3.8.6 (usable
// window, Nagle, silly windows, probes), RFC 5681 (congestion window), section 3.8.6.3 (when to acknowledge).
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/options.hpp"
#include "tcp/rto.hpp"
#include "tcp/user_timeout.hpp"

namespace tern::tcp {

namespace {
constexpr uint32_t kLimitedTransmit = 2;  // RFC 3042 section 2
// How finely a scoreboard tells times of transmission, as parts of a round trip.
constexpr uint32_t kTimesPerTrip = 32;
}  // namespace

void Connection::emit(Core& core) {
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkReady);
  bool done = true;
  if ((tcb.marks & kMarkReset) != 0) {
    if (core.outbox.full()) {
      done = false;
    } else {
      emit_reset(core);
    }
  } else if (tcb.state == State::kSynSent || tcb.state == State::kSynReceived) {
    done = emit_handshake(core) &&
           (tcb.state == State::kSynSent || (emit_early_text(core) && emit_acknowledgments(core)));
  } else if (tcb.state != State::kClosed) {
    done = emit_retransmissions(core) && emit_new_text(core) && emit_acknowledgments(core);
  }
  if (!done || news() != 0) core.mark(*this, 0);
  if (tcb.extra != kNoSlot) account_limits(core);
  arm(core);
}

bool Connection::emit_handshake(Core& core) {
  if ((tcb.marks & kMarkHandshake) == 0) return true;
  if (core.outbox.full()) return false;
  const Config& config = core.config(*this);
  const bool answering = tcb.state == State::kSynReceived;
  Departure& departure = core.outbox.add();
  departure = Departure{};
  departure.connection = core.index_of(*this);
  SegmentHeader& header = departure.header;
  header.seq = tcb.iss;
  header.flags = static_cast<uint8_t>(kSyn | (answering ? kAck : 0) | ecn_setup(core));
  departure.doubts_path = doubts_path(core);
  header.ack = answering ? tcb.rcv.nxt : Seq{};
  header.wnd =
      static_cast<uint16_t>(std::min<uint32_t>(receive_buffer(core), 0xffff));  // never scaled in a SYN
  SynOptions options;
  options.mss = config.mss;
  // A SYN offers what the configuration allows, a SYN-ACK what the peer's SYN offered as well.
  options.window_scale = !answering || has(kWindowScaleOn) ? config.window_scale : kNoWindowScale;
  options.sack_permitted = answering ? has(kSackOn) : config.sack;
  options.timestamps = answering ? has(kTimestampsOn) : config.timestamps;
  options.ts_val = core.ts_now + tcb.ts_offset;
  options.ts_ecr = tcb.ts_recent;
  options.user_timeout = advertised_user_timeout(config);
  // RFC 7413 section 4.2.2: one that is sent again has neither the option nor text.
  FastOpenAttempt* attempt = tcb.retransmit_expiries == 0 ? fast_open_attempt(core) : nullptr;
  if (attempt != nullptr && !attempt->withdrawn) {
    options.fast_open = attempt->option;
    if (!answering) put_text_in_syn(*attempt, departure, core);
  }
  append_syn_options(header, options);
  if (has(kFastOpenPending)) announce_with_syn_ack(header, core);
  ++core.counters.segments_sent;
  if (tcb.retransmit_expiries != 0) ++core.counters.retransmissions;
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~(kMarkHandshake | kMarkAckNow));
  if (!tcb.retransmit_deadline.is_never()) {  // sent twice
    tcb.flags = static_cast<uint16_t>(tcb.flags & ~kRttTimed);
    return true;
  }
  tcb.retransmit_deadline = core.now + rto(core);
  if (tcb.retransmit_expiries == 0) {  // it may give the first round-trip time, but for Karn
    tcb.flags |= kRttTimed;
    tcb.rtt_seq = tcb.iss + 1;
    tcb.rtt_started_us = stamp_of(core.now);
  }
  return true;
}

// RFC 3168 section 6.1.1: what a SYN that asks for ECN carries, and a SYN-ACK that agrees.
uint8_t Connection::ecn_setup(const Core& core) const {
  if (tcb.state == State::kSynReceived) return has(kEcnOn) ? kEce : 0;
  return asks_for_ecn(core) ? kEce | kCwr : 0;
}

// RFC 9293 section 3.8.3 (MUST-20): R1 retransmissions were in vain.
bool Connection::doubts_path(Core& core) const {
  const bool now = tcb.retransmit_expiries == kR1;
  core.counters.next_hops_doubted.add(now ? 1 : 0);
  return now;
}

// The number of a segment without text: SND.NXT, or the peer's right edge where that has come to lie before
// it, by a probe of a closed window or because the window was taken back. From beyond it the peer would hear
// neither ACK nor RST (RFC 9293 appendix A.2).
Seq Connection::bare_seq() const {
  const bool within = flight() <= tcb.snd.wnd || tcb.snd.una == tcb.iss;  // our SYN has no window yet
  return within ? tcb.snd.nxt : tcb.snd.una + tcb.snd.wnd;
}

void Connection::emit_reset(Core& core) {
  Departure& departure = core.outbox.add();
  departure = Departure{};
  departure.connection = core.index_of(*this);
  departure.header.seq = bare_seq();
  departure.header.ack = tcb.rcv.nxt;
  departure.header.flags = kRst | kAck;
  if (has(kTimestampsOn)) {  // RFC 7323 section 3.2: in a RST they are a SHOULD
    append_timestamps(departure.header, core.ts_now + tcb.ts_offset, tcb.ts_recent);
  }
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkReset);
  ++core.counters.resets_sent;
  ++core.counters.segments_sent;
}

void Connection::fill_header(SegmentHeader& header, Seq seq, uint8_t flags, Core& core) {
  header.seq = seq;
  header.ack = tcb.rcv.nxt;
  header.flags = static_cast<uint8_t>(flags | ((tcb.flags & kEcnEcho) >> kEcnShift));
  header.option_length = 0;
  header.wnd = static_cast<uint16_t>(announce_window(core));
  if (has(kTimestampsOn)) append_timestamps(header, core.ts_now + tcb.ts_offset, tcb.ts_recent);
  tcb.last_ack_sent = tcb.rcv.nxt;
  tcb.segments_owed = 0;
  tcb.ack_deadline = Deadline::never();
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkAckNow);
  ++core.counters.segments_sent;
}

// Sends length bytes from seq on, whose first lies in the packet text, and the FIN if it follows.
// fresh: for the first time, and not as a probe; only then is it ECN-capable (RFC 3168 section 6.1.5).
// Returns the sequence numbers used.
uint32_t Connection::send_slice(rte_mbuf* text, Seq seq, uint32_t length, bool fresh, Core& core) {
  const bool last = seq + length == tcb.send_end;
  const bool fin = last && (has(kFinSent) || (has(kFinQueued) && seq == tcb.snd.nxt));
  Departure& departure = core.outbox.add();
  departure.connection = core.index_of(*this);
  departure.text = text;
  departure.text_length = length;
  departure.text_offset = length == 0 ? 0 : seq - Seq{net::buffer::field(text).seq};
  const bool ends =
      tcb.extra == kNoSlot || !fresh || !core.extras[tcb.extra].more;  // what the user has to say
  const int push = last && length != 0 && ends ? kPsh : 0;
  const uint32_t ecn = fresh && length != 0 ? tcb.flags : 0u;
  const uint32_t answer = (ecn & kEcnAnswer) >> kEcnShift;
  departure.ecn = (ecn & kEcnOn) != 0 ? EcnField::kCapable0 : EcnField::kNotCapable;
  departure.doubts_path = !fresh && doubts_path(core);
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~(ecn & kEcnAnswer));
  fill_header(departure.header, seq, static_cast<uint8_t>(kAck | push | (fin ? kFin : 0) | answer), core);
  if (rare_options_due(core)) {
    add_rare_options(departure.header, tcb.mss > length ? tcb.mss - length : 0, core);
  }
  core.counters.bytes_sent.add(length);
  if (tcb.recovery != kNoSlot) core.recoveries[tcb.recovery].sent += length;
  return length + (fin ? 1 : 0);
}

// --- Retransmission
// ------------------------------------------------------------------------------------------------

// Sends one segment again, from one number up to limit at most; returns the sequence numbers it used.
uint32_t Connection::retransmit(Seq from, Seq limit, Core& core) {
  const Seq text_limit = earlier(limit, tcb.send_end);
  const uint32_t length = from < text_limit ? std::min<uint32_t>(text_limit - from, tcb.mss) : 0;
  const uint32_t used = send_slice(length == 0 ? nullptr : text_at(from), from, length, false, core);
  ++core.counters.retransmissions;
  if (tcb.retransmitted != 0xffff) ++tcb.retransmitted;
  if (from < tcb.rtt_seq) tcb.flags = static_cast<uint16_t>(tcb.flags & ~kRttTimed);  // Karn
  if (tcb.recovery != kNoSlot) {
    Recovery& recovery = core.recoveries[tcb.recovery];
    recovery.board.retransmitted(from, from + used, stamp_of(core.now));
    if (recovery.may_undo) recovery.undo_again += length;
    // RFC 6675 section 6: recovery may last longer than a timeout that began before it.
    const bool early = (tcb.marks & kMarkEarlyTimer) != 0;
    const bool head = from == tcb.snd.una && (tcb.hold & kHoldFastRecovery) != 0;
    if (head && !early) tcb.retransmit_deadline = Deadline::never();  // it starts anew below
  }
  if (has(kDeparturesNoted)) note_departure(length, false, core);
  note_sent(core);
  run_retransmission_timer(core);
  return used;
}

// What is lost, as far as the congestion window goes: RFC 6675 section 5, step C, with NextSeg()'s rule 1.
// Its rules 3 and 4, which send again what may not be lost, are left to timers.
bool Connection::emit_lost(Core& core) {
  Recovery& recovery = core.recoveries[tcb.recovery];
  if (recovery.frto == Frto::kNewSent) {
    if (tcb.snd.nxt != tcb.recover || new_text_may_go(core)) return true;  // instead of what seems lost
    recovery.frto = Frto::kOff;
  }
  const Scoreboard& board = recovery.board;
  Seq left, right;
  while (board.next_lost(left, right)) {
    const uint32_t pipe = board.pipe();
    if (pipe != 0 && pipe + std::min<uint32_t>(right - left, tcb.mss) > tcb.cwnd) break;
    if (has(kDeparturesNoted) && !may_depart(core)) break;
    if (core.outbox.full()) return false;
    retransmit(left, right, core);
  }
  return true;
}

// Probes of what has become of the tail, and of what the path takes.
bool Connection::emit_probes(Core& core) {
  if ((tcb.marks & kMarkTailProbe) != 0 && !emit_tail_probe(core)) return false;
  return (tcb.marks & kMarkMtuProbe) == 0 || emit_mtu_probe(core);
}

bool Connection::emit_retransmissions(Core& core) {
  constexpr uint16_t kMarks = kMarkRetransmitHead | kMarkTailProbe | kMarkMtuProbe | kMarkProbe;
  if (((tcb.marks & kMarks) | (tcb.hold & kHoldScoreboard)) == 0) return true;
  if ((tcb.marks & kMarkRetransmitHead) != 0) {
    if (core.outbox.full()) return false;
    if (flight() != 0) retransmit(tcb.snd.una, tcb.snd.nxt, core);
    tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkRetransmitHead);
  }
  const bool closed = (tcb.hold & kHoldPersist) != 0 && tcb.snd.wnd == 0;  // then only probes go
  if ((tcb.hold & kHoldScoreboard) != 0 && !closed && !emit_lost(core)) return false;
  if ((tcb.marks & (kMarkTailProbe | kMarkMtuProbe)) != 0 && !emit_probes(core)) return false;
  if ((tcb.marks & kMarkProbe) != 0) {
    if (core.outbox.full()) return false;
    tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkProbe);
    if (flight() == 0 && unsent_bytes() == 0) {
      emit_keep_alive(core);
      return true;
    }
    ++core.counters.zero_window_probes;
    if (flight() != 0) {
      retransmit(tcb.snd.una, tcb.snd.una + 1, core);
    } else {
      // RFC 9293 section 3.8.6.1: one byte against a closed window; all that fits against a silly one.
      const uint32_t length = std::clamp<uint32_t>(tcb.snd.wnd, 1, std::min(unsent_bytes(), full_text(core)));
      tcb.snd.nxt += send_slice(tcb.unsent, tcb.snd.nxt, length, false, core);
      if (has(kFinQueued) && tcb.snd.nxt > tcb.send_end) tcb.flags |= kFinSent;
      note_sent(core);
      run_retransmission_timer(core);
    }
  }
  return true;
}

// --- New text
// ------------------------------------------------------------------------------------------------------

// What may be sent beyond SND.NXT: bounded by the peer's window and by the congestion window.
uint32_t Connection::usable_window(Core& core) const {
  const uint32_t in_flight = flight();
  const uint32_t offered = tcb.snd.wnd > in_flight ? tcb.snd.wnd - in_flight : 0;
  uint32_t in_network = in_flight;
  uint32_t window = tcb.cwnd;
  if (tcb.recovery != kNoSlot) {  // what was lost is not in the network, nor what has arrived
    const Recovery& recovery = core.recoveries[tcb.recovery];
    if (recovery.board.any_lost() && recovery.frto != Frto::kNewSent) return 0;
    in_network = recovery.board.pipe();
  } else if ((tcb.hold & (kHoldDuplicates | kHoldFastRecovery)) == kHoldDuplicates) {
    // Limited transmit (RFC 3042): a new segment for each of the first two duplicate ACKs. With SACK the pipe
    // has made room for it.
    window += std::min<uint32_t>(tcb.duplicate_acks, kLimitedTransmit) * tcb.mss;
  }
  const uint32_t permitted = window > in_network ? window - in_network : 0;
  return std::min(offered, permitted);
}

// Whether a segment of this length, of full at most, is worth sending: RFC 9293 section 3.8.6.2.1, and Nagle
// (section 3.7.4) in Minshall's variant, which holds a small segment back only while an earlier small one is
// unacknowledged.
bool Connection::may_send(uint32_t length, uint32_t unsent, uint32_t full, const Core& core) const {
  if (length >= full) return true;
  if (length == unsent) {
    if (has(kFinQueued)) return true;
    if (held_back(core)) return false;
    if (flight() == 0 || !core.config(*this).nagle) return true;
    return tcb.small_end <= tcb.snd.una;
  }
  return length != 0 && length >= tcb.max_wnd / 2;
}

// Whether text that fills no segment waits because its user said so. When a timeout has passed, it is sent as
// into a silly window.
bool Connection::held_back(const Core& core) const {
  if (!core.config(*this).cork && !more_follows(core)) return false;
  return tcb.extra == kNoSlot || core.extras[tcb.extra].pushed != tcb.send_end;
}

// Whether the user, who wrote last, said that more is about to follow, and nothing came of the peer since.
bool Connection::more_follows(const Core& core) const {
  if (tcb.extra == kNoSlot) return false;
  const Extra& own = core.extras[tcb.extra];
  return own.more && own.more_una == tcb.snd.una;
}

bool Connection::new_text_may_go(Core& core) const {
  const uint32_t unsent = unsent_bytes();
  const uint32_t full = full_text(core);
  const uint32_t length = std::min({unsent, usable_window(core), full});
  return length != 0 && may_send(length, unsent, full, core);
}

// The next text, perhaps none, and the FIN if it follows.
void Connection::send_new_text(uint32_t length, Core& core) {
  const Seq seq = tcb.snd.nxt;
  const uint32_t full = full_text(core);
  tcb.snd.nxt += send_slice(tcb.unsent, seq, length, true, core);
  if (tcb.snd.nxt > tcb.send_end) tcb.flags |= kFinSent;
  if (length < full && length != 0) tcb.small_end = seq + length;
  if ((tcb.flags & (kRttTimed | kDeparturesNoted)) != kRttTimed) {
    if (!has(kRttTimed)) {
      tcb.flags |= kRttTimed;
      tcb.rtt_seq = tcb.snd.nxt;
      tcb.rtt_started_us = stamp_of(core.now);
      tcb.window_used = 0;
    }
    if (has(kDeparturesNoted)) note_departure(length, true, core);
  }
  tcb.window_used = std::max(tcb.window_used, flight());
  note_sent(core);
}

bool Connection::emit_new_text(Core& core) {
  bool sent = false, done = true;
  if (flight() == 0 && unsent_bytes() != 0) restart_after_idle(core);
  while (anything_unsent() && (tcb.hold & kHoldText) == 0 && (!has(kDeparturesNoted) || may_depart(core))) {
    const uint32_t unsent = unsent_bytes();
    const uint32_t full = full_text(core);
    const uint32_t length = std::min({unsent, usable_window(core), full});
    if (unsent != 0 && (length == 0 || !may_send(length, unsent, full, core))) break;
    done = !core.outbox.full();
    if (!done) break;
    // With nothing in flight what ran was the persist timer: the segment gets a timeout of its own (RFC 6298
    // section 5.1).
    if (flight() == 0) tcb.retransmit_deadline = Deadline::never();
    send_new_text(length, core);
    sent = true;
  }
  if (sent && tcb.retransmit_deadline.is_never()) {
    start_retransmission_timer(core);
  } else if (sent) {  // RFC 8985 section 7.2: the probe is due so long after the last transmission
    restart_tail_probe(core);
  } else if (unsent_bytes() != 0 && flight() == 0 && tcb.retransmit_deadline.is_never()) {
    // Text waits, nothing is under way that would bring an ACK: the persist timer must (RFC 9293
    // section 3.8.6.1).
    tcb.retransmit_deadline = core.now + rto(core);
  }
  return done;
}

// After text or FIN was sent: SND.NXT may have left a packet behind.
void Connection::note_sent(Core& core) {
  if (tcb.recovery != kNoSlot) {
    Scoreboard& board = core.recoveries[tcb.recovery].board;
    const uint32_t length = tcb.snd.nxt - board.nxt();
    board.extend(tcb.snd.nxt, stamp_of(core.now), tcb.srtt_us / kTimesPerTrip,
                 static_cast<uint16_t>(length <= tcb.mss ? length : 0));
  }
  pass_sent_packets();
}

// RFC 6298 section 5.1.
void Connection::run_retransmission_timer(Core& core) {
  if (tcb.retransmit_deadline.is_never()) start_retransmission_timer(core);
}

void Connection::pass_sent_packets() {
  while (tcb.unsent != nullptr) {
    const net::PacketField& field = net::buffer::field(tcb.unsent);
    if (tcb.snd.nxt < Seq{field.seq} + field.length) break;
    tcb.unsent = tcb.send_queue.after(tcb.unsent);
  }
}

// --- Acknowledgments
// -----------------------------------------------------------------------------------------------

// Duplicate ACKs are sent one by one, since the peer counts them; the rest are merged, up to the configured
// bound.
bool Connection::emit_acknowledgments(Core& core) {
  const bool owed = tcb.segments_owed != 0 || tcb.duplicate_acks_owed != 0 || (tcb.marks & kMarkAckNow) != 0;
  if (!owed) return true;
  while (tcb.duplicate_acks_owed != 0) {
    if (core.outbox.full()) return false;
    Departure& departure = core.outbox.add();
    departure = Departure{};
    departure.connection = core.index_of(*this);
    fill_header(departure.header, bare_seq(), kAck, core);
    add_rare_options(departure.header, kMaxOptionBytes, core);
    --tcb.duplicate_acks_owed;
  }
  // RFC 5681 section 4.2; at once as well for the peer's first text, which its slow start waits on. Past 2^32
  // bytes that is once more so, which harms nobody.
  const uint32_t quick = uint32_t{core.config(*this).quick_ack_segments} * core.config(*this).mss;
  const bool now = (tcb.marks & kMarkAckNow) != 0 || tcb.segments_owed >= 2 ||
                   (tcb.segments_owed != 0 && tcb.rcv.nxt - tcb.irs <= quick);
  if (!now) {
    if (tcb.segments_owed != 0 && tcb.ack_deadline.is_never()) {
      tcb.ack_deadline = core.now + core.config(*this).delayed_ack;
    }
    return true;
  }
  tune_receive_buffer(core);
  const Config& config = core.config(*this);
  const uint32_t stretch = uint32_t{config.ack_every_segments} * config.mss;
  Seq ack = tcb.last_ack_sent;
  do {
    if (core.outbox.full()) return false;
    ack = tcb.rcv.nxt - ack > stretch ? ack + stretch : tcb.rcv.nxt;
    const uint32_t behind = tcb.rcv.nxt - ack;
    Departure& departure = core.outbox.add();
    departure = Departure{};
    departure.connection = core.index_of(*this);
    fill_header(departure.header, bare_seq(), kAck, core);
    departure.header.ack =
        ack;  // an earlier one keeps the right edge: its window is larger by what it leaves out
    departure.header.wnd =
        static_cast<uint16_t>(std::min<uint32_t>((tcb.rcv.wnd + behind) >> tcb.rcv_scale, 0xffff));
    if (behind == 0) add_rare_options(departure.header, kMaxOptionBytes, core);
    if (behind != 0) {  // not done: what fill_header() settled is still open
      tcb.last_ack_sent = ack;
      tcb.marks |= kMarkAckNow;
    }
  } while (ack != tcb.rcv.nxt);
  return true;
}

}  // namespace tern::tcp
