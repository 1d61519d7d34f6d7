// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors, and the segment of ours that each quotes.
#include "net/icmp_error.hpp"

#include <array>
#include <cstddef>

#include "net/byte_order.hpp"
#include "net/icmp.hpp"
#include "net/ipv4.hpp"

namespace tern::net {
namespace {

enum Type : uint8_t {
  kUnreachable = 3,
  kSourceQuench = 4,
  kTimeExceededType = 11,
  kParameterProblemType = 12,
};

constexpr uint16_t kNextHopMtu = 6;  // bytes from the message's start
constexpr size_t kQuotedTcp = 8;     // ports and sequence number, which every router quotes
constexpr uint16_t kFragmentOffset = 0x1fff;

// By code of destination unreachable: RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1.
constexpr std::array kByCode = {
    IcmpError::kNetUnreachable,       // 0
    IcmpError::kHostUnreachable,      // 1
    IcmpError::kProtocolUnreachable,  // 2
    IcmpError::kPortUnreachable,      // 3
    IcmpError::kTooBig,               // 4
    IcmpError::kHostUnreachable,      // 5 source route failed
    IcmpError::kNetUnreachable,       // 6 network unknown
    IcmpError::kHostUnreachable,      // 7 host unknown
    IcmpError::kHostUnreachable,      // 8 source host isolated
    IcmpError::kProhibited,           // 9 network prohibited
    IcmpError::kProhibited,           // 10 host prohibited
    IcmpError::kNetUnreachable,       // 11 network unreachable for type of service
    IcmpError::kHostUnreachable,      // 12 host unreachable for type of service
    IcmpError::kProhibited,           // 13 communication prohibited
    IcmpError::kHostUnreachable,      // 14 host precedence violation
    IcmpError::kHostUnreachable,      // 15 precedence cutoff
};

}  // namespace

Drop parse_icmp_error(std::span<const uint8_t> message, IcmpReport& report) {
  const uint8_t code = message[1];
  switch (message[0]) {
    case kUnreachable:
      if (code >= kByCode.size()) return Drop::kIcmpUnhandled;
      report.error = kByCode[code];
      break;
    case kTimeExceededType:
      report.error = IcmpError::kTimeExceeded;
      break;
    case kParameterProblemType:
      report.error = IcmpError::kParameterProblem;
      break;
    case kSourceQuench:
      return Drop::kIcmpSourceQuench;
    default:
      return Drop::kIcmpUnhandled;
  }

  const std::span<const uint8_t> quoted = message.subspan(kIcmpHeaderLength);
  if (quoted.size() < ipv4::kHeaderLength || quoted[0] >> 4 != 4) return Drop::kIcmpQuote;
  const size_t header_length = static_cast<size_t>(quoted[0] & 0x0f) * 4;
  const uint16_t total_length = load_be16(&quoted[ipv4::kTotalLength]);
  const bool later_fragment = (load_be16(&quoted[ipv4::kFragment]) & kFragmentOffset) != 0;
  if (header_length < ipv4::kHeaderLength || quoted.size() < header_length + kQuotedTcp ||
      total_length < header_length || later_fragment || quoted[ipv4::kProtocol] != ipv4::kProtocolTcp) {
    return Drop::kIcmpQuote;
  }
  const uint8_t* tcp = &quoted[header_length];
  report.tuple.local = {load_be32(&quoted[ipv4::kSource])};
  report.tuple.remote = {load_be32(&quoted[ipv4::kDestination])};
  report.tuple.local_port = load_be16(tcp);
  report.tuple.remote_port = load_be16(tcp + 2);
  report.sequence = load_be32(tcp + 4);
  report.length = static_cast<uint16_t>(total_length - header_length);
  const uint16_t mtu = report.error == IcmpError::kTooBig ? load_be16(&message[kNextHopMtu]) : uint16_t{0};
  report.room = static_cast<uint16_t>(mtu > header_length ? mtu - header_length : 0);
  return Drop::kNone;
}

}  // namespace tern::net
