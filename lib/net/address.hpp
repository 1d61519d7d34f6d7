// SPDX-License-Identifier: BSD-3-Clause
// Addresses of the link and of the network, and the four-tuple that names a connection.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "net/byte_order.hpp"
#include "net/connection_name.hpp"

namespace tern::net {

// An Ethernet address, bytes in the order of the wire.
struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  bool is_unset() const {  // all zero
    uint32_t first;
    uint16_t rest;
    std::memcpy(&first, bytes.data(), sizeof first);
    std::memcpy(&rest, bytes.data() + sizeof first, sizeof rest);
    return (first | rest) == 0;
  }
  constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
  // As that says, without a call.
  friend constexpr bool operator==(const MacAddress& a, const MacAddress& b) {
    return a.high() == b.high() && a.low() == b.low();
  }

 private:
  constexpr uint32_t high() const {
    return uint32_t{bytes[3]} << 24 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[1]} << 8 | bytes[0];
  }
  constexpr uint32_t low() const { return uint32_t{bytes[5]} << 8 | bytes[4]; }
};

// An IPv4 address as a number: 192.0.2.1 is 0xc0000201.
struct Ipv4Address {
  uint32_t value = 0;

  constexpr bool is_unspecified() const { return value == 0; }
  constexpr bool is_multicast() const { return (value >> 28) == 0xe; }
  constexpr bool is_broadcast() const { return value == 0xffffffffu; }
  constexpr bool is_loopback() const { return (value >> 24) == 127; }
  friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;
};

// An IPv4 address of ours with the length of its network's prefix, 0 to 32.
struct Ipv4Interface {
  Ipv4Address address;
  uint8_t prefix_length = 32;

  constexpr uint32_t mask() const { return prefix_length == 0 ? 0 : ~0u << (32 - prefix_length); }
  constexpr bool contains(Ipv4Address other) const { return ((address.value ^ other.value) & mask()) == 0; }
  constexpr Ipv4Address directed_broadcast() const { return {address.value | ~mask()}; }
  friend constexpr bool operator==(const Ipv4Interface&, const Ipv4Interface&) = default;
};

// The name of a TCP connection over IPv4 (RFC 9293 section 3.3.1), seen from our side: local and remote
// rather than source and destination. Exactly twelve bytes without padding: hashed and compared as memory.
struct FourTuple {
  Ipv4Address local;
  Ipv4Address remote;
  uint16_t local_port = 0;
  uint16_t remote_port = 0;

  // For who does not care that this is IPv4.
  ConnectionName name() const { return std::bit_cast<ConnectionName>(*this); }
  // The same for all connections that we open to one server: as if from port 0.
  ConnectionName server_name() const { return FourTuple{local, remote, 0, remote_port}.name(); }
  // The peer's address and ours as the wire has them, and as a packet of the peer's carries them.
  std::array<uint8_t, 8> addresses() const {
    std::array<uint8_t, 8> bytes;
    store_be32(bytes.data(), remote.value);
    store_be32(bytes.data() + 4, local.value);
    return bytes;
  }
  friend constexpr bool operator==(const FourTuple&, const FourTuple&) = default;
};
static_assert(sizeof(FourTuple) == 12);

// Text forms. The parsers take the whole text or nothing: no spaces, no leading zeros, no missing parts.
std::string to_string(Ipv4Address address);
std::string to_string(const MacAddress& address);
std::string to_string(const Ipv4Interface& interface);
std::optional<Ipv4Address> parse_ipv4(std::string_view text);
std::optional<Ipv4Interface> parse_ipv4_interface(std::string_view text);  // "192.0.2.2/24"

}  // namespace tern::net
