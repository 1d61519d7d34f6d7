// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum. RFC 1071.
//
// A sum of words of any width is one of 16-bit words once it is folded (RFC 1071 section 2 (C)). What is
// short is taken 64 bits at a time, with the carries counted; what is long by vectors of 32-bit words in
// 64-bit lanes, where no carry is lost before 2^32 of them.
#include "net/checksum.hpp"

#include <immintrin.h>

#include <array>
#include <numeric>

namespace tern::net {
namespace {

constexpr size_t kBlock = 64;  // bytes that one turn of the vector loop takes

// The program is built for processors without AVX2 too, and this runs only where there is one. Four sums side
// by side, so that none waits for its predecessor.
__attribute__((target("avx2"))) uint64_t sum_of_blocks(const uint8_t* p, size_t blocks) {
  __m256i lanes[4] = {};
  for (; blocks != 0; --blocks) {
    for (__m256i& lane : lanes) {
      const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      lane = _mm256_add_epi64(lane, _mm256_cvtepu32_epi64(words));
      p += sizeof words;
    }
  }
  std::array<uint64_t, 16> sums;
  std::memcpy(sums.data(), lanes, sizeof sums);
  return std::accumulate(sums.begin(), sums.end(), uint64_t{0});
}

const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;

uint64_t sum_of(std::span<const uint8_t> bytes) {
  const uint8_t* p = bytes.data();
  size_t left = bytes.size();
  uint64_t sum = 0;
  if (left >= 2 * kBlock && kHasAvx2) {
    const size_t blocks = left / kBlock;
    sum = sum_of_blocks(p, blocks);
    p += blocks * kBlock;
    left %= kBlock;
  }
  uint64_t carries = 0;
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t eight;
    std::memcpy(&eight, p, 8);
    carries += __builtin_add_overflow(sum, eight, &sum) ? 1 : 0;
  }
  sum = (sum & 0xffffffff) + (sum >> 32) + carries;
  // At most seven are left, by their sizes: a copy of any length would be a call.
  if ((left & 4) != 0) {
    uint32_t four;
    std::memcpy(&four, p, 4);
    sum += four;
    p += 4;
  }
  if ((left & 2) != 0) {
    uint16_t two;
    std::memcpy(&two, p, 2);
    sum += two;
    p += 2;
  }
  // The byte that an odd length lacks counts as zero, so the last one is the lower half of its word.
  if ((left & 1) != 0) sum += *p;
  return sum;
}

}  // namespace

void ChecksumSum::add(std::span<const uint8_t> bytes, bool swapped) {
  const uint64_t sum = sum_of(bytes);
  sum_ += swapped ? __builtin_bswap16(fold(sum)) : sum;
}

// 32,767 words of 16 bits add up to less than 2^32.
BlockSums::BlockSums(std::span<const uint8_t> bytes) : bytes_(bytes), before_(bytes.size() / kStep + 1) {
  for (size_t i = 1; i < before_.size(); ++i) {
    before_[i] = before_[i - 1];
    for (const uint8_t* p = &bytes[(i - 1) * kStep]; p != bytes.data() + i * kStep; p += 2) {
      uint16_t word;
      std::memcpy(&word, p, sizeof word);
      before_[i] += word;
    }
  }
}

ChecksumSum BlockSums::of(uint32_t offset, uint32_t length) const {
  ChecksumSum sum;
  const uint32_t end = offset + length;
  const uint32_t first = (offset + kStep - 1) / kStep, last = end / kStep;
  if (first >= last) {
    sum.add(bytes_.subspan(offset, length));
    return sum;
  }
  const uint32_t head = first * kStep - offset;
  const bool odd = (head & 1) != 0;
  sum.add(bytes_.subspan(offset, head));
  ChecksumSum whole;
  whole.add_four(before_[last] - before_[first]);
  sum.add(whole, odd);
  sum.add(bytes_.subspan(size_t{last} * kStep, end - last * kStep), odd);
  return sum;
}

uint16_t checksum(std::span<const uint8_t> bytes) {
  ChecksumSum sum;
  sum.add(bytes);
  return sum.finish();
}

}  // namespace tern::net
