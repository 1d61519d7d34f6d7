// SPDX-License-Identifier: BSD-3-Clause
// TCP options. RFC 9293 section 3.2, RFC 7323, RFC 2018. The malformed first, then what must survive.
#include "tcp/options.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tern::tcp {
namespace {

using Bytes = std::vector<uint8_t>;

Segment parse(const Bytes& bytes, uint8_t flags = kSyn) {
  Segment segment;
  segment.flags = flags;
  // A copy of exactly this size, so that the address sanitizer sees a read beyond it.
  const Bytes exact(bytes.begin(), bytes.end());
  parse_options(exact, segment);
  return segment;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes sack_option(std::initializer_list<SackBlock> blocks) {
  Bytes bytes{5, static_cast<uint8_t>(2 + 8 * blocks.size())};
  for (const SackBlock& block : blocks) {
    for (const uint32_t edge : {block.left.value, block.right.value}) {
      for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<uint8_t>(edge >> shift));
    }
  }
  return bytes;
}

Bytes written(const SegmentHeader& header) {
  return {header.options.begin(), header.options.begin() + header.option_length};
}

Bytes scale_5() { return {3, 3, 5}; }

TEST(OptionsMalformed, LengthOfZeroOrOneEndsTheReading) {
  for (const uint8_t kind : Bytes{2, 3, 4, 5, 8, 30, 254}) {
    for (const uint8_t length : Bytes{0, 1}) {
      const Segment segment = parse(Bytes{3, 3, 4, kind, length} + scale_5());
      EXPECT_EQ(segment.window_scale, 4) << "what came before stands; kind " << int{kind};
    }
  }
}

// RFC 7413 section 4.1.1.
Bytes fast_open_option(size_t cookie) {
  Bytes bytes{34, static_cast<uint8_t>(2 + cookie)};
  for (size_t i = 0; i < cookie; ++i) bytes.push_back(static_cast<uint8_t>(0xa0 + i));
  return bytes;
}

TEST(OptionsMalformed, FastOpenCookieOfALengthThatNoneHasIsPassedOver) {
  for (const size_t length : {1u, 2u, 3u, 5u, 15u, 17u, 18u, 34u}) {
    const Segment segment = parse(fast_open_option(length) + scale_5());
    EXPECT_EQ(segment.fast_open.form, FastOpenOption::Form::kMalformed) << length;
    EXPECT_FALSE(segment.fast_open.present());
    EXPECT_EQ(segment.fast_open.length, 0);
    EXPECT_EQ(segment.window_scale, 5) << "what follows is read";
  }
}

TEST(Options, ReadFastOpenInASynOnly) {
  for (const size_t length : {0u, 4u, 6u, 8u, 16u}) {
    const Segment segment = parse(fast_open_option(length) + scale_5());
    EXPECT_EQ(segment.fast_open.form, FastOpenOption::Form::kStandard);
    ASSERT_EQ(segment.fast_open.length, length);
    for (size_t i = 0; i < length; ++i) EXPECT_EQ(segment.fast_open.cookie[i], 0xa0 + i);
    EXPECT_EQ(parse(fast_open_option(length), kAck).fast_open.form, FastOpenOption::Form::kAbsent);
  }
}

TEST(Options, ReadTheExperimentalFastOpenByItsMagic) {
  const Segment segment = parse({254, 8, 0xf9, 0x89, 1, 2, 3, 4});
  EXPECT_EQ(segment.fast_open.form, FastOpenOption::Form::kExperimental);
  EXPECT_EQ(segment.fast_open.length, 4);
  EXPECT_EQ(segment.fast_open.cookie[3], 4);
  EXPECT_EQ(parse({254, 4, 0xf9, 0x89}).fast_open.length, 0);
  for (const Bytes& others : {Bytes{254, 8, 0xf9, 0x88, 1, 2, 3, 4}, Bytes{254, 3, 0xf9}, Bytes{254, 2}}) {
    const Segment other = parse(others + scale_5());
    EXPECT_EQ(other.fast_open.form, FastOpenOption::Form::kAbsent);
    EXPECT_EQ(other.window_scale, 5);
  }
}

TEST(Options, WriteFastOpenLastAndPadIt) {
  for (const auto form : {FastOpenOption::Form::kStandard, FastOpenOption::Form::kExperimental}) {
    for (const uint8_t length : Bytes{0, 4, 6, 8, 16}) {
      SegmentHeader header;
      SynOptions options;
      options.mss = 1460;
      options.timestamps = options.sack_permitted = true;
      options.window_scale = 7;
      options.fast_open.form = form;
      options.fast_open.length = length;
      for (uint8_t i = 0; i < length; ++i) options.fast_open.cookie[i] = i;
      append_syn_options(header, options);
      EXPECT_EQ(header.option_length % 4, 0);
      const Segment segment = parse(written(header));
      EXPECT_EQ(segment.mss, 1460);
      EXPECT_EQ(segment.window_scale, 7);
      EXPECT_EQ(segment.fast_open.form, form);
      ASSERT_EQ(segment.fast_open.length, length);
      for (uint8_t i = 0; i < length; ++i) EXPECT_EQ(segment.fast_open.cookie[i], i);
    }
  }
}

TEST(OptionsMalformed, LengthBeyondTheEndEndsTheReading) {
  EXPECT_EQ(parse({3, 3, 4, 2, 4, 5}).mss, 0);
  EXPECT_EQ(parse({3, 3, 4, 2, 4, 5}).window_scale, 4);
  EXPECT_EQ(parse({3, 4, 4}).window_scale, kNoWindowScale);
  EXPECT_EQ(parse({30, 255, 3, 3, 4}).window_scale, kNoWindowScale);
  EXPECT_FALSE(parse({8, 10, 1, 2, 3, 4, 5, 6, 7}, kAck).has_timestamps);
  EXPECT_EQ(parse({5, 10, 0, 0, 0, 1, 0, 0, 0}, kAck).sack_count, 0);
}

TEST(OptionsMalformed, KindWithoutLengthByteAtTheEndIsHarmless) {
  for (const uint8_t kind : Bytes{2, 3, 4, 5, 8, 30}) EXPECT_EQ(parse(Bytes{3, 3, 5, kind}).window_scale, 5);
}

TEST(OptionsMalformed, LengthThatTheKindDoesNotAllowEndsTheReading) {
  for (const Bytes& bad :
       {Bytes{2, 3, 5}, Bytes{2, 5, 5, 5, 5}, Bytes{3, 2}, Bytes{3, 4, 7, 7}, Bytes{4, 3, 0},
        Bytes{8, 9, 0, 0, 0, 0, 0, 0, 0}, Bytes{8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}}) {
    const Segment segment = parse(bad + scale_5());
    EXPECT_EQ(segment.window_scale, kNoWindowScale) << "kind " << int{bad[0]} << " length " << int{bad[1]};
    EXPECT_EQ(segment.mss, 0);
    EXPECT_FALSE(segment.sack_permitted);
    EXPECT_FALSE(segment.has_timestamps);
  }
}

TEST(OptionsMalformed, SackLengthMustBeTwoAndEightForEachBlock) {
  for (uint8_t length = 2; length <= 36; ++length) {
    Bytes bytes(length, 0);
    bytes[0] = 5;
    bytes[1] = length;
    for (size_t at = 9; at < length; at += 8) bytes[at] = 1;  // right = 1, left = 0
    const bool allowed = length > 2 && (length - 2) % 8 == 0;
    const Segment segment = parse(bytes + scale_5());
    EXPECT_EQ(segment.sack_count, allowed ? (length - 2) / 8 : 0) << int{length};
    EXPECT_EQ(segment.window_scale, allowed ? 5 : kNoWindowScale) << int{length};
  }
}

TEST(OptionsMalformed, SackBlockThatEndsBeforeItBeginsIsLeftOut) {
  const SackBlock good{{0xfffffff0}, {0x10}};  // across the wrap
  const Segment segment =
      parse(sack_option({{{5}, {5}}, good, {{0x10}, {0xfffffff0}}, {{0}, {0x80000001}}}), kAck);
  ASSERT_EQ(segment.sack_count, 1);
  EXPECT_EQ(segment.sacks[0], good);
}

TEST(OptionsMalformed, MoreSackBlocksThanAHeaderHoldsStayWithinTheArray) {
  const Bytes two = sack_option({{{1}, {2}}, {{3}, {4}}});
  const Segment segment = parse(two + two + two, kAck);  // longer than a header allows
  EXPECT_EQ(segment.sack_count, kMaxSackBlocks);
}

TEST(OptionsMalformed, AnyFortyBytesAreReadWithinTheirBounds) {
  std::mt19937 random(1);
  const uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 8, 30};
  const uint8_t lengths[] = {0, 1, 2, 3, 4, 10, 18, 26, 34, 40, 255};
  for (int round = 0; round < 200'000; ++round) {
    Bytes bytes(random() % 41);
    for (uint8_t& byte : bytes) {
      const auto pick = static_cast<uint32_t>(random());
      byte = pick % 3 == 0   ? kinds[pick / 3 % 8]
             : pick % 3 == 1 ? lengths[pick / 3 % 11]
                             : static_cast<uint8_t>(pick >> 24);
    }
    const Segment segment = parse(bytes);
    ASSERT_LE(segment.sack_count, kMaxSackBlocks);
    ASSERT_TRUE(segment.window_scale <= kMaxWindowScale || segment.window_scale == kNoWindowScale);
    for (uint8_t i = 0; i < segment.sack_count; ++i) ASSERT_LT(segment.sacks[i].left, segment.sacks[i].right);
  }
}

TEST(Options, WindowScaleAboveFourteenIsCutToFourteen) {
  EXPECT_EQ(parse({3, 3, 14}).window_scale, 14);
  EXPECT_EQ(parse({3, 3, 15}).window_scale, 14);
  EXPECT_EQ(parse({3, 3, 255}).window_scale, 14);
}

TEST(Options, MssOfZeroReadsAsNoMss) { EXPECT_EQ(parse({2, 4, 0, 0}).mss, 0); }

TEST(Options, AllFortyBytesAreRead) {
  const Bytes bytes = sack_option({{{1}, {2}}, {{3}, {4}}, {{5}, {6}}}) +
                      Bytes{8, 10, 0, 0, 0, 1, 0, 0, 0, 2} + Bytes{2, 4, 5, 6};
  ASSERT_EQ(bytes.size(), 40u);
  const Segment segment = parse(bytes);
  EXPECT_EQ(segment.sack_count, 3);
  EXPECT_EQ(segment.sacks[2], (SackBlock{{5}, {6}}));
  EXPECT_EQ(segment.ts_val, 1u);
  EXPECT_EQ(segment.ts_ecr, 2u);
  EXPECT_EQ(segment.mss, 0x506);
}

TEST(Options, UnknownKindsAreSkippedByTheirLength) {
  EXPECT_EQ(parse(Bytes{254, 2, 30, 5, 3, 3, 9} + scale_5()).window_scale, 5);
}

TEST(Options, NothingIsReadBehindEndOfOptions) {
  EXPECT_EQ(parse(Bytes{1, 0, 2} + scale_5()).window_scale, kNoWindowScale);
  EXPECT_EQ(parse(Bytes{0} + scale_5()).window_scale, kNoWindowScale);
}

TEST(Options, WhatBelongsInASynCountsOnlyThere) {
  const Bytes bytes = Bytes{2, 4, 5, 0xb4, 4, 2} + scale_5();
  const Segment syn = parse(bytes, kSyn | kAck);
  EXPECT_EQ(syn.mss, 1460);
  EXPECT_TRUE(syn.sack_permitted);
  EXPECT_EQ(syn.window_scale, 5);
  const Segment other = parse(bytes, kAck);
  EXPECT_EQ(other.mss, 0);
  EXPECT_FALSE(other.sack_permitted);
  EXPECT_EQ(other.window_scale, kNoWindowScale);
}

TEST(Options, UsualLayoutAndItsVariationsGiveTheSameTimestamps) {
  const Bytes timestamps{8, 10, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4};
  for (const Bytes& bytes :
       {Bytes{1, 1} + timestamps, timestamps + Bytes{1, 1}, timestamps + Bytes{0, 0}, timestamps,
        Bytes{1, 1} + timestamps + Bytes{1, 1, 1, 1}, Bytes{1} + timestamps + Bytes{1}}) {
    const Segment segment = parse(bytes, kAck);
    EXPECT_TRUE(segment.has_timestamps);
    EXPECT_EQ(segment.ts_val, 0xdeadbeefu);
    EXPECT_EQ(segment.ts_ecr, 0x01020304u);
  }
}

TEST(Options, SynOptionsAreWrittenInTheOrderOfLinux) {
  SegmentHeader header;
  append_syn_options(
      header,
      {.mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = true, .ts_val = 1, .ts_ecr = 2});
  EXPECT_EQ(written(header), (Bytes{2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7}));
}

// All that Linux offers is read in one go; a no-op behind it takes the same bytes the other way.
TEST(Options, UsualOptionsOfASynAreReadAsAnyAre) {
  const Bytes usual{2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7};
  for (const uint8_t flags : {uint8_t{kSyn}, uint8_t{kSyn | kAck}, uint8_t{kAck}}) {
    for (size_t at = 0; at < usual.size(); ++at) {
      for (uint32_t value = 0; value < 256; ++value) {
        Bytes bytes = usual;
        bytes[at] = static_cast<uint8_t>(value);
        const Segment a = parse(bytes, flags);
        const Segment b = parse(bytes + Bytes{1}, flags);
        ASSERT_EQ(a.mss, b.mss) << at << " " << value;
        ASSERT_EQ(a.window_scale, b.window_scale) << at << " " << value;
        ASSERT_EQ(a.sack_permitted, b.sack_permitted) << at << " " << value;
        ASSERT_EQ(a.sack_count, b.sack_count) << at << " " << value;
        ASSERT_EQ(a.user_timeout, b.user_timeout) << at << " " << value;
        ASSERT_EQ(a.has_timestamps, b.has_timestamps) << at << " " << value;
        if (!a.has_timestamps) continue;
        ASSERT_EQ(a.ts_val, b.ts_val) << at << " " << value;
        ASSERT_EQ(a.ts_ecr, b.ts_ecr) << at << " " << value;
      }
    }
  }
}

TEST(Options, EverySubsetOfSynOptionsIsReadBack) {
  for (int subset = 0; subset < 16; ++subset) {
    SynOptions offered;
    if (subset & 1) offered.mss = 536;
    if (subset & 2) offered.window_scale = 0;
    offered.sack_permitted = (subset & 4) != 0;
    offered.timestamps = (subset & 8) != 0;
    SegmentHeader header;
    append_syn_options(header, offered);
    EXPECT_EQ(header.option_length % 4, 0);
    const Segment segment = parse(written(header));
    EXPECT_EQ(segment.mss, offered.mss);
    EXPECT_EQ(segment.window_scale, offered.window_scale);
    EXPECT_EQ(segment.sack_permitted, offered.sack_permitted);
    EXPECT_EQ(segment.has_timestamps, offered.timestamps);
  }
}

TEST(Options, UserTimeoutIsReadAndWritten) {  // RFC 5482 section 3
  SegmentHeader header;
  append_user_timeout(header, 0x8005);
  EXPECT_EQ(written(header), (Bytes{28, 4, 0x80, 5}));
  EXPECT_EQ(parse(written(header), kAck).user_timeout, 0x8005);
  for (const Bytes& zero : {Bytes{28, 4, 0, 0}, Bytes{28, 4, 0x80, 0}}) {
    EXPECT_EQ(parse(zero, kAck).user_timeout, 0) << "which must be ignored";
  }
  EXPECT_EQ(parse(Bytes{28, 3, 5} + scale_5()).window_scale, kNoWindowScale) << "malformed";
}

TEST(Options, UserTimeoutIsLeftOutOfASynThatHasNoRoom) {
  for (const bool room : {false, true}) {
    SynOptions options;
    options.mss = 1460;
    options.timestamps = options.sack_permitted = true;
    options.window_scale = 7;
    options.fast_open.form = FastOpenOption::Form::kStandard;
    options.fast_open.length = room ? 8 : 16;
    options.fast_open.cookie = {};
    options.user_timeout = 9;
    SegmentHeader header;
    append_syn_options(header, options);
    EXPECT_EQ(parse(written(header)).user_timeout, room ? 9 : 0);
  }
}

TEST(Options, AsManySackBlocksAsFitAreWritten) {
  const SackBlock blocks[] = {{{1}, {2}}, {{3}, {4}}, {{5}, {6}}, {{0xffffffff}, {8}}};
  SegmentHeader alone;
  append_sacks(alone, blocks);
  EXPECT_EQ(alone.option_length, 36);
  const Segment four = parse(written(alone), kAck);
  ASSERT_EQ(four.sack_count, 4);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(four.sacks[i], blocks[i]);

  SegmentHeader beside_timestamps;
  append_timestamps(beside_timestamps, 7, 8);
  append_sacks(beside_timestamps, blocks);
  EXPECT_EQ(beside_timestamps.option_length, 40);
  const Segment three = parse(written(beside_timestamps), kAck);
  EXPECT_EQ(three.ts_val, 7u);
  ASSERT_EQ(three.sack_count, 3);
  EXPECT_EQ(three.sacks[2], blocks[2]);
}

TEST(Options, NoSackOptionIsWrittenWithoutABlockOrWithoutRoom) {
  const SackBlock block{{1}, {2}};
  SegmentHeader empty;
  append_sacks(empty, {});
  EXPECT_EQ(empty.option_length, 0);
  SegmentHeader full;
  full.options.fill(1);
  full.option_length = 32;
  append_sacks(full, {&block, 1});
  EXPECT_EQ(full.option_length, 32);
}

}  // namespace
}  // namespace tern::tcp
