// SPDX-License-Identifier: BSD-3-Clause
// A worker's SYN queue in each mode of cookies, and its accept queue. RFC 4987.
#include <gtest/gtest.h>

#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using tcp::Cookies;
using tcp::State;

tcp::Config queueing(Cookies cookies, uint32_t syn_backlog = 4) {
  tcp::Config config;
  config.cookies = cookies;
  config.syn_backlog = syn_backlog;
  return config;
}

std::vector<stack::Binding> echo(const tcp::Config& config) {
  return bindings(bound(echo_script(), 7, config));
}

std::unique_ptr<Client> client_at(Bench& bench, int port) {
  return std::make_unique<Client>(bench, ClientOptions{.port = static_cast<uint16_t>(port)});
}

// A SYN of a client that says no more.
void flood(Bench& bench, int count, int first_port = 50'000) {
  for (int i = 0; i < count; ++i) {
    Client client(bench, {.port = static_cast<uint16_t>(first_port + i)});
    client.syn();
    bench.poll();
    bench.wire().take();
  }
}

uint64_t half_open(Bench& bench) { return bench.worker().backlog(0).half_open.count.value(); }
uint64_t waiting(Bench& bench) { return bench.worker().backlog(0).waiting.count.value(); }

TEST(Backlogs, QueuedHandshakeOpensWithoutACookie) {
  for (const Cookies mode : {Cookies::kWhenFull, Cookies::kNever}) {
    for (const bool timestamps : {true, false}) {
      Bench bench(echo(queueing(mode)));
      Client client(bench, {.timestamps = timestamps});
      client.syn();
      bench.poll();
      bench.collect();
      EXPECT_TRUE(client.connected);
      EXPECT_EQ(half_open(bench), 1u);
      client.third();
      client.send("hello");
      bench.settle();
      EXPECT_EQ(client.received, "hello");
      EXPECT_EQ(half_open(bench), 0u);
      EXPECT_EQ(bench.tcp().cookies_sent.value(), 0u);
      EXPECT_EQ(bench.tcp().connections_accepted.value(), 1u);
      client.fin();
      bench.settle();
      EXPECT_TRUE(client.ended);
      bench.expect_clean();
    }
  }
}

TEST(Backlogs, SynAndItsTwinInOneBurstMakeOneHalfOpenConnection) {
  Bench bench(echo(queueing(Cookies::kNever)));
  Client client(bench, {});
  client.syn();
  client.begin_anew(client.options.iss);
  client.syn();
  bench.poll();
  bench.collect();
  EXPECT_EQ(half_open(bench), 1u);
  EXPECT_EQ(bench.tcp().syns_queued.value(), 1u);
}

TEST(Backlogs, CookiesTakeOverWhenTheSynQueueIsFull) {
  Bench bench(echo(queueing(Cookies::kWhenFull)));
  flood(bench, 10);
  EXPECT_EQ(half_open(bench), 4u);
  EXPECT_EQ(bench.tcp().cookies_sent.value(), 6u);
  EXPECT_EQ(bench.tcp().syns_answered_full.value(), 6u);
  auto client = client_at(bench, 40'000);
  client->connect();
  client->send("served");
  bench.settle();
  EXPECT_EQ(client->received, "served");
  EXPECT_EQ(bench.tcp().cookies_valid.value(), 1u);
}

TEST(Backlogs, CookieIsNotTakenWhereNoneWasSentLately) {
  Bench bench(echo(queueing(Cookies::kWhenFull)));
  auto client = client_at(bench, 40'000);
  client->rcv_nxt = tcp::Seq{12345};
  client->lay(tcp::kAck, {});
  bench.poll();
  bench.collect();
  EXPECT_TRUE(client->was_reset);
  EXPECT_EQ(bench.tcp().cookies_invalid.value(), 0u) << "it was not even looked at";
  flood(bench, 5);
  client->lay(tcp::kAck, {});
  bench.poll();
  EXPECT_EQ(bench.tcp().cookies_invalid.value(), 1u);
}

TEST(Backlogs, SynsAreDroppedAndCountedWhenTheQueueIsFullAndCookiesAreOff) {
  Bench bench(echo(queueing(Cookies::kNever)));
  auto inside = client_at(bench, 40'000);
  inside->connect();
  flood(bench, 10);
  EXPECT_EQ(half_open(bench), 4u);
  EXPECT_EQ(bench.tcp().syns_dropped_full.value(), 6u);
  EXPECT_EQ(bench.tcp().listen_drops.value(), 6u);
  EXPECT_EQ(bench.tcp().cookies_sent.value(), 0u);
  auto client = client_at(bench, 40'001);
  client->syn();
  bench.poll();
  bench.collect();
  EXPECT_FALSE(client->connected);
  inside->send("inside");
  bench.settle();
  EXPECT_EQ(inside->received, "inside");
}

TEST(Backlogs, FloodThatEndsLeavesNothing) {
  tcp::Config config = queueing(Cookies::kNever, 40);
  config.syn_ack_retries = 1;
  Bench bench(echo(config));
  flood(bench, 60);
  EXPECT_EQ(half_open(bench), 40u);
  for (int i = 0; i < 40; ++i) {
    bench.now += 100ms;
    bench.poll();
    bench.wire().take();
  }
  EXPECT_EQ(half_open(bench), 0u);
  EXPECT_EQ(bench.tcp().half_open_timed_out.value(), 40u);
  bench.expect_clean();
  auto client = client_at(bench, 40'000);
  client->connect();
  client->send("served again");
  bench.settle();
  EXPECT_EQ(client->received, "served again");
}

TEST(Backlogs, OldestHalfOpenMakesRoomForOneWhoseHandshakeIsDone) {
  Bench bench(echo(queueing(Cookies::kWhenFull, 5)), {.max_connections = 8});
  auto first = client_at(bench, 40'000);
  first->syn();
  bench.poll();
  bench.collect();
  flood(bench, 4);
  ASSERT_EQ(half_open(bench), 5u);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 1; i <= 8; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->connect();
    clients.back()->send("in");
    bench.settle();
    EXPECT_EQ(clients.back()->received, "in") << i;
  }
  EXPECT_EQ(half_open(bench), 0u);
  EXPECT_EQ(bench.tcp().half_open_evicted.value(), 5u);
  EXPECT_EQ(bench.connections(), 8u);
  first->third();
  bench.poll();
  bench.collect();
  EXPECT_TRUE(first->was_reset) << "it was the oldest, and is a stranger now";
}

TEST(Backlogs, FullTableAnswersByCookieOrDrops) {
  for (const Cookies mode : {Cookies::kWhenFull, Cookies::kNever}) {
    Bench bench(echo(queueing(mode, 100)), {.max_connections = 8});
    flood(bench, 10);
    EXPECT_EQ(half_open(bench), 8u);
    EXPECT_EQ(bench.tcp().cookies_sent.value(), mode == Cookies::kWhenFull ? 2u : 0u);
    EXPECT_EQ(bench.tcp().syns_dropped_full.value(), mode == Cookies::kWhenFull ? 0u : 2u);
  }
}

// There is room in the table, but of those that may be awake all are busy.
TEST(Backlogs, WithoutATcbSynIsAnsweredByCookieOrDropped) {
  for (const Cookies mode : {Cookies::kWhenFull, Cookies::kNever}) {
    Bench bench(echo(queueing(mode, 100)), {.max_connections = 32, .busy_connections = 8});
    flood(bench, 12);
    EXPECT_LT(half_open(bench), 12u);
    const uint64_t without = 12 - half_open(bench);
    EXPECT_EQ(bench.tcp().cookies_sent.value(), mode == Cookies::kWhenFull ? without : 0u);
    EXPECT_EQ(bench.tcp().syns_dropped_full.value(), mode == Cookies::kWhenFull ? 0u : without);
    EXPECT_EQ(bench.tcp().syns_queued.value(), half_open(bench));
    EXPECT_EQ(bench.tcp().syns_received.value(), 12u);
  }
}

TEST(Backlogs, ServiceIsToldOfTheNextWhenOneHasEnded) {
  for (const Cookies mode : {Cookies::kAlways, Cookies::kWhenFull, Cookies::kNever}) {
    tcp::Config config = queueing(mode, 16);
    config.max_connections = 2;
    config.accept_backlog = 3;
    Bench bench(echo(config));
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(client_at(bench, 40'000 + i));
      clients.back()->connect();
      clients.back()->send("text");
      bench.pass(50ms);
      EXPECT_EQ(clients.back()->acknowledged, clients.back()->snd_nxt) << "its handshake is done";
      EXPECT_EQ(clients.back()->received, i < 2 ? "text" : "");
    }
    EXPECT_EQ(waiting(bench), 3u);
    // No more come in: the SYN is dropped.
    auto sixth = client_at(bench, 40'005);
    sixth->syn();
    bench.poll();
    bench.collect();
    EXPECT_FALSE(sixth->connected);
    EXPECT_EQ(bench.tcp().accept_overflows.value(), 1u);
    // One that waits gives up; then one that is served ends, and who has waited longest follows it.
    clients[2]->reset();
    bench.settle();
    EXPECT_EQ(waiting(bench), 2u);
    clients[0]->fin();
    bench.settle();
    EXPECT_EQ(clients[3]->received, "text");
    EXPECT_EQ(clients[4]->received, "");
    EXPECT_EQ(bench.worker().backlog(0).served.value(), 2u);
    clients[1]->fin();
    bench.settle();
    EXPECT_EQ(clients[4]->received, "text");
    for (const int i : {3, 4}) clients[static_cast<size_t>(i)]->fin();
    bench.settle();
    EXPECT_EQ(bench.worker().backlog(0).served.value(), 0u);
    bench.expect_clean();
  }
}

TEST(Backlogs, ThirdSegmentByCookieIsDroppedWhileTheAcceptQueueIsFull) {
  for (const bool abort : {false, true}) {
    tcp::Config config;
    config.max_connections = config.accept_backlog = 1;
    config.abort_on_overflow = abort;
    Bench bench(echo(config));
    auto first = client_at(bench, 40'000), second = client_at(bench, 40'001),
         third = client_at(bench, 40'002);
    third->syn();  // while there is room
    bench.poll();
    bench.collect();
    first->connect();
    second->connect();
    third->third();
    bench.poll();
    bench.collect();
    EXPECT_EQ(third->was_reset, abort);
    EXPECT_EQ(bench.tcp().accept_overflows.value(), 1u);
    EXPECT_EQ(bench.tcp().listen_drops.value(), abort ? 0u : 1u);
    if (abort) continue;
    first->fin();
    bench.settle();
    third->send("late, and welcome");
    bench.settle();
    EXPECT_EQ(third->received, "");
    EXPECT_EQ(waiting(bench), 1u);
    second->fin();
    bench.settle();
    EXPECT_EQ(third->received, "late, and welcome");
  }
}

TEST(Backlogs, ServiceThatAcceptsByCallIsToldOfNobodyElse) {
  tcp::Config config;
  config.max_connections = 0;
  Bench bench(echo(config));
  auto client = client_at(bench, 40'000);
  client->connect();
  client->send("patience");
  bench.pass(50ms);
  EXPECT_EQ(client->received, "");
  EXPECT_TRUE(bench.worker().accept(0));
  EXPECT_FALSE(bench.worker().accept(0));
  bench.settle();
  EXPECT_EQ(client->received, "patience");
}

TEST(Backlogs, WaitingConnectionsAreResetAtTheEnd) {
  tcp::Config config;
  config.max_connections = 1;
  Bench bench(echo(config));
  auto first = client_at(bench, 40'000), second = client_at(bench, 40'001);
  first->connect();
  second->connect();
  second->send("pinned");
  bench.settle();
  bench.worker().abort_all();
  bench.collect();
  EXPECT_TRUE(first->was_reset && second->was_reset);
  bench.expect_clean();
}

}  // namespace
}  // namespace tern::test
