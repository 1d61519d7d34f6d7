// SPDX-License-Identifier: BSD-3-Clause
// CRC32C (Castagnoli), RFC 3720 appendix B.4: reflected, polynomial 0x1edc6f41.
#pragma once

#include <cstdint>
#include <span>

namespace tern::lb {

// Begun with crc 0, or going on from what an earlier call returned.
uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t crc = 0);

}  // namespace tern::lb
