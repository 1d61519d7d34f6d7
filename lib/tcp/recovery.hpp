// SPDX-License-Identifier: BSD-3-Clause
// What a connection keeps while something it sent is missing, or may be: from the first SACK block or timeout
// until all is mended. Few connections of a core need one at a time.
#pragma once

#include <cstdint>

#include "tcp/scoreboard.hpp"

namespace tern::tcp {

struct Recovery {
  Scoreboard board;
  Delivery delivery;  // of the acknowledgment that is being processed
  // Proportional rate reduction, RFC 6937 section 3: since fast recovery began.
  uint32_t delivered = 0;        // prr_delivered, bytes
  uint32_t sent = 0;             // prr_out, bytes
  uint32_t flight_at_start = 0;  // RecoverFS, bytes
  // RFC 8985 section 5.2.
  bool timed = false;   // something has arrived since, so that the next two are set
  Transmission newest;  // RACK.xmit_ts and RACK.end_seq: of what has arrived, what was sent last
  uint32_t rtt_us = 0;  // RACK.rtt
  // RFC 8985 section 7.4.
  bool probing = false;      // a tail loss probe is unanswered
  bool probe_again = false;  // TLP.is_retrans
  Seq probe_end;             // TLP.end_seq
  // What a reduction is taken back to (RFC 4015 section 3.2), and the timestamp that tells (RFC 3522).
  bool may_undo = false;
  uint32_t undo_ts = 0;  // of the first retransmission
  uint32_t undo_cwnd = 0;
  uint32_t undo_ssthresh = 0;
};

}  // namespace tern::tcp
