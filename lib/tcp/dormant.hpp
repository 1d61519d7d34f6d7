// SPDX-License-Identifier: BSD-3-Clause
// A connection asleep: what must outlast idleness, in two cache lines in place of a TCB.
//
// A core has TCBs for the connections that do something at a time. Where there may be more connections than
// TCBs, one that has nothing to do makes room for one that has: established, nothing in flight, unread, owed
// or waited for. It sleeps until a segment, a call or a timer wants it, and goes on as if it had not slept:
// congestion window, round-trip time and options are as they were.
#pragma once

#include <cstdint>

#include "tcp/deadline.hpp"
#include "tcp/seq.hpp"
#include "tcp/tcb.hpp"

namespace tern::tcp {

class Connection;

// The names are the TCB's. What is not here has the only value that may_sleep() lets pass.
struct alignas(64) Dormant {
  struct {
    Seq nxt;  // and SND.UNA, and the end of all text
    uint32_t wnd = 0;
    Seq wl1;
    Seq wl2;
  } snd;
  struct {
    Seq nxt;  // and Last.ACK.sent
    uint32_t wnd = 0;
  } rcv;
  uint32_t ts_recent = 0;
  uint32_t ts_offset = 0;
  uint32_t heard_at = 0;
  Deadline idle_deadline;
  Deadline fires_at;
  uint32_t congestion = kNoSlot;
  uint32_t extra = kNoSlot;
  uint16_t flags = 0;
  uint16_t marks = 0;
  uint16_t profile = 0;
  uint16_t mss = 0;

  uint64_t user = 0;
  uint32_t cwnd = 0;
  uint32_t ssthresh = 0;
  uint32_t srtt_us = 0;
  uint32_t rttvar_us = 0;
  uint32_t max_wnd = 0;
  uint32_t window_used = 0;
  uint32_t bytes_acked_in_round = 0;
  uint32_t rtt_started_us = 0;
  Seq recover;
  Seq iss;
  Seq irs;
  uint16_t retransmitted = 0;
  uint16_t challenges : 6 = 0;
  uint16_t challenge_epoch : 10 = 0;
  uint8_t snd_scale : 4 = 0;
  uint8_t rcv_scale : 4 = 0;
  uint8_t reo_wnd = 0;
  CloseReason soft_error : 4 = CloseReason::kNone;
  bool tail_probed : 1 = false;

  static bool may_sleep(const Tcb& tcb);
  static Dormant of(const Tcb& tcb);
  Tcb wake() const;
};
static_assert(sizeof(Dormant) == 128);

}  // namespace tern::tcp
