// SPDX-License-Identifier: BSD-3-Clause
// Frames made by hand, without any of the code under test.
#include "net/frame_bytes.hpp"

namespace tern::test {
namespace {

void put16(Bytes& bytes, uint32_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

void put32(Bytes& bytes, uint32_t value) {
  put16(bytes, value >> 16);
  put16(bytes, value & 0xffff);
}

void set16(Bytes& bytes, size_t at, uint16_t value) {
  bytes.at(at) = static_cast<uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<uint8_t>(value);
}

void put(Bytes& bytes, const auto& more) {
  for (auto byte : more) bytes.push_back(static_cast<uint8_t>(byte));
}

}  // namespace

uint16_t plain_checksum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

Bytes ethernet_frame(uint16_t type, const Bytes& payload) {
  Bytes frame;
  put(frame, kOurMac.bytes);
  put(frame, kPeerMac.bytes);
  put16(frame, type);
  put(frame, payload);
  return frame;
}

Bytes ipv4_frame(const Ipv4Spec& spec) {
  const size_t header_length = 20 + spec.options.size();
  Bytes packet = {static_cast<uint8_t>(0x40 | header_length / 4), 0};
  put16(packet, static_cast<uint32_t>(header_length + spec.payload.size()));
  put32(packet, 0x12344000);  // identification; Don't Fragment
  packet.push_back(64);
  packet.push_back(spec.protocol);
  put16(packet, 0);
  put32(packet, spec.source.value);
  put32(packet, spec.destination.value);
  put(packet, spec.options);
  put(packet, spec.payload);
  packet.resize(packet.size() + spec.padding, 0xaa);
  Bytes frame = ethernet_frame(0x0800, packet);
  mend_ipv4_checksum(frame);
  return frame;
}

void mend_ipv4_checksum(Bytes& frame) {
  set16(frame, kIp + 10, 0);
  const auto begin = frame.begin() + kIp;
  set16(frame, kIp + 10, plain_checksum(Bytes(begin, begin + (frame[kIp] & 15) * 4)));
}

Bytes tcp_segment(const Ipv4Spec& spec, std::string_view text) {
  Bytes segment;
  put16(segment, 40000);
  put16(segment, 80);
  put32(segment, 0x01020304);
  put32(segment, 0x05060708);
  put32(segment, 0x5018ffff);  // data offset 5, PSH and ACK, window
  put32(segment, 0);
  put(segment, text);

  Bytes covered;
  put32(covered, spec.source.value);
  put32(covered, spec.destination.value);
  put16(covered, 6);
  put16(covered, static_cast<uint32_t>(segment.size()));
  put(covered, segment);
  set16(segment, 16, plain_checksum(covered));
  return segment;
}

Bytes tcp_frame(Ipv4Spec spec, std::string_view text) {
  spec.payload = tcp_segment(spec, text);
  return ipv4_frame(spec);
}

Bytes icmp_frame(Ipv4Spec spec, uint8_t type, uint8_t code, std::string_view text) {
  Bytes message = {type, code, 0, 0, 0xbe, 0xef, 0, 7};
  put(message, text);
  set16(message, 2, plain_checksum(message));
  spec.protocol = 1;
  spec.payload = message;
  return ipv4_frame(spec);
}

}  // namespace tern::test
