// SPDX-License-Identifier: BSD-3-Clause
// The TCP header: from bytes and to bytes. RFC 9293 section 3.1.
#include "tcp/header.hpp"

#include <array>
#include <cassert>
#include <cstring>

#include "net/byte_order.hpp"
#include "tcp/options.hpp"

namespace tern::tcp {

// Word by word, each summed up on its way: to read back what was just written in pieces would take longer.
net::ChecksumSum write_header(const SegmentHeader& header, Ports ports, uint8_t* bytes) {
  assert(header.option_length <= kMaxOptionBytes && header.option_length % 4 == 0);
  const uint32_t offset = header.length() / 4;
  const std::array<uint32_t, kMinHeaderBytes / 4> words = {
      __builtin_bswap32(uint32_t{ports.source} << 16 | ports.destination),
      __builtin_bswap32(header.seq.value),
      __builtin_bswap32(header.ack.value),
      __builtin_bswap32(offset << 28 | uint32_t{header.flags} << 16 | header.wnd),
      0,  // checksum and urgent pointer
  };
  net::ChecksumSum sum;
  for (const uint32_t word : words) sum.add_four(word);
  std::memcpy(bytes, words.data(), sizeof words);
  bytes += sizeof words;
  for (uint32_t i = 0; i < header.option_length; i += 4) {
    uint32_t word;
    std::memcpy(&word, &header.options[i], sizeof word);
    std::memcpy(bytes + i, &word, sizeof word);
    sum.add_four(word);
  }
  return sum;
}

}  // namespace tern::tcp
