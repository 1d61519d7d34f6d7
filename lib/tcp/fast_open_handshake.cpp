// SPDX-License-Identifier: BSD-3-Clause
// A connection's handshake with text in its SYN: RFC 7413 section 4.2.2. What a client or a listener puts
// into the option is fast_open.cpp's affair.
#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {
// The SYN's text and options together are to fit the server's MSS. All the room that options could take is
// left, for middleboxes that add some.
uint16_t text_limit_of(uint16_t server_mss, const Config& config) {
  // Without a cached MSS it is the default one: section 4.2.2.
  const uint16_t mss = std::min(server_mss != 0 ? server_mss : config.default_mss, config.mss);
  return mss > kMaxOptionBytes ? static_cast<uint16_t>(mss - kMaxOptionBytes) : uint16_t{0};
}
}  // namespace

// --- The pooled slot
// ---------------------------------------------------------------------------------------------

FastOpenAttempt* Connection::begin_fast_open(Core& core) {
  const bool borrowed = tcb.extra == kNoSlot;
  Extra* own = extra(core);
  if (own == nullptr) return nullptr;
  own->borrowed = borrowed;
  own->fast_open = FastOpenAttempt{};
  own->fast_open.under_way = true;
  return &own->fast_open;
}

FastOpenAttempt* Connection::fast_open_attempt(Core& core) {
  if (tcb.extra == kNoSlot || !core.extras[tcb.extra].fast_open.under_way) return nullptr;
  return &core.extras[tcb.extra].fast_open;
}

// The handshake is done, or given up: a request is pending no more.
void Connection::leave_fast_open(Core& core) {
  FastOpenAttempt* attempt = fast_open_attempt(core);
  if (attempt == nullptr) return;
  if (has(kFastOpenPending)) core.fast_opens[attempt->listener].end();
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kFastOpenPending);
  attempt->under_way = false;
  if (!core.extras[tcb.extra].borrowed) return;
  core.extras.release(tcb.extra);
  tcb.extra = kNoSlot;
}

// --- Client
// ------------------------------------------------------------------------------------------------------

void Connection::try_fast_open(const FastOpenServer& server, Core& core) {
  const Config& config = core.config(*this);
  if (config.fast_open_connect == FastOpen::kOff) return;
  const FastOpenCache::Offer offer = core.fast_open_servers.offer(server, core.now);
  const bool without_cookie = config.fast_open_connect == FastOpen::kWithoutCookies;
  if (!offer.option.present()) {
    ++core.counters.fast_open_avoided;
    return;
  }
  FastOpenAttempt* attempt = begin_fast_open(core);
  if (attempt == nullptr) return;
  attempt->server = server;
  if (!without_cookie) attempt->option = offer.option;
  if (without_cookie || offer.option.has_cookie()) {
    // Nothing is known of a server without cookies' MSS before the first answer but that of the path.
    const uint16_t mss = without_cookie && offer.mss == 0 ? config.mss : offer.mss;
    attempt->text_limit = text_limit_of(mss, config);
  }
}

uint32_t Connection::syn_text_limit(Core& core) {
  const FastOpenAttempt* attempt = tcb.state == State::kSynSent ? fast_open_attempt(core) : nullptr;
  return attempt == nullptr ? 0 : attempt->text_limit;
}

// "Client: Sending SYN": as much of what is queued as fits, and SND.NXT beyond it.
void Connection::put_text_in_syn(FastOpenAttempt& attempt, Departure& departure, Core& core) {
  const uint32_t queued = tcb.send_end - (tcb.iss + 1);
  const uint32_t length = std::min<uint32_t>(queued, attempt.text_limit);
  if (length == 0) return;
  departure.text = tcb.send_queue.front();
  departure.text_length = length;
  departure.text_offset = 0;
  attempt.text_sent = static_cast<uint16_t>(length);
  tcb.snd.nxt = tcb.iss + 1 + length;
  pass_sent_packets();
  core.counters.bytes_sent.add(length);
  ++core.counters.fast_open_syns_sent;
}

// "Client: Receiving SYN-ACK". What is not acknowledged is as if it had never been sent: it leaves again with
// the first ACK, and is no loss.
void Connection::settle_syn_text(const Segment& seg, Core& core) {
  FastOpenAttempt* attempt = fast_open_attempt(core);
  if (attempt != nullptr && seg.has(kSyn)) {  // else the peer opened too, and has not heard of our cookie
    FastOpenAnswer answer;
    answer.mss = seg.mss;
    if (attempt->option.present()) answer.option = seg.fast_open;  // one unasked for is none
    answer.text_acked = seg.ack - (tcb.iss + 1);
    answer.text_sent = attempt->withdrawn ? static_cast<uint16_t>(answer.text_acked) : attempt->text_sent;
    answer.sent_again = tcb.retransmit_expiries != 0;
    core.fast_open_servers.learn(attempt->server, answer, core.now);
    if (answer.option.has_cookie()) ++core.counters.fast_open_cookies_received;
    if (answer.text_sent != 0 && answer.text_acked == answer.text_sent) {
      tcb.flags |= kSynTextTaken;
      ++core.counters.fast_open_text_acknowledged;
    } else if (answer.text_sent != 0) {
      ++core.counters.fast_open_text_refused;
    }
  }
  leave_fast_open(core);
  if (tcb.snd.nxt == seg.ack) return;
  tcb.snd.nxt = seg.ack;
  tcb.unsent = text_at(seg.ack);
}

// The path does not take the SYN with its text, so that a router says: it goes again at once, without.
void Connection::withdraw_syn_text(Core& core) {
  FastOpenAttempt* attempt = tcb.state == State::kSynSent ? fast_open_attempt(core) : nullptr;
  if (attempt == nullptr || attempt->text_sent == 0 || attempt->withdrawn) return;
  attempt->withdrawn = true;
  core.mark(*this, kMarkHandshake);
}

// Section 4.1.3.1: "most importantly, no response (SYN-ACK) from the server at all".
void Connection::note_fast_open_failure(Core& core) {
  if (const FastOpenAttempt* attempt = fast_open_attempt(core)) {
    core.fast_open_servers.note_failure(attempt->server, core.now);
  }
}

// --- Server
// ------------------------------------------------------------------------------------------------------

// "Server: Receiving SYN and responding with SYN-ACK", with FastOpened set. SND.UNA begins beyond our SYN,
// whose acknowledgment is the state's affair, so that what is in flight is text alone.
void Connection::open_fast(const Agreement& agreement, const Segment& syn, net::Packet text, Core& core) {
  tcb.profile = agreement.profile;
  agree(agreement, core);
  tcb.snd.una = tcb.snd.nxt = tcb.send_end = agreement.iss + 1;
  tcb.snd.wnd = tcb.max_wnd = syn.wnd;
  tcb.snd.wl1 = syn.seq;
  tcb.snd.wl2 = tcb.snd.una;
  tcb.flags |= kFastOpenPending;
  FastOpenAttempt* attempt = begin_fast_open(core);  // which there is: decide_fast_open() has looked
  attempt->option = agreement.fast_open;
  attempt->listener = agreement.listener;
  core.fast_opens[agreement.listener].begin();
  core.set_state(*this, State::kSynReceived);
  await_turn(core);
  core.mark(*this, kMarkHandshake | kMarkOpened);
  ++core.counters.fast_opens;
  Segment rest = syn;
  rest.seq += 1;
  process_text(rest, std::move(text), core);
  if (tcb.rcv.nxt != agreement.irs + 1) tcb.flags |= kSynTextTaken;
}

// The SYN-ACK acknowledges what was taken of the text, and says how much more may come.
void Connection::announce_with_syn_ack(SegmentHeader& header, Core& core) {
  const uint32_t buffer = receive_buffer(core);
  const uint32_t room = std::min<uint32_t>(buffer > tcb.unread ? buffer - tcb.unread : 0, 0xffff);
  tcb.rcv.wnd = std::max(tcb.rcv.wnd, room);
  header.wnd = static_cast<uint16_t>(tcb.rcv.wnd);  // at most 0xffff before the handshake is done
  tcb.last_ack_sent = tcb.rcv.nxt;
  tcb.segments_owed = 0;
  tcb.ack_deadline = Deadline::never();
}

// "Server: Receiving ACK". Our SYN is acknowledged, perhaps no more than that: then acknowledge() will not
// be called for it.
void Connection::finish_fast_open(const Segment& seg, Core& core) {
  ++core.counters.connections_accepted;
  measure_rtt(seg, core);
  const uint16_t told = tcb.marks & kMarkOpened;
  become_established(seg, core);
  tcb.marks = static_cast<uint16_t>((tcb.marks & ~kMarkOpened) | told);
  tcb.retransmit_expiries = 0;
  tcb.retransmit_deadline = Deadline::never();
  if (flight() != 0) start_retransmission_timer(core);
}

// The reply may be sent before the third segment: as far as the window of the SYN and the initial congestion
// window go, while the timer is the SYN-ACK's.
bool Connection::emit_early_text(Core& core) {
  if (!has(kFastOpenPending)) return true;
  while (!has(kFinSent)) {
    const uint32_t unsent = unsent_bytes();
    const uint32_t full = full_text(core);
    const uint32_t length = std::min({unsent, usable_window(core), full});
    const bool fin_alone = unsent == 0 && has(kFinQueued);
    if (!fin_alone && (length == 0 || !may_send(length, unsent, full, core))) break;
    if (core.outbox.full()) return false;
    send_new_text(length, core);
    run_retransmission_timer(core);
  }
  return true;
}

}  // namespace tern::tcp
