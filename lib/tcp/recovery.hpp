// SPDX-License-Identifier: BSD-3-Clause
// What a connection keeps while something it sent is missing, or may be: from the first SACK block or timeout
// until all is mended. Few connections of a core need one at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "tcp/scoreboard.hpp"

namespace tern::tcp {

// How far RFC 5682 has got after a timeout.
enum class Frto : uint8_t {
  kOff,       // nothing to find out
  kHeadSent,  // only the segment at SND.UNA was sent again
  kNewSent,   // its acknowledgment was answered by new text
};

struct Recovery {
  Scoreboard board;
  Delivery delivery;  // of the acknowledgment that is being processed
  // Proportional rate reduction, RFC 6937 section 3: since fast recovery began.
  uint32_t delivered = 0;        // prr_delivered, bytes
  uint32_t sent = 0;             // prr_out, bytes
  uint32_t flight_at_start = 0;  // RecoverFS, bytes
  // RFC 8985 section 5.2.
  bool timed = false;              // something has arrived since, so that the next two are set
  Transmission newest;             // RACK.xmit_ts and RACK.end_seq: of what has arrived, what was sent last
  uint32_t rtt_us = 0;             // RACK.rtt
  std::optional<Seq> dsack_round;  // RACK.dsack_round: SND.NXT when the reordering window grew last
  // RFC 8985 section 7.4.
  bool probing = false;      // a tail loss probe is unanswered
  bool probe_again = false;  // TLP.is_retrans
  Seq probe_end;             // TLP.end_seq
  // What a reduction is taken back to (RFC 4015 section 3.2) if one of undo.cpp's three signs is seen.
  bool may_undo = false;
  bool first_answer = false;  // no acknowledgment of something new has come since
  uint32_t undo_ts = 0;       // timestamp of the first retransmission (RFC 3522)
  uint32_t undo_cwnd = 0;     // bytes
  uint32_t undo_ssthresh = 0;
  Seq undo_start;           // SND.UNA at the reduction
  Seq undo_end;             // SND.NXT at the reduction
  Seq undo_until;           // SND.NXT when all was mended: no sign of use comes later
  uint32_t undo_again = 0;  // bytes sent again since
  uint32_t undo_twice = 0;  // of those, bytes that the peer says came twice
  Frto frto = Frto::kOff;
};

}  // namespace tern::tcp
