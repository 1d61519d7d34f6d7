// SPDX-License-Identifier: BSD-3-Clause
// The far end of the wire, frame by frame: what a peer sends, built from its header, and what tern sent,
// read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/address.hpp"
#include "net/ethernet.hpp"
#include "stack/wire.hpp"
#include "tcp/segment.hpp"

namespace tern::test {

constexpr net::Ipv4Address kOurAddress{0xc0000202};   // 192.0.2.2
constexpr net::Ipv4Address kPeerAddress{0xc0000201};  // 192.0.2.1
constexpr net::MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x01}};

// An IPv4 packet of any protocol in its frame.
struct PacketSpec {
  net::MacAddress to;
  net::MacAddress from = kPeerMac;
  net::Ipv4Address source = kPeerAddress;
  net::Ipv4Address destination = kOurAddress;
  uint8_t protocol = 6;
};
Bytes ipv4_frame(const PacketSpec& spec, std::span<const uint8_t> payload);

// A TCP segment in its frame, every checksum right. tuple: tern's view, so that it is sent from remote to
// local.
Bytes tcp_frame(const net::MacAddress& to, const net::MacAddress& from, const net::FourTuple& tuple,
                const tcp::SegmentHeader& header, std::string_view text = {});

// An ICMP echo request with text of any length.
Bytes echo_request(const PacketSpec& spec, std::string_view text);

// A segment that tern sent. Headers and checksums have been verified.
struct Reply {
  net::MacAddress to;
  net::MacAddress from;
  net::FourTuple tuple;  // tern's view again
  tcp::Segment seg;
  std::string text;
  SentFrame frame;
};
// Nothing when the frame holds no TCP; a GoogleTest failure when it is wrong in any way.
std::optional<Reply> read_reply(const SentFrame& frame);

}  // namespace tern::test
