// SPDX-License-Identifier: BSD-3-Clause
// Congestion control: what becomes of the congestion window, behind one small interface with a file per
// algorithm. Slow start, recovery and restart after idle are the same for all (RFC 5681, RFC 6937).
#pragma once

#include <cstdint>

#include "net/instant.hpp"

namespace tern::tcp {

class Connection;
class Core;
struct Config;

enum class Congestion : uint8_t { kCubic, kNewReno };  // indices of kCongestionControls

// What an algorithm keeps from a connection's first loss to its end; CUBIC's variables of RFC 9438
// section 4.1.1, windows in segments.
struct CongestionState {
  double w_max = 0;  // window before the last reduction; 0: none that counts
  double cwnd_prior = 0;
  double cwnd = 0;                                   // the congestion window with its fraction
  double w_est = 0;                                  // what Reno's window would be
  double k_seconds = 0;                              // until the curve is back at w_max
  net::Instant epoch_start = net::Instant::never();  // of this congestion avoidance
  double w_max_before = 0;                           // for a reduction that is taken back
  net::Instant grew;                                 // when the window was offered growth last
};

struct CongestionControl {
  const char* name;
  // The slow start threshold after a loss, in bytes, of which so many bytes were in flight.
  uint32_t (*reduce)(Connection& connection, uint32_t flight, Core& core);
  // After reduce(), where a retransmission timeout was the reason.
  void (*time_out)(Connection& connection, Core& core);
  // The last reduction is taken back.
  void (*undo)(Connection& connection, Core& core);
  // Congestion avoidance: so many bytes were acknowledged while the window was in use.
  void (*avoid)(Connection& connection, uint32_t acknowledged, Core& core);
};

extern const CongestionControl kCubicControl;
extern const CongestionControl kNewRenoControl;
// RFC 6928 section 2, with the configured number of segments in place of ten; bytes.
uint32_t initial_window(uint16_t mss, const Config& config);
const CongestionControl& congestion_control(const Connection& connection, const Core& core);

}  // namespace tern::tcp
