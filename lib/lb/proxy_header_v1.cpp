// SPDX-License-Identifier: BSD-3-Clause
// The PROXY protocol's version 1, section 2.1 of proxy-protocol.txt: one line, strictly.
#include "lb/proxy_header_v1.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace tern::lb {

namespace {

constexpr uint32_t kLongest = 107;  // CR LF included
constexpr std::string_view kBegin = "PROXY ";
constexpr std::string_view kUnknown = "UNKNOWN";

// Up to the next space, which goes too.
std::optional<std::string_view> take_word(std::string_view& line) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space + 1);
  return word;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return port;
}

// Enough to tell an IPv6 address from rubbish: tern has no use for it.
bool looks_like_ipv6(std::string_view text) {
  constexpr size_t kLongestIpv6 = 39;
  return !text.empty() && text.size() <= kLongestIpv6 && text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

// What stands between "PROXY " and CR LF.
bool parse_line(std::string_view line, ProxyHeader& header) {
  if (line.starts_with(kUnknown)) return line.size() == kUnknown.size() || line[kUnknown.size()] == ' ';
  const auto family = take_word(line);
  const auto source = take_word(line);
  const auto destination = take_word(line);
  const auto source_port = take_word(line);
  if (!family || !source || !destination || !source_port) return false;
  const auto from = parse_port(*source_port);
  const auto to = parse_port(line);
  if (!from || !to) return false;
  if (*family == "TCP6") return looks_like_ipv6(*source) && looks_like_ipv6(*destination);
  if (*family != "TCP4") return false;
  const auto source_address = net::parse_ipv4(*source);
  const auto destination_address = net::parse_ipv4(*destination);
  if (!source_address || !destination_address) return false;
  header.proxied = true;
  header.source = *source_address;
  header.destination = *destination_address;
  header.source_port = *from;
  header.destination_port = *to;
  return true;
}

}  // namespace

uint32_t write_proxy_header_v1(const ProxyHeader& header, std::span<uint8_t, kMostProxyHeaderWritten> bytes) {
  std::string line(kBegin);
  if (header.proxied) {
    line += "TCP4 " + net::to_string(header.source) + ' ' + net::to_string(header.destination) + ' ' +
            std::to_string(header.source_port) + ' ' + std::to_string(header.destination_port);
  } else {
    line += kUnknown;
  }
  line += "\r\n";
  std::ranges::copy(line, bytes.begin());
  return static_cast<uint32_t>(line.size());
}

ProxyParse parse_proxy_header_v1(std::span<const uint8_t> bytes, ProxyHeader& header, uint32_t& length) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), kLongest));
  const size_t known = std::min(text.size(), kBegin.size());
  if (text.substr(0, known) != kBegin.substr(0, known)) return ProxyParse::kMalformed;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos)
    return text.size() == kLongest ? ProxyParse::kMalformed : ProxyParse::kIncomplete;
  if (end < kBegin.size() + 1 || text[end - 1] != '\r') return ProxyParse::kMalformed;
  if (!parse_line(text.substr(kBegin.size(), end - 1 - kBegin.size()), header)) return ProxyParse::kMalformed;
  header.version = ProxyVersion::kV1;
  length = static_cast<uint32_t>(end + 1);
  return ProxyParse::kDone;
}

}  // namespace tern::lb
