// SPDX-License-Identifier: BSD-3-Clause
// What 2MSL needs of a connection: TIME-WAIT's compact record. RFC 9293 section 3.6.1.
#pragma once

#include <cstdint>

#include "tcp/connection.hpp"
#include "tcp/seq.hpp"

namespace tern::tcp {

// 28 bytes in place of a TCB. A segment that belongs to it is met by a connection made of it for the moment,
// so that TIME-WAIT's rules stand in one place.
struct TimeWait {
  Seq snd_nxt;
  Seq rcv_nxt;
  uint32_t rcv_wnd = 0;
  Seq last_ack_sent;
  uint32_t ts_recent = 0;
  uint32_t ts_offset = 0;
  uint16_t profile = 0;  // see Core::profile_of()
  uint8_t flags = 0;     // the lower ConnectionFlags
  uint8_t rcv_scale = 0;

  // connection is in TIME-WAIT, and nothing is left to send, to tell or to read.
  static TimeWait compact(const Connection& connection, const Core& core);
  static bool may_compact(const Connection& connection);
  // Makes the closed connection one in TIME-WAIT again; its 2MSL timer does not run.
  void expand(Connection& connection, Core& core) const;
  // What is still known of it: state, service and options.
  Info info(const Core& core) const;
};
static_assert(sizeof(TimeWait) == 28);

}  // namespace tern::tcp
