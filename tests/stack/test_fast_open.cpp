// SPDX-License-Identifier: BSD-3-Clause
// A worker's Fast Open: text in the SYN is served at once, whatever answers the SYNs of others. RFC 7413.
#include <gtest/gtest.h>

#include "net/arp.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using tcp::Cookies;
using tcp::FastOpenOption;
using tcp::State;

tcp::Config config_with(Cookies cookies) {
  tcp::Config config;
  config.cookies = cookies;
  config.fast_open_listen = tcp::FastOpen::kOn;
  return config;
}

std::vector<stack::Binding> echo(const tcp::Config& config) {
  return bindings(bound(echo_script(), 7, config));
}

FastOpenOption request() {
  FastOpenOption option;
  option.form = FastOpenOption::Form::kStandard;
  return option;
}

// The cookie of the clients' address, for a SYN that is taken back.
FastOpenOption ask(Bench& bench) {
  Client client(bench, {.port = 39'999, .fast_open = request()});
  client.syn("not taken");
  bench.poll();
  bench.collect();
  EXPECT_TRUE(client.connected);
  EXPECT_TRUE(client.received.empty());
  EXPECT_EQ(client.snd_nxt, client.options.iss + 1);
  const FastOpenOption cookie = client.last ? client.last->seg.fast_open : FastOpenOption{};
  client.reset();
  bench.poll();
  EXPECT_EQ(bench.connections(), 0u);
  return cookie;
}

uint64_t in(Bench& bench, State state) {
  return bench.worker().connections_in()[static_cast<size_t>(state)].value();
}

TEST(FastOpenWorker, TextOfTheSynIsAnsweredBeforeTheThirdSegment) {
  for (const Cookies mode : {Cookies::kAlways, Cookies::kWhenFull, Cookies::kNever}) {
    Bench bench(echo(config_with(mode)));
    const FastOpenOption cookie = ask(bench);
    ASSERT_TRUE(cookie.has_cookie());
    Client client(bench, {.fast_open = cookie});
    client.syn("hello");
    bench.poll();
    bench.collect();
    EXPECT_TRUE(client.connected);
    EXPECT_EQ(client.received, "hello") << "in the round of the SYN";
    EXPECT_EQ(bench.tcp().fast_opens.value(), 1u);
    EXPECT_EQ(bench.tcp().connections_accepted.value(), 0u);
    client.third();
    client.send(" again");
    bench.settle();
    EXPECT_EQ(client.received, "hello again");
    EXPECT_EQ(bench.tcp().connections_accepted.value(), 1u);
    EXPECT_EQ(bench.tcp().retransmissions.value(), 0u);
    client.fin();
    bench.settle();
    EXPECT_TRUE(client.ended);
    bench.expect_clean();
  }
}

TEST(FastOpenWorker, InvalidCookieIsAnsweredAsAnyOtherSyn) {
  Bench bench(echo(config_with(Cookies::kAlways)));
  FastOpenOption forged = ask(bench);
  forged.cookie[3] ^= 1;
  Client client(bench, {.fast_open = forged});
  client.syn("hello");
  bench.poll();
  bench.collect();
  EXPECT_EQ(bench.connections(), 0u) << "nothing is kept";
  EXPECT_EQ(bench.tcp().cookies_sent.value(), 2u);
  EXPECT_EQ(bench.tcp().fast_open_cookies_invalid.value(), 1u);
  client.third();
  client.send("hello");
  bench.settle();
  EXPECT_EQ(client.received, "hello");
}

TEST(FastOpenWorker, CookieOfAnotherAddressIsInvalid) {
  Bench bench(echo(config_with(Cookies::kAlways)));
  const FastOpenOption cookie = ask(bench);
  Client client(bench, {.address = {0xc0000263}, .fast_open = cookie});
  client.syn("hello");
  bench.poll();
  bench.collect();
  EXPECT_EQ(bench.connections(), 0u);
}

TEST(FastOpenWorker, SynAndItsTwinInOneBurstMakeOneConnection) {
  Bench bench(echo(config_with(Cookies::kAlways)));
  const FastOpenOption cookie = ask(bench);
  Client client(bench, {.fast_open = cookie});
  client.syn("hello");
  client.begin_anew(client.options.iss);
  client.syn("hello");
  bench.poll();
  bench.collect();
  EXPECT_EQ(bench.connections(), 1u);
  EXPECT_EQ(client.received, "hello");
  EXPECT_EQ(bench.tcp().fast_opens.value(), 1u);
}

TEST(FastOpenWorker, PendingConnectionsAreBounded) {
  tcp::Config config = config_with(Cookies::kAlways);
  config.fast_open_pending = 2;
  Bench bench(echo(config));
  const FastOpenOption cookie = ask(bench);
  for (int i = 0; i < 4; ++i) {
    Client client(bench, {.port = static_cast<uint16_t>(40'000 + i), .fast_open = cookie});
    client.syn("hello");
    bench.poll();
    bench.collect();
    EXPECT_EQ(client.received, i < 2 ? "hello" : "");
  }
  EXPECT_EQ(in(bench, State::kSynReceived), 2u);
  EXPECT_EQ(bench.tcp().fast_open_refused.value(), 2u);
}

TEST(FastOpenWorker, WithoutRoomTheSynIsAnsweredByACookie) {
  Bench bench(echo(config_with(Cookies::kAlways)), {.max_connections = 64});
  const FastOpenOption cookie = ask(bench);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; bench.tcp().connections_refused_full.value() == 0; ++i) {
    ASSERT_LT(i, 200);
    clients.push_back(
        std::make_unique<Client>(bench, ClientOptions{.port = static_cast<uint16_t>(50'000 + i)}));
    clients.back()->connect();
  }
  Client client(bench, {.fast_open = cookie});
  client.syn("hello");
  bench.poll();
  bench.collect();
  EXPECT_TRUE(client.connected);
  EXPECT_EQ(client.received, "");
  EXPECT_EQ(bench.tcp().fast_opens.value(), 0u);
}

TEST(FastOpenWorker, OffItSaysNothingOfIt) {
  tcp::Config config = config_with(Cookies::kAlways);
  config.fast_open_listen = tcp::FastOpen::kOff;
  Bench bench(echo(config));
  EXPECT_FALSE(ask(bench).present());
}

// The other end answers by hand: a SYN-ACK with this acknowledgment and option.
void answer(Bench& bench, const Reply& syn, uint32_t acknowledged, const FastOpenOption& option) {
  tcp::SegmentHeader header;
  header.seq = tcp::Seq{9'000};
  header.ack = syn.seg.seq + acknowledged;
  header.flags = tcp::kSyn | tcp::kAck;
  header.wnd = 0xffff;
  tcp::SynOptions options;
  options.mss = 1'460;
  options.fast_open = option;
  tcp::append_syn_options(header, options);
  bench.inject(tcp_frame(bench.mac(), kPeerMac, syn.tuple, header));
}

TEST(FastOpenWorker, OurOwnTextLeavesWithTheSynOnceTheServerHasGivenACookie) {
  tcp::Config config;
  config.fast_open_connect = tcp::FastOpen::kOn;
  Bench bench(bindings(bound(std::make_unique<Script>(), 7, config)));
  bench.poll();
  const auto text = [&] {
    net::Packet packet = bench.receive.allocate_packet();
    packet.append(reinterpret_cast<const uint8_t*>("hello"), 5);
    return packet;
  };
  const auto syn_of = [&](uint16_t port) {
    EXPECT_EQ(bench.worker().connect({kOurAddress, kPeerAddress, port, 80}, 0, text()), tcp::Error::kNone);
    bench.poll();
    bench.collect();
    net::ArpPacket asked;
    asked.sender = kOurAddress;
    asked.sender_mac = bench.mac();
    asked.target = kPeerAddress;
    Bytes frame(net::kArpFrameLength);
    net::write_arp_reply(net::ArpFrame(frame), kPeerMac, asked);
    bench.inject(frame);
    const auto replies = bench.replies();
    EXPECT_EQ(replies.size(), 1u);
    return replies.at(0);
  };
  const Reply first = syn_of(50'000);
  EXPECT_EQ(first.text, "");
  EXPECT_EQ(first.seg.fast_open.form, FastOpenOption::Form::kStandard);
  FastOpenOption cookie = request();
  cookie.length = 8;
  cookie.cookie = {1, 2, 3, 4, 5, 6, 7, 8};
  answer(bench, first, 1, cookie);
  const auto after = bench.replies();
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].text, "hello");

  EXPECT_EQ(bench.worker().connect({kOurAddress, kPeerAddress, 50'001, 80}, 0, text()), tcp::Error::kNone);
  const auto replies = bench.replies();  // the neighbour is known by now
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].text, "hello");
  EXPECT_TRUE(replies[0].seg.has(tcp::kSyn));
  EXPECT_TRUE(std::ranges::equal(replies[0].seg.fast_open.bytes(), cookie.bytes()));
  answer(bench, replies[0], 6, {});
  bench.replies();
  EXPECT_EQ(bench.tcp().fast_open_text_acknowledged.value(), 1u);
}

}  // namespace
}  // namespace tern::test
