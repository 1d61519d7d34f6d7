// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum. RFC 1071.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "net/address.hpp"

namespace tern::net {

// A ones' complement sum under way, not folded, in the machine's byte order, which is turned round once at
// the end (RFC 1071 section 2 (B)). Adding pieces gives the sum of the whole if every piece but the last has
// even length, or if swapped is set for those that begin at an odd offset of the whole.
class ChecksumSum {
 public:
  void add(std::span<const uint8_t> bytes, bool swapped = false);
  // The same for a length that is known, a multiple of four and short.
  template <size_t kBytes>
  void add(const uint8_t* bytes) {
    static_assert(kBytes % 4 == 0);
    for (size_t i = 0; i < kBytes; i += 4) {
      uint32_t four;
      std::memcpy(&four, bytes + i, 4);
      sum_ += four;
    }
  }
  void add(ChecksumSum other, bool swapped = false) {
    sum_ += swapped ? __builtin_bswap16(fold(other.sum_)) : other.sum_;
  }
  // Four bytes as they lie in memory, as a number. What is taken out had been added: its complement brings
  // the sum to the same remainder by 65,535.
  void add_four(uint32_t memory_order) { sum_ += memory_order; }
  void subtract_four(uint32_t memory_order) { sum_ += ~memory_order; }
  void add_word(uint16_t host_order_word) { sum_ += __builtin_bswap16(host_order_word); }
  void add_address(Ipv4Address address) { sum_ += __builtin_bswap32(address.value); }
  bool is_of_nothing() const { return sum_ == 0; }
  // To be kept and given to add_four() one day; 0 only where all that was added was zero.
  uint32_t in_four() const { return halved(sum_); }
  // The 16-bit checksum, complemented, as a number in host order: store it with store_be16.
  uint16_t finish() const { return static_cast<uint16_t>(~__builtin_bswap16(fold(sum_))); }
  // Whether finish() is 0, as it is for bytes whose checksum is among them: a sum folds to a number of the
  // same remainder by 65,535, and to 0 only if it is 0.
  bool holds() const { return sum_ % 0xffff == 0 && sum_ != 0; }

 private:
  // Each half added to the other, and the carry to the sum.
  static uint32_t halved(uint64_t sum) {
    uint32_t words;
    const bool carry =
        __builtin_add_overflow(static_cast<uint32_t>(sum), static_cast<uint32_t>(sum >> 32), &words);
    return words + (carry ? 1 : 0);
  }
  static uint16_t fold(uint64_t sum) {
    const uint32_t words = halved(sum);
    uint16_t word;
    const bool last =
        __builtin_add_overflow(static_cast<uint16_t>(words), static_cast<uint16_t>(words >> 16), &word);
    return static_cast<uint16_t>(word + (last ? 1 : 0));
  }

  uint64_t sum_ = 0;
};

uint16_t checksum(std::span<const uint8_t> bytes);

// The sums of a block of bytes that do not change, of at most 65,535: made once, so that the sum of any part
// of it takes a look at its ends alone.
class BlockSums {
 public:
  // bytes: must outlive this.
  explicit BlockSums(std::span<const uint8_t> bytes);
  ChecksumSum of(uint32_t offset, uint32_t length) const;

 private:
  static constexpr uint32_t kStep = 64;

  std::span<const uint8_t> bytes_;
  std::vector<uint32_t> before_;  // of what lies before each multiple of kStep, in 16-bit words
};

// The sum of the pseudo-header of RFC 9293 section 3.1.
inline ChecksumSum pseudo_header(Ipv4Address source, Ipv4Address destination, uint8_t protocol,
                                 uint16_t length) {
  ChecksumSum sum;
  sum.add_address(source);
  sum.add_address(destination);
  sum.add_word(protocol);
  sum.add_word(length);
  return sum;
}

}  // namespace tern::net
