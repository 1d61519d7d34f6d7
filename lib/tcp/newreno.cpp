// SPDX-License-Identifier: BSD-3-Clause
// The congestion avoidance of RFC 5681 section 3.1, which NewReno's recovery goes with.
#include <algorithm>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

void slow_start(Connection& connection, uint32_t acknowledged, Core&) { connection.tcb.cwnd += acknowledged; }

uint32_t reduce(Connection& connection, uint32_t flight, Core&) {  // equation (4)
  return std::max(flight / 2, 2u * connection.tcb.mss);
}

void time_out(Connection&, Core&) {}

void undo(Connection&, Core&) {}

void resize(Connection&, Core&) {}

// A segment for each window, counted in bytes (RFC 3465).
void avoid(Connection& connection, uint32_t acknowledged, Core&) {
  Tcb& tcb = connection.tcb;
  tcb.bytes_acked_in_round += acknowledged;
  if (tcb.bytes_acked_in_round >= tcb.cwnd) {
    tcb.bytes_acked_in_round -= tcb.cwnd;
    tcb.cwnd += tcb.mss;
  }
}

}  // namespace

const CongestionControl kNewRenoControl{begin_paced, slow_start, reduce, time_out,
                                        undo,        resize,     avoid,  window_pacing_rate};

}  // namespace tern::tcp
