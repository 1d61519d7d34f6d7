// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the way of a frame through lib/net: parsing, then what is done with ARP and echo.
//
// The input's first byte says which checksums the port vouches for, since a fuzzer seldom meets a right one
// by itself; the rest is the frame, on the heap in exactly its size so that the sanitizer sees any byte read
// beyond it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "net/arp.hpp"
#include "net/ethernet.hpp"
#include "net/frame.hpp"
#include "net/icmp.hpp"
#include "net/icmp_error.hpp"
#include "net/ipv4.hpp"

namespace tern::net {
namespace {

constexpr MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x02}};

void require(bool condition) {
  if (!condition) std::abort();
}

void try_arp(std::span<const uint8_t> packet) {
  ArpPacket request;
  if (parse_arp(packet, request) != Drop::kNone) return;
  require(!request.sender_mac.is_group());

  // What we would answer must be a reply from us to the asker.
  uint8_t bytes[kArpFrameLength];
  write_arp_reply(bytes, kOurMac, request);
  ArpPacket reply;
  require(parse_arp(std::span(bytes).subspan(ethernet::kHeaderLength), reply) == Drop::kNone);
  require(reply.operation == ArpOperation::kReply && reply.sender_mac == kOurMac &&
          reply.sender == request.target && reply.target_mac == request.sender_mac &&
          reply.target == request.sender);
}

void try_echo(std::span<uint8_t> bytes, const Frame& request, Verified verified) {
  const uint16_t length = answer_echo(bytes, request, kOurMac);
  require(length <= bytes.size());
  if (length == 0) return;
  // The reply's header is ours, so its checksum must hold; the message's holds as far as the request's did.
  Frame reply;
  const Drop fault =
      parse_frame(bytes.first(length), {.ipv4_checksum = false, .l4_checksum = verified.l4_checksum}, reply);
  const bool may_be_source = !request.destination.is_multicast() && !request.destination.is_broadcast() &&
                             !request.destination.is_loopback() && !request.destination.is_unspecified();
  require(fault == (may_be_source ? Drop::kNone : Drop::kIpv4Source));
  if (!may_be_source) return;
  require(reply.content == Content::kIcmp && reply.l4_length == request.l4_length);
  require(reply.source == request.destination && reply.destination == request.source);
}

void try_icmp_error(std::span<const uint8_t> message) {
  IcmpReport report;
  const Drop fault = parse_icmp_error(message, report);
  require(fault < Drop::kCount);
  require(fault != Drop::kNone || report.error <= IcmpError::kParameterProblem);
  if (fault == Drop::kNone && report.error != IcmpError::kTooBig) require(report.room == 0);
}

void try_frame(std::span<uint8_t> bytes, Verified verified) {
  Frame frame;
  const Drop fault = parse_frame(bytes, verified, frame);
  require(fault < Drop::kCount);
  Frame usual;
  if (parse_usual_frame(bytes, verified, usual)) {
    require(fault == Drop::kNone && frame.content == Content::kTcp && frame.l4_offset == usual.l4_offset);
    require(frame.l4_length == usual.l4_length && frame.traffic_class == usual.traffic_class);
    require(frame.source == usual.source && frame.destination == usual.destination);
  }
  if (fault != Drop::kNone) return;

  require(frame.l3_offset == ethernet::kHeaderLength);
  require(frame.l4_offset + frame.l4_length <= bytes.size());
  if (frame.content == Content::kArp) return try_arp(bytes.subspan(frame.l3_offset, frame.l4_length));
  require(frame.l4_offset >= frame.l3_offset + ipv4::kHeaderLength);
  require(frame.l4_length >= (frame.content == Content::kTcp ? 20 : kIcmpHeaderLength));
  if (frame.content != Content::kIcmp) return;
  try_icmp_error(bytes.subspan(frame.l4_offset, frame.l4_length));
  try_echo(bytes, frame, verified);
}

}  // namespace
}  // namespace tern::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto frame = std::make_unique<uint8_t[]>(size - 1);
  std::copy(data + 1, data + size, frame.get());
  tern::net::try_frame({frame.get(), size - 1},
                       {.ipv4_checksum = (data[0] & 1) != 0, .l4_checksum = (data[0] & 2) != 0});
  return 0;
}
