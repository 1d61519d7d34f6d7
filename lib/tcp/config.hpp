// SPDX-License-Identifier: BSD-3-Clause
// What an operator may choose about TCP, per service.
#pragma once

#include <cstdint>

#include "net/instant.hpp"
#include "tcp/congestion.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

// Whether SYNs are answered by cookies (RFC 4987 section 3.6), which keep no state, or put in the SYN queue.
enum class Cookies : uint8_t {
  kAlways,
  kWhenFull,  // once the SYN queue is
  kNever,     // a SYN that finds the queue full is dropped
};

// Whether what a path takes is found by probes, besides what ICMP says: RFC 4821, RFC 8899.
enum class MtuProbing : uint8_t {
  kOff,
  kBlackHole,  // once timeouts in a row suggest that large segments vanish
  kAlways,     // from base_mss on
};

// RFC 9293 section 3.8.4.
struct KeepAlive {
  bool on = false;                                    // MUST-25
  net::Duration idle = std::chrono::hours(2);         // silence of the peer before the first probe (MUST-28)
  net::Duration interval = std::chrono::seconds(75);  // between probes
  uint8_t count = 9;                                  // probes in a row without an answer (MUST-29)
  friend bool operator==(const KeepAlive&, const KeepAlive&) = default;
};

// What the IP header of segments says of them.
struct IpMarking {
  uint8_t time_to_live = 64;  // RFC 9293 MUST-49
  uint8_t dscp = 0;           // differentiated services code point, 0 to 63 (RFC 2474; RFC 9293 MUST-48)
  friend bool operator==(const IpMarking&, const IpMarking&) = default;
};

constexpr uint32_t kNoLimit = 0xffffffffu;

// RFC 3168, as Linux's tcp_ecn counts them: 0, 2, 1.
enum class Ecn : uint8_t {
  kOff,
  kAccept,  // where the peer asks for it
  kOn,      // our SYNs ask for it too
};

struct Config {
  // Maximum segment lifetime; TIME-WAIT lasts twice as long (RFC 9293 section 3.4.2 says 2 minutes, the field
  // 30 s).
  net::Duration msl = std::chrono::seconds(30);
  // Connections that we open may take a four-tuple out of TIME-WAIT once our timestamps are later (RFC 6191).
  bool reuse_time_wait = false;
  // Largest text of a segment, both ways; what the path's MTU leaves after the headers of the network and of
  // TCP, 40 bytes over IPv4.
  uint16_t mss = 1460;
  // What a peer takes that states nothing: RFC 9293 section 3.7.1, MUST-15. 1220 over IPv6.
  uint16_t default_mss = 536;
  // The least that ICMP may make of it: whoever forges a message has no smaller segments to gain.
  uint16_t mss_floor = 512;
  MtuProbing mtu_probing = MtuProbing::kBlackHole;
  // What every path is believed to take, where probes begin: as an MSS.
  uint16_t base_mss = 1024;
  // The shift that we offer, 0 to 14 (RFC 7323 section 2); kNoWindowScale: none.
  uint8_t window_scale = 7;
  bool timestamps = true;  // RFC 7323
  bool sack = true;        // RFC 2018
  Ecn ecn = Ecn::kAccept;
  // Times that a SYN asking for ECN is sent again before one without it follows: some path may drop the
  // former (RFC 3168 section 6.1.1.1).
  uint8_t ecn_syn_retries = 0;
  // RFC 1122 section 4.2.3.4: hold back a small segment while text is unacknowledged.
  bool nagle = true;
  // Hold back every segment that is not full, for up to a retransmission timeout; what a user who is about to
  // write more chooses for a connection.
  bool cork = false;
  // Unread text we are ready to hold, in bytes: the largest window that we offer, to who sends so much that
  // it helps. A connection begins with the smaller of this and of receive_buffer_initial; see
  // receive_tuning.cpp.
  uint32_t receive_buffer = 4096 * 1024;
  uint32_t receive_buffer_initial = 64 * 1024;
  // Unacknowledged and unsent text a service may queue, in bytes.
  uint32_t send_buffer = 256 * 1024;
  // Congestion window at the start, in segments (RFC 6928).
  uint16_t initial_window_segments = 10;
  Congestion congestion = Congestion::kCubic;
  // Spread what a window allows over the round trip, in place of bursts; see pacing.cpp.
  bool pacing = false;
  // RFC 5681 section 4.1: begin with the initial window again after a pause of a retransmission timeout.
  bool restart_after_idle = true;
  // RFC 7661 in its place: a window that is not used is kept, does not grow, is halved each five minutes, and
  // a loss is answered by what was used; see window_validation.cpp. BBR goes by its model.
  bool window_validation = false;
  // RFC 6298. Its floor of 1 s is a SHOULD that no stack follows; 200 ms is the field's choice.
  net::Duration rto_initial = std::chrono::seconds(1);
  net::Duration rto_min = std::chrono::milliseconds(200);
  net::Duration rto_max = std::chrono::seconds(60);
  // Expiries in a row after which the connection is given up (R2 of RFC 9293 section 3.8.3).
  uint8_t retransmit_limit = 15;
  // The same for SYNs of ours: with a first timeout of 1 s seven last for 183 s (MUST-23: at least 3
  // minutes).
  uint8_t syn_retries = 7;
  Cookies cookies = Cookies::kAlways;
  // Half-open passive connections that a service keeps, where cookies do not answer all SYNs.
  uint32_t syn_backlog = 1024;
  // Times that a SYN-ACK is sent again before its half-open connection is forgotten.
  uint8_t syn_ack_retries = 5;
  // Passive connections that the service is told of at a time; those beyond wait, established, in the accept
  // queue. 0: each waits until Core::accept() is called.
  uint32_t max_connections = kNoLimit;
  // Connections that may wait so; with as many, SYNs and third segments are dropped.
  uint32_t accept_backlog = 1024;
  // Answer a third segment that finds the accept queue full by RST, rather than drop it.
  bool abort_on_overflow = false;
  // RFC 7413, for connections that a listener accepts and for those that we open.
  FastOpen fast_open_listen = FastOpen::kOff;
  FastOpen fast_open_connect = FastOpen::kOff;
  // Connections that a listener may have opened by Fast Open before their handshakes are done (section 5.1).
  uint32_t fast_open_pending = 256;
  // How long an acknowledgment may wait for company (RFC 9293 section 3.8.6.3: below 500 ms).
  net::Duration delayed_ack = std::chrono::milliseconds(40);
  // Full segments' worth of the peer's first text that are acknowledged without such waiting, since its slow
  // start counts acknowledgments. An initial window and half of the next, as Linux has it.
  uint8_t quick_ack_segments = 16;
  // The most full segments of one burst that one acknowledgment may answer. RFC 5681 section 4.2 says two;
  // each acknowledgment costs a frame, so a burst is merged up to this bound.
  uint8_t ack_every_segments = 8;
  // Challenge ACKs that a connection sends at most, 1 to 63, in each interval (RFC 5961 section 7).
  uint8_t challenge_acks = 10;
  net::Duration challenge_interval = std::chrono::seconds(5);
  // How long text may go unacknowledged once the user has closed: then RST is sent, at once where it is 0;
  // negative: for as long as retransmissions are tried. What a user chooses for a connection.
  net::Duration linger = std::chrono::milliseconds(-1);
  // How long FIN-WAIT-2 may last once the user has closed and reads no more.
  net::Duration fin_wait_2 = std::chrono::seconds(60);
  KeepAlive keep_alive;
  IpMarking marking;
  // Account for what holds text back, and how long: see LimitedBy.
  bool account_limits = false;
  // How long text may go unacknowledged until the connection is given up (RFC 9293 section 3.9.1.1, RFC
  // 5482); 0: until retransmit_limit is reached.
  net::Duration user_timeout{0};
  // RFC 5482: say so to the peer where it is not 0, and take the peer's advice within these limits (L_LIMIT,
  // U_LIMIT). What is taken counts in retransmit_limit's place; the lower limit is never below rto_max.
  bool user_timeout_option = false;
  net::Duration user_timeout_least = std::chrono::seconds(100);
  net::Duration user_timeout_most = std::chrono::hours(1);
};

}  // namespace tern::tcp
