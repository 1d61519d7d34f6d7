// SPDX-License-Identifier: BSD-3-Clause
// The IPv4 header, from bytes and to bytes. RFC 791 section 3.1, RFC 1122 section 3.2.1.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "net/address.hpp"
#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/drop.hpp"

namespace tern::net {

namespace ipv4 {
constexpr uint16_t kHeaderLength = 20;  // without options
// Bytes from the header's start.
constexpr uint16_t kTrafficClass = 1;
constexpr uint16_t kTotalLength = 2;
constexpr uint16_t kFragment = 6;
constexpr uint16_t kTimeToLive = 8;
constexpr uint16_t kProtocol = 9;
constexpr uint16_t kChecksum = 10;
constexpr uint16_t kSource = 12;
constexpr uint16_t kDestination = 16;

constexpr uint8_t kNoOptions = 0x45;  // the first byte: version 4, five words
constexpr uint16_t kDontFragment = 0x4000;
constexpr uint16_t kFragmentBits = 0x3fff;  // More Fragments and the fragment's offset
constexpr uint8_t kDefaultTimeToLive = 64;  // RFC 1700, "IP time to live"

constexpr uint8_t kProtocolIcmp = 1;
constexpr uint8_t kProtocolTcp = 6;
}  // namespace ipv4

// What a received header says.
struct Ipv4Header {
  uint16_t header_length = 0;  // bytes, 20 to 60; options are skipped
  uint16_t total_length = 0;   // bytes, header included; at most what was received
  uint8_t protocol = 0;
  uint8_t traffic_class = 0;  // DSCP and ECN
  Ipv4Address source;
  Ipv4Address destination;
};

// Takes apart what follows the Ethernet header, padding included; checksum_verified: by the port. Returns
// kNone and fills header, or the first reason to drop of those named kIpv4, in their order there. Malformed
// options are no reason: what lies behind the malformed one is not looked at.
Drop parse_ipv4_header(std::span<const uint8_t> bytes, bool checksum_verified, Ipv4Header& header);

// A header to send.
struct Ipv4Fields {
  uint16_t total_length = 0;  // bytes, header included
  uint8_t protocol = 0;
  uint8_t traffic_class = 0;  // DSCP and ECN
  uint8_t time_to_live = ipv4::kDefaultTimeToLive;
  // May be anything, zero too, for what is never fragmented (RFC 6864 section 4.1).
  uint16_t identification = 0;
  Ipv4Address source;
  Ipv4Address destination;
};

// Writes ipv4::kHeaderLength bytes: no options, Don't Fragment set. The checksum is of what is at hand, so
// that there is nothing for a port to do.
inline void write_ipv4_header(uint8_t* bytes, const Ipv4Fields& fields) {
  const std::array<uint32_t, 5> words = {
      __builtin_bswap32(uint32_t{ipv4::kNoOptions} << 24 | uint32_t{fields.traffic_class} << 16 |
                        fields.total_length),
      __builtin_bswap32(uint32_t{fields.identification} << 16 | ipv4::kDontFragment),
      __builtin_bswap32(uint32_t{fields.time_to_live} << 24 | uint32_t{fields.protocol} << 16),
      __builtin_bswap32(fields.source.value),
      __builtin_bswap32(fields.destination.value),
  };
  ChecksumSum sum;
  for (const uint32_t word : words) sum.add_four(word);
  std::memcpy(bytes, words.data(), sizeof words);
  store_be16(bytes + ipv4::kChecksum, sum.finish());
}

}  // namespace tern::net
