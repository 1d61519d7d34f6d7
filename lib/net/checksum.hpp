// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum. RFC 1071.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"

namespace tern::net {

// A ones' complement sum under way, not folded. Adding pieces gives the sum of the whole if every piece but
// the last has even length, or if swapped is set for those that begin at an odd offset of the whole.
class ChecksumSum {
 public:
  void add(std::span<const uint8_t> bytes, bool swapped = false);
  void add_word(uint16_t host_order_word);
  // The 16-bit checksum, complemented, as a number in host order: store it with store_be16.
  uint16_t finish() const;

 private:
  uint64_t sum_ = 0;
};

uint16_t checksum(std::span<const uint8_t> bytes);

// The sum of the pseudo-header of RFC 9293 section 3.1.
ChecksumSum pseudo_header(Ipv4Address source, Ipv4Address destination, uint8_t protocol, uint16_t length);

}  // namespace tern::net
