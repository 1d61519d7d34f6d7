// SPDX-License-Identifier: BSD-3-Clause
// The pseudo-random function against the published vectors of both kinds.
#include "net/prf.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace tern::net {
namespace {

using Block = std::array<uint8_t, 16>;

PrfBlock block(const Block& bytes) {
  PrfBlock b;
  std::memcpy(b.words.data(), bytes.data(), bytes.size());
  return b;
}

// 00 01 02 ... 0f, the key of all the vectors here but one.
constexpr PrfKey kCounting = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

class AesPrf : public testing::Test {
 protected:
  // Without the instructions there is nothing to test: what Prf::best() is there, AnyPrf tests everywhere.
  void SetUp() override {
    if (Prf::best() != Prf::Kind::kAes) GTEST_SKIP() << "this processor has no AES-NI";
  }
};

TEST_F(AesPrf, IsTheCipherOfFips197AppendixC1) {
  const Prf prf(kCounting, Prf::Kind::kAes);
  const Block plain = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                       0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
  const Block cipher = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
                        0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
  EXPECT_EQ(prf(block(plain)), block(cipher));
}

TEST_F(AesPrf, IsTheCipherOfFips197AppendixB) {
  const PrfKey key = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                      0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
  const Block plain = {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
                       0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
  const Block cipher = {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb,
                        0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32};
  EXPECT_EQ(Prf(key, Prf::Kind::kAes)(block(plain)), block(cipher));
}

TEST(SipHashPrf, IsTheReferenceVectorForSixteenBytesAnd128BitsOfOutput) {
  const Prf prf(kCounting, Prf::Kind::kSipHash);
  const Block output = {0x6e, 0xe2, 0xa4, 0xca, 0x67, 0xb0, 0x54, 0xbb,
                        0xfd, 0x33, 0x15, 0xbf, 0x85, 0x23, 0x05, 0x77};
  EXPECT_EQ(prf(block(kCounting)), block(output));
}

class AnyPrf : public testing::TestWithParam<Prf::Kind> {
 protected:
  // Only the twin of AES is skipped, where the processor lacks the instructions it is made of.
  void SetUp() override {
    if (GetParam() == Prf::Kind::kAes && Prf::best() != Prf::Kind::kAes) {
      GTEST_SKIP() << "this processor has no AES-NI";
    }
  }
};
INSTANTIATE_TEST_SUITE_P(BothKinds, AnyPrf, testing::Values(Prf::Kind::kAes, Prf::Kind::kSipHash));

TEST_P(AnyPrf, BatchGivesWhatSingleCallsGiveAtEverySize) {
  std::mt19937_64 random(1);
  const Prf prf(kCounting, GetParam());
  for (size_t size = 0; size <= 40; ++size) {
    std::vector<PrfBlock> input(size), output(size);
    for (auto& b : input) b.words = {random(), random()};
    prf.batch(input, output);
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(output[i], prf(input[i])) << i << " of " << size;
  }
}

TEST_P(AnyPrf, BatchMayOverwriteItsInput) {
  const Prf prf(kCounting, GetParam());
  std::vector<PrfBlock> blocks(19), output(19);
  for (size_t i = 0; i < blocks.size(); ++i) blocks[i].words = {i, ~i};
  prf.batch(blocks, output);
  prf.batch(blocks, blocks);
  EXPECT_EQ(blocks, output);
}

TEST_P(AnyPrf, DependsOnTheWholeKeyAndTheWholeInput) {
  const PrfBlock plain = block(kCounting);
  const PrfBlock output = Prf(kCounting, GetParam())(plain);
  for (size_t bit = 0; bit < 128; ++bit) {
    PrfKey key = kCounting;
    key[bit / 8] = static_cast<uint8_t>(key[bit / 8] ^ 1u << bit % 8);
    EXPECT_FALSE(Prf(key, GetParam())(plain) == output) << "key bit " << bit;
    EXPECT_FALSE(Prf(kCounting, GetParam())(block(key)) == output) << "input bit " << bit;
  }
}

TEST_P(AnyPrf, CopiesGiveTheSame) {
  const Prf prf(kCounting, GetParam());
  const Prf copy = prf;
  EXPECT_EQ(copy.kind(), GetParam());
  EXPECT_EQ(copy(block(kCounting)), prf(block(kCounting)));
}

// The example of the SipHash paper, appendix A, and a length that fills its last word.
TEST(SipHash64, GivesThePublishedValues) {
  std::vector<uint8_t> message(15);
  for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(sip_hash_64(kCounting, message), 0xa129ca6149be45e5u);
  EXPECT_EQ(sip_hash_64(kCounting, std::span(message).first(8)), 0x93f5f5799a932462u);
  EXPECT_EQ(sip_hash_64(kCounting, {}), 0x726fdb47dd0e0e31u);
}

TEST(Prf, UsesTheBestKindUnlessTold) { EXPECT_EQ(Prf(kCounting).kind(), Prf::best()); }

}  // namespace
}  // namespace tern::net
