// SPDX-License-Identifier: BSD-3-Clause
// What a worker does with frames that are not TCP for us: ARP (RFC 826, RFC 5227), ICMP echo (RFC 792), and
// drops, each counted by its reason.
#include <gtest/gtest.h>

#include "net/arp.hpp"
#include "net/frame.hpp"
#include "net/ipv4.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using net::ArpOperation;
using net::Drop;

std::vector<stack::Binding> echo() { return bindings(bound(echo_script(), 7)); }

struct ArpSpec {
  ArpOperation operation = ArpOperation::kRequest;
  net::MacAddress sender_mac = kPeerMac;
  net::Ipv4Address sender = kPeerAddress;
  net::Ipv4Address target = kOurAddress;
  net::MacAddress to = net::MacAddress::broadcast();
};

Bytes arp_frame(const ArpSpec& spec) {
  Bytes frame(net::kArpFrameLength);
  net::write_arp_request(net::ArpFrame(frame), spec.sender_mac, spec.sender, spec.target);
  net::store_mac(frame.data(), spec.to);
  net::store_be16(&frame[20], static_cast<uint16_t>(spec.operation));
  frame.resize(60);  // the link's minimum
  return frame;
}

net::ArpPacket read_arp(const SentFrame& frame) {
  net::ArpPacket arp;
  EXPECT_EQ(net::load_be16(&frame.bytes[12]), 0x0806);
  EXPECT_EQ(net::parse_arp(std::span(frame.bytes).subspan(14), arp), Drop::kNone);
  return arp;
}

TEST(Arp, RequestForOurAddressIsAnsweredInItsOwnBuffer) {
  Bench bench(echo());
  const void* buffer = bench.inject(arp_frame({}));
  EXPECT_TRUE(bench.poll());
  const auto sent = bench.collect();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].buffer, buffer);
  EXPECT_EQ(net::destination_mac(sent[0].bytes.data()), kPeerMac);
  const net::ArpPacket reply = read_arp(sent[0]);
  EXPECT_EQ(reply.operation, ArpOperation::kReply);
  EXPECT_EQ(reply.sender, kOurAddress);
  EXPECT_EQ(reply.sender_mac, bench.mac());
  EXPECT_EQ(reply.target, kPeerAddress);
  EXPECT_EQ(bench.counters().arp_answered.value(), 1u);
  bench.expect_clean();
}

TEST(Arp, ProbeIsAnsweredThoughItNamesNobody) {
  Bench bench(echo());
  bench.inject(arp_frame({.sender = {}}));
  bench.poll();
  ASSERT_EQ(bench.collect().size(), 1u);
}

TEST(Arp, AnnouncementTellsEveryoneWhereWeAre) {
  Bench bench(echo());
  bench.worker().announce();
  const auto sent = bench.collect();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(net::destination_mac(sent[0].bytes.data()), net::MacAddress::broadcast());
  const net::ArpPacket arp = read_arp(sent[0]);
  EXPECT_EQ(arp.operation, ArpOperation::kRequest);
  EXPECT_EQ(arp.sender, kOurAddress);
  EXPECT_EQ(arp.target, kOurAddress);
  EXPECT_EQ(arp.sender_mac, bench.mac());
  EXPECT_EQ(bench.counters().arp_requests_sent.value(), 1u);
  bench.expect_clean();
}

TEST(Arp, OtherStationWithOurAddressIsAConflict) {
  Bench bench(echo());
  bench.inject(arp_frame({.sender = kOurAddress, .target = kOurAddress}));
  bench.inject(arp_frame({.operation = ArpOperation::kReply, .sender = kOurAddress, .target = kPeerAddress}));
  bench.poll();
  EXPECT_EQ(bench.drops(Drop::kArpConflict), 2u);
  EXPECT_TRUE(bench.collect().empty());
}

TEST(Arp, OurOwnAnnouncementComeBackIsNoConflict) {
  Bench bench(echo());
  bench.inject(arp_frame({.sender_mac = bench.mac(), .sender = kOurAddress, .target = kOurAddress}));
  bench.poll();
  EXPECT_EQ(bench.drops(Drop::kArpConflict), 0u);
  EXPECT_EQ(bench.drops(Drop::kArpUnwanted), 1u);
  EXPECT_TRUE(bench.collect().empty());
}

TEST(Arp, WhatConcernsOthersIsUnwanted) {
  Bench bench(echo());
  bench.inject(arp_frame({.target = {0xc0000209}}));
  bench.poll();
  EXPECT_EQ(bench.drops(Drop::kArpUnwanted), 1u);
  EXPECT_TRUE(bench.collect().empty());
}

TEST(Echo, IsAnsweredWithItsOwnBytesWhateverTheLength) {
  Bench bench(echo());
  for (const size_t length : {0, 1, 2, 3, 55, 56, 57, 1471, 1472}) {
    std::string text(length, 'x');
    for (size_t i = 0; i < length; ++i) text[i] = static_cast<char>(i * 7);
    Bytes request = echo_request({.to = bench.mac()}, text);
    const size_t whole = request.size();
    request.resize(std::max<size_t>(whole, 60), 0xaa);
    bench.inject(request);
    bench.poll();
    const auto sent = bench.collect();
    ASSERT_EQ(sent.size(), 1u) << length;
    const Bytes& reply = sent[0].bytes;
    ASSERT_EQ(reply.size(), whole);
    net::Frame parsed;
    ASSERT_EQ(net::parse_frame(reply, {}, parsed), Drop::kNone);
    EXPECT_EQ(parsed.source, kOurAddress);
    EXPECT_EQ(parsed.destination, kPeerAddress);
    EXPECT_EQ(reply[parsed.l4_offset], 0);
    EXPECT_EQ(net::destination_mac(reply.data()), kPeerMac);
    EXPECT_TRUE(std::equal(text.begin(), text.end(), reply.begin() + parsed.l4_offset + 8,
                           [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; }));
  }
  EXPECT_EQ(bench.counters().echo_answered.value(), 9u);
  bench.expect_clean();
}

TEST(Echo, OtherMessagesAreDropped) {
  Bench bench(echo());
  Bytes frame = echo_request({.to = bench.mac()}, "text");
  frame[34] = 13;  // a timestamp request; the checksum follows
  net::store_be16(&frame[36], static_cast<uint16_t>(net::load_be16(&frame[36]) - 0x500));
  bench.inject(frame);
  bench.poll();
  EXPECT_EQ(bench.drops(Drop::kIcmpUnhandled), 1u);
  EXPECT_TRUE(bench.collect().empty());
}

// --- Drops ---

class Drops : public testing::Test {
 protected:
  // A SYN that would be answered, spoiled.
  void expect_drop(Drop reason, const std::function<void(Bytes&)>& spoil) {
    Bytes frame = client_.frame(tcp::kSyn, {});
    spoil(frame);
    bench_.inject(frame);
    const uint64_t before = bench_.drops(reason);
    EXPECT_TRUE(bench_.poll());
    EXPECT_EQ(bench_.drops(reason), before + 1) << net::kDropDescriptions[static_cast<size_t>(reason)].name;
    EXPECT_TRUE(bench_.wire().take().empty());
    bench_.expect_clean();
  }

  Bench bench_{echo()};
  Client client_{bench_, {}};
};

TEST_F(Drops, AreCountedByTheirReason) {
  expect_drop(Drop::kFrameTooShort, [](Bytes& frame) { frame.resize(13); });
  expect_drop(Drop::kFrameNotOurs, [](Bytes& frame) { frame[0] = 2; });
  expect_drop(Drop::kFrameSource, [](Bytes& frame) { frame[6] = 1; });
  expect_drop(Drop::kFrameGroup, [](Bytes& frame) { std::fill_n(frame.begin(), 6, 0xff); });
  expect_drop(Drop::kEtherTypeUnknown, [](Bytes& frame) { frame[12] = 0x86, frame[13] = 0xdd; });
  expect_drop(Drop::kIpv4TooShort, [](Bytes& frame) { frame.resize(14 + 19); });
  expect_drop(Drop::kIpv4Version, [](Bytes& frame) { frame[14] = 0x65; });
  expect_drop(Drop::kIpv4HeaderLength, [](Bytes& frame) { frame[14] = 0x44; });
  expect_drop(Drop::kIpv4TotalLength, [](Bytes& frame) { frame[16] = 0x7f; });
  expect_drop(Drop::kIpv4Checksum, [](Bytes& frame) { frame[24] ^= 1; });
  expect_drop(Drop::kIpv4Source, [](Bytes& frame) {  // 192.0.2.255: RFC 9293 MUST-63
    frame[29] = 0xff;
    frame[24] = frame[25] = 0;
    net::store_be16(&frame[24], net::checksum(std::span(frame).subspan(14, net::ipv4::kHeaderLength)));
    // What one sum gains the other loses: TCP's checksum stays right by taking the difference.
    const uint16_t sum = net::load_be16(&frame[14 + 20 + 16]);
    const uint32_t less = 0xffffu & ~(0xfeu);
    const uint32_t moved = sum + less;
    net::store_be16(&frame[14 + 20 + 16], static_cast<uint16_t>((moved & 0xffff) + (moved >> 16)));
  });
  expect_drop(Drop::kTcpChecksum, [](Bytes& frame) { frame.back() ^= 1; });
  EXPECT_EQ(bench_.tcp().segments_received.value(), 0u);
}

TEST_F(Drops, AddressOfAnotherStationIsNotOurs) {
  const net::FourTuple tuple{{0xc0000207}, kPeerAddress, 7, 40'000};
  tcp::SegmentHeader header;
  header.flags = tcp::kSyn;
  bench_.inject(tcp_frame(bench_.mac(), kPeerMac, tuple, header));
  bench_.poll();
  EXPECT_EQ(bench_.drops(Drop::kIpv4NotOurs), 1u);
}

TEST_F(Drops, FrameInSeveralBuffersIsNotRead) {
  bench_.wire().inject_in_two(bench_.receive, client_.frame(tcp::kSyn, {}));
  bench_.poll();
  EXPECT_EQ(bench_.drops(Drop::kFrameSegmented), 1u);
  bench_.expect_clean();
}

TEST_F(Drops, PortZeroIsDropped) {
  Client nobody(bench_, {.port = 0});
  nobody.syn();
  bench_.poll();
  EXPECT_EQ(bench_.drops(Drop::kTcpPortZero), 1u);
  bench_.expect_clean();
}

TEST_F(Drops, FramesOfABurstAroundABadOneAreServed) {
  Client second(bench_, {.port = 40'001});
  client_.syn();
  Bytes bad = client_.frame(tcp::kSyn, {});
  bad.back() ^= 1;
  bench_.inject(bad);
  second.syn();
  bench_.poll();
  bench_.collect();
  EXPECT_TRUE(client_.connected);
  EXPECT_TRUE(second.connected);
}

// --- What the device refuses ---

TEST(Refused, FramesThatTheDeviceDoesNotTakeAreCountedAndFreed) {
  Bench bench(echo(), {.wire = 31});
  for (int i = 0; i < 31; ++i) bench.inject(echo_request({.to = bench.mac()}, "1"));
  bench.poll();
  for (int i = 0; i < 5; ++i) bench.inject(echo_request({.to = bench.mac()}, "2"));
  bench.poll();
  EXPECT_EQ(bench.counters().frames_refused.value(), 5u);
  EXPECT_EQ(bench.counters().frames_sent.value(), 31u);
  EXPECT_EQ(bench.counters().frames_received.value(), 36u);
  bench.collect();
  bench.expect_clean();
}

TEST(Refused, TextThatTheDeviceRefusedIsSentAgain) {
  Bench bench(echo(), {.wire = 31});
  Client client(bench, {});
  client.connect();
  for (int i = 0; i < 31; ++i) bench.inject(echo_request({.to = bench.mac()}, "1"));
  bench.poll();
  client.send("not lost");
  bench.poll();
  EXPECT_GE(bench.counters().frames_refused.value(), 1u);
  bench.collect();
  EXPECT_EQ(client.received, "");
  bench.pass(std::chrono::seconds(2));
  EXPECT_EQ(client.received, "not lost");
  EXPECT_GE(bench.tcp().retransmissions.value(), 1u);
}

}  // namespace
}  // namespace tern::test
