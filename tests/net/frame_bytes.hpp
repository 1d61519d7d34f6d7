// SPDX-License-Identifier: BSD-3-Clause
// Frames made by hand for the tests of lib/net: every field that a test spoils is set, then the checksums
// over it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "net/address.hpp"

namespace tern::test {

using Bytes = std::vector<uint8_t>;

constexpr net::MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr net::MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr net::Ipv4Address kOurAddress{0xc0000202};   // 192.0.2.2
constexpr net::Ipv4Address kPeerAddress{0xc0000201};  // 192.0.2.1

// From the frame's start, without a tag.
constexpr size_t kIp = 14;

// An Ethernet frame from the peer to us.
Bytes ethernet_frame(uint16_t type, const Bytes& payload);

struct Ipv4Spec {
  net::Ipv4Address source = kPeerAddress;
  net::Ipv4Address destination = kOurAddress;
  uint8_t protocol = 6;
  Bytes options{};  // a multiple of four bytes
  Bytes payload{};
  size_t padding = 0;  // bytes of Ethernet padding behind the packet
};
// A frame with an IPv4 packet, its header checksum right.
Bytes ipv4_frame(const Ipv4Spec& spec);

// A TCP segment from port 40000 to port 80 with its checksum right for spec's addresses; text of any length.
Bytes tcp_segment(const Ipv4Spec& spec, std::string_view text);
// The whole frame around such a segment.
Bytes tcp_frame(Ipv4Spec spec, std::string_view text);
// An ICMP message, its checksum right, and the frame around it.
Bytes icmp_frame(Ipv4Spec spec, uint8_t type, uint8_t code, std::string_view text);

// Makes the IPv4 header's checksum right again after a test changed the header.
void mend_ipv4_checksum(Bytes& frame);

// RFC 1071 by the letter, two bytes at a time: what the fast one is held against.
uint16_t plain_checksum(const Bytes& bytes);

}  // namespace tern::test
