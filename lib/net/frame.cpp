// SPDX-License-Identifier: BSD-3-Clause
// One received frame taken apart: Ethernet, IPv4, and the checksum of what IPv4 carries.
#include "net/frame.hpp"

#include <algorithm>
#include <cstddef>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/ethernet.hpp"
#include "net/icmp.hpp"
#include "net/ipv4.hpp"

namespace tern::net {
namespace {

// RFC 9293 section 3.1, and MUST-57: a segment to a group is no connection's.
Drop check_tcp(std::span<const uint8_t> segment, bool checksum_verified, const Frame& frame) {
  if (segment.size() < kMinTcpHeaderLength) [[unlikely]]
    return Drop::kTcpTooShort;
  if (frame.destination.is_multicast() || frame.destination.is_broadcast()) [[unlikely]]
    return Drop::kTcpGroup;
  if (checksum_verified) return Drop::kNone;
  auto sum = pseudo_header(frame.source, frame.destination, ipv4::kProtocolTcp, frame.l4_length);
  sum.add(segment);
  return sum.finish() == 0 ? Drop::kNone : Drop::kTcpChecksum;
}

Drop check_icmp(std::span<const uint8_t> message, bool checksum_verified) {
  if (message.size() < kIcmpHeaderLength) return Drop::kIcmpTooShort;
  return checksum_verified || checksum(message) == 0 ? Drop::kNone : Drop::kIcmpChecksum;
}

Drop parse_ipv4(std::span<const uint8_t> bytes, Verified verified, Frame& frame) {
  Ipv4Header header;
  const auto packet = bytes.subspan(ethernet::kHeaderLength);
  const Drop fault = parse_ipv4_header(packet, verified.ipv4_checksum, header);
  if (fault != Drop::kNone) [[unlikely]]
    return fault;

  frame.l4_offset = static_cast<uint16_t>(ethernet::kHeaderLength + header.header_length);
  frame.l4_length = static_cast<uint16_t>(header.total_length - header.header_length);
  frame.traffic_class = header.traffic_class;
  frame.source = header.source;
  frame.destination = header.destination;

  const auto payload = bytes.subspan(frame.l4_offset, frame.l4_length);
  if (header.protocol == ipv4::kProtocolTcp) [[likely]] {
    frame.content = Content::kTcp;
    return check_tcp(payload, verified.l4_checksum, frame);
  }
  if (header.protocol != ipv4::kProtocolIcmp) return Drop::kIpv4Protocol;
  frame.content = Content::kIcmp;
  return check_icmp(payload, verified.l4_checksum);
}

}  // namespace

Drop parse_frame(std::span<const uint8_t> bytes, Verified verified, Frame& frame) {
  if (bytes.size() < ethernet::kHeaderLength) [[unlikely]]
    return Drop::kFrameTooShort;
  if (source_mac(bytes.data()).is_group()) [[unlikely]]
    return Drop::kFrameSource;
  frame.l3_offset = ethernet::kHeaderLength;

  switch (load_be16(bytes.data() + ethernet::kType)) {
    [[likely]] case kEtherTypeIpv4 : return parse_ipv4(bytes, verified, frame);
    case kEtherTypeArp:
      frame.content = Content::kArp;
      frame.l4_offset = frame.l3_offset;
      frame.l4_length = static_cast<uint16_t>(std::min<size_t>(bytes.size() - frame.l3_offset, UINT16_MAX));
      return Drop::kNone;
    case kEtherTypeVlan:
    case kEtherTypeServiceVlan:
      return Drop::kVlanUnknown;
    default:
      return Drop::kEtherTypeUnknown;
  }
}

}  // namespace tern::net
