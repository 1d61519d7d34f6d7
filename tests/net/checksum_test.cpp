// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum against RFC 1071's own example and against the plain sum.
#include "net/checksum.hpp"

#include <gtest/gtest.h>

#include <random>

#include "net/frame_bytes.hpp"

namespace tern::net {
namespace {

using test::Bytes;
using test::plain_checksum;

Bytes random_bytes(std::mt19937& random, size_t n) {
  Bytes bytes(n);
  for (auto& b : bytes) b = static_cast<uint8_t>(random());
  return bytes;
}

TEST(Checksum, IsThatOfTheExampleInRfc1071Section3) {
  const Bytes example = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum(example), static_cast<uint16_t>(~0xddf2));
}

TEST(Checksum, OfNothingIsAllOnes) { EXPECT_EQ(checksum({}), 0xffff); }

TEST(Checksum, CountsAnOddByteAsTheUpperHalfOfAWord) {
  EXPECT_EQ(checksum(Bytes{0x12}), static_cast<uint16_t>(~0x1200));
  EXPECT_EQ(checksum(Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0x12}), static_cast<uint16_t>(~0x1200));
}

TEST(Checksum, EqualsThePlainSumAtEveryLengthAndAlignment) {
  std::mt19937 random(1);
  for (size_t length = 0; length < 200; ++length) {
    for (size_t offset = 0; offset < 8; ++offset) {
      const Bytes memory = random_bytes(random, offset + length);
      const Bytes bytes(memory.begin() + static_cast<long>(offset), memory.end());
      ASSERT_EQ(checksum(std::span(memory).subspan(offset)), plain_checksum(bytes))
          << length << " at " << offset;
    }
  }
}

TEST(Checksum, EqualsThePlainSumWhereEveryAdditionCarries) {
  for (size_t length : std::vector<size_t>{1, 2, 7, 8, 9, 1499, 1500, 65535}) {
    const Bytes ones(length, 0xff);
    EXPECT_EQ(checksum(ones), plain_checksum(ones)) << length;
  }
}

TEST(Checksum, OfEvenPiecesIsThatOfTheWhole) {
  std::mt19937 random(2);
  const Bytes bytes = random_bytes(random, 101);
  for (size_t cut = 0; cut <= bytes.size(); cut += 2) {
    ChecksumSum sum;
    sum.add(std::span(bytes).first(cut));
    sum.add(std::span(bytes).subspan(cut));
    EXPECT_EQ(sum.finish(), plain_checksum(bytes)) << cut;
  }
}

TEST(Checksum, OfOddPiecesNeedsTheNextSwapped) {
  std::mt19937 random(3);
  const Bytes bytes = random_bytes(random, 100);
  for (size_t cut = 1; cut <= bytes.size(); cut += 2) {
    ChecksumSum sum;
    sum.add(std::span(bytes).first(cut));
    sum.add(std::span(bytes).subspan(cut), true);
    EXPECT_EQ(sum.finish(), plain_checksum(bytes)) << cut;
  }
}

TEST(BlockSums, GiveTheSumOfAnyPart) {
  std::mt19937 random(8);
  for (const size_t size : {0u, 1u, 63u, 64u, 65u, 200u, 331u}) {
    const Bytes bytes = random_bytes(random, size);
    const BlockSums sums(bytes);
    for (uint32_t offset = 0; offset <= size; ++offset) {
      for (uint32_t length = 0; length <= size - offset; ++length) {
        EXPECT_EQ(sums.of(offset, length).finish(), checksum(std::span(bytes).subspan(offset, length)))
            << size << " " << offset << " " << length;
      }
    }
  }
}

TEST(BlockSums, OfTheLargestAndHeaviestBlockDoNotOverflow) {
  const Bytes bytes(65'535, 0xff);
  EXPECT_EQ(BlockSums(bytes).of(1, 65'534).finish(), checksum(std::span(bytes).subspan(1)));
}

TEST(Checksum, AddsAWordAsItWouldLieOnTheWire) {
  ChecksumSum sum;
  sum.add_word(0x0102);
  sum.add_word(0xfffe);
  EXPECT_EQ(sum.finish(), plain_checksum({0x01, 0x02, 0xff, 0xfe}));
}

TEST(Checksum, IsThatOfTheRestWhenWordsAreTakenOut) {
  std::mt19937 random(5);
  for (uint32_t i = 0; i < 10'000; ++i) {
    const Bytes bytes = random_bytes(random, 4 + random() % 100);
    ChecksumSum sum;
    sum.add(bytes);
    uint32_t four;
    std::memcpy(&four, bytes.data(), 4);
    sum.subtract_four(four);
    ChecksumSum kept;
    kept.add_four(sum.in_four());
    ASSERT_EQ(kept.finish() % 0xffff, checksum(std::span(bytes).subspan(4)) % 0xffff) << i;
  }
}

TEST(Checksum, IsOfNothingUntilSomethingIsAdded) {
  ChecksumSum sum;
  EXPECT_TRUE(sum.is_of_nothing());
  EXPECT_EQ(sum.in_four(), 0u);
  sum.add_word(1);
  EXPECT_FALSE(sum.is_of_nothing());
  EXPECT_NE(sum.in_four(), 0u);
}

TEST(Checksum, HoldsWhereItIsAmongTheBytes) {
  EXPECT_FALSE(ChecksumSum().holds());
  std::mt19937 random(4);
  for (uint32_t i = 0; i < 100'000; ++i) {
    Bytes bytes = random_bytes(random, 20);
    if (i % 2 == 0) {
      bytes[0] = bytes[1] = 0;
      const uint16_t right = plain_checksum(bytes);
      bytes[0] = static_cast<uint8_t>(right >> 8);
      bytes[1] = static_cast<uint8_t>(right);
    }
    ChecksumSum sum;
    sum.add(bytes);
    ASSERT_EQ(sum.holds(), sum.finish() == 0) << i;
    ASSERT_EQ(sum.holds(), plain_checksum(bytes) == 0) << i;
  }
}

TEST(Checksum, OfThePseudoHeaderCoversAddressesProtocolAndLength) {
  const Bytes covered = {192, 0, 2, 1, 198, 51, 100, 2, 0, 6, 0x05, 0xdc};
  EXPECT_EQ(pseudo_header({0xc0000201}, {0xc6336402}, 6, 1500).finish(), plain_checksum(covered));
}

}  // namespace
}  // namespace tern::net
