// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors on their way to the connection that they quote, and what a worker remembers of paths.
#include <gtest/gtest.h>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using net::Drop;

// An ICMP error from a router about a frame that we sent.
Bytes error_about(const Bench& bench, const SentFrame& sent, uint8_t type, uint8_t code, uint16_t mtu = 0,
                  net::Ipv4Address to = kOurAddress) {
  Bytes message = {type, code, 0, 0, 0, 0, 0, 0};
  net::store_be16(&message[6], mtu);
  message.insert(message.end(), sent.bytes.begin() + 14, sent.bytes.begin() + 14 + 28);
  net::store_be16(&message[2], net::checksum(message));
  PacketSpec spec;
  spec.to = bench.mac();
  spec.source = {0xc00002feu};
  spec.destination = to;
  spec.protocol = 1;
  return ipv4_frame(spec, message);
}

// Sends a large text to each that connects.
std::unique_ptr<Script> sender(size_t bytes = 1400) {
  auto script = std::make_unique<Script>();
  script->on_opened = [bytes](stack::Socket& socket) {
    for (size_t left = bytes; left != 0;) {
      net::Packet packet = socket.allocate();
      const size_t n = std::min<size_t>(left, 1000);
      packet.append(Bytes(n, 'x').data(), static_cast<uint32_t>(n));
      socket.send(packet);
      left -= n;
    }
  };
  return script;
}

// The segments with text that leave in one round, by their length.
std::vector<uint32_t> lengths(const std::vector<Reply>& replies) {
  std::vector<uint32_t> found;
  for (const Reply& reply : replies) {
    if (!reply.text.empty()) found.push_back(static_cast<uint32_t>(reply.text.size()));
  }
  return found;
}

// Shakes hands by hand and returns what leaves in answer to the third segment.
std::vector<Reply> open(Bench& bench, uint16_t port) {
  net::FourTuple tuple{kOurAddress, kPeerAddress, 7, port};
  tcp::SegmentHeader syn;
  syn.seq = tcp::Seq{100};
  syn.flags = tcp::kSyn;
  syn.wnd = 0xffff;
  tcp::SynOptions options;
  options.mss = 1460;
  tcp::append_syn_options(syn, options);
  bench.inject(tcp_frame(bench.mac(), kPeerMac, tuple, syn));
  bench.poll();
  const auto answers = bench.replies();
  EXPECT_EQ(answers.size(), 1u);
  tcp::SegmentHeader third;
  third.seq = tcp::Seq{101};
  third.ack = answers.at(0).seg.seq + 1;
  third.flags = tcp::kAck;
  third.wnd = 0xffff;
  bench.inject(tcp_frame(bench.mac(), kPeerMac, tuple, third));
  return bench.replies();
}

TEST(Icmp, TooBigMakesTheConnectionsSegmentsSmallerAndThoseOfTheNextOne) {
  Bench bench(bindings(bound(sender(), 7)));
  const auto first = open(bench, 40'000);
  ASSERT_EQ(lengths(first), (std::vector<uint32_t>{1400}));
  bench.inject(error_about(bench, first[0].frame, 3, 4, 1000));
  EXPECT_EQ(lengths(bench.replies()), (std::vector<uint32_t>{960, 440}));
  EXPECT_EQ(bench.tcp().icmp_too_big.value(), 1u);

  EXPECT_EQ(lengths(open(bench, 40'001)), (std::vector<uint32_t>{960, 440}));
  bench.now += 11min;
  bench.poll();
  bench.collect();
  EXPECT_EQ(lengths(open(bench, 40'002)), (std::vector<uint32_t>{1400}));
  bench.worker().abort_all();
}

TEST(Icmp, IsForTheConnectionThatItQuotes) {  // RFC 9293 MUST-54
  Bench bench(bindings(bound(sender(), 7)));
  const auto first = open(bench, 40'000);
  const auto second = open(bench, 40'001);
  bench.inject(error_about(bench, second.at(0).frame, 3, 1));
  bench.poll();
  EXPECT_EQ(bench.tcp().icmp_soft_errors.value(), 1u);
  EXPECT_EQ(bench.tcp().icmp_out_of_window.value(), 0u);
  EXPECT_EQ(bench.connections(), 2u);
  bench.worker().abort_all();
}

TEST(Icmp, AboutNoConnectionIsCounted) {
  Bench bench(bindings(bound(sender(), 7)));
  auto first = open(bench, 40'000);
  SentFrame other = first.at(0).frame;
  net::store_be16(&other.bytes[14 + 22], 9);  // the remote port
  bench.inject(error_about(bench, other, 3, 4, 1000));
  bench.poll();
  EXPECT_EQ(bench.tcp().icmp_unmatched.value(), 1u);
  EXPECT_EQ(bench.tcp().icmp_too_big.value(), 0u);
  bench.worker().abort_all();
}

TEST(Icmp, QuotingAnotherHostsSegmentOrNoneIsDropped) {
  Bench bench(bindings(bound(sender(), 7)));
  const auto first = open(bench, 40'000);
  SentFrame other = first.at(0).frame;
  other.bytes[14 + 12] ^= 1;  // its source
  bench.inject(error_about(bench, other, 3, 1));
  other.bytes[14 + 9] = 17;
  bench.inject(error_about(bench, other, 3, 1));
  bench.poll();
  EXPECT_EQ(bench.drops(Drop::kIcmpQuote), 2u);
  bench.worker().abort_all();
}

TEST(Icmp, SourceQuenchChangesNothing) {  // RFC 9293 MUST-55
  Bench bench(bindings(bound(sender(), 7)));
  const auto first = open(bench, 40'000);
  bench.inject(error_about(bench, first.at(0).frame, 4, 0));
  EXPECT_TRUE(bench.replies().empty());
  EXPECT_EQ(bench.drops(Drop::kIcmpSourceQuench), 1u);
  bench.worker().abort_all();
}

}  // namespace
}  // namespace tern::test
