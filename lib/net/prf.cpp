// SPDX-License-Identifier: BSD-3-Clause
// The keyed pseudo-random function: AES-128 (FIPS 197) by AES-NI, and SipHash-2-4 with 128 bits of output
// (Aumasson and Bernstein, 2012) on a message of exactly one block.
#include "net/prf.hpp"

#include <immintrin.h>

#include <bit>
#include <cassert>
#include <cstring>

namespace tern::net {
namespace {

using RoundKeys = std::array<std::array<uint64_t, 2>, 11>;

// The whole program is built for processors without AES-NI too; these functions are not, and only run where
// Prf::best() found it.
#define TERN_WITH_AES __attribute__((target("aes,sse4.1")))

// One step of the key schedule, FIPS 197 section 5.2: word i is word i-4 xor word i-1, the first of each four
// xor the transformed last word of the round before.
template <int kRoundConstant>
TERN_WITH_AES __m128i next_round_key(__m128i key) {
  const __m128i transformed = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, kRoundConstant), 0xff);
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, transformed);
}

TERN_WITH_AES void expand_aes_key(const PrfKey& key, RoundKeys& round_keys) {
  auto* k = reinterpret_cast<__m128i*>(round_keys.data());
  k[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key.data()));
  k[1] = next_round_key<0x01>(k[0]);
  k[2] = next_round_key<0x02>(k[1]);
  k[3] = next_round_key<0x04>(k[2]);
  k[4] = next_round_key<0x08>(k[3]);
  k[5] = next_round_key<0x10>(k[4]);
  k[6] = next_round_key<0x20>(k[5]);
  k[7] = next_round_key<0x40>(k[6]);
  k[8] = next_round_key<0x80>(k[7]);
  k[9] = next_round_key<0x1b>(k[8]);
  k[10] = next_round_key<0x36>(k[9]);
}

// Encrypts kWide blocks side by side: a round takes its latency once for all of them.
template <size_t kWide>
TERN_WITH_AES void encrypt(const RoundKeys& round_keys, const PrfBlock* input, PrfBlock* output) {
  const auto* k = reinterpret_cast<const __m128i*>(round_keys.data());
  __m128i state[kWide];
  for (size_t i = 0; i < kWide; ++i) {
    state[i] = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(input + i)), k[0]);
  }
  for (size_t round = 1; round < 10; ++round) {
    for (size_t i = 0; i < kWide; ++i) state[i] = _mm_aesenc_si128(state[i], k[round]);
  }
  for (size_t i = 0; i < kWide; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output + i), _mm_aesenclast_si128(state[i], k[10]));
  }
}

// As many blocks as fill the latency of aesenc and still fit the sixteen vector registers.
constexpr size_t kInterleaved = 8;

TERN_WITH_AES void encrypt_all(const RoundKeys& round_keys, std::span<const PrfBlock> input,
                               PrfBlock* output) {
  size_t i = 0;
  for (; i + kInterleaved <= input.size(); i += kInterleaved) {
    encrypt<kInterleaved>(round_keys, &input[i], output + i);
  }
  for (; i < input.size(); ++i) encrypt<1>(round_keys, &input[i], output + i);
}

#undef TERN_WITH_AES

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1, v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1, v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void compress(uint64_t word) {
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
  uint64_t finalize() {
    round(), round(), round(), round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

PrfBlock sip_hash(const std::array<uint64_t, 2>& key, const PrfBlock& input) {
  // The initial state spells "somepseudorandomlygeneratedbytes"; 0xee and 0xdd mark the 128-bit variant.
  SipState s{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee, key[0] ^ 0x6c7967656e657261,
             key[1] ^ 0x7465646279746573};
  s.compress(input.words[0]);
  s.compress(input.words[1]);
  s.compress(uint64_t{sizeof input} << 56);
  PrfBlock output;
  s.v2 ^= 0xee;
  output.words[0] = s.finalize();
  s.v1 ^= 0xdd;
  output.words[1] = s.finalize();
  return output;
}

// The last up to eight bytes of a message as a word, the first byte lowest.
uint64_t word_of(std::span<const uint8_t> bytes) {
  uint64_t word = 0;
  for (size_t i = bytes.size(); i != 0; --i) word = word << 8 | bytes[i - 1];
  return word;
}

}  // namespace

uint64_t sip_hash_64(const PrfKey& key, std::span<const uint8_t> message) {
  const uint64_t k0 = word_of(std::span(key).first(8));
  const uint64_t k1 = word_of(std::span(key).last(8));
  SipState s{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
             k1 ^ 0x7465646279746573};
  const uint64_t length = message.size();
  for (; message.size() >= 8; message = message.subspan(8)) s.compress(word_of(message.first(8)));
  s.compress(length << 56 | word_of(message));
  s.v2 ^= 0xff;
  return s.finalize();
}

Prf::Kind Prf::best() {
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1") ? Kind::kAes : Kind::kSipHash;
}

Prf::Prf(const PrfKey& key, Kind kind) : kind_(kind) {
  if (kind_ == Kind::kAes) {
    expand_aes_key(key, round_keys_);
  } else {
    std::memcpy(round_keys_[0].data(), key.data(), key.size());
  }
}

PrfBlock Prf::operator()(const PrfBlock& input) const {
  if (kind_ == Kind::kSipHash) return sip_hash(round_keys_[0], input);
  PrfBlock output;
  encrypt<1>(round_keys_, &input, &output);
  return output;
}

void Prf::batch(std::span<const PrfBlock> input, std::span<PrfBlock> output) const {
  assert(input.size() == output.size());
  if (kind_ == Kind::kAes) return encrypt_all(round_keys_, input, output.data());
  for (size_t i = 0; i < input.size(); ++i) output[i] = sip_hash(round_keys_[0], input[i]);
}

}  // namespace tern::net
