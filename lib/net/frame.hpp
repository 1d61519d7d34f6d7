// SPDX-License-Identifier: BSD-3-Clause
// One received frame taken apart down to where TCP begins: Ethernet, ARP, IPv4, ICMP.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"
#include "net/drop.hpp"

namespace tern::net {

enum class Content : uint8_t { kArp, kIcmp, kTcp };

// What the receiving port vouches for already; what it does not is verified in software.
struct Verified {
  bool ipv4_checksum = false;
  bool l4_checksum = false;
};

// Offsets are from the frame's first byte.
struct Frame {
  Content content = Content::kTcp;
  uint16_t l3_offset = 0;
  uint16_t l4_offset = 0;  // for kArp: same as l3_offset
  uint16_t l4_length = 0;  // header and text, without Ethernet's padding; for kArp: what the frame has left
  uint8_t traffic_class = 0;  // DSCP and ECN; for kArp: unset
  Ipv4Address source;         // unset for kArp
  Ipv4Address destination;
};

// Takes a whole frame apart and verifies every checksum that the port has not, TCP's and ICMP's included.
// Whether the destination is an address of ours is the caller's to decide. Returns kNone and fills frame, or
// the reason to drop.
Drop parse_frame(std::span<const uint8_t> bytes, Verified verified, Frame& frame);

}  // namespace tern::net
