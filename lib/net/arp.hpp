// SPDX-License-Identifier: BSD-3-Clause
// The Address Resolution Protocol for IPv4 over Ethernet. RFC 826, with the probes and announcements of RFC
// 5227.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"
#include "net/drop.hpp"

namespace tern::net {

enum class ArpOperation : uint16_t { kRequest = 1, kReply = 2 };

struct ArpPacket {
  ArpOperation operation = ArpOperation::kRequest;
  MacAddress sender_mac;
  Ipv4Address sender;
  MacAddress target_mac;  // without meaning in a request
  Ipv4Address target;

  // Asks whether anyone has target before claiming it (RFC 5227 section 2.1.1): to be answered, but it names
  // no sender to remember.
  bool is_probe() const { return operation == ArpOperation::kRequest && sender.is_unspecified(); }
};

constexpr uint16_t kArpLength = 28;  // the packet
constexpr uint16_t kArpFrameLength =
    42;  // with its Ethernet header; the sender pads it to the link's minimum
using ArpFrame = std::span<uint8_t, kArpFrameLength>;

// Takes apart what follows the Ethernet header, padding included. Returns kNone and fills packet, or
// kArpMalformed: too short, other than Ethernet and IPv4, neither request nor reply, or a sender's address
// that no single station has (RFC 1812 section 3.3.2).
Drop parse_arp(std::span<const uint8_t> bytes, ArpPacket& packet);

// Whole frames, Ethernet header included.

// Asks everyone on the link for target's address.
void write_arp_request(ArpFrame frame, const MacAddress& our_mac, Ipv4Address our_address,
                       Ipv4Address target);
// Answers a request for one of our addresses, to the asker alone.
void write_arp_reply(ArpFrame frame, const MacAddress& our_mac, const ArpPacket& request);
// Tells everyone on the link where our address is: RFC 5227 section 2.3, a request for the address that it
// comes from.
void write_arp_announcement(ArpFrame frame, const MacAddress& our_mac, Ipv4Address our_address);

}  // namespace tern::net
