// SPDX-License-Identifier: BSD-3-Clause
// A worker answers SYNs without keeping or allocating anything, and opens on the third segment. RFC 4987.
#include <gtest/gtest.h>

#include <random>

#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using tcp::kAck;
using tcp::kFin;
using tcp::kPsh;
using tcp::kRst;
using tcp::kSyn;

std::vector<stack::Binding> echo() { return bindings(bound(echo_script(), 7)); }

TEST(Handshake, SynIsAnsweredInItsOwnBuffer) {
  Bench bench(echo());
  Client client(bench, {});
  const void* buffer = client.syn();
  EXPECT_TRUE(bench.poll());
  EXPECT_EQ(missing(bench.headers), 0u);
  EXPECT_EQ(missing(bench.receive), 1u);  // the SYN's, waiting in the device
  const auto sent = bench.wire().take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].buffer, buffer);
  EXPECT_EQ(sent[0].buffers, 1u);
  const auto reply = read_reply(sent[0]);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->seg.flags, kSyn | kAck);
  EXPECT_EQ(reply->seg.ack, client.snd_nxt);
  EXPECT_EQ(reply->to, kPeerMac);
  EXPECT_EQ(reply->from, bench.mac());
  EXPECT_EQ(reply->tuple, client.tuple);
  EXPECT_EQ(reply->seg.mss, 1460);
  EXPECT_EQ(reply->seg.window_scale, 7);
  EXPECT_TRUE(reply->seg.sack_permitted);
  EXPECT_TRUE(reply->seg.has_timestamps);
  EXPECT_EQ(bench.connections(), 0u);
  bench.expect_clean();
}

TEST(Handshake, TenThousandSynsFromAnywhereAllocateNothing) {
  Bench bench(echo());
  std::mt19937 random(1);
  constexpr int kSyns = 10'000;
  int answered = 0;
  for (int sent = 0; sent < kSyns;) {
    for (int i = 0; i < 50; ++i, ++sent) {
      const net::FourTuple tuple{kOurAddress,
                                 {static_cast<uint32_t>(0x0a000000 | (random() & 0xffffff))},
                                 7,
                                 static_cast<uint16_t>(random() % 65'535 + 1)};
      tcp::SegmentHeader header;
      header.seq = {static_cast<uint32_t>(random())};
      header.flags = kSyn;
      bench.inject(tcp_frame(bench.mac(), kPeerMac, tuple, header));
    }
    bench.poll();
    ASSERT_EQ(missing(bench.headers), 0u);
    ASSERT_EQ(missing(bench.receive), 50u);  // all in the device, none kept
    for (const SentFrame& frame : bench.wire().take()) {
      const auto reply = read_reply(frame);
      answered += reply && reply->seg.flags == (kSyn | kAck) ? 1 : 0;
    }
    bench.expect_clean();
  }
  EXPECT_EQ(answered, kSyns);
  EXPECT_EQ(bench.tcp().cookies_sent.value(), static_cast<uint64_t>(kSyns));
}

TEST(Handshake, EachSegmentIsCountedOnce) {
  Bench bench(echo());
  Client client(bench, {});
  client.connect();
  EXPECT_EQ(bench.tcp().segments_received.value(), 2u);
  client.send("abc");
  bench.poll();
  EXPECT_EQ(bench.tcp().segments_received.value(), 3u);
  client.reset();
  bench.poll();
  EXPECT_EQ(bench.tcp().segments_received.value(), 4u);
  EXPECT_EQ(bench.tcp().resets_received.value(), 1u);
}

TEST(Handshake, EchoReturnsEveryByteBothWays) {
  for (const bool timestamps : {true, false}) {
    Bench bench(echo());
    Client client(bench, {.timestamps = timestamps});
    client.connect();
    EXPECT_EQ(bench.connections(), 1u);
    std::string sent;
    std::mt19937 random(7);
    for (const size_t length : {1, 2, 3, 255, 256, 257, 1447, 1448, 3000, 5000, 17}) {
      std::string text(length, '\0');
      for (char& byte : text) byte = static_cast<char>(random());
      client.send(text);
      sent += text;
      bench.settle();
    }
    EXPECT_EQ(client.received, sent);
    EXPECT_EQ(client.acknowledged, client.snd_nxt);
    client.fin();
    bench.settle();
    EXPECT_TRUE(client.ended);
    bench.expect_clean();
  }
}

TEST(Handshake, RepliesGoToTheStationTheThirdSegmentCameFrom) {
  Bench bench(echo());
  Client client(bench, {});
  client.syn();
  bench.poll();
  bench.collect();
  EXPECT_EQ(client.last->to, kPeerMac);
  const net::MacAddress other{{0x02, 0, 0, 0, 0, 0x77}};
  client.options.mac = other;
  client.third();
  bench.poll();
  client.options.mac = kPeerMac;  // what comes later, by whatever way, changes nothing
  client.send("hello");
  bench.poll();
  bench.collect();
  EXPECT_EQ(client.received, "hello");
  EXPECT_EQ(client.last->to, other);
}

TEST(Handshake, ThirdSegmentAndWhatFollowsMayShareABurst) {
  Bench bench(echo());
  Client client(bench, {});
  client.syn();
  bench.poll();
  bench.collect();
  client.third();
  client.send("one");
  client.send("two");
  client.fin();
  EXPECT_TRUE(bench.poll());
  bench.collect();
  EXPECT_EQ(client.received, "onetwo");
  EXPECT_EQ(bench.tcp().connections_accepted.value(), 1u);
  EXPECT_EQ(bench.tcp().cookies_valid.value(), 1u);
  EXPECT_EQ(bench.tcp().segments_received.value(), 5u);
  bench.settle();
  EXPECT_TRUE(client.ended);
  EXPECT_FALSE(client.was_reset);
  bench.expect_clean();
}

TEST(Handshake, ThirdSegmentMayCarryText) {
  Bench bench(echo());
  Client client(bench, {});
  client.syn();
  bench.poll();
  bench.collect();
  client.send("at once");
  bench.settle();
  EXPECT_EQ(client.received, "at once");
}

TEST(Handshake, PlainResetBehindTheThirdSegmentEndsIt) {
  Bench bench(echo());
  Client client(bench, {});
  client.syn();
  bench.poll();
  bench.collect();
  client.third();
  client.lay(kRst, {});
  bench.poll();
  bench.poll();
  EXPECT_EQ(bench.connections(), 0u) << "the RST was overlooked";
  EXPECT_EQ(bench.tcp().connections_reset_by_peer.value(), 1u);
}

TEST(Handshake, TwoConnectionsOpenInOneBurst) {
  Bench bench(echo());
  Client one(bench, {.port = 40'001});
  Client two(bench, {.port = 40'002, .iss = {0xffffffff}});
  one.syn();
  two.syn();
  bench.poll();
  bench.collect();
  two.third();
  one.third();
  one.send("first");
  two.send("second");
  bench.poll();
  bench.collect();
  EXPECT_EQ(one.received, "first");
  EXPECT_EQ(two.received, "second");
  EXPECT_EQ(bench.connections(), 2u);
}

TEST(Handshake, ClosedPortIsRefusedAtOnce) {
  Bench bench(echo());
  Client client(bench, {.service = 8});
  const void* buffer = client.syn();
  bench.poll();
  bench.collect();
  ASSERT_TRUE(client.was_reset);
  EXPECT_EQ(client.last->seg.flags, kRst | kAck);
  EXPECT_EQ(client.last->seg.ack, client.snd_nxt);
  EXPECT_EQ(client.last->seg.seq, tcp::Seq{0});
  EXPECT_EQ(client.last->frame.buffer, buffer);
  EXPECT_EQ(client.last->to, kPeerMac);
  EXPECT_EQ(bench.tcp().listen_unserved.value(), 1u);
  EXPECT_EQ(bench.tcp().resets_sent.value(), 1u);
  EXPECT_EQ(bench.tcp().segments_sent.value(), 1u);
  bench.expect_clean();
}

TEST(Handshake, ResetIsNeverAnswered) {
  Bench bench(echo());
  for (const uint16_t port : {uint16_t{7}, uint16_t{8}}) {
    for (const int flags : {kRst | 0, kRst | kAck, kRst | kSyn, kRst | kFin | kAck}) {
      Client client(bench, {.service = port});
      client.lay(flags, {});
      bench.poll();
      bench.collect();
      EXPECT_EQ(client.segments, 0u) << port << ' ' << flags;
    }
  }
  EXPECT_EQ(bench.tcp().resets_received.value(), 8u);
  bench.expect_clean();
}

TEST(Handshake, AckWithoutCookieIsReset) {
  Bench bench(echo());
  for (const int flags : {kAck | 0, kAck | kPsh, kAck | kFin, kAck | kSyn}) {
    Client client(bench, {});
    client.rcv_nxt = tcp::Seq{0x12345678};
    client.lay(flags, flags == kAck ? "" : "text");
    bench.poll();
    bench.collect();
    ASSERT_TRUE(client.was_reset) << flags;
    EXPECT_EQ(client.last->seg.flags, kRst);
    EXPECT_EQ(client.last->seg.seq, client.rcv_nxt);
  }
  EXPECT_EQ(bench.tcp().cookies_invalid.value(), 3u);  // a SYN-ACK carries none
  EXPECT_EQ(bench.tcp().connections_accepted.value(), 0u);
  bench.expect_clean();
}

TEST(Handshake, CookieIsGoodFor64SecondsAndBadAfter128) {
  for (const auto& [wait, good] :
       {std::pair{std::chrono::seconds(63), true}, {std::chrono::seconds(129), false}}) {
    Bench bench(echo());
    Client client(bench, {});
    client.syn();
    bench.poll();
    bench.collect();
    bench.now += wait;
    client.third();
    bench.poll();
    bench.collect();
    EXPECT_EQ(client.was_reset, !good);
    EXPECT_EQ(bench.connections(), good ? 1u : 0u);
  }
}

TEST(Handshake, SegmentThatIsNoneAtAllIsDroppedInSilence) {
  Bench bench(echo());
  Client client(bench, {});
  client.lay(0, "text");
  client.lay(kFin, {});
  client.lay(kSyn | kFin, {});
  bench.poll();
  bench.collect();
  EXPECT_EQ(client.segments, 0u);
  EXPECT_EQ(bench.tcp().syns_malformed.value(), 1u);
  bench.expect_clean();
}

// The third segment and the first text are lost, the second text arrives: no RST, and all goes well from the
// start.
TEST(Handshake, TextThatOvertakesTheThirdSegmentIsDroppedWithoutReset) {
  Bench bench(echo());
  Client client(bench, {.mss = 100});
  client.syn();
  bench.poll();
  bench.collect();
  const std::string flight(250, 'x');
  const std::string second = flight.substr(100, 100);
  const tcp::Seq start = client.snd_nxt;
  for (const uint32_t ahead : {100u, 200u, 2'007u}) {
    client.snd_nxt = start + ahead;
    client.lay(kAck, second);
  }
  client.snd_nxt = start + 250;
  client.lay(kAck, "the last, which is short");
  client.lay(kFin | kAck, {});
  client.snd_nxt = start;
  bench.poll();
  bench.collect();
  EXPECT_FALSE(client.was_reset);
  EXPECT_EQ(bench.tcp().cookies_overtaken.value(), 5u);
  EXPECT_EQ(bench.connections(), 0u);
  client.send(flight);
  bench.settle();
  EXPECT_EQ(client.received, flight);

  Client stranger(bench, {.port = 41'000});
  stranger.rcv_nxt = tcp::Seq{77};
  stranger.lay(kAck, second);
  bench.poll();
  bench.collect();
  EXPECT_TRUE(stranger.was_reset) << "text with no cookie of ours is answered by RST as before";
}

}  // namespace
}  // namespace tern::test
