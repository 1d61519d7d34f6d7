// SPDX-License-Identifier: BSD-3-Clause
// TCP options: RFC 9293 section 3.2 (end, no-op, MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK),
// RFC 7413 (Fast Open).
#include "tcp/options.hpp"

#include <algorithm>
#include <cassert>

#include "net/byte_order.hpp"

namespace tern::tcp {
namespace {

enum Kind : uint8_t {
  kEnd = 0,
  kNoOp = 1,
  kMss = 2,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kTimestamps = 8,
  kUserTimeout = 28,
  kFastOpen = 34,
  kExperiment = 254,  // RFC 6994: the two bytes after the length say whose
};

// What an option takes with its kind and length bytes.
constexpr uint32_t kMssBytes = 4;
constexpr uint32_t kWindowScaleBytes = 3;
constexpr uint32_t kSackPermittedBytes = 2;
constexpr uint32_t kTimestampsBytes = 10;
constexpr uint32_t kSackHeadBytes = 2;
constexpr uint32_t kSackBlockBytes = 8;
constexpr uint32_t kUserTimeoutBytes = 4;
constexpr uint32_t kFastOpenHeadBytes = 2;
constexpr uint32_t kExperimentHeadBytes = 4;
constexpr uint16_t kFastOpenMagic = 0xf989;

void read_sacks(std::span<const uint8_t> option, Segment& segment) {
  for (size_t at = kSackHeadBytes; at < option.size() && segment.sack_count < kMaxSackBlocks;
       at += kSackBlockBytes) {
    const SackBlock block{{net::load_be32(&option[at])}, {net::load_be32(&option[at + 4])}};
    if (block.left < block.right) segment.sacks[segment.sack_count++] = block;
  }
}

// RFC 7413 section 4.1.1: options of a length that no cookie has, or without SYN, MUST be ignored.
void read_fast_open(std::span<const uint8_t> cookie, FastOpenOption::Form form, Segment& segment) {
  if (!segment.has(kSyn)) return;
  FastOpenOption& option = segment.fast_open;
  const bool fits = cookie.empty() || (cookie.size() >= FastOpenOption::kMinCookie &&
                                       cookie.size() <= FastOpenOption::kMaxCookie && cookie.size() % 2 == 0);
  option.form = fits ? form : FastOpenOption::Form::kMalformed;
  option.length = fits ? static_cast<uint8_t>(cookie.size()) : uint8_t{0};
  std::copy_n(cookie.begin(), option.length, option.cookie.begin());
}

// Reads one option, its kind and length bytes included; false when its length is not one that the kind
// allows.
bool read_option(std::span<const uint8_t> option, Segment& segment) {
  const bool syn = segment.has(kSyn);
  switch (option[0]) {
    case kMss:
      if (option.size() != kMssBytes) return false;
      if (syn) segment.mss = net::load_be16(&option[2]);
      return true;
    case kWindowScale:
      if (option.size() != kWindowScaleBytes) return false;
      if (syn) segment.window_scale = std::min(option[2], kMaxWindowScale);  // RFC 7323 section 2.3
      return true;
    case kSackPermitted:
      if (option.size() != kSackPermittedBytes) return false;
      if (syn) segment.sack_permitted = true;
      return true;
    case kSack:
      if (option.size() <= kSackHeadBytes || (option.size() - kSackHeadBytes) % kSackBlockBytes != 0)
        return false;
      read_sacks(option, segment);
      return true;
    case kTimestamps:
      if (option.size() != kTimestampsBytes) return false;
      segment.has_timestamps = true;
      segment.ts_val = net::load_be32(&option[2]);
      segment.ts_ecr = net::load_be32(&option[6]);
      return true;
    case kUserTimeout:
      if (option.size() != kUserTimeoutBytes) return false;
      segment.user_timeout = net::load_be16(&option[2]) & 0x7fff ? net::load_be16(&option[2]) : uint16_t{0};
      return true;
    case kFastOpen:
      read_fast_open(option.subspan(kFastOpenHeadBytes), FastOpenOption::Form::kStandard, segment);
      return true;
    case kExperiment:
      if (option.size() >= kExperimentHeadBytes && net::load_be16(&option[2]) == kFastOpenMagic) {
        read_fast_open(option.subspan(kExperimentHeadBytes), FastOpenOption::Form::kExperimental, segment);
      }
      return true;
    default:
      return true;  // MUST-6: an option that we do not know is skipped
  }
}

// What append_syn_options() makes of all that it knows, and so does Linux, in one go.
bool read_usual_syn(std::span<const uint8_t> bytes, Segment& segment) {
  constexpr uint32_t kBytes = kMssBytes + kSackPermittedBytes + kTimestampsBytes + 1 + kWindowScaleBytes;
  constexpr uint16_t kMssHead = kMss << 8 | kMssBytes;
  constexpr uint32_t kSackAndTimestamps =
      kSackPermitted << 24 | kSackPermittedBytes << 16 | kTimestamps << 8 | kTimestampsBytes;
  constexpr uint32_t kScaleHead = kNoOp << 16 | kWindowScale << 8 | kWindowScaleBytes;
  if (bytes.size() != kBytes || !segment.has(kSyn)) return false;
  const uint8_t* p = bytes.data();
  const uint32_t scale = net::load_be32(p + 16);
  if (net::load_be16(p) != kMssHead || net::load_be32(p + 4) != kSackAndTimestamps ||
      scale >> 8 != kScaleHead)
    return false;
  segment.mss = net::load_be16(p + 2);
  segment.sack_permitted = true;
  segment.has_timestamps = true;
  segment.ts_val = net::load_be32(p + 8);
  segment.ts_ecr = net::load_be32(p + 12);
  segment.window_scale = std::min(static_cast<uint8_t>(scale), kMaxWindowScale);
  return true;
}

uint8_t* end_of_options(SegmentHeader& header, uint32_t added) {
  assert(header.option_length + added <= kMaxOptionBytes);
  uint8_t* p = header.options.data() + header.option_length;
  header.option_length = static_cast<uint8_t>(header.option_length + added);
  return p;
}

void append_fast_open(SegmentHeader& header, const FastOpenOption& option) {
  if (!option.present()) return;
  const bool standard = option.form == FastOpenOption::Form::kStandard;
  const uint32_t length = (standard ? kFastOpenHeadBytes : kExperimentHeadBytes) + option.length;
  const uint32_t padded = (length + 3) / 4 * 4;
  if (header.option_length + padded > kMaxOptionBytes) return;
  uint8_t* p = end_of_options(header, padded);
  p[0] = standard ? kFastOpen : kExperiment;
  p[1] = static_cast<uint8_t>(length);
  if (!standard) net::store_be16(p + 2, kFastOpenMagic);
  std::copy_n(option.cookie.begin(), option.length, p + length - option.length);
  std::fill(p + length, p + padded, uint8_t{kNoOp});
}

}  // namespace

void read_options(std::span<const uint8_t> bytes, Segment& segment) {
  if (read_usual_syn(bytes, segment)) return;
  size_t at = 0;
  while (at < bytes.size() && bytes[at] != kEnd) {
    if (bytes[at] == kNoOp) {
      ++at;
      continue;
    }
    const size_t left = bytes.size() - at;
    if (left < 2) return;
    const size_t length = bytes[at + 1];
    if (length < 2 || length > left) return;  // MUST-7
    if (!read_option(bytes.subspan(at, length), segment)) return;
    at += length;
  }
}

void append_syn_options(SegmentHeader& header, const SynOptions& options) {
  if (options.mss != 0) {
    uint8_t* p = end_of_options(header, kMssBytes);
    p[0] = kMss;
    p[1] = kMssBytes;
    net::store_be16(p + 2, options.mss);
  }
  if (options.timestamps) {
    append_timestamps(header, options.ts_val, options.ts_ecr);
    if (options.sack_permitted) {  // in the place of the two no-ops
      uint8_t* p = header.options.data() + header.option_length - kTimestampOptionBytes;
      p[0] = kSackPermitted;
      p[1] = kSackPermittedBytes;
    }
  } else if (options.sack_permitted) {
    uint8_t* p = end_of_options(header, 2 + kSackPermittedBytes);
    p[0] = p[1] = kNoOp;
    p[2] = kSackPermitted;
    p[3] = kSackPermittedBytes;
  }
  if (options.window_scale != kNoWindowScale) {
    uint8_t* p = end_of_options(header, 1 + kWindowScaleBytes);
    p[0] = kNoOp;
    p[1] = kWindowScale;
    p[2] = kWindowScaleBytes;
    p[3] = options.window_scale;
  }
  append_fast_open(header, options.fast_open);
  if (options.user_timeout != 0 && header.option_length + kUserTimeoutBytes <= kMaxOptionBytes) {
    append_user_timeout(header, options.user_timeout);
  }
}

void append_timestamps(SegmentHeader& header, uint32_t ts_val, uint32_t ts_ecr) {
  uint8_t* p = end_of_options(header, kTimestampOptionBytes);
  net::store_be32(p, kTimestampLayout);
  net::store_be32(p + 4, ts_val);
  net::store_be32(p + 8, ts_ecr);
}

void append_user_timeout(SegmentHeader& header, uint16_t value) {
  uint8_t* p = end_of_options(header, kUserTimeoutBytes);
  p[0] = kUserTimeout;
  p[1] = kUserTimeoutBytes;
  net::store_be16(p + 2, value);
}

uint32_t sacks_in(uint32_t room, uint32_t blocks) {
  constexpr uint32_t kHead = 2 + kSackHeadBytes;  // with the two no-ops
  return room < kHead + kSackBlockBytes ? 0 : std::min(blocks, (room - kHead) / kSackBlockBytes);
}

uint32_t sack_bytes(uint32_t blocks) {
  return blocks == 0 ? 0 : 2 + kSackHeadBytes + blocks * kSackBlockBytes;
}

uint32_t append_sacks(SegmentHeader& header, std::span<const SackBlock> blocks, uint32_t room) {
  const uint32_t left = std::min<uint32_t>(room, kMaxOptionBytes - header.option_length);
  const uint32_t count = sacks_in(left, static_cast<uint32_t>(blocks.size()));
  if (count == 0) return 0;
  const uint32_t length = sack_bytes(count);
  uint8_t* p = end_of_options(header, length);
  p[0] = p[1] = kNoOp;
  p[2] = kSack;
  p[3] = static_cast<uint8_t>(length - 2);
  p += 2 + kSackHeadBytes;
  for (const SackBlock& block : blocks.first(count)) {
    net::store_be32(p, block.left.value);
    net::store_be32(p + 4, block.right.value);
    p += kSackBlockBytes;
  }
  return count;
}

}  // namespace tern::tcp
