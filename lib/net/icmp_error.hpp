// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors, and the segment of ours that each quotes. RFC 792, RFC 1122 section 3.2.2, RFC 1191 section 4.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"
#include "net/drop.hpp"

namespace tern::net {

// What befell the quoted packet, as far as TCP tells it apart.
enum class IcmpError : uint8_t {
  kNetUnreachable,       // destination unreachable, codes 0, 6 and 11
  kHostUnreachable,      // codes 1, 5, 7, 8, 12, 14 and 15
  kProtocolUnreachable,  // code 2
  kPortUnreachable,      // code 3
  kTooBig,               // code 4: fragmentation needed and DF set
  kProhibited,           // codes 9, 10 and 13
  kTimeExceeded,
  kParameterProblem,
};

struct IcmpReport {
  IcmpError error = IcmpError::kNetUnreachable;
  FourTuple tuple;        // of the connection, as we see it: we sent what is quoted
  uint32_t sequence = 0;  // SEG.SEQ of the quoted segment
  uint16_t length = 0;    // of the quoted segment: TCP header and text
  // Of kTooBig: what the next hop leaves for TCP header and text; 0 where the router does not say (RFC 1191
  // section 5).
  uint16_t room = 0;
};

// Reads a whole ICMP message, at least kIcmpHeaderLength bytes. Returns kNone and fills report; or
// kIcmpSourceQuench; kIcmpUnhandled for what is no error, or a code that is not known; kIcmpQuote where too
// little is quoted to name a segment of TCP. Neither the quoted checksums nor whose the addresses are is
// looked at.
Drop parse_icmp_error(std::span<const uint8_t> message, IcmpReport& report);

}  // namespace tern::net
