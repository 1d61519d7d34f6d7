// SPDX-License-Identifier: BSD-3-Clause
// ARP from bytes and to bytes.
#include "net/arp.hpp"

#include <gtest/gtest.h>

#include "net/frame_bytes.hpp"

namespace tern::net {
namespace {

using test::Bytes;
using test::kOurAddress;
using test::kOurMac;
using test::kPeerAddress;
using test::kPeerMac;

// The peer asks for our address.
const Bytes kRequest = {0,    1, 8, 0, 6, 4,    0,   1,         // Ethernet, IPv4, request
                        0x02, 0, 0, 0, 0, 0x01, 192, 0, 2, 1,   // sender
                        0,    0, 0, 0, 0, 0,    192, 0, 2, 2};  // target

Drop parse(const Bytes& bytes) {
  ArpPacket packet;
  return parse_arp(bytes, packet);
}

Bytes with(size_t at, uint8_t value) {
  Bytes bytes = kRequest;
  bytes.at(at) = value;
  return bytes;
}

TEST(Arp, RequestIsRead) {
  ArpPacket packet;
  ASSERT_EQ(parse_arp(kRequest, packet), Drop::kNone);
  EXPECT_EQ(packet.operation, ArpOperation::kRequest);
  EXPECT_EQ(packet.sender_mac, kPeerMac);
  EXPECT_EQ(packet.sender, kPeerAddress);
  EXPECT_EQ(packet.target_mac, MacAddress{});
  EXPECT_EQ(packet.target, kOurAddress);
  EXPECT_FALSE(packet.is_probe());
}

TEST(Arp, EveryCutIsMalformed) {
  for (size_t length = 0; length < kRequest.size(); ++length) {
    const Bytes cut(kRequest.begin(), kRequest.begin() + static_cast<long>(length));
    EXPECT_EQ(parse(cut), Drop::kArpMalformed) << length;
  }
}

TEST(Arp, PaddingIsIgnored) {
  Bytes padded = kRequest;
  padded.resize(46, 0xaa);
  EXPECT_EQ(parse(padded), Drop::kNone);
}

TEST(Arp, OtherLinksAndProtocolsAreMalformed) {
  EXPECT_EQ(parse(with(1, 6)), Drop::kArpMalformed);     // IEEE 802 networks
  EXPECT_EQ(parse(with(2, 0x86)), Drop::kArpMalformed);  // not IPv4
  EXPECT_EQ(parse(with(4, 8)), Drop::kArpMalformed);     // length of a link's address
  EXPECT_EQ(parse(with(5, 16)), Drop::kArpMalformed);    // length of a protocol's address
}

TEST(Arp, OnlyRequestAndReplyAreKnown) {
  EXPECT_EQ(parse(with(7, 0)), Drop::kArpMalformed);
  EXPECT_EQ(parse(with(7, 2)), Drop::kNone);
  EXPECT_EQ(parse(with(7, 3)), Drop::kArpMalformed);
  EXPECT_EQ(parse(with(6, 1)), Drop::kArpMalformed);
}

TEST(Arp, SenderThatIsAGroupIsMalformed) {
  EXPECT_EQ(parse(with(8, 0x01)), Drop::kArpMalformed);
  EXPECT_EQ(parse(with(8, 0xff)), Drop::kArpMalformed);
}

TEST(Arp, RequestFromNobodyIsAProbe) {
  ArpPacket packet;
  Bytes probe = kRequest;
  for (size_t i = 14; i < 18; ++i) probe[i] = 0;
  ASSERT_EQ(parse_arp(probe, packet), Drop::kNone);
  EXPECT_TRUE(packet.is_probe());
}

TEST(Arp, RequestIsWrittenToEveryone) {
  Bytes frame(kArpFrameLength, 0xee);
  write_arp_request(ArpFrame(frame), kPeerMac, kPeerAddress, kOurAddress);
  Bytes expected = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x01, 0x08, 0x06};
  expected.insert(expected.end(), kRequest.begin(), kRequest.end());
  EXPECT_EQ(frame, expected);
}

TEST(Arp, ReplyIsWrittenToTheAsker) {
  ArpPacket request;
  ASSERT_EQ(parse_arp(kRequest, request), Drop::kNone);
  Bytes frame(kArpFrameLength, 0xee);
  write_arp_reply(ArpFrame(frame), kOurMac, request);
  const Bytes expected = {0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x08, 0x06,  // Ethernet
                          0,    1, 8, 0, 6, 4,    0,    2,                             // reply
                          0x02, 0, 0, 0, 0, 0x02, 192,  0, 2, 2,                       // sender
                          0x02, 0, 0, 0, 0, 0x01, 192,  0, 2, 1};                      // target
  EXPECT_EQ(frame, expected);
}

TEST(Arp, AnnouncementAsksForTheAddressThatItComesFrom) {
  Bytes frame(kArpFrameLength, 0xee);
  write_arp_announcement(ArpFrame(frame), kOurMac, kOurAddress);
  const Bytes expected = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0,    0, 0,   0x02, 0x08, 0x06,
                          0,    1,    8,    0,    6,    4,    0,    1, 0x02, 0, 0,   0,    0,    0x02,
                          192,  0,    2,    2,    0,    0,    0,    0, 0,    0, 192, 0,    2,    2};
  EXPECT_EQ(frame, expected);
}

}  // namespace
}  // namespace tern::net
