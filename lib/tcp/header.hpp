// SPDX-License-Identifier: BSD-3-Clause
// The TCP header: from bytes and to bytes. RFC 9293 section 3.1.
#pragma once

#include <cstdint>
#include <span>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/drop.hpp"
#include "tcp/options.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

struct Ports {
  uint16_t source;
  uint16_t destination;
};
// The ports of a segment of at least four bytes.
inline Ports parse_ports(const uint8_t* bytes) { return {net::load_be16(bytes), net::load_be16(bytes + 2)}; }

// Parses a whole segment, header and text, as IP delivered it. Returns kNone, fills all of segment (blocks
// beyond sack_count excepted, and ecn, which is IP's) and sets text_offset to the first byte of text; or the
// reason to drop: kTcpTooShort, kTcpDataOffsetSmall, kTcpDataOffsetLarge, or kTcpPortZero (RFC 6335 section
// 6: port 0 is reserved). Malformed options never drop a segment: parsing of options stops there and what was
// read before stands (RFC 9293 section 3.1, MUST-6, MUST-7). The checksum is not looked at.
[[gnu::always_inline]] inline net::Drop parse_segment(std::span<const uint8_t> bytes, Segment& segment,
                                                      uint32_t& text_offset) {
  if (bytes.size() < kMinHeaderBytes) return net::Drop::kTcpTooShort;
  const uint8_t* p = bytes.data();
  const uint32_t header_length = (p[12] >> 4) * 4u;
  if (header_length < kMinHeaderBytes) return net::Drop::kTcpDataOffsetSmall;
  if (header_length > bytes.size()) return net::Drop::kTcpDataOffsetLarge;
  const Ports ports = parse_ports(p);
  if ((ports.source == 0) | (ports.destination == 0)) return net::Drop::kTcpPortZero;

  segment.seq = {net::load_be32(p + 4)};
  segment.ack = {net::load_be32(p + 8)};
  segment.flags = p[13];
  segment.wnd = net::load_be16(p + 14);
  segment.length = static_cast<uint32_t>(bytes.size()) - header_length;
  text_offset = header_length;
  parse_options(bytes.subspan(kMinHeaderBytes, header_length - kMinHeaderBytes), segment);
  return net::Drop::kNone;
}

// Writes header.length() bytes, checksum and urgent pointer zero; returns their sum.
net::ChecksumSum write_header(const SegmentHeader& header, Ports ports, uint8_t* bytes);

}  // namespace tern::tcp
