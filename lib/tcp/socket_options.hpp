// SPDX-License-Identifier: BSD-3-Clause
// Options that a user may choose for one connection: RFC 9293 section 3.9.1. Each is a field of Config; a
// connection that has chosen any has a Config of its own, so that nothing on the data path asks whether.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tcp/config.hpp"
#include "tcp/error.hpp"

namespace tern::tcp {

// In brackets the name of the socket API's counterpart.
enum class Option : uint8_t {
  kNoDelay,            // 1: small segments go at once, without Nagle (MUST-17) [TCP_NODELAY]
  kCork,               // 1: segments that are not full wait for more text [TCP_CORK]
  kKeepAlive,          // 1: ask a silent peer (section 3.8.4) [SO_KEEPALIVE]
  kKeepAliveIdle,      // seconds of silence before that, 1 to 32400 [TCP_KEEPIDLE]
  kKeepAliveInterval,  // seconds between probes, 1 to 32400 [TCP_KEEPINTVL]
  kKeepAliveCount,     // probes without an answer, 1 to 255 [TCP_KEEPCNT]
  kUserTimeout,  // milliseconds that text may go unacknowledged, 0 (no limit) to 32400000 [TCP_USER_TIMEOUT]
  kUserTimeoutOption,  // 1: tell the peer of it, and take its advice (RFC 5482)
  kRetransmitLimit,    // retransmissions in a row, R2 of section 3.8.3, 1 to 255 (MUST-21)
  kSynRetries,         // the same of our SYN, 1 to 255 (MUST-23) [TCP_SYNCNT]
  kCongestion,         // kCubic or kNewReno; see congestion_named() [TCP_CONGESTION]
  kTimeToLive,         // of segments, 1 to 255 (MUST-49) [IP_TTL]
  kDscp,               // differentiated services code point, 0 to 63 (MUST-48) [IP_TOS >> 2]
  kReceiveBuffer,      // bytes of unread text, 1 to 2^30, which then no longer follows the flow [SO_RCVBUF]
  kLinger,             // milliseconds for the last text after close(); 0 drops it, -1: no bound [SO_LINGER]
  kSendBuffer,         // bytes unsent and unacknowledged, 1 to 2^30 [SO_SNDBUF]
  kAccountLimits,      // 1: Info tells for how long what held text back (RFC 4898)
};

// Sets one in a Config: kInvalid, and nothing is changed, when the value is out of its range.
Error set_option(Config& config, Option option, int64_t value);
int64_t get_option(const Config& config, Option option);

// The congestion control of that name, as the configuration calls it.
std::optional<Congestion> congestion_named(std::string_view name);
const char* name_of(Congestion congestion);

}  // namespace tern::tcp
