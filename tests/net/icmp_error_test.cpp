// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors: which there are, and what each quotes of the segment that caused it.
#include "net/icmp_error.hpp"

#include <gtest/gtest.h>

#include <string>

#include "net/byte_order.hpp"
#include "net/frame_bytes.hpp"

namespace tern::net {
namespace {

using test::Bytes;

// A packet of ours to the peer as it left: 20 bytes of IP header, then TCP.
Bytes quoted(std::string_view text = "text") {
  test::Ipv4Spec spec{.source = test::kOurAddress, .destination = test::kPeerAddress};
  const Bytes frame = test::tcp_frame(spec, text);
  return {frame.begin() + test::kIp, frame.end()};
}

Bytes message(uint8_t type, uint8_t code, const Bytes& quote, uint16_t mtu = 0) {
  Bytes bytes = {type, code, 0, 0, 0, 0, 0, 0};
  store_be16(&bytes[6], mtu);
  bytes.insert(bytes.end(), quote.begin(), quote.end());
  return bytes;
}

Drop parse(const Bytes& bytes, IcmpReport& report) { return parse_icmp_error(bytes, report); }

TEST(IcmpError, NamesTheConnectionAndTheSegment) {
  IcmpReport report;
  ASSERT_EQ(parse(message(3, 1, quoted("four")), report), Drop::kNone);
  EXPECT_EQ(report.tuple, (FourTuple{test::kOurAddress, test::kPeerAddress, 40'000, 80}));
  EXPECT_EQ(report.sequence, 0x01020304u);
  EXPECT_EQ(report.length, 24u);
  EXPECT_EQ(report.room, 0u);
}

TEST(IcmpError, EachCodeHasItsKind) {
  using enum IcmpError;
  const IcmpError codes[] = {kNetUnreachable,  kHostUnreachable, kProtocolUnreachable, kPortUnreachable,
                             kTooBig,          kHostUnreachable, kNetUnreachable,      kHostUnreachable,
                             kHostUnreachable, kProhibited,      kProhibited,          kNetUnreachable,
                             kHostUnreachable, kProhibited,      kHostUnreachable,     kHostUnreachable};
  IcmpReport report;
  for (uint8_t code = 0; code < 16; ++code) {
    ASSERT_EQ(parse(message(3, code, quoted()), report), Drop::kNone);
    EXPECT_EQ(report.error, codes[code]) << int{code};
  }
  EXPECT_EQ(parse(message(3, 16, quoted()), report), Drop::kIcmpUnhandled);
  ASSERT_EQ(parse(message(11, 0, quoted()), report), Drop::kNone);
  EXPECT_EQ(report.error, kTimeExceeded);
  ASSERT_EQ(parse(message(12, 0, quoted()), report), Drop::kNone);
  EXPECT_EQ(report.error, kParameterProblem);
}

TEST(IcmpError, NextHopsRoomIsItsMtuWithoutTheQuotedIpHeader) {
  IcmpReport report;
  ASSERT_EQ(parse(message(3, 4, quoted(), 1400), report), Drop::kNone);
  EXPECT_EQ(report.room, 1380u);
  ASSERT_EQ(parse(message(3, 4, quoted(), 20), report), Drop::kNone);
  EXPECT_EQ(report.room, 0u);
  ASSERT_EQ(parse(message(3, 1, quoted(), 1400), report), Drop::kNone);
  EXPECT_EQ(report.room, 0u) << "only a packet that is too big has one";
}

TEST(IcmpError, SourceQuenchIsCountedApart) {  // RFC 9293 MUST-55
  IcmpReport report;
  EXPECT_EQ(parse(message(4, 0, quoted()), report), Drop::kIcmpSourceQuench);
}

TEST(IcmpError, OtherTypesAreNone) {
  IcmpReport report;
  for (const unsigned type : {0u, 5u, 8u, 9u, 13u, 14u, 30u, 255u}) {
    EXPECT_EQ(parse(message(static_cast<uint8_t>(type), 0, quoted()), report), Drop::kIcmpUnhandled) << type;
  }
}

TEST(IcmpError, EightBytesBehindTheQuotedIpHeaderAreEnoughAndOneLessIsNot) {
  IcmpReport report;
  Bytes quote = quoted();
  quote.resize(28);
  EXPECT_EQ(parse(message(3, 1, quote), report), Drop::kNone);
  for (size_t length = 0; length < 28; ++length) {
    quote.resize(length);
    EXPECT_EQ(parse(message(3, 1, quote), report), Drop::kIcmpQuote) << length;
  }
}

TEST(IcmpError, OptionsOfTheQuotedHeaderAreSkipped) {
  test::Ipv4Spec spec{
      .source = test::kOurAddress, .destination = test::kPeerAddress, .options = {1, 1, 1, 1, 1, 1, 1, 0}};
  const Bytes frame = test::tcp_frame(spec, "");
  const Bytes quote(frame.begin() + test::kIp, frame.end());
  IcmpReport report;
  ASSERT_EQ(parse(message(3, 4, quote, 1400), report), Drop::kNone);
  EXPECT_EQ(report.sequence, 0x01020304u);
  EXPECT_EQ(report.length, 20u);
  EXPECT_EQ(report.room, 1372u);
  Bytes cut = quote;
  cut.resize(35);
  EXPECT_EQ(parse(message(3, 4, cut), report), Drop::kIcmpQuote);
}

TEST(IcmpError, WhatIsNoSegmentOfTcpIsNotLookedAt) {
  const auto spoilt = [](size_t at, uint8_t value) {
    Bytes quote = quoted();
    quote[at] = value;
    IcmpReport report;
    return parse(message(3, 1, quote), report);
  };
  EXPECT_EQ(spoilt(0, 0x65), Drop::kIcmpQuote);  // version 6
  EXPECT_EQ(spoilt(0, 0x44), Drop::kIcmpQuote);  // a header of four words
  EXPECT_EQ(spoilt(9, 17), Drop::kIcmpQuote);    // UDP
  EXPECT_EQ(spoilt(7, 1), Drop::kIcmpQuote);     // a later fragment begins with no TCP header
  EXPECT_EQ(spoilt(6, 0x20), Drop::kNone);       // the first one does
  EXPECT_EQ(spoilt(3, 19), Drop::kIcmpQuote);    // total length below the header's
}

}  // namespace
}  // namespace tern::net
