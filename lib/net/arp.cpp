// SPDX-License-Identifier: BSD-3-Clause
// ARP packets from bytes and to bytes. RFC 826.
#include "net/arp.hpp"

#include "net/byte_order.hpp"
#include "net/ethernet.hpp"

namespace tern::net {
namespace {

// Bytes from the packet's start, in RFC 826's names.
constexpr uint16_t kHardwareSpace = 0;    // ar$hrd
constexpr uint16_t kProtocolSpace = 2;    // ar$pro
constexpr uint16_t kHardwareLength = 4;   // ar$hln, and ar$pln behind it
constexpr uint16_t kOperation = 6;        // ar$op
constexpr uint16_t kSenderHardware = 8;   // ar$sha
constexpr uint16_t kSenderProtocol = 14;  // ar$spa
constexpr uint16_t kTargetHardware = 18;  // ar$tha
constexpr uint16_t kTargetProtocol = 24;  // ar$tpa

constexpr uint16_t kHardwareEthernet = 1;
constexpr uint16_t kLengths = 0x0604;  // ar$hln and ar$pln: six bytes of Ethernet address, four of IPv4

void write_arp(ArpFrame frame, const MacAddress& destination, const ArpPacket& packet) {
  write_ethernet(frame.data(), destination, packet.sender_mac, kEtherTypeArp);
  uint8_t* arp = frame.data() + ethernet::kHeaderLength;
  store_be16(arp + kHardwareSpace, kHardwareEthernet);
  store_be16(arp + kProtocolSpace, kEtherTypeIpv4);
  store_be16(arp + kHardwareLength, kLengths);
  store_be16(arp + kOperation, static_cast<uint16_t>(packet.operation));
  store_mac(arp + kSenderHardware, packet.sender_mac);
  store_be32(arp + kSenderProtocol, packet.sender.value);
  store_mac(arp + kTargetHardware, packet.target_mac);
  store_be32(arp + kTargetProtocol, packet.target.value);
}

}  // namespace

Drop parse_arp(std::span<const uint8_t> bytes, ArpPacket& packet) {
  if (bytes.size() < kArpLength) return Drop::kArpMalformed;
  const uint8_t* arp = bytes.data();
  const uint16_t operation = load_be16(arp + kOperation);
  packet.operation = static_cast<ArpOperation>(operation);
  packet.sender_mac = load_mac(arp + kSenderHardware);
  packet.sender = {load_be32(arp + kSenderProtocol)};
  packet.target_mac = load_mac(arp + kTargetHardware);
  packet.target = {load_be32(arp + kTargetProtocol)};

  const bool ethernet_and_ipv4 = load_be16(arp + kHardwareSpace) == kHardwareEthernet &&
                                 load_be16(arp + kProtocolSpace) == kEtherTypeIpv4 &&
                                 load_be16(arp + kHardwareLength) == kLengths;
  const bool known = packet.operation == ArpOperation::kRequest || packet.operation == ArpOperation::kReply;
  if (!ethernet_and_ipv4 || !known || packet.sender_mac.is_group()) return Drop::kArpMalformed;
  return Drop::kNone;
}

void write_arp_request(ArpFrame frame, const MacAddress& our_mac, Ipv4Address our_address,
                       Ipv4Address target) {
  write_arp(frame, MacAddress::broadcast(),
            {ArpOperation::kRequest, our_mac, our_address, MacAddress{}, target});
}

void write_arp_reply(ArpFrame frame, const MacAddress& our_mac, const ArpPacket& request) {
  write_arp(frame, request.sender_mac,
            {ArpOperation::kReply, our_mac, request.target, request.sender_mac, request.sender});
}

void write_arp_announcement(ArpFrame frame, const MacAddress& our_mac, Ipv4Address our_address) {
  write_arp_request(frame, our_mac, our_address, our_address);
}

}  // namespace tern::net
