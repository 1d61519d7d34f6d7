// SPDX-License-Identifier: BSD-3-Clause
// TCP options: RFC 9293 section 3.2 (end, no-op, MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK),
// RFC 7413 (Fast Open), RFC 5482 (user timeout).
#pragma once

#include <cstdint>
#include <span>

#include "net/byte_order.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

// NOP, NOP, timestamps, 10: the layout of RFC 7323 appendix A that nearly every segment has.
constexpr uint32_t kTimestampLayout = 0x0101080a;

// Of parse_options() what is left when all that it sets has been cleared.
void read_options(std::span<const uint8_t> bytes, Segment& segment);

// Reads options into segment. Unknown kinds are skipped by their length (MUST-6); a length of 0 or 1, one
// beyond the end, or one that the kind does not allow ends the reading (MUST-7). Window scale, MSS and
// SACK-permitted count only in a segment with SYN, so segment.flags must be set before; so does a Fast Open
// cookie, and one of an odd length, or longer than 16 bytes, is marked as malformed and passed over. A SACK
// block with right <= left is left out. Of an option that comes twice the last one counts, but SACK blocks
// add up. An MSS of 0 reads as no MSS. bytes: at most kMaxOptionBytes. Sets has_timestamps, mss,
// window_scale, sack_permitted, sack_count, user_timeout and fast_open.form in any case.
inline void parse_options(std::span<const uint8_t> bytes, Segment& segment) {
  segment.mss = 0;
  segment.user_timeout = 0;
  segment.window_scale = kNoWindowScale;
  segment.sack_permitted = false;
  segment.sack_count = 0;
  segment.has_timestamps = false;
  segment.fast_open.form = FastOpenOption::Form::kAbsent;
  if (bytes.empty()) return;
  if (bytes.size() == kTimestampOptionBytes && net::load_be32(bytes.data()) == kTimestampLayout) {
    segment.has_timestamps = true;
    segment.ts_val = net::load_be32(bytes.data() + 4);
    segment.ts_ecr = net::load_be32(bytes.data() + 8);
    return;
  }
  read_options(bytes, segment);
}

// What a SYN or SYN-ACK of ours offers.
struct SynOptions {
  uint16_t mss = 0;  // 0: not sent
  uint8_t window_scale = kNoWindowScale;
  bool sack_permitted = false;
  bool timestamps = false;
  uint32_t ts_val = 0;
  uint32_t ts_ecr = 0;
  FastOpenOption fast_open{};  // left out where it does not fit
  uint16_t user_timeout = 0;   // likewise; 0: not sent
};

// Appends to header.options, padded with NOP to multiples of four, in Linux's order:
// MSS, SACK-permitted and timestamps (or NOP NOP SACK-permitted), NOP, window scale, Fast Open, NOPs; user
// timeout.
void append_syn_options(SegmentHeader& header, const SynOptions& options);
void append_timestamps(SegmentHeader& header, uint32_t ts_val, uint32_t ts_ecr);
// value: as on the wire, see user_timeout.cpp.
void append_user_timeout(SegmentHeader& header, uint16_t value);
// How many of so many blocks fit into so many bytes (RFC 2018 section 3), and what that many take.
uint32_t sacks_in(uint32_t room, uint32_t blocks);
uint32_t sack_bytes(uint32_t blocks);
// As many of the blocks as fit into so many bytes, and behind what is there already; returns how many.
uint32_t append_sacks(SegmentHeader& header, std::span<const SackBlock> blocks,
                      uint32_t room = kMaxOptionBytes);

}  // namespace tern::tcp
