// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as TCP options: read within their bounds, to values that are allowed, and alike in whatever
// layout. The input's first byte is the header's flags, the rest, up to forty bytes, the options.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "tcp/options.hpp"

namespace {

using tern::tcp::Segment;

void require(bool condition) {
  if (!condition) std::abort();
}

Segment parse(const std::vector<uint8_t>& options, uint8_t flags) {
  Segment segment;
  segment.flags = flags;
  tern::tcp::parse_options(options, segment);
  return segment;
}

bool same(const Segment& a, const Segment& b) {
  return a.has_timestamps == b.has_timestamps && a.ts_val == b.ts_val && a.ts_ecr == b.ts_ecr &&
         a.mss == b.mss && a.window_scale == b.window_scale && a.sack_permitted == b.sack_permitted &&
         a.sack_count == b.sack_count && a.fast_open.present() == b.fast_open.present() &&
         (!a.fast_open.present() || (a.fast_open.form == b.fast_open.form &&
                                     std::ranges::equal(a.fast_open.bytes(), b.fast_open.bytes()))) &&
         std::equal(a.sacks.begin(), a.sacks.begin() + a.sack_count, b.sacks.begin());
}

void check_values(const Segment& segment) {
  require(segment.sack_count <= tern::tcp::kMaxSackBlocks);
  for (uint8_t i = 0; i < segment.sack_count; ++i) require(segment.sacks[i].left < segment.sacks[i].right);
  require(segment.window_scale <= tern::tcp::kMaxWindowScale ||
          segment.window_scale == tern::tcp::kNoWindowScale);
  using tern::tcp::FastOpenOption;
  require(segment.fast_open.length == 0 ||
          (segment.fast_open.present() && segment.fast_open.length % 2 == 0 &&
           segment.fast_open.length >= FastOpenOption::kMinCookie &&
           segment.fast_open.length <= FastOpenOption::kMaxCookie));
  if (!segment.has(tern::tcp::kSyn)) {
    require(segment.fast_open.form == FastOpenOption::Form::kAbsent);
    require(segment.mss == 0 && segment.window_scale == tern::tcp::kNoWindowScale && !segment.sack_permitted);
  }
}

// What was read is read again after we have written it, as far as it has room.
void check_round_trip(const Segment& segment) {
  tern::tcp::SegmentHeader header;
  if (segment.has(tern::tcp::kSyn)) {
    tern::tcp::append_syn_options(header, {.mss = segment.mss,
                                           .window_scale = segment.window_scale,
                                           .sack_permitted = segment.sack_permitted,
                                           .timestamps = segment.has_timestamps,
                                           .ts_val = segment.ts_val,
                                           .ts_ecr = segment.ts_ecr,
                                           .fast_open = segment.fast_open});
  } else if (segment.has_timestamps) {
    tern::tcp::append_timestamps(header, segment.ts_val, segment.ts_ecr);
  }
  tern::tcp::append_sacks(header, {segment.sacks.data(), segment.sack_count});
  require(header.option_length <= tern::tcp::kMaxOptionBytes && header.option_length % 4 == 0);
  Segment again =
      parse({header.options.begin(), header.options.begin() + header.option_length}, segment.flags);
  require(again.sack_count <= segment.sack_count);
  const uint32_t next_block = again.sack_count == 0 ? 12 : 8;
  require(again.sack_count == segment.sack_count ||
          header.option_length + next_block > tern::tcp::kMaxOptionBytes);
  again.sack_count = segment.sack_count;
  std::copy(segment.sacks.begin(), segment.sacks.end(), again.sacks.begin());
  require(same(segment, again));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t flags = data[0];
  // A copy of exactly this size, so that the address sanitizer sees a read beyond it.
  const std::vector<uint8_t> options(data + 1, data + std::min<size_t>(size, 1 + tern::tcp::kMaxOptionBytes));
  const Segment segment = parse(options, flags);
  check_values(segment);
  check_round_trip(segment);

  // A no-op in front changes nothing but the layout: so what one comparison recognises, the loop reads as
  // well.
  std::vector<uint8_t> shifted(1, 1);
  shifted.insert(shifted.end(), options.begin(), options.end());
  require(same(segment, parse(shifted, flags)));
  return 0;
}
