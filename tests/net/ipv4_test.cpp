// SPDX-License-Identifier: BSD-3-Clause
// The IPv4 header: each reason to drop, options, and what is written.
#include "net/ipv4.hpp"

#include <gtest/gtest.h>

#include "net/frame_bytes.hpp"

namespace tern::net {
namespace {

using test::Bytes;
using test::Ipv4Spec;

// What follows the Ethernet header of a frame.
Bytes packet_of(const Bytes& frame) { return Bytes(frame.begin() + test::kIp, frame.end()); }

Bytes valid() { return packet_of(test::ipv4_frame({.payload = Bytes(30, 0x55)})); }

// Makes the checksum right again, so that the test meets the fault it means.
Bytes mended(const Bytes& packet) {
  Bytes frame = test::ethernet_frame(0x0800, packet);
  test::mend_ipv4_checksum(frame);
  return packet_of(frame);
}

Bytes with(size_t at, uint8_t value) {
  Bytes packet = valid();
  packet.at(at) = value;
  return mended(packet);
}

Drop parse(const Bytes& packet) {
  Ipv4Header header;
  return parse_ipv4_header(packet, false, header);
}

Drop parse_with_options(const Bytes& options) {
  return parse(packet_of(test::ipv4_frame({.options = options, .payload = Bytes(8)})));
}

TEST(Ipv4Header, IsRead) {
  Ipv4Header header;
  ASSERT_EQ(parse_ipv4_header(valid(), false, header), Drop::kNone);
  EXPECT_EQ(header.header_length, 20);
  EXPECT_EQ(header.total_length, 50);
  EXPECT_EQ(header.protocol, 6);
  EXPECT_EQ(header.source, test::kPeerAddress);
  EXPECT_EQ(header.destination, test::kOurAddress);
}

TEST(Ipv4Header, EveryCutHasItsReason) {
  const Bytes packet = valid();
  for (size_t length = 0; length < packet.size(); ++length) {
    const Bytes cut(packet.begin(), packet.begin() + static_cast<long>(length));
    EXPECT_EQ(parse(cut), length < 20 ? Drop::kIpv4TooShort : Drop::kIpv4TotalLength) << length;
  }
}

TEST(Ipv4Header, OtherVersionsAreRefused) {
  for (unsigned version = 0; version < 16; ++version) {
    const auto expected = version == 4 ? Drop::kNone : Drop::kIpv4Version;
    EXPECT_EQ(parse(with(0, static_cast<uint8_t>(version << 4 | 5))), expected) << version;
  }
}

TEST(Ipv4Header, HeaderLengthBelowFiveWordsIsRefused) {
  for (uint8_t words = 0; words < 5; ++words) {
    Bytes packet = valid();
    packet[0] = 0x40 | words;
    EXPECT_EQ(parse(packet), Drop::kIpv4HeaderLength) << int{words};
  }
}

TEST(Ipv4Header, HeaderLengthBeyondThePacketIsRefused) {
  Bytes packet = valid();
  packet[0] = 0x4f;
  packet.resize(59);
  EXPECT_EQ(parse(packet), Drop::kIpv4HeaderLength);
}

TEST(Ipv4Header, TotalLengthBelowTheHeadersIsRefused) {
  EXPECT_EQ(parse(with(3, 19)), Drop::kIpv4TotalLength);
  EXPECT_EQ(parse(with(3, 20)), Drop::kNone);
}

TEST(Ipv4Header, TotalLengthThatEndsWithinTheOptionsIsRefused) {
  Bytes packet = packet_of(test::ipv4_frame({.options = Bytes(8, 1)}));
  packet[3] = 27;
  EXPECT_EQ(parse(mended(packet)), Drop::kIpv4TotalLength);
  packet[3] = 28;
  EXPECT_EQ(parse(mended(packet)), Drop::kNone);
}

TEST(Ipv4Header, TotalLengthBeyondTheFrameIsRefused) {
  EXPECT_EQ(parse(with(3, 51)), Drop::kIpv4TotalLength);
  EXPECT_EQ(parse(with(2, 0xff)), Drop::kIpv4TotalLength);
}

TEST(Ipv4Header, FrameLongerThanTheTotalLengthIsPadded) {
  Ipv4Header header;
  ASSERT_EQ(parse_ipv4_header(with(3, 40), false, header), Drop::kNone);
  EXPECT_EQ(header.total_length, 40);
}

TEST(Ipv4Header, EveryBitIsCoveredByTheChecksum) {
  for (size_t bit = 32; bit < 160; ++bit) {  // behind the lengths, whose faults come first
    Bytes packet = valid();
    packet[bit / 8] = static_cast<uint8_t>(packet[bit / 8] ^ 1u << bit % 8);
    EXPECT_EQ(parse(packet), Drop::kIpv4Checksum) << bit;
  }
}

TEST(Ipv4Header, ChecksumIsNotLookedAtWhereThePortHas) {
  Bytes packet = valid();
  packet[10] ^= 0xff;
  Ipv4Header header;
  EXPECT_EQ(parse_ipv4_header(packet, true, header), Drop::kNone);
}

TEST(Ipv4Header, SourcesThatNobodyHasAreRefused) {
  for (auto text :
       {"0.0.0.0", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
    const Bytes packet = packet_of(test::ipv4_frame({.source = *parse_ipv4(text)}));
    EXPECT_EQ(parse(packet), Drop::kIpv4Source) << text;
  }
  for (auto text : {"1.0.0.1", "126.255.255.255", "128.0.0.1", "223.255.255.255", "10.0.0.255"}) {
    const Bytes packet = packet_of(test::ipv4_frame({.source = *parse_ipv4(text)}));
    EXPECT_EQ(parse(packet), Drop::kNone) << text;
  }
}

TEST(Ipv4Header, FragmentsAreRefused) {
  EXPECT_EQ(parse(with(6, 0x20)), Drop::kIpv4Fragment);  // more fragments
  EXPECT_EQ(parse(with(6, 0x01)), Drop::kIpv4Fragment);  // offset, upper part
  EXPECT_EQ(parse(with(7, 0x01)), Drop::kIpv4Fragment);  // offset, lower part
  EXPECT_EQ(parse(with(6, 0x40)), Drop::kNone);          // don't fragment
  EXPECT_EQ(parse(with(6, 0x00)), Drop::kNone);
}

TEST(Ipv4Header, FirstFaultIsTheReason) {
  Bytes packet = valid();
  packet[0] = 0x50 | 4;  // version and header length
  EXPECT_EQ(parse(packet), Drop::kIpv4Version);
  packet = valid();
  packet[0] = 0x44;
  packet[3] = 1;
  EXPECT_EQ(parse(packet), Drop::kIpv4HeaderLength);
  packet = valid();
  packet[6] = 0x20;
  EXPECT_EQ(parse(packet), Drop::kIpv4Checksum);
  packet = packet_of(test::ipv4_frame({.source = {0x7f000001}}));
  packet[6] = 0x20;
  EXPECT_EQ(parse(mended(packet)), Drop::kIpv4Source);
}

TEST(Ipv4Options, AreSkipped) {
  Ipv4Header header;
  const Bytes timestamp = {68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Bytes packet = packet_of(test::ipv4_frame({.options = timestamp, .payload = Bytes(8)}));
  ASSERT_EQ(parse_ipv4_header(packet, false, header), Drop::kNone);
  EXPECT_EQ(header.header_length, 32);
  EXPECT_EQ(header.total_length, 40);
  EXPECT_EQ(parse_with_options(Bytes(40, 1)), Drop::kNone);    // as many as fit
  EXPECT_EQ(parse_with_options({148, 4, 0, 0}), Drop::kNone);  // router alert
}

TEST(Ipv4Options, SourceRouteIsRefusedWhereverItStands) {
  EXPECT_EQ(parse_with_options({131, 3, 4, 0}), Drop::kIpv4SourceRoute);               // loose
  EXPECT_EQ(parse_with_options({137, 7, 4, 10, 0, 0, 1, 0}), Drop::kIpv4SourceRoute);  // strict
  EXPECT_EQ(parse_with_options({1, 1, 1, 137}), Drop::kIpv4SourceRoute);
  EXPECT_EQ(parse_with_options({148, 4, 0, 0, 1, 131, 3, 4}), Drop::kIpv4SourceRoute);
}

TEST(Ipv4Options, NothingCountsBehindTheEndOfTheList) {
  EXPECT_EQ(parse_with_options({0, 131, 3, 4}), Drop::kNone);
  EXPECT_EQ(parse_with_options({0, 2, 131, 3}), Drop::kNone);
  EXPECT_EQ(parse_with_options({7, 4, 131, 131}), Drop::kNone);  // a record route's own bytes
}

TEST(Ipv4Options, MalformedOnesAreSurvived) {
  EXPECT_EQ(parse_with_options({68, 0, 0, 0}), Drop::kNone);
  EXPECT_EQ(parse_with_options({68, 1, 0, 0}), Drop::kNone);
  EXPECT_EQ(parse_with_options({68, 255, 0, 0}), Drop::kNone);
  EXPECT_EQ(parse_with_options({68, 1, 131, 3}), Drop::kNone);
  // The last byte of packet and memory lacks its length.
  EXPECT_EQ(parse(packet_of(test::ipv4_frame({.options = {1, 1, 1, 68}}))), Drop::kNone);
}

TEST(Ipv4Header, IsWrittenWhole) {
  Bytes bytes(22, 0xee);
  write_ipv4_header(bytes.data(), {.total_length = 1500,
                                   .protocol = 6,
                                   .traffic_class = 0x12,
                                   .time_to_live = 63,
                                   .identification = 0x3456,
                                   .source = test::kOurAddress,
                                   .destination = test::kPeerAddress});
  const Bytes expected = {0x45, 0x12, 0x05, 0xdc, 0x34, 0x56, 0x40, 0, 63, 6,    0x7d,
                          0xb0, 192,  0,    2,    2,    192,  0,    2, 1,  0xee, 0xee};
  EXPECT_EQ(bytes, expected);
}

TEST(Ipv4Header, WrittenIsReadAgain) {
  Bytes bytes(40);
  write_ipv4_header(
      bytes.data(),
      {.total_length = 40, .protocol = 6, .source = test::kOurAddress, .destination = test::kPeerAddress});
  EXPECT_EQ(parse(bytes), Drop::kNone);
  EXPECT_EQ(bytes[8], 64);
}

}  // namespace
}  // namespace tern::net
