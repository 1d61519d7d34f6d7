// SPDX-License-Identifier: BSD-3-Clause
// The TCP header: from bytes and to bytes. RFC 9293 section 3.1.
#include "tcp/header.hpp"

#include <cassert>
#include <cstring>

#include "net/byte_order.hpp"
#include "tcp/options.hpp"

namespace tern::tcp {

net::Drop parse_segment(std::span<const uint8_t> bytes, Segment& segment, uint32_t& text_offset) {
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

Ports parse_ports(const uint8_t* bytes) { return {net::load_be16(bytes), net::load_be16(bytes + 2)}; }

void write_header(const SegmentHeader& header, Ports ports, uint8_t* bytes) {
  assert(header.option_length <= kMaxOptionBytes && header.option_length % 4 == 0);
  net::store_be16(bytes, ports.source);
  net::store_be16(bytes + 2, ports.destination);
  net::store_be32(bytes + 4, header.seq.value);
  net::store_be32(bytes + 8, header.ack.value);
  bytes[12] = static_cast<uint8_t>(header.length() / 4 << 4);
  bytes[13] = header.flags;
  net::store_be16(bytes + 14, header.wnd);
  std::memset(bytes + 16, 0, 4);  // checksum and urgent pointer
  std::memcpy(bytes + kMinHeaderBytes, header.options.data(), header.option_length);
}

}  // namespace tern::tcp
