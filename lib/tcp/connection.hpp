// SPDX-License-Identifier: BSD-3-Clause
// A TCP connection: RFC 9293 section 3.10's three kinds of event, user calls, arriving segments and timeouts,
// change the TCB and mark the connection; emit(), once per burst, decides what is sent.
//
// Where things stand: opening in connect.cpp and listener.cpp, arrival in segment_arrives.cpp,
// acknowledgments in acknowledgment.cpp and recovery.cpp, receiving in receiver.cpp, calls in user_calls.cpp,
// timers in timeouts.cpp, emit() in sender.cpp.
#pragma once

#include <array>
#include <cstdint>

#include "net/icmp_error.hpp"
#include "net/instant.hpp"
#include "net/packet.hpp"
#include "tcp/core.hpp"
#include "tcp/error.hpp"
#include "tcp/info.hpp"
#include "tcp/segment.hpp"
#include "tcp/socket_options.hpp"
#include "tcp/tcb.hpp"

namespace tern::tcp {

// What both ends of a new connection have agreed on.
struct Agreement {
  Seq iss;
  Seq irs;
  uint16_t profile = 0;   // index of Config
  uint16_t peer_mss = 0;  // 0: the peer stated none
  uint8_t peer_window_scale = kNoWindowScale;
  bool timestamps = false;
  bool sack = false;
  bool ecn = false;  // RFC 3168
  uint32_t ts_offset = 0;
  uint32_t ts_recent = 0;
  FastOpenOption fast_open;   // for the SYN-ACK
  uint16_t user_timeout = 0;  // the peer's advice, see user_timeout.cpp
  uint16_t listener = 0;      // index of the core's FastOpenPending
};

// What the caller of on_segment() has to do.
enum class Verdict : uint8_t {
  kDone,
  kReset,   // answer with reset_for(segment); the connection goes on
  kReopen,  // TIME-WAIT met an acceptable new SYN: forget the connection and treat the segment as a
            // stranger's
};

class Connection {
 public:
  Tcb tcb;

  // --- Opening: of a connection as it was made, or as release() left it ---
  // Becomes SYN-RECEIVED as the third segment of a handshake by cookie finds it; pass that segment to
  // on_segment() next.
  void open_passive(const Agreement& agreement, Core& core);
  // An entry of the SYN queue: becomes SYN-RECEIVED and marks the SYN-ACK, which is sent again up to the
  // limit. Whatever ends it before the handshake is done, its service is not told.
  void open_from_syn(const Agreement& agreement, Core& core);
  // RFC 7413: becomes SYN-RECEIVED with the text of a SYN that Listener::decide_fast_open() let pass, marks
  // the SYN-ACK and tells the service, which may reply at once.
  void open_fast(const Agreement& agreement, const Segment& syn, net::Packet text, Core& core);
  // 3.10.1, active: becomes SYN-SENT and marks the SYN.
  void open_active(Seq iss, uint16_t profile, uint32_t ts_offset, Core& core);
  // Right after open_active(), where the configuration wants it: the SYN asks for a Fast Open cookie, or
  // carries the one that is known and what send() takes before the SYN leaves.
  void try_fast_open(const FastOpenServer& server, Core& core);
  // Text that the SYN may carry, in bytes; 0 where it may carry none.
  uint32_t syn_text_limit(Core& core);

  // --- Arriving segments: 3.10.7.3 and 3.10.7.4 ---
  Verdict on_segment(const Segment& seg, net::Packet text, Core& core);
  // The same by the eight steps alone, whatever expects() says.
  [[gnu::noinline]] Verdict on_unexpected_segment(const Segment& seg, net::Packet text, Core& core);
  // Whether the segment may take the fast path.
  bool expects(const Segment& seg, const Core& core) const;

  // --- ICMP: 3.9.2.2 ---
  // An error about a segment of this connection.
  void on_icmp(const net::IcmpReport& report, Core& core);
  // What the path is known to take until some time, at most 10 minutes on: an MSS as in the option. Before
  // the first segment is taken or sent; it may be less than the peer's.
  void limit_path(uint16_t mss, net::Instant until, Core& core);
  // The MSS that our segments obey, with the options of each.
  uint16_t path_mss() const { return static_cast<uint16_t>(tcb.mss + option_bytes()); }

  // --- User calls: 3.10.2 to 3.10.5 ---
  // Bytes that send() would take now; 0 once the user has closed.
  uint32_t send_room(const Core& core) const;
  // Queues text, which the queue owns until it is acknowledged. False, and the packet is left to the caller,
  // when there is no room for all of it; kMarkWritable follows when there is (EAGAIN), or when the user has
  // closed (EPIPE).
  bool send(net::Packet& packet, Core& core);
  // The same, where the user is about to send more: what fills no segment is held back until then, until the
  // peer acknowledges something, or for a retransmission timeout, and carries no PSH.
  bool send_more(net::Packet& packet, Core& core);
  // The next text in order; null when there is none.
  net::Packet receive(Core& core);
  // Takes n bytes of text, n <= tcb.unread, and throws them away.
  void skip(uint32_t n, Core& core);
  // Bytes of unread text that it may hold now: its window, when nothing is unread.
  uint32_t receive_buffer(const Core& core) const;
  // The text that receive() would return next, without taking it; null when there is none.
  rte_mbuf* peek() const { return tcb.receive_queue.front(); }
  // Whether all text has been taken and no more will come.
  bool at_end() const { return tcb.unread == 0 && has(kFinReceived); }
  // SHUT_WR: sends FIN after what is queued; text is received on.
  void shutdown(Core& core);
  // Close of both directions: unread text, now or later, makes it an abort (RFC 1122 section 4.2.2.13).
  void close(Core& core);
  // 3.10.5 ABORT: sends RST, drops what is queued.
  void abort(Core& core);
  // The same, and gives back all text that was ever sent, where the peer has acknowledged none of it. False,
  // and nothing has happened, where it has, or where the connection is closed.
  bool withdraw(net::PacketQueue& text, Core& core);

  // Ends it without a word to the peer, for a reason from below TCP.
  void fail(CloseReason reason, Core& core) {
    if (tcb.state != State::kClosed) give_up(reason, core);
  }

  // --- What the user chooses for this connection alone, see Option; until then its service's configuration
  // holds. kInvalid: the value is out of its range; kNoBuffers: the core has no slot left; kNotConnected.
  Error set_option(Option option, int64_t value, Core& core);
  int64_t option(Option option, const Core& core) const;

  // --- About it: 3.9.1.6 ---
  Info info(const Core& core) const;
  // What send() and receive() have to say when they take or give nothing: kAgain, kPipe, kNotConnected while
  // the handshake is under way, or why the connection ended; kNone when they would do something, or when the
  // peer has closed and all was read.
  Error send_error(const Core& core) const;
  Error receive_error() const;

  // --- Timeouts: 3.10.8 ---
  void on_timeout(Core& core);

  // --- Output ---
  // Puts what is due into the outbox; leaves kMarkReady set when the outbox filled up before it was done.
  void emit(Core& core);

  // Gives back everything held. The slot may be used anew after.
  void release(Core& core);
  // Whether the slot is to be given back: closed, and nothing is left to send or to tell.
  bool finished() const {
    return tcb.state == State::kClosed && (tcb.marks & (kMarkReset | kServiceMarks)) == 0;
  }

  // Its slot for options of its own and rare features, taken if it has none yet; null when the core has none
  // left, which is counted.
  Extra* extra(Core& core);

  // For congestion control: its state, taken if it has none yet; null when the core has none left.
  CongestionState* congestion_state(Core& core);
  // The first slow start is over. It must have a state.
  void end_hystart(Core& core);

  // What its service is to be told now, of kServiceMarks; nothing while it waits in the accept queue.
  uint16_t news() const { return waiting() ? uint16_t{0} : static_cast<uint16_t>(tcb.marks & kServiceMarks); }

  // Whether it is still in its service's SYN queue, or in its accept queue.
  bool half_open() const { return (tcb.hold & kHoldHalfOpen) != 0; }
  bool waiting() const { return (tcb.hold & kHoldWaiting) != 0; }
  bool has(ConnectionFlag flag) const { return (tcb.flags & flag) != 0; }
  uint32_t flight() const { return tcb.snd.nxt - tcb.snd.una; }
  uint32_t unsent_bytes() const { return has(kFinSent) ? 0 : tcb.send_end - tcb.snd.nxt; }
  net::Duration rto(const Core& core) const;  // backed off

 private:
  friend class Core;
  enum class Step : uint8_t { kContinue, kDrop };

  // connect.cpp
  void agree(const Agreement& agreement, Core& core);
  void keep_syn_text(const Segment& seg, net::Packet text, Core& core);
  void take_syn_text(Core& core);

  // fast_open_handshake.cpp
  FastOpenAttempt* begin_fast_open(Core& core);  // null without a slot
  FastOpenAttempt* fast_open_attempt(Core& core);
  void put_text_in_syn(FastOpenAttempt& attempt, Departure& departure, Core& core);
  void settle_syn_text(const Segment& seg, Core& core);
  void withdraw_syn_text(Core& core);
  void announce_with_syn_ack(SegmentHeader& header, Core& core);
  void finish_fast_open(const Segment& seg, Core& core);
  void leave_fast_open(Core& core);
  void note_fast_open_failure(Core& core);
  bool emit_early_text(Core& core);

  // segment_arrives.cpp
  void on_expected_segment(const Segment& seg, net::Packet text, Core& core);
  Verdict on_segment_in_syn_sent(const Segment& seg, net::Packet text, Core& core);  // connect.cpp
  bool asks_for_ecn(const Core& core) const;                                         // connect.cpp
  Step check_sequence(const Segment& seg, Core& core);
  Step check_rst(const Segment& seg, Core& core);
  Step check_syn(const Segment& seg, Core& core);
  Step check_ack(const Segment& seg, Core& core, Verdict& verdict);
  void process_text(const Segment& seg, net::Packet text, Core& core);
  void check_fin(const Segment& seg, Core& core);
  void take_fin(Core& core);
  bool reopens(const Segment& seg) const;
  bool acceptable(const Segment& seg) const;
  bool heard_beside_window(const Segment& seg, Core& core);
  void record_timestamp(const Segment& seg);
  bool timestamp_aged(const Core& core) const;
  void become_established(const Segment& seg, Core& core);
  void challenge(Core& core);
  void answer_out_of_place(const Segment& seg, Core& core);

  // backlog.cpp
  void join_syn_queue(Core& core);
  bool may_leave_syn_queue(Core& core, Verdict& verdict);
  void await_turn(Core& core);
  void leave_backlog(Core& core);

  // acknowledgment.cpp, recovery.cpp
  void update_send_window(const Segment& seg);
  void acknowledge(const Segment& seg, Core& core);
  void measure_rtt(const Segment& seg, Core& core);
  void on_duplicate_ack(Core& core);
  void on_fin_acknowledged(Core& core);
  bool keep_scoreboard(Core& core);
  void drop_scoreboard(Core& core);
  bool take_sacks(const Segment& seg, Core& core);
  void assess_losses(Core& core);
  void reduce_in_proportion(Recovery& recovery, bool safe);

  // undo.cpp
  void remember_for_undo(Recovery& recovery, uint32_t cwnd, uint32_t ssthresh, Core& core);
  void undo_if_spurious(const Segment& seg, Core& core);
  bool answers_first_copy(const Segment& seg, const Recovery& recovery) const;
  bool timeout_was_spurious(const Recovery& recovery) const;
  void take_frto_duplicate(Recovery& recovery, Core& core);
  void go_on_with_frto(Recovery& recovery, bool full) const;
  void count_duplicate(const Segment& seg, Recovery& recovery) const;
  bool all_came_twice(const Recovery& recovery) const;
  void undo(Recovery& recovery, Core& core);
  bool may_hear_of_duplicates(const Recovery& recovery) const;
  void await_duplicates(Core& core);

  // ecn.cpp
  void take_congestion_mark(const Segment& seg, Core& core);
  void take_congestion_echo(const Segment& seg, Core& core);
  bool reduced_for_ecn(Seq ack) const;
  void answer_congestion();

  // congestion.cpp
  bool window_in_use(Core& core) const;
  uint32_t newly_delivered(uint32_t acknowledged, Core& core) const;
  void grow_window(uint32_t acknowledged, Core& core);
  void release_congestion(Core& core);
  void change_congestion(Core& core);
  void note_departure(uint32_t length, bool fresh, Core& core);
  void restart_after_idle(Core& core);

  // window_validation.cpp
  WindowValidation* begin_validation(Core& core);
  WindowValidation* validation(Core& core) const;  // null where it has not begun
  bool window_valid(Core& core) const;
  void validate_window(uint32_t acknowledged, Core& core);
  void age_window(WindowValidation& own, Core& core);
  uint32_t threshold_after_loss(uint32_t in_flight, Core& core);
  void revalidate_window(Core& core);

  // bbr_control.cpp
  void note_departure_for_rate(uint32_t length, bool fresh, Core& core);
  void assess_rate(uint32_t acknowledged, Core& core);
  uint32_t in_network(Core& core) const;

  // pacing.cpp
  bool may_depart(Core& core);
  void delay_next_departure(uint32_t length, Core& core);

  // rack.cpp
  void start_retransmission_timer(Core& core);
  void on_early_timeout(Core& core);
  bool mark_lost_by_time(Recovery& recovery, Core& core);
  void note_reordering();
  void widen_reordering_window(Seq ack, Core& core);
  void age_reordering_window();
  void restart_tail_probe(Core& core);
  net::Duration probe_timeout() const;
  uint32_t reordering_window(const Recovery& recovery) const;
  void settle_tail_probe(Recovery& recovery, Core& core);
  bool emit_tail_probe(Core& core);
  void recover_on_ack(uint32_t acknowledged, Core& core);
  void enter_fast_recovery(Core& core);
  void enter_loss_recovery(Core& core);

  // receive_tuning.cpp
  void tune_receive_buffer(Core& core);
  void grow_receive_buffer(uint64_t bytes, Core& core);
  void end_receive_tuning(Core& core);

  // receiver.cpp
  void accept_text(const Segment& seg, net::Packet text, Core& core);
  void keep_out_of_order(Seq seq, net::Packet text, Core& core);
  void keep_fin(Seq seq, Core& core);
  void take_reassembled(Core& core);
  void note_duplicate(Seq left, Seq right, Core& core);
  uint32_t announce_window(Core& core);
  bool window_update_due(const Core& core) const;
  void enter_time_wait(Core& core);

  // sender.cpp
  bool emit_handshake(Core& core);
  void emit_reset(Core& core);
  bool emit_retransmissions(Core& core);
  bool emit_lost(Core& core);
  bool emit_probes(Core& core);
  bool emit_new_text(Core& core);
  void send_new_text(uint32_t length, Core& core);
  bool emit_acknowledgments(Core& core);
  bool new_text_may_go(Core& core) const;
  bool held_back(const Core& core) const;
  bool more_follows(const Core& core) const;
  bool may_send(uint32_t length, uint32_t unsent, uint32_t full, const Core& core) const;
  uint32_t usable_window(Core& core) const;
  uint8_t ecn_setup(const Core& core) const;
  bool doubts_path(Core& core) const;
  Seq bare_seq() const;
  void fill_header(SegmentHeader& header, Seq seq, uint8_t flags, Core& core);
  uint32_t send_slice(rte_mbuf* text, Seq seq, uint32_t length, bool fresh, Core& core);
  uint32_t retransmit(Seq from, Seq limit, Core& core);
  void note_sent(Core& core);
  void run_retransmission_timer(Core& core);
  bool anything_unsent() const {  // text or FIN
    return !has(kFinSent) && (tcb.snd.nxt != tcb.send_end || has(kFinQueued));
  }
  void pass_sent_packets();

  // segment_options.cpp
  bool rare_options_due(const Core& core) const;
  uint32_t collect_sacks(std::array<SackBlock, kMaxSackBlocks>& blocks, const Core& core) const;
  uint32_t full_text(const Core& core) const {
    return rare_options_due(core) ? text_beside_options(core) : tcb.mss;
  }
  uint32_t text_beside_options(const Core& core) const;
  void add_rare_options(SegmentHeader& header, uint32_t room, Core& core);

  // send_queue.cpp
  void append_text(net::Packet packet, Core& core);
  void release_acknowledged(Core& core);
  rte_mbuf* text_at(Seq seq) const;

  // socket_options.cpp
  Config* own_config(Core& core);
  void apply_option(Option option, Core& core);

  // info.cpp
  LimitedBy limited_by() const;
  void begin_accounting(Core& core);
  void account_limits(Core& core);

  // user_calls.cpp
  void become_orphan(Core& core);

  // keep_alive.cpp, user_timeout.cpp
  void note_heard(const Core& core) { tcb.heard_at = core.coarse_now; }
  net::Duration silence(const Core& core) const;
  bool ending() const;
  void watch_peer(Core& core);
  void on_idle_timeout(Core& core);
  void emit_keep_alive(Core& core);
  net::Duration user_timeout(const Core& core) const;
  bool takes_advice(const Core& core) const;
  void take_user_timeout(uint16_t advice, Core& core);
  void tell_user_timeout(Core& core);
  bool outlived_user_timeout(Core& core);
  net::Duration bounded_by_user(net::Duration timeout, const Core& core) const;
  CloseReason timed_out() const {  // the reason, if ICMP has told one
    return tcb.soft_error == CloseReason::kNone ? CloseReason::kTimedOut : tcb.soft_error;
  }
  void wake_idle(net::Instant due, const Core& core);
  void check_keep_alive(Core& core);

  // path_mtu.cpp
  uint16_t option_bytes() const;
  void on_too_big(const net::IcmpReport& report, Core& core);
  bool confirm_too_big(Core& core);
  void narrow_path(uint16_t mss, Core& core);
  void use_path(Core& core);
  void resend_flight(Core& core);
  void widen_path(Core& core);

  // path_probing.cpp
  void search_path(Core& core);
  void begin_search(uint16_t low, Core& core);
  void suspect_black_hole(Core& core);
  void continue_search(Core& core);
  bool emit_mtu_probe(Core& core);
  void settle_mtu_probe(Core& core);
  bool lost_mtu_probe(Core& core);
  void give_up_mtu_probe(Core& core);

  // timeouts.cpp
  void on_retransmission_timeout(Core& core);
  void give_up(CloseReason reason, Core& core);
  void arm(Core& core);
};
static_assert(sizeof(Connection) == 192);

// As they lie in the header file so that every caller may inline them.
inline Connection& Core::connection(uint32_t index) { return connections_[slots_.slot_of(index)]; }
inline uint32_t Core::index_of(const Connection& connection) const {
  return slots_.owner(static_cast<uint32_t>(&connection - connections_.data()));
}
inline void Core::prefetch(uint32_t index) const {
  constexpr size_t kLine = 64;
  if (awake(index)) {
    const auto* lines = reinterpret_cast<const char*>(&connections_[slots_.slot_of(index)]);
    __builtin_prefetch(lines);
    __builtin_prefetch(lines + kLine);
    __builtin_prefetch(lines + 2 * kLine);
  } else if (!dormants_.empty()) {
    const auto* lines = reinterpret_cast<const char*>(&dormants_[index]);
    __builtin_prefetch(lines);
    __builtin_prefetch(lines + kLine);
  }
}
inline const Config& Core::config(const Connection& connection) const {
  return configs_[connection.tcb.profile];
}
inline bool Connection::rare_options_due(const Core& core) const {
  return (tcb.hold & (kHoldReassembly | kHoldUserTimeout)) != 0 ||
         (core.duplicate.connection != Core::kNobody && core.duplicate.connection == core.index_of(*this));
}
inline uint16_t Core::profile_of(const Connection& connection) const {
  const uint16_t profile = connection.tcb.profile;
  return profile < profiles_ ? profile : extras[profile - profiles_].profile;
}
inline uint16_t Core::service_of(const Connection& connection) const {
  const uint16_t profile = connection.tcb.profile;
  return profile < services_ ? profile : service_of(profile_of(connection));
}
inline void Core::mark(Connection& connection, uint16_t marks) {
  if ((connection.tcb.marks & kMarkReady) == 0) make_ready(connection);
  connection.tcb.marks = static_cast<uint16_t>(connection.tcb.marks | marks);
}
inline Connection* Core::wake(uint32_t index) {
  const uint32_t slot = slots_.slot_of(index);
  return slot != kNoSlot ? &connections_[slot] : rouse(index);
}

}  // namespace tern::tcp
