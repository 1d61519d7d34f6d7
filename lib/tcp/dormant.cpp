// SPDX-License-Identifier: BSD-3-Clause
// Connections fall asleep and wake.
#include "tcp/dormant.hpp"

#include "tcp/connection.hpp"

namespace tern::tcp {

// Marks that may last while nothing happens: a larger segment is wanted once there is text, and how the
// retransmission timer, which does not run, was meant.
constexpr uint16_t kLastingMarks = kMarkMtuProbe | kMarkEarlyTimer;

bool Dormant::may_sleep(const Tcb& tcb) {
  const bool at_rest = tcb.hold == 0 && (tcb.marks & ~kLastingMarks) == 0 && (tcb.flags & kRttTimed) == 0;
  const bool all_sent = tcb.snd.una == tcb.snd.nxt && tcb.send_end == tcb.snd.nxt && tcb.send_queue.empty();
  const bool all_read = tcb.unread == 0 && tcb.segments_owed == 0 && tcb.duplicate_acks_owed == 0 &&
                        tcb.last_ack_sent == tcb.rcv.nxt;
  const bool no_timer = tcb.retransmit_deadline.is_never() && tcb.ack_deadline.is_never();
  const bool all_well = tcb.recovery == kNoSlot && tcb.reassembly == kNoReassembly &&
                        tcb.retransmit_expiries == 0 && tcb.duplicate_acks == 0 && tcb.silent_probes == 0;
  return at_rest && all_sent && all_read && no_timer && all_well;
}

Dormant Dormant::of(const Tcb& tcb) {
  Dormant record;
  record.snd = {tcb.snd.nxt, tcb.snd.wnd, tcb.snd.wl1, tcb.snd.wl2};
  record.rcv = {tcb.rcv.nxt, tcb.rcv.wnd};
  record.ts_recent = tcb.ts_recent;
  record.ts_offset = tcb.ts_offset;
  record.heard_at = tcb.heard_at;
  record.idle_deadline = tcb.idle_deadline;
  record.fires_at = tcb.fires_at;
  record.congestion = tcb.congestion;
  record.extra = tcb.extra;
  record.flags = tcb.flags;
  record.marks = tcb.marks;
  record.profile = tcb.profile;
  record.mss = tcb.mss;
  record.user = tcb.user;
  record.cwnd = tcb.cwnd;
  record.ssthresh = tcb.ssthresh;
  record.srtt_us = tcb.srtt_us;
  record.rttvar_us = tcb.rttvar_us;
  record.max_wnd = tcb.max_wnd;
  record.window_used = tcb.window_used;
  record.bytes_acked_in_round = tcb.bytes_acked_in_round;
  record.rtt_started_us = tcb.rtt_started_us;
  record.recover = tcb.recover;
  record.iss = tcb.iss;
  record.irs = tcb.irs;
  record.retransmitted = tcb.retransmitted;
  record.challenges = tcb.challenges;
  record.challenge_epoch = tcb.challenge_epoch;
  record.snd_scale = tcb.snd_scale;
  record.rcv_scale = tcb.rcv_scale;
  record.reo_wnd = tcb.reo_wnd;
  record.soft_error = tcb.soft_error;
  return record;
}

Tcb Dormant::wake() const {
  Tcb tcb;
  tcb.snd = {snd.nxt, snd.nxt, snd.wnd, snd.wl1, snd.wl2};
  tcb.rcv = {rcv.nxt, rcv.wnd};
  tcb.last_ack_sent = rcv.nxt;
  tcb.send_end = snd.nxt;
  tcb.small_end = snd.nxt;  // whatever was small is acknowledged
  tcb.rtt_seq = snd.nxt;
  tcb.state = State::kEstablished;
  tcb.hold = 0;
  tcb.ts_recent = ts_recent;
  tcb.ts_offset = ts_offset;
  tcb.heard_at = heard_at;
  tcb.idle_deadline = idle_deadline;
  tcb.fires_at = fires_at;
  tcb.congestion = congestion;
  tcb.extra = extra;
  tcb.flags = flags;
  tcb.marks = marks;
  tcb.profile = profile;
  tcb.mss = mss;
  tcb.user = user;
  tcb.cwnd = cwnd;
  tcb.ssthresh = ssthresh;
  tcb.srtt_us = srtt_us;
  tcb.rttvar_us = rttvar_us;
  tcb.max_wnd = max_wnd;
  tcb.window_used = window_used;
  tcb.bytes_acked_in_round = bytes_acked_in_round;
  tcb.rtt_started_us = rtt_started_us;
  tcb.recover = recover;
  tcb.iss = iss;
  tcb.irs = irs;
  tcb.retransmitted = retransmitted;
  tcb.challenges = challenges;
  tcb.challenge_epoch = challenge_epoch;
  tcb.snd_scale = snd_scale;
  tcb.rcv_scale = rcv_scale;
  tcb.reo_wnd = reo_wnd;
  tcb.soft_error = soft_error;
  return tcb;
}

// --- The core's part
// -----------------------------------------------------------------------------------------------

Connection* Core::wake(uint32_t index) {
  if (awake(index)) return &connection(index);
  Connection* connection = open(index);
  if (connection == nullptr) return nullptr;
  connection->tcb = dormants_[index].wake();
  ++counters.connections_woken;
  return connection;
}

Connection* Core::open(uint32_t index) {
  if (slots_.full() && !put_one_to_sleep()) {
    ++counters.busy_refused;
    return nullptr;
  }
  return &connections_[slots_.take(index)];
}

// In turn, so that one that has just been of use stays for a while. Where so many in a row are busy, nearly
// all are.
bool Core::put_one_to_sleep() {
  constexpr uint32_t kLooks = 64;
  if (dormants_.empty()) return false;
  for (uint32_t i = 0; i < kLooks; ++i) {
    const uint32_t slot = slots_.next_in_turn();
    Tcb& tcb = connections_[slot].tcb;
    if (slots_.owner(slot) == kNoSlot || !Dormant::may_sleep(tcb)) continue;
    dormants_[slots_.owner(slot)] = Dormant::of(tcb);
    tcb = Tcb{};
    slots_.give_back(slot);
    ++counters.connections_put_to_sleep;
    prefetch_next_to_sleep();
    return true;
  }
  return false;
}

// Whoever is next in turn, and where it would sleep.
void Core::prefetch_next_to_sleep() {
  constexpr uint32_t kAhead = 8;
  const uint32_t slot = slots_.ahead_in_turn(kAhead);
  __builtin_prefetch(&connections_[slot]);
  __builtin_prefetch(reinterpret_cast<const char*>(&connections_[slot]) + 64);
  __builtin_prefetch(reinterpret_cast<const char*>(&connections_[slot]) + 128);
  const uint32_t owner = slots_.owner(slot);
  if (owner == kNoSlot) return;
  slots_.prefetch(owner);
  __builtin_prefetch(&dormants_[owner], 1);
  __builtin_prefetch(reinterpret_cast<const char*>(&dormants_[owner]) + 64, 1);
}

// A node that was armed for a timer of before fires early: that is no reason to wake anybody.
void Core::time_out(uint32_t index) {
  constexpr net::Duration kPatience = std::chrono::milliseconds(100);
  if (!awake(index)) {
    Dormant& record = dormants_[index];
    record.fires_at = Deadline::never();
    const bool due = record.idle_deadline.due(now);
    if (due && wake(index) != nullptr) return connection(index).on_timeout(*this);
    // Not due yet, or all who are awake are busy.
    record.fires_at = due ? Deadline(now + kPatience) : record.idle_deadline;
    wheel.arm(index, record.fires_at.instant(now));
    return;
  }
  connection(index).on_timeout(*this);
}

}  // namespace tern::tcp
