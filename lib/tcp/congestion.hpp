// SPDX-License-Identifier: BSD-3-Clause
// Congestion control: what becomes of the congestion window, behind one small interface with a file per
// algorithm. Slow start, recovery and restart after idle are the same for all (RFC 5681, RFC 6937).
#pragma once

#include <cstdint>

#include "net/instant.hpp"
#include "tcp/pool.hpp"

namespace tern::tcp {

class Connection;
class Core;
struct Config;

constexpr uint32_t kNoThreshold = 0x7fffffff;  // ssthresh before anything is known of the path

enum class Congestion : uint8_t { kCubic, kNewReno, kBbr };
inline constexpr const char* kCongestionNames[] = {"cubic", "newreno", "bbr"};  // by Congestion

// What an algorithm keeps to a connection's end, from when its window first grows beyond the initial one or
// is first reduced, or from the start where it is paced: CUBIC's variables of RFC 9438 section 4.1.1, windows
// in segments, and what pacing.cpp and hystart.cpp need.
struct CongestionState {
  double cwnd = 0;                                   // the congestion window with its fraction
  double w_est = 0;                                  // what Reno's window would be
  float w_max = 0;                                   // window before the last reduction; 0: none that counts
  float cwnd_prior = 0;                              //
  float k_seconds = 0;                               // until the curve is back at w_max
  float w_max_before = 0;                            // for a reduction that is taken back
  net::Instant epoch_start = net::Instant::never();  // of this congestion avoidance
  net::Instant grew;                                 // when the window was offered growth last
  uint32_t hystart = kNoSlot;                        // index in the core's pool
  uint32_t bbr = kNoSlot;                            // index in the core's pool
  uint32_t send_at = 0;  // when the next segment may leave, where paced; see pacing.cpp
  bool paced = false;
};
static_assert(sizeof(CongestionState) == 64);

struct CongestionControl {
  // The connection is established.
  void (*begin)(Connection& connection, Core& core);
  // Slow start: so many bytes were acknowledged while the window was in use.
  void (*slow_start)(Connection& connection, uint32_t acknowledged, Core& core);
  // The slow start threshold after a loss, in bytes, of which so many bytes were in flight.
  uint32_t (*reduce)(Connection& connection, uint32_t flight, Core& core);
  // After reduce(), where a retransmission timeout was the reason.
  void (*time_out)(Connection& connection, Core& core);
  // The last reduction is taken back.
  void (*undo)(Connection& connection, Core& core);
  // The connection's segments have another size.
  void (*resize)(Connection& connection, Core& core);
  // Congestion avoidance: so many bytes were acknowledged while the window was in use.
  void (*avoid)(Connection& connection, uint32_t acknowledged, Core& core);
  // Bytes per second at which a connection that is paced may send; 0: at once.
  uint64_t (*pacing_rate)(const Connection& connection, Core& core);
};

extern const CongestionControl kCubicControl;
extern const CongestionControl kNewRenoControl;
extern const CongestionControl kBbrControl;
// Paces the connection if its service is configured so.
void begin_paced(Connection& connection, Core& core);
// RFC 6928 section 2, with the configured number of segments in place of ten; bytes.
uint32_t initial_window(uint16_t mss, const Config& config);
// What a window and the round trip in which it is sent come to, with some to spare: pacing.cpp.
uint64_t window_pacing_rate(const Connection& connection, Core& core);
const CongestionControl& congestion_control(const Connection& connection, const Core& core);

}  // namespace tern::tcp
