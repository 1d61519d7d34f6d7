// SPDX-License-Identifier: BSD-3-Clause
// The IPv4 header, from bytes and to bytes. RFC 791 section 3.1, RFC 1122 section 3.2.1.
//
// A good header passes four branches. The checks between two branches are gathered into a number with a bit
// per fault; only a number other than zero is looked at closely, and its lowest bit is the reason.
#include "net/ipv4.hpp"

#include <array>
#include <bit>
#include <cstddef>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"

namespace tern::net {
namespace {

constexpr std::array kLengthFaults = {Drop::kIpv4Version, Drop::kIpv4HeaderLength, Drop::kIpv4TotalLength};
constexpr std::array kContentFaults = {Drop::kIpv4Checksum, Drop::kIpv4Source, Drop::kIpv4Fragment};

// The header's checksum field included: 0 where it holds.
uint16_t header_checksum(const uint8_t* header, uint16_t length) {
  if (length != ipv4::kHeaderLength) [[unlikely]]
    return checksum({header, length});
  ChecksumSum sum;
  sum.add<ipv4::kHeaderLength>(header);
  return sum.finish();
}

unsigned bit(bool fault, unsigned position) { return static_cast<unsigned>(fault) << position; }

// Option types, RFC 791 section 3.1.
constexpr uint8_t kEndOfList = 0;
constexpr uint8_t kNoOperation = 1;
constexpr uint8_t kLooseSourceRoute = 131;
constexpr uint8_t kStrictSourceRoute = 137;

bool has_source_route(std::span<const uint8_t> options) {
  size_t at = 0;
  while (at < options.size() && options[at] != kEndOfList) {
    if (options[at] == kNoOperation) {
      ++at;
      continue;
    }
    if (options[at] == kLooseSourceRoute || options[at] == kStrictSourceRoute) return true;
    if (at + 1 == options.size() || options[at + 1] < 2) return false;
    at += options[at + 1];
  }
  return false;
}

}  // namespace

Drop parse_ipv4_header(std::span<const uint8_t> bytes, bool checksum_verified, Ipv4Header& header) {
  if (bytes.size() < ipv4::kHeaderLength) [[unlikely]]
    return Drop::kIpv4TooShort;
  const uint8_t* ip = bytes.data();
  header.header_length = static_cast<uint16_t>((ip[0] & 0x0f) * 4);
  header.total_length = load_be16(ip + ipv4::kTotalLength);
  header.protocol = ip[ipv4::kProtocol];
  header.traffic_class = ip[ipv4::kTrafficClass];
  header.source = {load_be32(ip + ipv4::kSource)};
  header.destination = {load_be32(ip + ipv4::kDestination)};

  const unsigned length_faults =
      bit(ip[0] >> 4 != 4, 0) |
      bit((header.header_length < ipv4::kHeaderLength) | (header.header_length > bytes.size()), 1) |
      bit((header.total_length < header.header_length) | (header.total_length > bytes.size()), 2);
  if (length_faults != 0) [[unlikely]]
    return kLengthFaults[std::countr_zero(length_faults)];

  const bool checksum_holds = checksum_verified || header_checksum(ip, header.header_length) == 0;
  const Ipv4Address source = header.source;
  const unsigned content_faults = bit(!checksum_holds, 0) | bit(source.is_multicast(), 1) |
                                  bit(source.is_broadcast(), 1) | bit(source.is_loopback(), 1) |
                                  bit(source.is_unspecified(), 1) |
                                  bit((load_be16(ip + ipv4::kFragment) & ipv4::kFragmentBits) != 0, 2);
  if (content_faults != 0) [[unlikely]]
    return kContentFaults[std::countr_zero(content_faults)];

  const auto options = bytes.subspan(ipv4::kHeaderLength, header.header_length - ipv4::kHeaderLength);
  if (!options.empty() && has_source_route(options)) [[unlikely]]
    return Drop::kIpv4SourceRoute;
  return Drop::kNone;
}

}  // namespace tern::net
