// SPDX-License-Identifier: BSD-3-Clause
// The TCP header: from bytes and to bytes. RFC 9293 section 3.1.
#pragma once

#include <cstdint>
#include <span>

#include "net/checksum.hpp"
#include "net/drop.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

// Parses a whole segment, header and text, as IP delivered it. Returns kNone, fills all of segment (blocks
// beyond sack_count excepted) and sets text_offset to the first byte of text; or the reason to drop:
// kTcpTooShort, kTcpDataOffsetSmall, kTcpDataOffsetLarge, or kTcpPortZero (RFC 6335 section 6: port 0 is
// reserved). Malformed options never drop a segment: parsing of options stops there and what was read before
// stands (RFC 9293 section 3.1, MUST-6, MUST-7). The checksum is not looked at.
net::Drop parse_segment(std::span<const uint8_t> bytes, Segment& segment, uint32_t& text_offset);

struct Ports {
  uint16_t source;
  uint16_t destination;
};
// The ports of a segment of at least four bytes.
Ports parse_ports(const uint8_t* bytes);

// Writes header.length() bytes, checksum and urgent pointer zero; returns their sum.
net::ChecksumSum write_header(const SegmentHeader& header, Ports ports, uint8_t* bytes);

}  // namespace tern::tcp
