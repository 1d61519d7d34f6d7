// SPDX-License-Identifier: BSD-3-Clause
// The text forms of addresses.
#include "net/address.hpp"

#include <cstdio>

namespace tern::net {
namespace {

// Takes a decimal number of at most three digits, without sign or leading zero, off the front of text.
std::optional<uint32_t> take_number(std::string_view& text, uint32_t most) {
  size_t digits = 0;
  uint32_t value = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (digits == 3) return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(text[digits] - '0');
    ++digits;
  }
  const bool leading_zero = digits > 1 && text[0] == '0';
  if (digits == 0 || leading_zero || value > most) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Ipv4Address> take_ipv4(std::string_view& text) {
  Ipv4Address address;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && !take(text, '.')) return std::nullopt;
    const auto number = take_number(text, 255);
    if (!number) return std::nullopt;
    address.value = address.value << 8 | *number;
  }
  return address;
}

}  // namespace

std::string to_string(Ipv4Address address) {
  char text[sizeof "255.255.255.255"];
  const uint32_t v = address.value;
  std::snprintf(text, sizeof text, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
  return text;
}

std::string to_string(const MacAddress& address) {
  char text[sizeof "00:00:00:00:00:00"];
  const auto& b = address.bytes;
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
  return text;
}

std::string to_string(const Ipv4Interface& interface) {
  return to_string(interface.address) + "/" + std::to_string(interface.prefix_length);
}

std::optional<Ipv4Address> parse_ipv4(std::string_view text) {
  const auto address = take_ipv4(text);
  return text.empty() ? address : std::nullopt;
}

std::optional<Ipv4Interface> parse_ipv4_interface(std::string_view text) {
  const auto address = take_ipv4(text);
  if (!address || !take(text, '/')) return std::nullopt;
  const auto length = take_number(text, 32);
  if (!length || !text.empty()) return std::nullopt;
  return Ipv4Interface{*address, static_cast<uint8_t>(*length)};
}

}  // namespace tern::net
