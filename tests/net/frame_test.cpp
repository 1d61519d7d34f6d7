// SPDX-License-Identifier: BSD-3-Clause
// Whole frames: what is found in good ones and the reason for each bad one. The reasons that only the stack
// can have (kFrameSegmented, kFrameNotOurs, kArpUnwanted, kIpv4NotOurs, kIcmpUnhandled, kReplyImpossible) and
// those of the TCP header (data offset, ports) are tested where they arise; ARP's and the IPv4 header's
// beside their parsers.
#include "net/frame.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>

#include "net/frame_bytes.hpp"

namespace tern::net {
namespace {

using test::Bytes;
using test::ethernet_frame;
using test::icmp_frame;
using test::ipv4_frame;
using test::tcp_frame;

constexpr std::string_view kText = "odd text!";

// Parses a copy on the heap of exactly the frame's size, so that the sanitizer sees a read beyond it.
Drop parse(std::span<const uint8_t> bytes, Frame& frame, Verified verified = {}) {
  const auto copy = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return parse_frame({copy.get(), bytes.size()}, verified, frame);
}

Drop parse(std::span<const uint8_t> bytes, Verified verified = {}) {
  Frame frame;
  return parse(bytes, frame, verified);
}

TEST(Frame, TcpIsFound) {
  Frame frame;
  const Bytes bytes = tcp_frame({}, kText);
  ASSERT_EQ(parse(bytes, frame), Drop::kNone);
  EXPECT_EQ(frame.content, Content::kTcp);
  EXPECT_EQ(frame.l3_offset, 14);
  EXPECT_EQ(frame.l4_offset, 34);
  EXPECT_EQ(frame.l4_length, 20 + kText.size());
  EXPECT_EQ(frame.source, test::kPeerAddress);
  EXPECT_EQ(frame.destination, test::kOurAddress);
}

TEST(Frame, TcpIsFoundBehindOptionsAndBeforePadding) {
  Frame frame;
  const Bytes bytes = tcp_frame({.options = {148, 4, 0, 0}, .padding = 11}, kText);
  ASSERT_EQ(parse(bytes, frame), Drop::kNone);
  EXPECT_EQ(frame.l4_offset, 38);
  EXPECT_EQ(frame.l4_length, 20 + kText.size());
}

TEST(Frame, IcmpIsFound) {
  Frame frame;
  ASSERT_EQ(parse(icmp_frame({.padding = 5}, 8, 0, "text"), frame), Drop::kNone);
  EXPECT_EQ(frame.content, Content::kIcmp);
  EXPECT_EQ(frame.l4_offset, 34);
  EXPECT_EQ(frame.l4_length, 12);
}

TEST(Frame, ArpIsWhatTheFrameHasLeft) {
  Frame frame;
  ASSERT_EQ(parse(ethernet_frame(0x0806, Bytes(46)), frame), Drop::kNone);
  EXPECT_EQ(frame.content, Content::kArp);
  EXPECT_EQ(frame.l3_offset, 14);
  EXPECT_EQ(frame.l4_offset, 14);
  EXPECT_EQ(frame.l4_length, 46);
}

TEST(Frame, EveryCutOfATcpFrameHasItsReason) {
  const Bytes bytes = tcp_frame({.options = {148, 4, 0, 0}}, kText);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto expected = length < 14   ? Drop::kFrameTooShort
                          : length < 34 ? Drop::kIpv4TooShort
                          : length < 38 ? Drop::kIpv4HeaderLength
                                        : Drop::kIpv4TotalLength;
    EXPECT_EQ(parse(std::span(bytes).first(length)), expected) << length;
  }
}

TEST(Frame, EveryCutOfAnIcmpFrameHasItsReason) {
  const Bytes bytes = icmp_frame({}, 8, 0, "text");
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto expected = length < 14   ? Drop::kFrameTooShort
                          : length < 34 ? Drop::kIpv4TooShort
                                        : Drop::kIpv4TotalLength;
    EXPECT_EQ(parse(std::span(bytes).first(length)), expected) << length;
  }
}

TEST(Frame, EveryTotalLengthBelowTheSegmentsIsRefused) {
  const Bytes bytes = tcp_frame({}, kText);
  for (uint8_t total = 0; total < bytes.size() - 14; ++total) {
    Bytes shortened = bytes;
    shortened[test::kIp + 3] = total;
    test::mend_ipv4_checksum(shortened);
    const auto expected = total < 20   ? Drop::kIpv4TotalLength
                          : total < 40 ? Drop::kTcpTooShort
                                       : Drop::kTcpChecksum;
    EXPECT_EQ(parse(shortened), expected) << int{total};
  }
}

TEST(Frame, SourceThatIsAGroupIsRefused) {
  Bytes bytes = tcp_frame({}, kText);
  bytes[6] = 0x01;
  EXPECT_EQ(parse(bytes), Drop::kFrameSource);
  for (size_t i = 6; i < 12; ++i) bytes[i] = 0xff;
  EXPECT_EQ(parse(bytes), Drop::kFrameSource);
}

TEST(Frame, AnyDestinationOnTheLinkIsTheCallersToJudge) {
  Bytes bytes = tcp_frame({}, kText);
  for (uint8_t first : Bytes{0x00, 0x01, 0x33, 0xff}) {
    bytes[0] = first;
    EXPECT_EQ(parse(bytes), Drop::kNone) << int{first};
  }
}

TEST(Frame, TaggedFramesBelongToNoVlanOfOurs) {
  Bytes bytes = tcp_frame({}, kText);
  for (uint16_t type : std::vector<uint16_t>{0x8100, 0x88a8}) {
    Bytes tagged(bytes.begin(), bytes.begin() + 12);
    for (unsigned b : {type >> 8, type & 255, 0, 5}) tagged.push_back(static_cast<uint8_t>(b));
    tagged.insert(tagged.end(), bytes.begin() + 12, bytes.end());
    EXPECT_EQ(parse(tagged), Drop::kVlanUnknown);
    EXPECT_EQ(parse(std::span(tagged).first(14)), Drop::kVlanUnknown);
  }
}

TEST(Frame, OtherEtherTypesAreRefused) {
  for (uint16_t type : std::vector<uint16_t>{0x0000, 0x0026, 0x0801, 0x86dd, 0x88cc, 0xffff}) {
    EXPECT_EQ(parse(ethernet_frame(type, Bytes(46))), Drop::kEtherTypeUnknown) << type;
  }
}

TEST(Frame, OtherProtocolsAreRefused) {
  for (unsigned protocol = 0; protocol < 256; ++protocol) {
    if (protocol == 1 || protocol == 6) continue;
    const Bytes bytes = ipv4_frame({.protocol = static_cast<uint8_t>(protocol), .payload = Bytes(30)});
    EXPECT_EQ(parse(bytes), Drop::kIpv4Protocol) << protocol;
  }
}

TEST(Frame, FaultsOfTheIpv4HeaderAreHandedOn) {
  Bytes bytes = tcp_frame({}, kText);
  bytes[test::kIp + 6] = 0x20;
  EXPECT_EQ(parse(bytes), Drop::kIpv4Checksum);
  test::mend_ipv4_checksum(bytes);
  EXPECT_EQ(parse(bytes), Drop::kIpv4Fragment);
  bytes[test::kIp] = 0x65;
  EXPECT_EQ(parse(bytes), Drop::kIpv4Version);
  EXPECT_EQ(parse(tcp_frame({.source = {0xe0000001}}, kText)), Drop::kIpv4Source);
  EXPECT_EQ(parse(tcp_frame({.options = {131, 3, 4, 0}}, kText)), Drop::kIpv4SourceRoute);
}

TEST(Frame, TcpToAGroupIsRefused) {
  for (uint32_t group : {0xe0000001u, 0xefffffffu, 0xffffffffu}) {
    EXPECT_EQ(parse(tcp_frame({.destination = {group}}, kText)), Drop::kTcpGroup);
    EXPECT_EQ(parse(icmp_frame({.destination = {group}}, 8, 0, "x")), Drop::kNone);
  }
}

TEST(Frame, TcpHeaderMustBeWhole) {
  for (size_t length = 0; length < 20; ++length) {
    EXPECT_EQ(parse(ipv4_frame({.payload = Bytes(length)})), Drop::kTcpTooShort) << length;
    EXPECT_EQ(parse(ipv4_frame({.payload = Bytes(length), .padding = 20})), Drop::kTcpTooShort) << length;
  }
}

TEST(Frame, IcmpHeaderMustBeWhole) {
  for (size_t length = 0; length < 8; ++length) {
    EXPECT_EQ(parse(ipv4_frame({.protocol = 1, .payload = Bytes(length), .padding = 20})),
              Drop::kIcmpTooShort)
        << length;
  }
}

TEST(Frame, EveryBitOfASegmentIsCoveredByItsChecksum) {
  const Bytes bytes = tcp_frame({}, kText);
  for (size_t bit = 34 * 8; bit < bytes.size() * 8; ++bit) {
    Bytes spoiled = bytes;
    spoiled[bit / 8] = static_cast<uint8_t>(spoiled[bit / 8] ^ 1u << bit % 8);
    EXPECT_EQ(parse(spoiled), Drop::kTcpChecksum) << bit;
  }
}

TEST(Frame, AddressesAreCoveredByTheSegmentsChecksum) {
  for (size_t byte = 12; byte < 20; ++byte) {
    Bytes spoiled = tcp_frame({}, kText);
    spoiled[test::kIp + byte] ^= 2;
    test::mend_ipv4_checksum(spoiled);
    EXPECT_EQ(parse(spoiled), Drop::kTcpChecksum) << byte;
  }
}

TEST(Frame, IcmpChecksumMustHold) {
  Bytes bytes = icmp_frame({}, 8, 0, "text");
  bytes.back() ^= 1;
  EXPECT_EQ(parse(bytes), Drop::kIcmpChecksum);
}

TEST(Frame, WhatThePortVouchesForIsNotVerifiedAgain) {
  const Verified ip_only{.ipv4_checksum = true, .l4_checksum = false};
  const Verified l4_only{.ipv4_checksum = false, .l4_checksum = true};
  Bytes bytes = tcp_frame({}, kText);
  bytes[test::kIp + 10] ^= 1;
  EXPECT_EQ(parse(bytes, ip_only), Drop::kNone);
  EXPECT_EQ(parse(bytes, l4_only), Drop::kIpv4Checksum);

  bytes = tcp_frame({}, kText);
  bytes.back() ^= 1;
  EXPECT_EQ(parse(bytes, l4_only), Drop::kNone);
  EXPECT_EQ(parse(bytes, ip_only), Drop::kTcpChecksum);

  bytes = icmp_frame({}, 8, 0, "text");
  bytes.back() ^= 1;
  EXPECT_EQ(parse(bytes, l4_only), Drop::kNone);
}

TEST(Frame, LargestPacketIsParsed) {
  Frame frame;
  const Bytes bytes = tcp_frame({}, std::string(65535 - 40, 't'));
  ASSERT_EQ(parse(bytes, frame), Drop::kNone);
  EXPECT_EQ(frame.l4_length, 65515);
}

// A frame of which a byte or a bit is off, checksums made right again half of the time, with much of what
// makes a frame unusual.
Bytes random_frame(std::mt19937& r) {
  const auto one_in = [&](uint32_t n) { return r() % n == 0; };
  test::Ipv4Spec spec;
  if (one_in(4)) spec.source = {static_cast<uint32_t>(r() << 24 | 0x010203)};
  if (one_in(4)) spec.destination = {static_cast<uint32_t>(r() << 24 | 0x010203)};
  if (one_in(20)) spec.destination = spec.source = Ipv4Address{0xffffffff};
  if (one_in(8)) spec.options = Bytes(4 * (1 + r() % 3), 1);
  if (one_in(2)) spec.padding = r() % 20;
  Bytes bytes = one_in(8) ? icmp_frame(spec, 8, 0, kText) : tcp_frame(spec, std::string(r() % 200, 't'));
  if (one_in(3)) return bytes;
  // Of the addresses of Ethernet nothing but the group's bit is looked at.
  const size_t at = one_in(2) ? ethernet::kSource + r() % 50 : r() % bytes.size();
  bytes[at % bytes.size()] = static_cast<uint8_t>(one_in(2) ? r() : bytes[at % bytes.size()] ^ 1u << r() % 8);
  if (one_in(10)) bytes.resize(r() % 60);
  if (one_in(2) && bytes.size() >= test::kIp + 60) test::mend_ipv4_checksum(bytes);
  return bytes;
}

TEST(UsualFrame, IsTakenApartAsAnyFrameIs) {
  std::mt19937 r(1);
  uint32_t usual = 0;
  for (uint32_t i = 0; i < 200'000; ++i) {
    const Bytes bytes = random_frame(r);
    const Verified verified{.ipv4_checksum = r() % 4 == 0, .l4_checksum = r() % 4 == 0};
    Frame expected;
    const Drop reason = parse(bytes, expected, verified);
    Frame frame;
    const auto copy = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.get());
    const bool is_usual = parse_usual_frame({copy.get(), bytes.size()}, verified, frame);
    // What has options, or an address of class D or E or of network 0, is left to the other one; nothing else
    // that is right is.
    const bool ours = reason == Drop::kNone && expected.content == Content::kTcp &&
                      expected.l4_offset == test::kIp + ipv4::kHeaderLength &&
                      expected.source.value >> 29 != 7 && expected.source.value >> 24 != 0 &&
                      expected.destination.value >> 29 != 7;
    ASSERT_EQ(is_usual, ours) << i;
    if (!is_usual) continue;
    ++usual;
    EXPECT_EQ(frame.content, expected.content);
    EXPECT_EQ(frame.l3_offset, expected.l3_offset);
    EXPECT_EQ(frame.l4_offset, expected.l4_offset);
    EXPECT_EQ(frame.l4_length, expected.l4_length);
    EXPECT_EQ(frame.traffic_class, expected.traffic_class);
    EXPECT_EQ(frame.source, expected.source);
    EXPECT_EQ(frame.destination, expected.destination);
    const auto behind = std::span(bytes).subspan(frame.l4_offset + kMinTcpHeaderLength,
                                                 frame.l4_length - kMinTcpHeaderLength);
    if (verified.l4_checksum) {
      EXPECT_TRUE(frame.behind_tcp_header.is_of_nothing());
    } else {
      EXPECT_EQ(frame.behind_tcp_header.finish(), checksum(behind));
    }
    ASSERT_FALSE(HasFailure()) << i;
  }
  EXPECT_GE(usual, 50'000u);
  EXPECT_LE(usual, 150'000u);
}

TEST(DropReasons, HaveDistinctNamesAndASentenceEach) {
  std::set<std::string> names;
  for (const auto& description : kDropDescriptions) {
    EXPECT_TRUE(names.insert(description.name).second) << description.name;
    const std::string help = description.help;
    ASSERT_FALSE(help.empty()) << description.name;
    EXPECT_EQ(help.back(), '.') << description.name;
  }
  EXPECT_STREQ(kDropDescriptions[static_cast<size_t>(Drop::kTcpGroup)].name, "tcp_group");
}

}  // namespace
}  // namespace tern::net
