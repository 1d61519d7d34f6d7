// SPDX-License-Identifier: BSD-3-Clause
// ICMP echo. RFC 792, RFC 1122 section 3.2.2.6.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"
#include "net/frame.hpp"

namespace tern::net {

constexpr uint16_t kIcmpHeaderLength = 8;

// Makes a frame whose content is an ICMP echo request its own reply, to be sent back where it came from.
// Returns the reply's length, which is shorter where the request had padding or IPv4 options (no option is
// copied into the reply), or 0, and leaves the frame alone, when it holds anything else: only echo is
// answered. The caller has made sure that destination is one of our addresses and not a group's. frame: as
// parse_frame filled it in from bytes. our_mac: the port's address, since the request may have come to a
// group.
uint16_t answer_echo(std::span<uint8_t> bytes, const Frame& frame, const MacAddress& our_mac);

}  // namespace tern::net
