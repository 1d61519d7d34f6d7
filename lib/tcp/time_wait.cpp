// SPDX-License-Identifier: BSD-3-Clause
// TIME-WAIT's compact record.
#include "tcp/time_wait.hpp"

namespace tern::tcp {

bool TimeWait::may_compact(const Connection& connection) {
  const Tcb& tcb = connection.tcb;
  return tcb.state == State::kTimeWait && tcb.unread == 0 &&
         (tcb.marks & (kMarkAckNow | kServiceMarks)) == 0 && tcb.duplicate_acks_owed == 0;
}

TimeWait TimeWait::compact(const Connection& connection, const Core& core) {
  const Tcb& tcb = connection.tcb;
  TimeWait record;
  record.snd_nxt = tcb.snd.nxt;
  record.rcv_nxt = tcb.rcv.nxt;
  record.rcv_wnd = tcb.rcv.wnd;
  record.last_ack_sent = tcb.last_ack_sent;
  record.ts_recent = tcb.ts_recent;
  record.ts_offset = tcb.ts_offset;
  record.profile = core.profile_of(connection);
  record.flags = static_cast<uint8_t>(tcb.flags);
  record.rcv_scale = tcb.rcv_scale;
  return record;
}

void TimeWait::expand(Connection& connection, Core& core) const {
  Tcb& tcb = connection.tcb;
  tcb.snd.una = tcb.snd.nxt = snd_nxt;
  tcb.send_end = snd_nxt - 1;  // our FIN's number
  tcb.snd.wl1 = rcv_nxt;
  tcb.snd.wl2 = snd_nxt;
  tcb.rcv.nxt = rcv_nxt;
  tcb.rcv.wnd = rcv_wnd;
  tcb.last_ack_sent = last_ack_sent;
  tcb.ts_recent = ts_recent;
  tcb.ts_offset = ts_offset;
  tcb.profile = profile;
  tcb.flags = flags;
  tcb.heard_at = core.coarse_now;
  tcb.rcv_scale = rcv_scale & 0x0f;
  core.set_state(connection, State::kTimeWait);
}

Info TimeWait::info(const Core& core) const {
  Info info;
  info.state = State::kTimeWait;
  info.service = core.service_of(profile);
  info.timestamps = (flags & kTimestampsOn) != 0;
  info.sack = (flags & kSackOn) != 0;
  info.window_scale = (flags & kWindowScaleOn) != 0;
  info.receive_scale = rcv_scale;
  info.receive_window = rcv_wnd;
  return info;
}

}  // namespace tern::tcp
