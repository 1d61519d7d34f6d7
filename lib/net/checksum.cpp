// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum. RFC 1071.
//
// The sum is kept in the machine's byte order and turned round once at the end (RFC 1071 section 2 (B)), and
// it is taken 32 bits at a time into 64 (section 2 (C)): no carry to catch before 2^32 words, and a loop that
// the compiler can widen to vectors.
#include "net/checksum.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

#include "net/byte_order.hpp"

namespace tern::net {
namespace {

uint64_t sum_of(std::span<const uint8_t> bytes) {
  const uint8_t* p = bytes.data();
  size_t left = bytes.size();
  uint64_t low = 0, high = 0;
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t eight;
    std::memcpy(&eight, p, 8);
    low += eight & 0xffffffff;
    high += eight >> 32;
  }
  // At most seven are left, by their sizes: a copy of any length would be a call.
  if ((left & 4) != 0) {
    uint32_t four;
    std::memcpy(&four, p, 4);
    low += four;
    p += 4;
  }
  if ((left & 2) != 0) {
    uint16_t two;
    std::memcpy(&two, p, 2);
    low += two;
    p += 2;
  }
  // The byte that an odd length lacks counts as zero, so the last one is the lower half of its word.
  if ((left & 1) != 0) high += *p;
  return low + high;
}

uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace

void ChecksumSum::add(std::span<const uint8_t> bytes, bool swapped) {
  const uint64_t sum = sum_of(bytes);
  sum_ += swapped ? __builtin_bswap16(fold(sum)) : sum;
}

void ChecksumSum::add_word(uint16_t host_order_word) { sum_ += __builtin_bswap16(host_order_word); }

uint16_t ChecksumSum::finish() const { return static_cast<uint16_t>(~__builtin_bswap16(fold(sum_))); }

uint16_t checksum(std::span<const uint8_t> bytes) {
  ChecksumSum sum;
  sum.add(bytes);
  return sum.finish();
}

ChecksumSum pseudo_header(Ipv4Address source, Ipv4Address destination, uint8_t protocol, uint16_t length) {
  ChecksumSum sum;
  sum.add_word(static_cast<uint16_t>(source.value >> 16));
  sum.add_word(static_cast<uint16_t>(source.value));
  sum.add_word(static_cast<uint16_t>(destination.value >> 16));
  sum.add_word(static_cast<uint16_t>(destination.value));
  sum.add_word(protocol);
  sum.add_word(length);
  return sum;
}

}  // namespace tern::net
