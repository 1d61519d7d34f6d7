// SPDX-License-Identifier: BSD-3-Clause
// What few connections have: the state of rare features. One slot of a pool for all of it, taken when first
// needed and kept until the connection is released, but for Fast Open, which gives one that only it used back
// with the handshake. Options that their user chose for them alone are a Config of their own at the slot's
// place, see socket_options.hpp.
#pragma once

#include "tcp/config.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/info.hpp"
#include "tcp/seq.hpp"
#include "tcp/window_validation.hpp"

namespace tern::tcp {

// How far the receive buffer of a flow in bulk has grown, and what that goes by: see receive_tuning.cpp.
struct ReceiveTuning {
  uint32_t granted = 0;  // bytes beyond the initial buffer
  bool begun = false;
  Seq round_from;               // up to here the user had taken text when the round trip began
  uint32_t round_began_us = 0;  // see stamp_of()
  uint32_t taken_most = 0;      // bytes in a round trip, the most so far
  Seq window_end;               // right edge when the window began
  uint32_t window_began_us = 0;
  uint32_t window_us = 0;  // that a window's worth took to come, the least so far; 0: not known
};

// After so long a path that was found narrow is tried again (RFC 1191 section 6.3).
constexpr net::Duration kPathBelieved = std::chrono::minutes(10);

struct Extra {
  uint16_t profile = 0;  // of its service, where the connection has a Config of its own

  // For the user timeout: the retransmission timer has run out, and what it waits for was due since.
  bool stalled = false;
  net::Instant stalled_since;

  // RFC 5482: the peer's advice, as on the wire, 0: none; whether our user has chosen, so that it counts no
  // more (CHANGEABLE is false).
  uint16_t peer_user_timeout = 0;
  bool user_timeout_chosen = false;

  // Text up to this number is held back by no cork. And until SND.UNA moves on from where it stood, the user
  // is about to write more.
  Seq pushed;
  bool more = false;
  Seq more_una;

  ReceiveTuning tuning;
  WindowValidation validation;

  // Where Config::account_limits is set: what holds text back, since when, and for how long it did before.
  LimitedBy limited_by = LimitedBy::kIdle;
  net::Instant limited_since;
  LimitTimes limit_times{};

  bool borrowed = false;  // nobody but Fast Open has a use for it
  FastOpenAttempt fast_open;
  // Path MTU discovery, as MSS options say it: text and TCP options. 0: nothing is known.
  uint16_t full_mss = 0;  // what the ends agreed on, which a narrow path bounds
  uint16_t path_mss = 0;
  net::Instant widen_at = net::Instant::never();  // when path_mss is too old to be believed
  Seq mss_since;                                  // SND.NXT when the segments' size last changed
  uint16_t doubtful_mss = 0;  // what a message says that a timeout must confirm, while SND.UNA stays
  Seq doubtful_una;

  // Its search by probes: between what got through and what did not.
  bool searching = false;
  bool halving = false;  // the largest of all did not
  uint16_t search_low = 0;
  uint16_t search_high = 0;
  uint16_t probe_mss = 0;  // of the probe that is under way, see kHoldMtuProbe: [probe_start, probe_end)
  Seq probe_start;
  Seq probe_end;
};

}  // namespace tern::tcp
