// SPDX-License-Identifier: BSD-3-Clause
// The TCP header: from bytes and to bytes. RFC 9293 section 3.1.
#pragma once

#include <cstdint>
#include <span>

#include "tcp/segment.hpp"

namespace tern::tcp {

// Why a TCP header is not one; kNone when it is. Each has a counter of the same name in the drop counters of lib/stack.
enum class HeaderFault : uint8_t {
  kNone,
  kTooShort,           // fewer bytes than the fixed header's twenty
  kDataOffsetTooSmall, // data offset below five words
  kDataOffsetTooLarge, // data offset beyond the segment's end
  kPortZero,           // source or destination port 0 (RFC 6335 section 6: reserved)
};

// Parses a whole segment, header and text, as IP delivered it. On kNone, fills segment (ports excepted, see below) and
// sets text_offset to the first byte of text. Malformed options never drop a segment: parsing of options stops there
// and what was read before stands (RFC 9293 section 3.1, MUST-6, MUST-7). The checksum is not looked at.
HeaderFault parse_segment(std::span<const uint8_t> bytes, Segment& segment, uint32_t& text_offset);

struct Ports {
  uint16_t source;
  uint16_t destination;
};
// The ports of a segment of at least four bytes.
Ports parse_ports(const uint8_t* bytes);

// Writes header.length() bytes, checksum and urgent pointer zero.
void write_header(const SegmentHeader& header, Ports ports, uint8_t* bytes);

}  // namespace tern::tcp
