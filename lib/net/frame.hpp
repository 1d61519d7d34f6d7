// SPDX-License-Identifier: BSD-3-Clause
// One received frame taken apart down to where TCP begins: Ethernet, ARP, IPv4, ICMP.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"
#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/drop.hpp"
#include "net/ethernet.hpp"
#include "net/ipv4.hpp"

namespace tern::net {

constexpr uint16_t kMinTcpHeaderLength = 20;  // RFC 9293 section 3.1: without options

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
  // Of TCP's options and text, where parse_usual_frame() has summed them up; else of nothing.
  ChecksumSum behind_tcp_header;
};

// Takes a whole frame apart and verifies every checksum that the port has not, TCP's and ICMP's included.
// Whether the destination is an address of ours is the caller's to decide. Returns kNone and fills frame, or
// the reason to drop.
Drop parse_frame(std::span<const uint8_t> bytes, Verified verified, Frame& frame);

// The same for the frame that nearly all are: IPv4 without options and in one piece, TCP, and nothing wrong
// with it. Returns true and fills frame as parse_frame() would, which would return kNone; or false, and then
// only parse_frame() can tell what the frame is. Each term is zero when the frame is such a one; gathered
// with
// '|' they make a branch for what it says and one for its checksums.
inline bool parse_usual_frame(std::span<const uint8_t> bytes, Verified verified, Frame& frame) {
  constexpr uint16_t kL4 = ethernet::kHeaderLength + ipv4::kHeaderLength;
  if (bytes.size() < kL4 + kMinTcpHeaderLength) return false;
  const uint8_t* const ip = bytes.data() + ethernet::kHeaderLength;
  const uint32_t total_length = load_be16(ip + ipv4::kTotalLength);
  const uint32_t type_and_version = load_be32(bytes.data() + ethernet::kType);
  frame.content = Content::kTcp;
  frame.l3_offset = ethernet::kHeaderLength;
  frame.l4_offset = kL4;
  frame.l4_length = static_cast<uint16_t>(total_length - ipv4::kHeaderLength);
  frame.traffic_class = static_cast<uint8_t>(type_and_version);
  frame.source = {load_be32(ip + ipv4::kSource)};
  frame.destination = {load_be32(ip + ipv4::kDestination)};

  // Of class A, B or C, and not of networks 0 and 127: neither unspecified, loopback, multicast nor
  // broadcast.
  const uint32_t class_octet = frame.source.value >> 24;
  const uint32_t unusual = (bytes[ethernet::kSource] & 1u) |  // from a group
                           ((type_and_version >> 8) ^ (uint32_t{kEtherTypeIpv4} << 8 | ipv4::kNoOptions)) |
                           (load_be16(ip + ipv4::kFragment) & ipv4::kFragmentBits) |  // a piece of a packet
                           static_cast<uint32_t>(ip[ipv4::kProtocol] ^ ipv4::kProtocolTcp) |
                           static_cast<uint32_t>(total_length < ipv4::kHeaderLength + kMinTcpHeaderLength) |
                           static_cast<uint32_t>(total_length > bytes.size() - ethernet::kHeaderLength) |
                           static_cast<uint32_t>(class_octet - 1 >= 0xe0 - 1) |
                           static_cast<uint32_t>(class_octet == 127) |
                           static_cast<uint32_t>(frame.destination.value >= 0xe0000000);
  if (unusual != 0) return false;

  ChecksumSum header;
  header.add<ipv4::kHeaderLength>(ip);
  if (!verified.ipv4_checksum && !header.holds()) return false;
  if (verified.l4_checksum) return true;
  ChecksumSum segment;
  segment.add<2 * sizeof(Ipv4Address)>(ip + ipv4::kSource);
  segment.add_word(static_cast<uint16_t>(ipv4::kProtocolTcp + frame.l4_length));
  segment.add<kMinTcpHeaderLength>(ip + ipv4::kHeaderLength);
  if (frame.l4_length != kMinTcpHeaderLength) {
    frame.behind_tcp_header.add(
        bytes.subspan(kL4 + kMinTcpHeaderLength, frame.l4_length - kMinTcpHeaderLength));
    segment.add(frame.behind_tcp_header);
  }
  return segment.holds();
}

}  // namespace tern::net
