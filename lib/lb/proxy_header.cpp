// SPDX-License-Identifier: BSD-3-Clause
// Writing PROXY headers, and reading version 2. Section numbers are those of proxy-protocol.txt.
#include "lb/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>

#include "lb/crc32c.hpp"
#include "lb/proxy_header_v1.hpp"
#include "net/byte_order.hpp"

namespace tern::lb {

namespace {

// Section 2.2: the signature, version and command, family and protocol, length of what follows.
constexpr std::array<uint8_t, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                             0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr uint32_t kVersionAt = 12;
constexpr uint32_t kFamilyAt = 13;
constexpr uint32_t kLengthAt = 14;
constexpr uint32_t kFixed = 16;
constexpr uint8_t kVersion2 = 0x20;
constexpr uint8_t kLocal = 0x0;
constexpr uint8_t kProxy = 0x1;
constexpr uint8_t kTcpOverIpv4 = 0x11;
constexpr uint32_t kIpv4Block = 12;
// By family, 0 to 3: unspecified, IPv4, IPv6, Unix: the length of the addresses.
constexpr std::array<uint32_t, 4> kBlocks{0, kIpv4Block, 36, 216};

// Section 2.2.
constexpr uint8_t kTlvCrc32c = 0x03;
constexpr uint8_t kTlvUniqueId = 0x05;
constexpr uint32_t kTlvHead = 3;
constexpr uint32_t kMostUniqueId = 128;

uint32_t write_v2(const ProxyHeader& header, std::span<uint8_t, kMostProxyHeaderWritten> bytes) {
  assert(header.unique_id.size() <= kMostUniqueId);
  uint8_t* at = std::ranges::copy(kSignature, bytes.data()).out;
  *at++ = kVersion2 | (header.proxied ? kProxy : kLocal);
  *at++ = header.proxied ? kTcpOverIpv4 : 0;
  at += sizeof(uint16_t);  // the length, last
  if (header.proxied) {
    net::store_be32(at, header.source.value);
    net::store_be32(at + 4, header.destination.value);
    net::store_be16(at + 8, header.source_port);
    net::store_be16(at + 10, header.destination_port);
    at += kIpv4Block;
  }
  const auto tlv = [&at](uint8_t type, size_t length) {
    *at++ = type;
    net::store_be16(at, static_cast<uint16_t>(length));
    at += sizeof(uint16_t);
  };
  if (!header.unique_id.empty()) {
    tlv(kTlvUniqueId, header.unique_id.size());
    at = std::ranges::copy(header.unique_id, at).out;
  }
  uint8_t* crc = nullptr;
  if (header.with_crc) {
    tlv(kTlvCrc32c, sizeof(uint32_t));
    crc = at;
    net::store_be32(at, 0);
    at += sizeof(uint32_t);
  }
  const auto length = static_cast<uint32_t>(at - bytes.data());
  net::store_be16(bytes.data() + kLengthAt, static_cast<uint16_t>(length - kFixed));
  if (crc != nullptr) net::store_be32(crc, crc32c(bytes.first(length)));
  return length;
}

// The sum is made as if its own field were zero.
bool crc_is_right(std::span<const uint8_t> whole, const uint8_t* field) {
  constexpr std::array<uint8_t, sizeof(uint32_t)> kZero{};
  const auto before = static_cast<size_t>(field - whole.data());
  uint32_t crc = crc32c(whole.first(before));
  crc = crc32c(kZero, crc);
  crc = crc32c(whole.subspan(before + kZero.size()), crc);
  return crc == net::load_be32(field);
}

bool read_tlvs(std::span<const uint8_t> whole, std::span<const uint8_t> tlvs, ProxyHeader& header) {
  while (!tlvs.empty()) {
    if (tlvs.size() < kTlvHead) return false;
    const uint8_t type = tlvs[0];
    const uint32_t length = net::load_be16(&tlvs[1]);
    tlvs = tlvs.subspan(kTlvHead);
    if (length > tlvs.size()) return false;
    const std::span<const uint8_t> value = tlvs.first(length);
    tlvs = tlvs.subspan(length);
    if (type == kTlvCrc32c) {
      if (header.with_crc || length != sizeof(uint32_t) || !crc_is_right(whole, value.data())) return false;
      header.with_crc = true;
    } else if (type == kTlvUniqueId) {
      if (length > kMostUniqueId) return false;
      header.unique_id = value;
    }
  }
  return true;
}

ProxyParse parse_v2(std::span<const uint8_t> bytes, ProxyHeader& header, uint32_t& length) {
  const size_t known = std::min<size_t>(bytes.size(), kSignature.size());
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(known), kSignature.begin()))
    return ProxyParse::kMalformed;
  if (bytes.size() > kVersionAt &&
      ((bytes[kVersionAt] & 0xf0) != kVersion2 || (bytes[kVersionAt] & 0x0f) > kProxy))
    return ProxyParse::kMalformed;
  if (bytes.size() > kFamilyAt &&
      ((bytes[kFamilyAt] >> 4) >= kBlocks.size() || (bytes[kFamilyAt] & 0x0f) > 2))
    return ProxyParse::kMalformed;
  if (bytes.size() < kFixed) return ProxyParse::kIncomplete;
  const uint32_t total = kFixed + net::load_be16(&bytes[kLengthAt]);
  const bool local = (bytes[kVersionAt] & 0x0f) == kLocal;
  const uint8_t family = bytes[kFamilyAt];
  const uint32_t block = kBlocks[family >> 4];
  // Of a LOCAL connection the addresses are to be ignored, whatever they are.
  if (total > kMostProxyHeader || (!local && total - kFixed < block)) return ProxyParse::kMalformed;
  if (bytes.size() < total) return ProxyParse::kIncomplete;
  const std::span<const uint8_t> whole = bytes.first(total);
  header.version = ProxyVersion::kV2;
  if (!local && family == kTcpOverIpv4) {
    header.proxied = true;
    header.source.value = net::load_be32(&whole[kFixed]);
    header.destination.value = net::load_be32(&whole[kFixed + 4]);
    header.source_port = net::load_be16(&whole[kFixed + 8]);
    header.destination_port = net::load_be16(&whole[kFixed + 10]);
  }
  length = total;
  if (local && total - kFixed < block) return ProxyParse::kDone;
  return read_tlvs(whole, whole.subspan(kFixed + block), header) ? ProxyParse::kDone : ProxyParse::kMalformed;
}

}  // namespace

uint32_t write_proxy_header(const ProxyHeader& header, std::span<uint8_t, kMostProxyHeaderWritten> bytes) {
  switch (header.version) {
    case ProxyVersion::kNone:
      return 0;
    case ProxyVersion::kV1:
      return write_proxy_header_v1(header, bytes);
    case ProxyVersion::kV2:
      break;
  }
  return write_v2(header, bytes);
}

ProxyParse parse_proxy_header(std::span<const uint8_t> bytes, ProxyHeader& header, uint32_t& length) {
  header = ProxyHeader{};
  ProxyParse outcome = ProxyParse::kIncomplete;
  if (!bytes.empty()) {
    outcome = bytes[0] == kSignature[0] ? parse_v2(bytes, header, length)
                                        : parse_proxy_header_v1(bytes, header, length);
  }
  if (outcome != ProxyParse::kDone) header = ProxyHeader{};
  return outcome;
}

}  // namespace tern::lb
