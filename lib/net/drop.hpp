// SPDX-License-Identifier: BSD-3-Clause
// Why a received frame goes no further: every drop has one of these reasons, and every reason a counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/counter.hpp"

namespace tern::net {

// X(identifier, counter's name, sentence)
// One line a reason, whatever its length.
// clang-format off
#define TERN_DROP_REASONS(X)                                                                                         \
  X(kFrameSegmented, "frame_segmented", "The frame came in several buffers; tern receives one buffer per frame.")    \
  X(kFrameTooShort, "frame_too_short", "Fewer bytes than an Ethernet header.")                                       \
  X(kFrameNotOurs, "frame_not_ours", "Unicast destination address of another station.")                              \
  X(kFrameSource, "frame_source", "Source address is a group's, which no station has (IEEE 802.3 clause 3.2.3).")    \
  X(kFrameGroup, "frame_group", "Sent to a group of stations, though to one of our addresses (RFC 1122 3.3.6).") \
  X(kVlanUnknown, "vlan_unknown", "Tagged with a VLAN that the port does not serve.")                                \
  X(kEtherTypeUnknown, "ether_type_unknown", "Neither ARP nor IPv4.")                                                \
  X(kArpMalformed, "arp_malformed", "ARP too short, not Ethernet and IPv4, neither request nor reply (RFC 826).")    \
  X(kArpUnwanted, "arp_unwanted", "ARP for an address that is not ours, or an unasked reply.")                       \
  X(kArpConflict, "arp_conflict", "ARP by which another station claims an address of ours (RFC 5227 2.4).") \
  X(kIpv4TooShort, "ipv4_too_short", "Fewer bytes than an IPv4 header.")                                             \
  X(kIpv4Version, "ipv4_version", "Version field is not 4.")                                                         \
  X(kIpv4HeaderLength, "ipv4_header_length", "Header length below five words or beyond the packet.")                 \
  X(kIpv4TotalLength, "ipv4_total_length", "Total length below the header's or beyond the frame.")                   \
  X(kIpv4Checksum, "ipv4_checksum", "Header checksum does not hold.")                                                \
  X(kIpv4Source, "ipv4_source", "Source is multicast, broadcast, loopback or unspecified (RFC 1122 3.2.1.3).")       \
  X(kIpv4NotOurs, "ipv4_not_ours", "Destination is not an address of ours; tern does not forward.")                  \
  X(kIpv4Fragment, "ipv4_fragment", "Part of a fragmented packet.")                                                  \
  X(kIpv4SourceRoute, "ipv4_source_route", "Carries a source route option (RFC 7126 section 4.3, 4.4).")             \
  X(kIpv4Protocol, "ipv4_protocol", "Protocol is neither TCP nor ICMP.")                                             \
  X(kIcmpTooShort, "icmp_too_short", "Fewer bytes than an ICMP header.")                                             \
  X(kIcmpChecksum, "icmp_checksum", "ICMP checksum does not hold.")                                                  \
  X(kIcmpUnhandled, "icmp_unhandled", "An ICMP type that needs no answer and changes nothing.")                      \
  X(kIcmpSourceQuench, "icmp_source_quench", "ICMP source quench, which means nothing any more (RFC 6633).") \
  X(kIcmpQuote, "icmp_quote", "An ICMP error that quotes no segment of ours, or too little of it.") \
  X(kTcpTooShort, "tcp_too_short", "Fewer bytes than a TCP header.")                                                 \
  X(kTcpDataOffsetSmall, "tcp_data_offset_small", "Data offset below five words.")                                   \
  X(kTcpDataOffsetLarge, "tcp_data_offset_large", "Data offset beyond the segment.")                                 \
  X(kTcpPortZero, "tcp_port_zero", "Source or destination port 0.")                                                  \
  X(kTcpChecksum, "tcp_checksum", "TCP checksum does not hold.")                                                     \
  X(kTcpGroup, "tcp_group", "TCP to a multicast or broadcast address (RFC 9293 MUST-57).")                           \
  X(kWorkerFull, "worker_full", "Of a connection of another worker, for which too many frames were waiting.") \
  X(kReplyImpossible, "reply_impossible", "An answer was due and the port's transmit queue was full.")
// clang-format on

enum class Drop : uint8_t {
  kNone,
#define TERN_ENUM(identifier, name, help) identifier,
  TERN_DROP_REASONS(TERN_ENUM)
#undef TERN_ENUM
      kCount
};
constexpr size_t kDropReasons = static_cast<size_t>(Drop::kCount);

// Indexed by Drop; [0] is unused.
inline constexpr std::array<CounterDescription, kDropReasons> kDropDescriptions = {
    {{"none", "frames", "Unused."},
#define TERN_DESCRIBE(identifier, name, help) {name, "frames", help},
     TERN_DROP_REASONS(TERN_DESCRIBE)
#undef TERN_DESCRIBE
    }};

using DropCounters = std::array<Counter, kDropReasons>;

}  // namespace tern::net
