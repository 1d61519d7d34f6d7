// SPDX-License-Identifier: BSD-3-Clause
// The transmission control block: RFC 9293 section 3.3.1, laid out by how often a line is touched.
//
// What the fast path's predicate reads lies in the first 64 bytes, what sending needs in the second, the rest
// in the third. Three cache lines; an idle connection owns nothing else but its flow table entry and its
// path, and may do with less: see dormant.hpp.
#pragma once

#include <cstdint>

#include "net/instant.hpp"
#include "net/packet.hpp"
#include "tcp/deadline.hpp"
#include "tcp/pool.hpp"
#include "tcp/segment.hpp"
#include "tcp/seq.hpp"

namespace tern::tcp {

// RFC 9293 section 3.3.2. LISTEN and the passive half of SYN-RECEIVED never occupy a TCB while cookies answer
// SYNs.
enum class State : uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};
constexpr uint32_t kStates = 11;
const char* state_name(State state);  // as netstat names them: "ESTABLISHED", "FIN-WAIT-1"

// Why a connection ended, as its service is told.
enum class CloseReason : uint8_t {
  kNone,
  kFinished,            // both directions were closed and acknowledged
  kResetByPeer,         // ECONNRESET
  kAborted,             // we sent RST
  kTimedOut,            // ETIMEDOUT
  kRefused,             // ECONNREFUSED: RST in answer to our SYN
  kUnreachable,         // EHOSTUNREACH: nobody on the link answers for the peer's address, or ICMP said so
  kNetworkUnreachable,  // ENETUNREACH: ICMP said so, and nothing else came
};

// Lasting facts about a connection.
enum ConnectionFlag : uint16_t {
  kTimestampsOn = 0x01,   // Snd.TS.OK of RFC 7323
  kSackOn = 0x02,         // RFC 2018
  kWindowScaleOn = 0x04,  // Snd.Wind.Scale and Rcv.Wind.Scale apply
  kFinQueued = 0x08,      // the user will send no more
  kFinSent = 0x10,        // SND.NXT lies beyond our FIN
  kFinReceived = 0x20,    // RCV.NXT lies beyond the peer's FIN
  kReadClosed = 0x40,     // the user will read no more: text now means RST
  kRttTimed = 0x80,       // a segment is being timed
  kServed = 0x100,        // passive, and its service has been told: one of max_connections
  // RFC 7413:
  kFastOpenPending = 0x200,  // its service heard of it with the SYN, whose handshake is not done
  kSynTextTaken = 0x400,     // text in the SYN was taken, all of it where the SYN was ours
  kDeparturesNoted = 0x800,  // it is paced, or congestion control notes when what was sent
  // RFC 3168. The last two lie so that a shift by eight makes them the header's control bits.
  kEcnReduced = 0x1000,  // RECOVER marks a reduction for ECN, not a loss
  kEcnOn = 0x2000,       // both ends have agreed on it
  kEcnEcho = 0x4000,     // ACKs carry ECE, until CWR comes
  kEcnAnswer = 0x8000,   // the next new text carries CWR: the congestion window was reduced
};

constexpr int kEcnShift = 8;
static_assert(kEcnEcho >> kEcnShift == kEce && kEcnAnswer >> kEcnShift == kCwr);

// Rare things under way, any of which keeps segments off the fast path.
enum Hold : uint16_t {
  kHoldState = 0x01,          // not ESTABLISHED
  kHoldReassembly = 0x02,     // text beyond RCV.NXT is kept
  kHoldFastRecovery = 0x04,   // RFC 6675, or RFC 6582 without SACK
  kHoldLossRecovery = 0x08,   // after a retransmission timeout
  kHoldPersist = 0x10,        // the peer's window is closed and text waits
  kHoldDuplicates = 0x20,     // duplicate ACKs were counted
  kHoldHalfOpen = 0x40,       // in a listener's SYN queue: its service has not heard of it
  kHoldScoreboard = 0x80,     // it is known what became of what is in flight, see Recovery
  kHoldKeepAlive = 0x100,     // a keep-alive is unanswered
  kHoldWaiting = 0x200,       // in the accept queue: its service has not heard of it
  kHoldMtuProbe = 0x400,      // a segment larger than the rest is under way, see path_probing.cpp
  kHoldText = 0x800,          // new text waits until there is room for such a one
  kHoldRate = 0x8000,         // each acknowledgment tells of the delivery rate, see bbr_control.cpp
  kHoldOrphan = 0x1000,       // closed by its user, and not all of it is acknowledged yet
  kHoldLinger = 0x2000,       // and the idle deadline bounds how long that may last
  kHoldUserTimeout = 0x4000,  // the next segment with room for it tells the peer of our user timeout
};

// What arrival, calls and timers leave for the end of the burst.
enum Mark : uint16_t {
  kMarkReady = 0x001,           // is in the ready list
  kMarkAckNow = 0x002,          // acknowledge without waiting for company
  kMarkRetransmitHead = 0x004,  // send the segment at SND.UNA again
  kMarkProbe = 0x008,      // send a byte, or what the window takes, against SWS avoidance; or a keep-alive
  kMarkReset = 0x010,      // send RST and be gone
  kMarkHandshake = 0x020,  // send the SYN, or SYN-ACK, once more
  // For the service:
  kMarkOpened = 0x040,
  kMarkText = 0x080,
  kMarkEnded = 0x100,
  kMarkWritable = 0x200,
  kMarkClosed = 0x400,
  kMarkDoubted = 0x8000,
  kMarkWantsRoom = 0x800,  // the service was refused room in the send queue
  // Loss recovery's:
  kMarkEarlyTimer = 0x1000,  // the retransmission timer runs out before the timeout, see rack.cpp
  kMarkTailProbe = 0x2000,   // send a tail loss probe
  kMarkMtuProbe = 0x4000,    // send a larger segment once there is text and window enough
};
constexpr uint16_t kServiceMarks =
    kMarkOpened | kMarkText | kMarkEnded | kMarkWritable | kMarkDoubted | kMarkClosed;

constexpr uint32_t kNoReassembly = 0xffffffffu;

struct alignas(64) Tcb {
  // --- line 0: read for every segment ---
  struct {
    Seq una;           // SND.UNA: oldest unacknowledged
    Seq nxt;           // SND.NXT: next to be sent; never moves back, retransmission has its own cursor
    uint32_t wnd = 0;  // SND.WND, scaled, in bytes
    Seq wl1;           // SND.WL1: SEG.SEQ of the last window update
    Seq wl2;           // SND.WL2: SEG.ACK of it
  } snd;
  struct {
    Seq nxt;           // RCV.NXT
    uint32_t wnd = 0;  // RCV.WND: up to the right edge announced last, which never moves left
  } rcv;
  uint32_t ts_recent = 0;  // TS.Recent
  Seq last_ack_sent;       // Last.ACK.sent
  State state = State::kClosed;
  uint8_t snd_scale : 4 = 0;   // Snd.Wind.Scale: shift for windows that arrive
  uint8_t rcv_scale : 4 = 0;   // Rcv.Wind.Scale: shift for windows that leave
  uint16_t hold = kHoldState;  // Hold bits
  uint16_t flags = 0;          // ConnectionFlag bits
  uint16_t marks = 0;          // Mark bits
  uint8_t segments_owed = 0;   // segments with text since we acknowledged last, up to 255
  uint8_t duplicate_acks_owed = 0;
  uint16_t profile = 0;            // which Config, and which service
  uint32_t unread = 0;             // bytes in receive_queue
  uint32_t ts_offset = 0;          // our timestamps are the core's clock plus this
  net::PacketQueue receive_queue;  // text in order that the service has not taken

  // --- line 1: sending ---
  alignas(64) net::PacketQueue send_queue;  // text from the packet that holds SND.UNA on
  rte_mbuf* unsent = nullptr;               // the packet that holds SND.NXT; null when all text is sent
  Seq send_end;                             // one past the last byte queued, which is our FIN's number
  uint32_t cwnd = 0;                        // bytes
  uint32_t ssthresh = 0;                    // bytes
  uint32_t srtt_us = 0;                     // RFC 6298, microseconds; 0 before the first sample
  uint32_t rttvar_us = 0;
  uint32_t max_wnd = 0;             // the largest window the peer ever offered (RFC 9293 section 3.8.6.2.1)
  Deadline retransmit_deadline;     // retransmission or persist timer
  Deadline fires_at;                // when the wheel's node fires, at the latest
  Seq recover;                      // RFC 6582: SND.NXT when loss was found
  uint16_t mss = 0;                 // the peer's bound on our text with options taken off: Eff.snd.MSS
  uint8_t duplicate_acks = 0;       // received in a row
  uint8_t retransmit_expiries = 0;  // timeouts in a row, the exponent of back-off
  CloseReason close_reason = CloseReason::kNone;
  CloseReason soft_error : 4 = CloseReason::kNone;  // what ICMP has said since something was acknowledged
  bool tail_probed : 1 = false;                     // since the round trip was measured last, see rack.cpp
  uint16_t challenges : 6 = 0;                      // challenge ACKs owed in challenge_epoch
  uint16_t challenge_epoch : 10 = 0;                // the count of Config::challenge_interval
  uint32_t heard_at = 0;  // Core::coarse_now of the last segment that was acceptable

  // --- line 2: seldom ---
  alignas(64) Deadline ack_deadline;  // delayed ACK
  Deadline idle_deadline;             // 2MSL, FIN-WAIT-2; before these keep-alive
  uint64_t user = 0;                  // the service's own word
  uint32_t rtt_started_us = 0;        // when the timed segment left, see stamp_of()
  uint32_t congestion = kNoSlot;      // index in the core's pool
  Seq rtt_seq;                        // the timed segment's end
  Seq iss;
  Seq irs;
  uint32_t recovery = kNoSlot;          // index in the core's pool
  uint32_t extra = kNoSlot;             // index in the core's pool
  Seq small_end;                        // end of the last segment below MSS (Minshall's variant of Nagle)
  uint32_t reassembly = kNoReassembly;  // index in the core's pool
  uint16_t retransmitted = 0;           // segments sent again, up to 65535
  uint8_t reo_wnd = 0;                  // RACK's view of how the path reorders, see rack.cpp; 0: not at all
  uint8_t silent_probes = 0;  // probes of a closed window, or of a silent peer, since the peer was heard last
  uint32_t window_used = 0;   // the most in flight during this round trip, bytes (RFC 7661 section 4.3)
  uint32_t bytes_acked_in_round = 0;  // RFC 5681 section 3.1: toward the next segment of cwnd
};
static_assert(sizeof(Tcb) == 192);

}  // namespace tern::tcp
