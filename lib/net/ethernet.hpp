// SPDX-License-Identifier: BSD-3-Clause
// The Ethernet header and its VLAN tag. IEEE 802.3 clause 3, IEEE 802.1Q clause 9.
#pragma once

#include <cstdint>
#include <cstring>

#include "net/address.hpp"
#include "net/byte_order.hpp"

namespace tern::net {

namespace ethernet {
constexpr uint16_t kHeaderLength = 14;
constexpr uint16_t kVlanTagLength = 4;  // between the source address and the EtherType
// Bytes from the frame's start.
constexpr uint16_t kDestination = 0;
constexpr uint16_t kSource = 6;
constexpr uint16_t kType = 12;
}  // namespace ethernet

enum EtherType : uint16_t {
  kEtherTypeIpv4 = 0x0800,
  kEtherTypeArp = 0x0806,
  kEtherTypeVlan = 0x8100,         // customer tag
  kEtherTypeServiceVlan = 0x88a8,  // provider's outer tag
};

inline MacAddress load_mac(const uint8_t* bytes) {
  MacAddress mac;
  std::memcpy(mac.bytes.data(), bytes, mac.bytes.size());
  return mac;
}

inline void store_mac(uint8_t* bytes, const MacAddress& mac) {
  std::memcpy(bytes, mac.bytes.data(), mac.bytes.size());
}

// Of a frame of at least kHeaderLength bytes.
inline MacAddress destination_mac(const uint8_t* frame) { return load_mac(frame + ethernet::kDestination); }
inline MacAddress source_mac(const uint8_t* frame) { return load_mac(frame + ethernet::kSource); }

// Whether a frame is for this station, or this group, alone.
inline bool is_for(const MacAddress& station, const uint8_t* frame) {
  return std::memcmp(frame + ethernet::kDestination, station.bytes.data(), station.bytes.size()) == 0;
}

// Writes kHeaderLength bytes.
inline void write_ethernet(uint8_t* frame, const MacAddress& destination, const MacAddress& source,
                           EtherType type) {
  store_mac(frame + ethernet::kDestination, destination);
  store_mac(frame + ethernet::kSource, source);
  store_be16(frame + ethernet::kType, type);
}

}  // namespace tern::net
