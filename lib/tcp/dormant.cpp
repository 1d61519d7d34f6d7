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
  const bool all_acknowledged = tcb.snd.una == tcb.send_end;  // SND.NXT lies between them
  const bool all_read = tcb.unread == 0 && tcb.segments_owed == 0 && tcb.duplicate_acks_owed == 0 &&
                        tcb.last_ack_sent == tcb.rcv.nxt;
  const bool no_timer = tcb.retransmit_deadline.is_never() && tcb.ack_deadline.is_never();
  const bool all_well = tcb.recovery == kNoSlot && tcb.reassembly == kNoReassembly &&
                        tcb.retransmit_expiries == 0 && tcb.duplicate_acks == 0 && tcb.silent_probes == 0;
  return at_rest && all_acknowledged && all_read && no_timer && all_well;
}

// What a TCB and its record have in common.
// clang-format off
#define TERN_KEPT_AS_THEY_ARE(X) \
  X(ts_recent) X(ts_offset) X(heard_at) X(idle_deadline) X(fires_at) X(congestion) X(extra) \
  X(flags) X(marks) X(profile) X(mss) X(user) X(cwnd) X(ssthresh) X(srtt_us) X(rttvar_us) \
  X(max_wnd) X(window_used) X(bytes_acked_in_round) X(rtt_started_us) X(recover) X(iss) X(irs) \
  X(retransmitted) X(challenges) X(challenge_epoch) X(snd_scale) X(rcv_scale) X(reo_wnd) \
  X(soft_error) X(tail_probed)
// clang-format on

Dormant Dormant::of(const Tcb& tcb) {
  Dormant record;
  record.snd = {tcb.snd.nxt, tcb.snd.wnd, tcb.snd.wl1, tcb.snd.wl2};
  record.rcv = {tcb.rcv.nxt, tcb.rcv.wnd};
#define TERN_KEEP(field) record.field = tcb.field;
  TERN_KEPT_AS_THEY_ARE(TERN_KEEP)
#undef TERN_KEEP
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
#define TERN_GIVE_BACK(field) tcb.field = field;
  TERN_KEPT_AS_THEY_ARE(TERN_GIVE_BACK)
#undef TERN_GIVE_BACK
  return tcb;
}

// --- The core's part
// -----------------------------------------------------------------------------------------------

Connection* Core::rouse(uint32_t index) {
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

Info Core::info(uint32_t index) const {
  if (awake(index)) return connections_[slots_.slot_of(index)].info(*this);
  Connection asleep;
  asleep.tcb = dormants_[index].wake();
  return asleep.info(*this);
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
