// SPDX-License-Identifier: BSD-3-Clause
// ICMP echo. RFC 792, RFC 1122 section 3.2.2.6.
#include "net/icmp.hpp"

#include <cstring>

#include "net/byte_order.hpp"
#include "net/ethernet.hpp"
#include "net/ipv4.hpp"

namespace tern::net {
namespace {

constexpr uint16_t kChecksum = 2;          // bytes from the message's start; before it type and code
constexpr uint16_t kEchoRequest = 0x0800;  // type 8, code 0
constexpr uint16_t kEchoReply = 0x0000;    // type 0, code 0

// The checksum after one word of what it covers has changed: RFC 1624 section 3, equation 3.
uint16_t updated_checksum(uint16_t checksum, uint16_t old_word, uint16_t new_word) {
  uint32_t sum = static_cast<uint16_t>(~checksum);
  sum += static_cast<uint16_t>(~old_word);
  sum += new_word;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

}  // namespace

uint16_t answer_echo(std::span<uint8_t> bytes, const Frame& frame, const MacAddress& our_mac) {
  if (frame.content != Content::kIcmp) return 0;
  uint8_t* message = bytes.data() + frame.l4_offset;
  if (load_be16(message) != kEchoRequest) return 0;

  store_be16(message, kEchoReply);
  store_be16(message + kChecksum, updated_checksum(load_be16(message + kChecksum), kEchoRequest, kEchoReply));

  uint8_t* ip = bytes.data() + frame.l3_offset;
  const uint8_t traffic_class = ip[1];
  const uint16_t l4_offset = frame.l3_offset + ipv4::kHeaderLength;
  if (l4_offset != frame.l4_offset) std::memmove(bytes.data() + l4_offset, message, frame.l4_length);
  write_ipv4_header(ip, {.total_length = static_cast<uint16_t>(ipv4::kHeaderLength + frame.l4_length),
                         .protocol = ipv4::kProtocolIcmp,
                         .traffic_class = traffic_class,
                         .source = frame.destination,
                         .destination = frame.source});

  store_mac(bytes.data() + ethernet::kDestination, source_mac(bytes.data()));
  store_mac(bytes.data() + ethernet::kSource, our_mac);
  return static_cast<uint16_t>(l4_offset + frame.l4_length);
}

}  // namespace tern::net
