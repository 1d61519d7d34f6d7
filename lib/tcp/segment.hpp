// SPDX-License-Identifier: BSD-3-Clause
// A segment as it arrived (SEG.SEQ, SEG.ACK, ... of RFC 9293 section 3.3.1) and the header of one that
// leaves.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tcp/seq.hpp"

namespace tern::tcp {

// Control bits, as they lie in byte 13 of the header (RFC 9293 section 3.1, RFC 3168 for the upper two).
enum Flag : uint8_t {
  kFin = 0x01,
  kSyn = 0x02,
  kRst = 0x04,
  kPsh = 0x08,
  kAck = 0x10,
  kUrg = 0x20,
  kEce = 0x40,
  kCwr = 0x80,
};

// What the network may do with a packet, and has done: the lower two bits of the traffic class (RFC 3168
// section 5).
enum class EcnField : uint8_t {
  kNotCapable = 0,
  kCapable1 = 1,  // ECT(1)
  kCapable0 = 2,  // ECT(0), which is what we send
  kCongested = 3,
};

constexpr EcnField ecn_field(uint8_t traffic_class) { return static_cast<EcnField>(traffic_class & 3); }
constexpr uint8_t traffic_class(EcnField ecn) { return static_cast<uint8_t>(ecn); }  // of no class of service

// A block of data that the receiver holds: [left, right). RFC 2018 section 3.
struct SackBlock {
  Seq left;
  Seq right;
  friend constexpr bool operator==(const SackBlock&, const SackBlock&) = default;
};

constexpr uint8_t kNoWindowScale = 0xff;
constexpr uint8_t kMaxWindowScale = 14;  // RFC 7323 section 2.3
constexpr uint32_t kMaxSackBlocks = 4;
constexpr uint32_t kMaxOptionBytes = 40;
constexpr uint32_t kMinHeaderBytes = 20;
constexpr uint32_t kTimestampOptionBytes = 12;  // NOP, NOP, timestamps

// The Fast Open option of a SYN or SYN-ACK: RFC 7413 section 4.1.1.
struct FastOpenOption {
  enum class Form : uint8_t {
    kAbsent,
    kStandard,      // kind 34
    kExperimental,  // kind 254 with the magic 0xF989, of before the RFC
    kMalformed,  // of a length that no cookie has; to be taken as absent (a MUST), but it tells of the peer
  };
  static constexpr uint8_t kMinCookie = 4;
  static constexpr uint8_t kMaxCookie = 16;

  Form form = Form::kAbsent;
  uint8_t length = 0;                      // of the cookie: 0, which asks for one, or 4 to 16, even
  std::array<uint8_t, kMaxCookie> cookie;  // [0, length) are set

  bool present() const { return form == Form::kStandard || form == Form::kExperimental; }
  bool has_cookie() const { return present() && length != 0; }
  std::span<const uint8_t> bytes() const { return std::span(cookie).first(length); }
};

// An arrived segment: header and options in host byte order. The text itself travels beside it in a Packet.
struct Segment {
  Seq seq;
  Seq ack;
  uint32_t length = 0;  // bytes of text, so without SYN and FIN
  uint16_t wnd = 0;     // as on the wire, not scaled
  uint8_t flags = 0;
  EcnField ecn = EcnField::kNotCapable;  // of the IP header
  uint32_t ts_val = 0;
  uint32_t ts_ecr = 0;
  uint16_t user_timeout = 0;  // RFC 5482, as on the wire; 0: absent
  bool has_timestamps = false;
  uint8_t sack_count = 0;
  // Options that only mean something in a SYN.
  uint16_t mss = 0;                       // 0: absent
  uint8_t window_scale = kNoWindowScale;  // 0 to 14: larger ones were cut to 14
  bool sack_permitted = false;
  FastOpenOption fast_open;
  std::array<SackBlock, kMaxSackBlocks> sacks;  // [0, sack_count) are set

  bool has(Flag flag) const { return (flags & flag) != 0; }
  // RFC 3168 section 6.1.1: a SYN that asks for ECN, a SYN-ACK that agrees to it.
  bool asks_for_ecn() const { return (flags & (kEce | kCwr)) == (kEce | kCwr); }
  bool agrees_on_ecn() const { return (flags & (kEce | kCwr)) == kEce; }
  bool congested() const { return ecn == EcnField::kCongested; }
  // SEG.LEN: sequence numbers it occupies, SYN and FIN included.
  uint32_t sequence_length() const { return length + (has(kSyn) ? 1 : 0) + (has(kFin) ? 1 : 0); }
  Seq end() const { return seq + sequence_length(); }
};

// The header of a segment that leaves, without ports and checksum, which belong to the path.
struct SegmentHeader {
  Seq seq;
  Seq ack;
  uint16_t wnd = 0;  // as on the wire
  uint8_t flags = 0;
  uint8_t option_length = 0;                     // a multiple of four, at most 40
  std::array<uint8_t, kMaxOptionBytes> options;  // [0, option_length) are set

  uint32_t length() const { return kMinHeaderBytes + option_length; }
};

}  // namespace tern::tcp
