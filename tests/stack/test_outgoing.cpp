// SPDX-License-Identifier: BSD-3-Clause
// What a service opens follows a configuration of its own, where its binding has one, and what it accepts the
// other.
#include <gtest/gtest.h>

#include <chrono>

#include "net/arp.hpp"
#include "stack/client.hpp"
#include "stack/flows.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using stack::Flow;
using tcp::Congestion;
using tcp::Option;

constexpr size_t kTimeToLiveAt = 22;  // in a frame
constexpr uint16_t kService = 1;      // the second of two, so that no number is right by chance

class Outgoing : public testing::Test {
 protected:
  tcp::Config config;
  std::optional<tcp::Config> outgoing;
  Script* script = nullptr;
  std::unique_ptr<Bench> bench;
  std::unique_ptr<Client> client, server;
  Reply synack, syn;
  uint32_t accepted = 0, opened = 0;  // Socket::index()

  // A client connects, and then a connection is opened to a server.
  void start() {
    auto made = std::make_unique<Script>();
    script = made.get();
    auto all = bindings(bound(std::make_unique<Script>(), 9));
    all.push_back(bound(std::move(made), 7, config));
    all.back().outgoing = outgoing;
    bench = std::make_unique<Bench>(std::move(all));
    script->on_opened = [this](stack::Socket& socket) { accepted = socket.index(); };
    client = std::make_unique<Client>(*bench, ClientOptions{});
    client->connect();
    ASSERT_TRUE(client->connected);
    synack = client->last.value();
    script->on_opened = {};
    open();
  }
  void open() {
    stack::Opened begun;
    ASSERT_EQ(bench->worker().connect({{}, kPeerAddress, 0, 80}, kService, {}, &begun), tcp::Error::kNone);
    opened = begun.index;
    bench->poll();
    ASSERT_EQ(bench->collect().size(), 1u) << "the neighbour is asked for";
    net::ArpPacket request;
    request.sender = kOurAddress;
    request.sender_mac = bench->mac();
    request.target = kPeerAddress;
    Bytes arp(net::kArpFrameLength);
    net::write_arp_reply(net::ArpFrame(arp), kPeerMac, request);
    bench->inject(arp);
    const auto sent = bench->replies();
    ASSERT_EQ(sent.size(), 1u);
    syn = sent[0];
    server = std::make_unique<Client>(*bench, ClientOptions{.port = 80, .service = begun.tuple.local_port});
    server->rcv_nxt = syn.seg.seq + 1;
    server->lay(tcp::kSyn | tcp::kAck, {});
    server->snd_nxt = server->options.iss + 1;
    server->connected = true;
    bench->settle();
  }
  void TearDown() override {
    if (bench) bench->end_worker();
  }

  stack::Socket socket(uint32_t index) { return bench->worker().socket(index).value(); }
  // The one toward this peer.
  Flow flow_of(const Client& peer) {
    stack::FlowPiece piece;
    stack::FlowFilter filter;
    filter.remote_port = peer.options.port;
    bench->worker().find_flows({0, stack::FlowPiece::kMostFlows, filter}, piece);
    EXPECT_EQ(piece.count, 1u);
    return piece.count == 1 ? piece.flows[0] : Flow{};
  }
  uint64_t time_waits() {
    return bench->worker().connections_in()[static_cast<size_t>(tcp::State::kTimeWait)].value();
  }
  // We close first, and the peer then.
  void close(uint32_t index, Client& peer) {
    socket(index).close();
    bench->settle();
    peer.fin();
    bench->settle();
  }
};

TEST_F(Outgoing, HasItsOwnSettingsAndTheSameService) {
  outgoing.emplace();
  outgoing->congestion = Congestion::kBbr;
  outgoing->mss = 1000;
  outgoing->marking.time_to_live = 9;
  outgoing->keep_alive.on = true;
  outgoing->user_timeout = 3s;
  start();
  EXPECT_EQ(script->calls, "opened opened");
  EXPECT_EQ(synack.seg.mss, 1460);
  EXPECT_EQ(syn.seg.mss, 1000);
  EXPECT_EQ(synack.frame.bytes[kTimeToLiveAt], 64);
  EXPECT_EQ(syn.frame.bytes[kTimeToLiveAt], 9);
  EXPECT_EQ(flow_of(*client).info.congestion, Congestion::kCubic);
  EXPECT_EQ(flow_of(*server).info.congestion, Congestion::kBbr);
  EXPECT_EQ(flow_of(*client).info.service, kService);
  EXPECT_EQ(flow_of(*server).info.service, kService);
  EXPECT_EQ(socket(accepted).option(Option::kKeepAlive), 0);
  EXPECT_EQ(socket(opened).option(Option::kKeepAlive), 1);
  EXPECT_EQ(socket(accepted).option(Option::kUserTimeout), 0);
  EXPECT_EQ(socket(opened).option(Option::kUserTimeout), 3000);
}

TEST_F(Outgoing, WithoutSettingsOfItsOwnHasThoseOfWhatIsAccepted) {
  config.congestion = Congestion::kNewReno;
  start();
  EXPECT_EQ(flow_of(*client).info.congestion, Congestion::kNewReno);
  EXPECT_EQ(flow_of(*server).info.congestion, Congestion::kNewReno);
}

TEST_F(Outgoing, KeepsThemBesideAnOptionOfTheConnection) {
  outgoing.emplace();
  outgoing->congestion = Congestion::kNewReno;
  outgoing->user_timeout = 3s;
  start();
  ASSERT_EQ(socket(opened).set_option(Option::kNoDelay, 1), tcp::Error::kNone);
  EXPECT_EQ(flow_of(*server).info.congestion, Congestion::kNewReno);
  EXPECT_EQ(flow_of(*server).info.service, kService);
  EXPECT_EQ(socket(opened).option(Option::kUserTimeout), 3000);
  server->send("to the same service");
  bench->settle();
  EXPECT_EQ(script->calls, "opened opened text");
}

TEST_F(Outgoing, WaitsForTwoSegmentLifetimesOfItsOwn) {
  outgoing.emplace();
  outgoing->msl = 1s;
  config.msl = 5s;
  start();
  close(accepted, *client);
  close(opened, *server);
  ASSERT_EQ(time_waits(), 2u);
  EXPECT_EQ(flow_of(*server).info.service, kService);
  bench->pass(2s + 10ms);  // deadlines are kept in ticks of 16 us
  EXPECT_EQ(time_waits(), 1u);
  EXPECT_EQ(flow_of(*client).info.state, tcp::State::kTimeWait);
  bench->pass(8s);
  EXPECT_EQ(time_waits(), 0u);
}

TEST_F(Outgoing, TakesATupleInTimeWaitAnewWhereItsOwnSettingsSaySo) {  // RFC 6191
  for (const bool reuse : {false, true}) {
    outgoing.emplace();
    outgoing->reuse_time_wait = reuse;
    start();
    close(opened, *server);
    ASSERT_EQ(time_waits(), 1u);
    bench->pass(10ms);
    EXPECT_EQ(bench->worker().connect(syn.tuple, kService),
              reuse ? tcp::Error::kNone : tcp::Error::kAddressInUse);
    server.reset();
    client.reset();
  }
}

}  // namespace
}  // namespace tern::test
