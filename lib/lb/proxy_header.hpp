// SPDX-License-Identifier: BSD-3-Clause
// The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): a proxy tells the server, ahead of the
// client's first byte, who the client is.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"

namespace tern::lb {

enum class ProxyVersion : uint8_t { kNone, kV1, kV2 };

// Who talks to whom, as the header says.
struct ProxyHeader {
  ProxyVersion version = ProxyVersion::kNone;
  // False for LOCAL and UNKNOWN connections and for families other than IPv4 over TCP: what follows is zero,
  // and the connection's own addresses stand.
  bool proxied = false;
  net::Ipv4Address source;
  net::Ipv4Address destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  std::span<const uint8_t> unique_id;  // TLV PP2_TYPE_UNIQUE_ID, at most 128 bytes; empty when there is none
  bool with_crc = false;               // TLV PP2_TYPE_CRC32C: written, or found and right
};

// The longest header that is written, and the longest that is read: larger ones are malformed.
constexpr uint32_t kMostProxyHeaderWritten = 256;
constexpr uint32_t kMostProxyHeader = 2048;

// Writes header in its version and returns its length; 0 for ProxyVersion::kNone. Version 1 has no TLVs.
uint32_t write_proxy_header(const ProxyHeader& header, std::span<uint8_t, kMostProxyHeaderWritten> bytes);

enum class ProxyParse : uint8_t {
  kDone,
  kIncomplete,  // well-formed so far
  kMalformed,
};

// Parses the header at the start of bytes. On kDone length is its length; header.unique_id lies within bytes.
ProxyParse parse_proxy_header(std::span<const uint8_t> bytes, ProxyHeader& header, uint32_t& length);

}  // namespace tern::lb
