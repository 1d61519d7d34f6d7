// SPDX-License-Identifier: BSD-3-Clause
// The TCP header. RFC 9293 section 3.1. The malformed first, then what must survive.
#include "tcp/header.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "net/byte_order.hpp"
#include "tcp/options.hpp"

namespace tern::tcp {
namespace {

// A segment of this many bytes with the given data offset, in words.
std::vector<uint8_t> segment_bytes(size_t size, uint8_t data_offset) {
  std::vector<uint8_t> bytes(size, 0);
  const uint8_t head[] = {0x12, 0x34, 0x00, 0x50,        1,    2,    3,    4,    5, 6,
                          7,    8,    0,    kAck | kPsh, 0xfe, 0xdc, 0xaa, 0xbb, 0, 9};
  std::copy_n(head, std::min(size, sizeof head), bytes.begin());
  if (size > 12) bytes[12] = static_cast<uint8_t>(data_offset << 4);
  return bytes;
}

struct Parsed {
  net::Drop drop;
  Segment segment;
  uint32_t text_offset = 0xdead;
};

Parsed parse(const std::vector<uint8_t>& bytes) {
  Parsed parsed;
  // As left over from an earlier segment: nothing of it may survive.
  parsed.segment.has_timestamps = true;
  parsed.segment.mss = 1;
  parsed.segment.window_scale = 3;
  parsed.segment.sack_permitted = true;
  parsed.segment.sack_count = 4;
  parsed.drop = parse_segment(bytes, parsed.segment, parsed.text_offset);
  return parsed;
}

TEST(Header, SegmentShorterThanTheFixedHeaderIsDropped) {
  for (size_t size = 0; size < 20; ++size)
    EXPECT_EQ(parse(segment_bytes(size, 5)).drop, net::Drop::kTcpTooShort);
}

TEST(Header, DataOffsetBelowFiveIsDropped) {
  for (uint8_t offset = 0; offset < 5; ++offset) {
    EXPECT_EQ(parse(segment_bytes(60, offset)).drop, net::Drop::kTcpDataOffsetSmall) << int{offset};
  }
}

TEST(Header, DataOffsetBeyondTheSegmentIsDropped) {
  for (uint8_t offset = 6; offset < 16; ++offset) {
    EXPECT_EQ(parse(segment_bytes(offset * 4u - 1, offset)).drop, net::Drop::kTcpDataOffsetLarge)
        << int{offset};
    EXPECT_EQ(parse(segment_bytes(offset * 4u, offset)).drop, net::Drop::kNone) << int{offset};
  }
}

TEST(Header, PortZeroIsDropped) {
  auto bytes = segment_bytes(20, 5);
  bytes[0] = bytes[1] = 0;
  EXPECT_EQ(parse(bytes).drop, net::Drop::kTcpPortZero);
  bytes = segment_bytes(20, 5);
  bytes[2] = bytes[3] = 0;
  EXPECT_EQ(parse(bytes).drop, net::Drop::kTcpPortZero);
}

TEST(Header, FieldsAreReadInHostOrderAndNothingOldSurvives) {
  const Parsed parsed = parse(segment_bytes(27, 5));
  ASSERT_EQ(parsed.drop, net::Drop::kNone);
  EXPECT_EQ(parsed.segment.seq, Seq{0x01020304});
  EXPECT_EQ(parsed.segment.ack, Seq{0x05060708});
  EXPECT_EQ(parsed.segment.flags, kAck | kPsh);
  EXPECT_EQ(parsed.segment.wnd, 0xfedc);
  EXPECT_EQ(parsed.segment.length, 7u);
  EXPECT_EQ(parsed.text_offset, 20u);
  EXPECT_FALSE(parsed.segment.has_timestamps);
  EXPECT_EQ(parsed.segment.mss, 0);
  EXPECT_EQ(parsed.segment.window_scale, kNoWindowScale);
  EXPECT_FALSE(parsed.segment.sack_permitted);
  EXPECT_EQ(parsed.segment.sack_count, 0);
}

TEST(Header, TextBeginsBehindTheOptions) {
  auto bytes = segment_bytes(100, 15);
  std::fill(bytes.begin() + 20, bytes.begin() + 60, 1);  // no-ops
  const Parsed parsed = parse(bytes);
  ASSERT_EQ(parsed.drop, net::Drop::kNone);
  EXPECT_EQ(parsed.text_offset, 60u);
  EXPECT_EQ(parsed.segment.length, 40u);
}

TEST(Header, MalformedOptionsDoNotDropTheSegment) {
  auto bytes = segment_bytes(24, 6);
  bytes[20] = 8;
  bytes[21] = 0;
  EXPECT_EQ(parse(bytes).drop, net::Drop::kNone);
}

TEST(Header, SequenceLengthCountsSynAndFin) {
  Segment segment;
  segment.seq = {0xffffffff};
  segment.length = 5;
  segment.flags = kSyn | kFin;
  EXPECT_EQ(segment.sequence_length(), 7u);
  EXPECT_EQ(segment.end(), Seq{6});
}

TEST(Header, WhatIsWrittenIsReadBack) {
  SegmentHeader header;
  header.seq = {0xfffffffe};
  header.ack = {0x80000000};
  header.wnd = 0x1234;
  header.flags = kSyn | kAck | kEce | kCwr;
  append_syn_options(header, {.mss = 1460,
                              .window_scale = 7,
                              .sack_permitted = true,
                              .timestamps = true,
                              .ts_val = 11,
                              .ts_ecr = 22});
  std::vector<uint8_t> bytes(header.length() + 1, 0xee);
  write_header(header, {.source = 443, .destination = 50000}, bytes.data());
  EXPECT_EQ(bytes.back(), 0xee) << "wrote beyond header.length()";
  EXPECT_EQ(net::load_be32(&bytes[16]), 0u) << "checksum and urgent pointer";

  const Ports ports = parse_ports(bytes.data());
  EXPECT_EQ(ports.source, 443);
  EXPECT_EQ(ports.destination, 50000);
  const Parsed parsed = parse(bytes);
  ASSERT_EQ(parsed.drop, net::Drop::kNone);
  EXPECT_EQ(parsed.segment.seq, header.seq);
  EXPECT_EQ(parsed.segment.ack, header.ack);
  EXPECT_EQ(parsed.segment.wnd, header.wnd);
  EXPECT_EQ(parsed.segment.flags, header.flags);
  EXPECT_EQ(parsed.segment.length, 1u);
  EXPECT_EQ(parsed.text_offset, header.length());
  EXPECT_EQ(parsed.segment.mss, 1460);
  EXPECT_EQ(parsed.segment.window_scale, 7);
  EXPECT_TRUE(parsed.segment.sack_permitted);
  EXPECT_EQ(parsed.segment.ts_val, 11u);
  EXPECT_EQ(parsed.segment.ts_ecr, 22u);
}

}  // namespace
}  // namespace tern::tcp
