// SPDX-License-Identifier: BSD-3-Clause
// SYN cookies. RFC 4987 section 3.6; the layout is described in the header.
#include "tcp/syn_cookie.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "tcp/name_block.hpp"

namespace tern::tcp {
namespace {

// 48: what RFC 9293's minimum of an IPv4 link leaves; 536: its default; then IPv6's minimum, tunnels, PPPoE,
// Ethernet and jumbo frames.
constexpr std::array<uint16_t, 8> kMssTable = {48, 536, 1220, 1360, 1400, 1440, 1460, 8960};
constexpr std::array<uint8_t, 8> kScaleTable = {kNoWindowScale, 0, 2, 4, 6, 7, 8, 10};

// The low byte of the sequence number, before its upper seven bits are masked.
constexpr uint32_t kMssShift = 5;
constexpr uint32_t kScaleShift = 2;
constexpr uint32_t kSackBit = 0x02;
constexpr uint32_t kParityBit = 0x01;

// The low six bits of the timestamp.
constexpr uint32_t kTimestampBits = 0x3f;
constexpr uint32_t kTimestampNoScale = 0x0f;
constexpr uint32_t kTimestampSack = 0x10;
constexpr uint32_t kTimestampEcn = 0x20;

constexpr uint32_t kBatch = 32;  // what is sealed at once; bounds the stack

// Sets the derivation of keys apart from whatever else the secret may be asked: "epochkey".
constexpr uint64_t kEpochKeyLabel = 0x65706f63686b6579;

uint32_t epoch_of(net::Instant now) { return static_cast<uint32_t>(now.ns / SynCookies::kEpoch.count()); }

net::Prf epoch_key(const net::PrfKey& secret, uint32_t epoch) {
  const net::PrfBlock derived = net::Prf(secret)({{epoch, kEpochKeyLabel}});
  net::PrfKey key;
  static_assert(sizeof key == sizeof derived.words);
  std::memcpy(key.data(), derived.words.data(), sizeof key);
  return net::Prf(key);
}

uint32_t mss_index(uint16_t mss) {
  uint32_t index = 0;
  for (uint32_t i = 1; i < kMssTable.size(); ++i) index += mss >= kMssTable[i] ? 1 : 0;
  return index;
}

uint32_t scale_index(uint8_t scale) {
  if (scale == kNoWindowScale) return 0;
  uint32_t index = 1;
  for (uint32_t i = 2; i < kScaleTable.size(); ++i) index += scale >= kScaleTable[i] ? 1 : 0;
  return index;
}

// Bits of the seal that neither the MAC's upper 16 bits of b, nor the tag, nor the timestamp offset shows.
uint32_t mask(const net::PrfBlock& seal) { return static_cast<uint32_t>(seal.words[1] >> 32) & 0xfe; }

// The second lowest byte of the cookie.
uint32_t tag(const net::PrfBlock& seal) { return static_cast<uint32_t>(seal.words[1] >> 32) & 0xff00; }

// The strongly universal hash of the peer's initial sequence number and the low byte, and the tag: the
// cookie's upper 24 bits.
uint32_t mac(const net::PrfBlock& seal, Seq irs, uint32_t low_byte) {
  const uint64_t message = uint64_t{irs.value} << 8 | low_byte;
  return static_cast<uint32_t>((seal.words[0] * message + seal.words[1]) >> 48) << 16 | tag(seal);
}

uint32_t timestamp_bits(const CookieOptions& options) {
  const uint32_t scale = options.window_scale == kNoWindowScale ? kTimestampNoScale : options.window_scale;
  return scale | (options.sack_permitted ? kTimestampSack : 0) | (options.ecn ? kTimestampEcn : 0);
}

}  // namespace

SynCookies::SynCookies(const net::PrfKey& secret, net::Instant now)
    : epoch_(epoch_of(now)),
      next_secret_(secret),
      current_(epoch_key(secret, epoch_)),
      previous_(epoch_key(secret, epoch_ - 1)) {}

void SynCookies::advance(net::Instant now) {
  const uint32_t epoch = epoch_of(now);
  if (epoch <= epoch_) return;
  // Where epochs were slept through, the one before this had the next secret already, on the workers that
  // were awake.
  previous_ = epoch == epoch_ + 1 ? current_ : epoch_key(next_secret_, epoch - 1);
  current_ = epoch_key(next_secret_, epoch);
  epoch_ = epoch;
}

SynCookies::Query SynCookies::query_for_syn(net::ConnectionName name) const {
  return {name_block(name, epoch_), false};
}

SynCookies::Query SynCookies::query_for_ack(net::ConnectionName name, Seq ack) const {
  const bool previous = ((ack.value - 1) & kParityBit) != (epoch_ & kParityBit);
  return {name_block(name, previous ? epoch_ - 1 : epoch_), previous};
}

void SynCookies::seal(std::span<const Query> queries, std::span<net::PrfBlock> seals) const {
  assert(queries.size() == seals.size());
  for (size_t begin = 0; begin < queries.size(); begin += kBatch) {
    const size_t count = std::min<size_t>(kBatch, queries.size() - begin);
    for (const bool previous : {false, true}) {  // one batch for each key
      std::array<net::PrfBlock, kBatch> blocks;
      std::array<size_t, kBatch> places;
      size_t n = 0;
      for (size_t i = begin; i < begin + count; ++i) {
        if (queries[i].previous_epoch != previous) continue;
        blocks[n] = queries[i].block;
        places[n++] = i;
      }
      if (n == 0) continue;
      (previous ? previous_ : current_).batch(std::span(blocks).first(n), std::span(blocks).first(n));
      for (size_t i = 0; i < n; ++i) seals[places[i]] = blocks[i];
    }
  }
}

Cookie SynCookies::make(const net::PrfBlock& seal, Seq irs, const CookieOptions& options,
                        uint32_t ts_now) const {
  const uint32_t fields = mss_index(options.mss) << kMssShift |
                          scale_index(options.window_scale) << kScaleShift |
                          (options.sack_permitted ? kSackBit : 0);
  const uint32_t low_byte = (fields ^ mask(seal)) | (epoch_ & kParityBit);
  Cookie cookie{{mac(seal, irs, low_byte) | low_byte}};
  if (options.timestamps) {
    const uint32_t clock = ts_now + timestamp_offset(seal);
    cookie.ts_val = (clock & ~kTimestampBits) | timestamp_bits(options);
    // Never ahead of the clock, so that the connection's later timestamps do not seem to go back.
    if (cookie.ts_val > clock) cookie.ts_val -= kTimestampBits + 1;
  }
  return cookie;
}

bool SynCookies::may_answer(const net::PrfBlock& seal, const Segment& segment, uint32_t ts_now) {
  constexpr uint32_t kLongest = 2 * static_cast<uint32_t>(kEpoch / std::chrono::milliseconds(1)) + 64;
  const uint32_t age = ts_now + timestamp_offset(seal) - segment.ts_ecr;
  return ((segment.ack.value - 1) & 0xff00) == tag(seal) && (!segment.has_timestamps || age <= kLongest);
}

std::optional<CookieOptions> SynCookies::check(const net::PrfBlock& seal, const Segment& segment) const {
  const uint32_t cookie = segment.ack.value - 1;
  const uint32_t low_byte = cookie & 0xff;
  if (cookie != (mac(seal, segment.seq - 1, low_byte) | low_byte)) return std::nullopt;

  const uint32_t fields = low_byte ^ mask(seal);
  CookieOptions options;
  options.mss = kMssTable[fields >> kMssShift];
  options.timestamps = segment.has_timestamps;
  if (segment.has_timestamps) {
    const uint32_t scale = segment.ts_ecr & kTimestampNoScale;
    options.window_scale = scale == kTimestampNoScale ? kNoWindowScale : static_cast<uint8_t>(scale);
    options.sack_permitted = (segment.ts_ecr & kTimestampSack) != 0;
    options.ecn = (segment.ts_ecr & kTimestampEcn) != 0;
  } else {
    options.window_scale = kScaleTable[fields >> kScaleShift & 7];
    options.sack_permitted = (fields & kSackBit) != 0;
  }
  return options;
}

}  // namespace tern::tcp
