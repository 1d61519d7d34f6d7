// SPDX-License-Identifier: BSD-3-Clause
// The far end of the wire, frame by frame.
#include "stack/peer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/checksum.hpp"
#include "net/frame.hpp"
#include "net/icmp.hpp"
#include "net/ipv4.hpp"
#include "tcp/header.hpp"

namespace tern::test {

namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

Bytes ipv4_frame(const PacketSpec& spec, std::span<const uint8_t> payload) {
  constexpr size_t kHeaders = net::ethernet::kHeaderLength + net::ipv4::kHeaderLength;
  Bytes frame(kHeaders);
  net::write_ethernet(frame.data(), spec.to, spec.from, net::kEtherTypeIpv4);
  net::Ipv4Fields fields;
  fields.total_length = static_cast<uint16_t>(net::ipv4::kHeaderLength + payload.size());
  fields.protocol = spec.protocol;
  fields.source = spec.source;
  fields.destination = spec.destination;
  net::write_ipv4_header(frame.data() + net::ethernet::kHeaderLength, fields);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Bytes tcp_frame(const net::MacAddress& to, const net::MacAddress& from, const net::FourTuple& tuple,
                const tcp::SegmentHeader& header, std::string_view text) {
  Bytes segment(header.length());
  tcp::write_header(header, {tuple.remote_port, tuple.local_port}, segment.data());
  const auto bytes = bytes_of(text);
  segment.insert(segment.end(), bytes.begin(), bytes.end());
  net::ChecksumSum sum = net::pseudo_header(tuple.remote, tuple.local, net::ipv4::kProtocolTcp,
                                            static_cast<uint16_t>(segment.size()));
  sum.add(segment);
  net::store_be16(&segment[16], sum.finish());
  return ipv4_frame({.to = to, .from = from, .source = tuple.remote, .destination = tuple.local}, segment);
}

Bytes echo_request(const PacketSpec& spec, std::string_view text) {
  Bytes message = {8, 0, 0, 0, 0xbe, 0xef, 0, 7};
  const auto bytes = bytes_of(text);
  message.insert(message.end(), bytes.begin(), bytes.end());
  net::store_be16(&message[2], net::checksum(message));
  PacketSpec icmp = spec;
  icmp.protocol = net::ipv4::kProtocolIcmp;
  return ipv4_frame(icmp, message);
}

std::optional<Reply> read_reply(const SentFrame& frame) {
  net::Frame parsed;
  const net::Drop fault = net::parse_frame(frame.bytes, {}, parsed);
  EXPECT_EQ(fault, net::Drop::kNone) << "tern sent a frame that is " << static_cast<int>(fault);
  if (fault != net::Drop::kNone || parsed.content != net::Content::kTcp) return std::nullopt;
  Reply reply;
  reply.to = net::destination_mac(frame.bytes.data());
  reply.from = net::source_mac(frame.bytes.data());
  const auto segment = std::span(frame.bytes).subspan(parsed.l4_offset, parsed.l4_length);
  uint32_t text_offset = 0;
  EXPECT_EQ(tcp::parse_segment(segment, reply.seg, text_offset), net::Drop::kNone);
  const tcp::Ports ports = tcp::parse_ports(segment.data());
  reply.tuple = {parsed.source, parsed.destination, ports.source, ports.destination};
  const auto text = segment.subspan(text_offset);
  reply.text.assign(text.begin(), text.end());
  reply.frame = frame;
  return reply;
}

}  // namespace tern::test
