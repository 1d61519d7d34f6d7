// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the PROXY header's parser, on the heap in exactly its size so that the sanitizer sees any byte read
// beyond it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "lb/proxy_header.hpp"

namespace tern::lb {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Parsed {
  std::unique_ptr<uint8_t[]> bytes;
  ProxyHeader header;
  ProxyParse outcome = ProxyParse::kMalformed;
  uint32_t length = 0;
};

Parsed parse(const uint8_t* data, size_t size) {
  Parsed parsed;
  parsed.bytes = std::make_unique<uint8_t[]>(size);
  std::copy(data, data + size, parsed.bytes.get());
  parsed.outcome = parse_proxy_header({parsed.bytes.get(), size}, parsed.header, parsed.length);
  return parsed;
}

bool same(const ProxyHeader& a, const ProxyHeader& b) {
  return a.version == b.version && a.proxied == b.proxied && a.source == b.source &&
         a.destination == b.destination && a.source_port == b.source_port &&
         a.destination_port == b.destination_port && a.with_crc == b.with_crc &&
         std::ranges::equal(a.unique_id, b.unique_id);
}

void try_header(const uint8_t* data, size_t size) {
  const Parsed whole = parse(data, size);
  if (whole.outcome == ProxyParse::kIncomplete) require(size < kMostProxyHeader);
  if (whole.outcome != ProxyParse::kDone) {
    require(same(whole.header, ProxyHeader{}));
    return;
  }
  require(whole.length != 0 && whole.length <= size && whole.length <= kMostProxyHeader);
  require(whole.header.unique_id.size() <= 128);
  // The header alone says the same, and one that lacks its last byte is not whole.
  const Parsed alone = parse(data, whole.length);
  require(alone.outcome == ProxyParse::kDone && alone.length == whole.length &&
          same(alone.header, whole.header));
  require(parse(data, whole.length - 1).outcome == ProxyParse::kIncomplete);
  // Written again it says the same; version 1 has no TLVs.
  std::array<uint8_t, kMostProxyHeaderWritten> again{};
  const uint32_t length = write_proxy_header(whole.header, again);
  require(length != 0 && length <= again.size());
  require(same(parse(again.data(), length).header, whole.header));
}

}  // namespace
}  // namespace tern::lb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tern::lb::try_header(data, size);
  return 0;
}
