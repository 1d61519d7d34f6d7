// SPDX-License-Identifier: BSD-3-Clause
// A keyed pseudo-random function on one block: AES-128 where the processor has AES-NI, SipHash-2-4 where it
// has not. It names SYN cookies (RFC 4987), initial sequence numbers (RFC 6528) and the buckets of the flow
// table.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tern::net {

// One block of input or output.
struct PrfBlock {
  std::array<uint64_t, 2> words{};
  friend constexpr bool operator==(const PrfBlock&, const PrfBlock&) = default;
};

using PrfKey = std::array<uint8_t, 16>;

class Prf {
 public:
  enum class Kind : uint8_t { kAes, kSipHash };

  // The faster kind that this processor can run.
  static Kind best();

  explicit Prf(const PrfKey& key, Kind kind = best());

  PrfBlock operator()(const PrfBlock& input) const;
  // The same for a burst, interleaved so that the cipher's latency is hidden; input and output have one size,
  // and may be the same memory.
  void batch(std::span<const PrfBlock> input, std::span<PrfBlock> output) const;
  Kind kind() const { return kind_; }

 private:
  // AES-128's schedule, or SipHash's key in [0].
  alignas(16) std::array<std::array<uint64_t, 2>, 11> round_keys_{};
  Kind kind_;
};

// SipHash-2-4 with 64 bits of output (Aumasson and Bernstein, 2012) of a message of any length, for what
// others must be able to compute too.
uint64_t sip_hash_64(const PrfKey& key, std::span<const uint8_t> message);

}  // namespace tern::net
