// SPDX-License-Identifier: BSD-3-Clause
// How a connection begins: from a cookie's third segment, or by our own SYN (RFC 9293 sections 3.10.1
// and 3.10.7.3).
#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

constexpr uint16_t kSmallestMss =
    48;  // a peer's smaller offer is taken as this; below, options leave no room for text

// Eff.snd.MSS (RFC 9293 section 3.7.1): what the peer takes and the path allows, less the options of every
// segment. stated: by the peer; 0: nothing.
uint16_t effective_mss(uint16_t stated, const Config& config, bool timestamps) {
  const uint16_t peer_mss = stated != 0 ? stated : config.default_mss;  // MUST-15
  const uint32_t mss = std::max(std::min(peer_mss, config.mss), kSmallestMss);
  return static_cast<uint16_t>(mss - (timestamps ? kTimestampOptionBytes : 0));
}

}  // namespace

void Connection::agree(const Agreement& agreement, Core& core) {
  const Config& config = core.config(*this);
  tcb.profile = agreement.profile;
  if (agreement.timestamps) tcb.flags |= kTimestampsOn;
  if (agreement.sack) tcb.flags |= kSackOn;
  if (agreement.ecn) tcb.flags |= kEcnOn;
  if (agreement.peer_window_scale != kNoWindowScale && config.window_scale != kNoWindowScale) {
    tcb.flags |= kWindowScaleOn;
    tcb.snd_scale = std::min(agreement.peer_window_scale, kMaxWindowScale) & 0x0f;
    tcb.rcv_scale = config.window_scale & 0x0f;
  }
  tcb.ts_offset = agreement.ts_offset;
  tcb.ts_recent = agreement.ts_recent;
  tcb.iss = agreement.iss;
  tcb.irs = agreement.irs;
  tcb.rcv.nxt = tcb.last_ack_sent = agreement.irs + 1;
  tcb.rcv.wnd =
      std::min<uint32_t>(receive_buffer(core), 0xffff);  // as announced in the SYN, which is never scaled
  tcb.mss = effective_mss(agreement.peer_mss, config, agreement.timestamps);
  tcb.cwnd = initial_window(tcb.mss, config);
  tcb.ssthresh = kNoThreshold;
  tcb.recover = agreement.iss;
  tcb.small_end = agreement.iss;
  note_heard(core);
  if (tcb.extra != kNoSlot) use_path(core);
  if (agreement.user_timeout != 0) take_user_timeout(agreement.user_timeout, core);
}

void Connection::open_passive(const Agreement& agreement, Core& core) {
  tcb.profile = agreement.profile;
  agree(agreement, core);
  tcb.snd.una = agreement.iss;
  tcb.snd.nxt = tcb.send_end = agreement.iss + 1;
  core.set_state(*this, State::kSynReceived);
  ++core.counters.connections_accepted;
}

void Connection::open_from_syn(const Agreement& agreement, Core& core) {
  tcb.profile = agreement.profile;
  agree(agreement, core);
  tcb.snd.una = agreement.iss;
  tcb.snd.nxt = tcb.send_end = agreement.iss + 1;
  if (agreement.fast_open.present()) {  // a cookie for the next time; without a slot there is none
    if (FastOpenAttempt* attempt = begin_fast_open(core)) attempt->option = agreement.fast_open;
  }
  core.set_state(*this, State::kSynReceived);
  join_syn_queue(core);
  core.mark(*this, kMarkHandshake);
}

void Connection::open_active(Seq iss, uint16_t profile, uint32_t ts_offset, Core& core) {
  tcb.profile = profile;
  tcb.iss = tcb.snd.una = tcb.recover = tcb.small_end = iss;
  tcb.snd.nxt = tcb.send_end = iss + 1;
  tcb.ts_offset = ts_offset;
  core.set_state(*this, State::kSynSent);
  core.mark(*this, kMarkHandshake);
}

// Whether all SYNs of ours so far have asked for ECN.
bool Connection::asks_for_ecn(const Core& core) const {
  const Config& config = core.config(*this);
  return config.ecn == Ecn::kOn && tcb.retransmit_expiries <= config.ecn_syn_retries;
}

// 3.10.7.3.
Verdict Connection::on_segment_in_syn_sent(const Segment& seg, net::Packet text, Core& core) {
  if (seg.has(kAck) && (seg.ack <= tcb.iss || seg.ack > tcb.snd.nxt)) {  // first
    ++core.counters.unacceptable_ack;
    if (seg.has(kRst)) return Verdict::kDone;
    // The peer has a connection of old, perhaps in TIME-WAIT, which our RST ends (section 3.5.1, half-open
    // connections): the SYN is heard now, and need not wait for its timer. Once, since a RST may be ignored.
    if (has(kRttTimed) && fast_open_attempt(core) == nullptr) core.mark(*this, kMarkHandshake);
    return Verdict::kReset;
  }
  if (seg.has(kRst)) {  // second
    ++core.counters.resets_received;
    if (seg.has(kAck)) give_up(CloseReason::kRefused, core);
    return Verdict::kDone;
  }
  if (!seg.has(kSyn)) return Verdict::kDone;  // fourth; third, security, is not used

  const Config& config = core.config(*this);
  Agreement agreement;
  agreement.iss = tcb.iss;
  agreement.irs = seg.seq;
  agreement.profile = tcb.profile;
  agreement.peer_mss = seg.mss;
  agreement.peer_window_scale = seg.window_scale;
  agreement.timestamps = seg.has_timestamps && config.timestamps;
  agreement.sack = seg.sack_permitted && config.sack;
  // RFC 3168 section 6.1.1: where a SYN that did not ask was sent as well, ECN must not be used.
  agreement.ecn = asks_for_ecn(core) && (seg.has(kAck) ? seg.agrees_on_ecn() : seg.asks_for_ecn());
  agreement.ts_offset = tcb.ts_offset;
  agreement.ts_recent = seg.ts_val;
  agreement.user_timeout = seg.user_timeout;
  agree(agreement, core);
  if (!seg.has(kAck)) {  // simultaneous open
    keep_syn_text(seg, std::move(text), core);
    if (FastOpenAttempt* attempt = fast_open_attempt(core)) attempt->option = {};  // was for a server
    core.set_state(*this, State::kSynReceived);
    core.mark(*this, kMarkHandshake);
    return Verdict::kDone;
  }
  ++core.counters.connections_opened;
  measure_rtt(seg, core);
  settle_syn_text(seg, core);
  become_established(seg, core);
  tcb.snd.wnd = tcb.max_wnd = seg.wnd;  // a SYN's window is not scaled
  tcb.snd.una = seg.ack;
  release_acknowledged(core);
  tcb.retransmit_expiries = 0;
  tcb.retransmit_deadline = Deadline::never();
  core.mark(*this, kMarkAckNow);

  // Text and FIN of the SYN-ACK itself, which begin one beyond its SYN.
  Segment rest = seg;
  rest.seq += 1;
  rest.flags = static_cast<uint8_t>(rest.flags & ~kSyn);
  process_text(rest, std::move(text), core);
  check_fin(rest, core);
  return Verdict::kDone;
}

// "If there are other controls or text in the segment, queue them for processing after the ESTABLISHED state
// has been reached": text waits where text beyond RCV.NXT does, though it begins there. A FIN comes again.
void Connection::keep_syn_text(const Segment& seg, net::Packet text, Core& core) {
  const uint32_t length = std::min(seg.length, tcb.rcv.wnd);
  if (length == 0 || core.pressed_for_reassembly()) return;
  tcb.reassembly = core.reassemblies.allocate();
  if (tcb.reassembly == kNoReassembly) return;
  text.remove_suffix(seg.length - length);
  core.reassemblies[tcb.reassembly].insert(tcb.rcv.nxt, std::move(text));
  core.held_packets += core.reassemblies[tcb.reassembly].packets();
  tcb.hold |= kHoldReassembly;
}

// The handshake is done. The text filled no gap: its acknowledgment may wait as that of any other.
void Connection::take_syn_text(Core& core) {
  const uint16_t due = tcb.marks & kMarkAckNow;
  take_reassembled(core);
  tcb.marks = static_cast<uint16_t>((tcb.marks & ~kMarkAckNow) | due);
  if (tcb.segments_owed != 0xff) ++tcb.segments_owed;
  core.mark(*this, kMarkText);
}

}  // namespace tern::tcp
