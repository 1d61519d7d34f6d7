// SPDX-License-Identifier: BSD-3-Clause
// CRC32C, a byte at a time: it is only for headers of some dozen bytes.
#include "lb/crc32c.hpp"

#include <array>

namespace tern::lb {

namespace {

constexpr std::array<uint32_t, 256> make_table() {
  constexpr uint32_t kReflected = 0x82f63b78u;
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ kReflected : crc >> 1;
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

}  // namespace

uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t crc) {
  crc = ~crc;
  for (const uint8_t byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ byte) & 0xff];
  return ~crc;
}

}  // namespace tern::lb
