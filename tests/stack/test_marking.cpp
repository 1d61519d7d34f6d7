// SPDX-License-Identifier: BSD-3-Clause
// What the IP header of a connection's segments says: time to live and differentiated services code point,
// of the service or of the connection alone. RFC 9293 sections 3.9.1.9 and 3.9.2.
#include <gtest/gtest.h>

#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

uint8_t dscp_of(const Client& client) { return client.last->frame.bytes[15] >> 2; }
uint8_t ttl_of(const Client& client) { return client.last->frame.bytes[22]; }

TEST(Marking, IsTheServicesFromTheSynAckOn) {
  for (const tcp::Cookies mode : {tcp::Cookies::kAlways, tcp::Cookies::kNever}) {
    tcp::Config config;
    config.cookies = mode;
    config.marking = {77, 10};
    Bench bench(bindings(bound(echo_script(), 7, config)));
    Client client(bench, {});
    client.syn();
    bench.poll();
    bench.collect();
    EXPECT_EQ(ttl_of(client), 77);
    EXPECT_EQ(dscp_of(client), 10);
    client.third();
    client.send("text");
    bench.settle();
    EXPECT_EQ(client.received, "text");
    EXPECT_EQ(ttl_of(client), 77);
    EXPECT_EQ(dscp_of(client), 10);
  }
}

TEST(Marking, FollowsTheServiceWhileTheConnectionLasts) {  // RFC 9293 SHLD-21, SHLD-22
  auto script = echo_script();
  auto echo = script->on_text;
  script->on_text = [echo](stack::Socket& socket) {
    EXPECT_EQ(socket.set_option(tcp::Option::kDscp, socket.front()[0]), tcp::Error::kNone);
    echo(socket);
  };
  Bench bench(bindings(bound(std::move(script), 7)));
  Client client(bench, {});
  client.connect();
  for (const uint8_t dscp : {uint8_t{1}, uint8_t{63}, uint8_t{0}, uint8_t{46}}) {
    client.send(std::string(1, static_cast<char>(dscp)));
    bench.settle();
    EXPECT_EQ(dscp_of(client), dscp);
  }
}

TEST(Marking, IsChosenForOneConnectionAlone) {
  auto script = echo_script();
  script->on_opened = [](stack::Socket& socket) {
    if (socket.index() != 0) return;
    EXPECT_EQ(socket.set_option(tcp::Option::kTimeToLive, 3), tcp::Error::kNone);
    EXPECT_EQ(socket.set_option(tcp::Option::kDscp, 46), tcp::Error::kNone);
    EXPECT_EQ(socket.option(tcp::Option::kDscp), 46);
    EXPECT_EQ(socket.set_option(tcp::Option::kDscp, 64), tcp::Error::kInvalid);
  };
  Bench bench(bindings(bound(std::move(script), 7)));
  Client one(bench, {.port = 40'000}), two(bench, {.port = 40'001});
  std::vector<uint8_t> lives;
  for (Client* client : {&one, &two}) {
    client->connect();
    client->send("text");
    bench.settle();
    EXPECT_EQ(client->received, "text");
    lives.push_back(ttl_of(*client));
    EXPECT_EQ(dscp_of(*client), ttl_of(*client) == 3 ? 46 : 0);
  }
  std::ranges::sort(lives);
  EXPECT_EQ(lives, (std::vector<uint8_t>{3, 64})) << "one of the two is at index 0";
  for (Client* client : {&one, &two}) client->fin();
  bench.settle();
  EXPECT_TRUE(one.ended && two.ended);
  bench.expect_clean();
}

}  // namespace
}  // namespace tern::test
