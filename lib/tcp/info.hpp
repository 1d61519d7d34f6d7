// SPDX-License-Identifier: BSD-3-Clause
// What a user may learn of a connection: STATUS of RFC 9293 section 3.9.1.6, and the figures of RFC 4898
// that cost nothing to keep.
#pragma once

#include <array>
#include <cstdint>

#include "net/instant.hpp"
#include "tcp/congestion.hpp"
#include "tcp/tcb.hpp"

namespace tern::tcp {

// What keeps text from leaving (RFC 4898: tcpEStatsPerfSndLimState).
enum class LimitedBy : uint8_t {
  kIdle,        // there is none: all that was written is acknowledged
  kSender,      // there is no more of it, or what there is waits for company
  kSendBuffer,  // the user would have written more, but the send queue was full
  kReceiver,    // the peer's window
  kCongestion,  // the congestion window
};
using LimitTimes = std::array<net::Duration, 5>;  // by LimitedBy

// How loss recovery stands.
enum class LossState : uint8_t { kOpen, kDisorder, kRecovery, kLoss };

struct Info {
  State state = State::kClosed;
  uint16_t service = 0;    // which
  bool half_open = false;  // in the SYN queue
  bool waiting = false;    // in the accept queue
  bool timestamps = false;
  bool sack = false;
  bool window_scale = false;
  bool ecn = false;           // RFC 3168
  bool syn_text = false;      // text went with our SYN and was taken, or came with the peer's (RFC 7413)
  uint8_t send_scale = 0;     // the peer's shift
  uint8_t receive_scale = 0;  // ours
  Congestion congestion = Congestion::kCubic;  // what controls it
  LossState loss_state = LossState::kOpen;
  LimitedBy limited_by = LimitedBy::kIdle;
  LimitTimes limit_times{};     // all zero unless Config::account_limits is set
  uint8_t expiries = 0;         // of the retransmission timer in a row
  uint16_t mss = 0;             // bytes of text in a full segment
  uint16_t advertised_mss = 0;  // bytes, what our SYN says that we take
  uint32_t rtt_us = 0;          // smoothed, microseconds; 0 before the first measurement
  uint32_t rttvar_us = 0;
  net::Duration rto{0};             // backed off
  uint32_t cwnd = 0;                // bytes
  uint32_t ssthresh = 0;            // bytes; 0x7fffffff before the first loss
  uint32_t flight = 0;              // bytes sent and not acknowledged
  uint32_t unsent = 0;              // bytes written and not sent
  uint32_t unread = 0;              // bytes received in order and not read
  uint32_t send_window = 0;         // bytes, as the peer announced last
  uint32_t receive_window = 0;      // bytes, as we announced last
  uint32_t retransmissions = 0;     // segments, up to 65535
  uint32_t bytes_sent = 0;          // modulo 2^32, as sequence numbers are; each once
  uint32_t bytes_acknowledged = 0;  // likewise
  uint32_t bytes_received = 0;      // likewise
  net::Duration silence{0};         // since the peer was heard last, in steps of 4.2 ms
  // What the peer advises as our user timeout, whether that counts or not (RFC 5482); 0: nothing.
  net::Duration peer_user_timeout{0};
};

}  // namespace tern::tcp
