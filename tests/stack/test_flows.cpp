// SPDX-License-Identifier: BSD-3-Clause
// The walk over a worker's connections: who is met and how often, in pieces of which size, and by another
// thread's asking.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "stack/client.hpp"
#include "stack/flows.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using stack::Flow;
using stack::FlowFilter;
using stack::FlowPiece;
using stack::FlowPlace;

using Clients = std::vector<std::unique_ptr<Client>>;

void connect_more(Bench& bench, Clients& clients, int count, uint16_t service = 7) {
  for (int i = 0; i < count; ++i) {
    const auto port = static_cast<uint16_t>(40'000 + clients.size());
    clients.push_back(std::make_unique<Client>(bench, ClientOptions{.port = port, .service = service}));
    clients.back()->connect();
  }
}

// Goes on with the walk by one piece.
void step(Bench& bench, uint32_t& next, std::vector<Flow>& found, const FlowFilter& filter = {},
          uint32_t most = FlowPiece::kMostFlows) {
  FlowPiece piece;
  bench.worker().find_flows({next, most, filter}, piece);
  ASSERT_LE(piece.count, most);
  found.insert(found.end(), piece.found().begin(), piece.found().end());
  if (piece.next != stack::kFlowsEnd) {
    ASSERT_GT(piece.next, next);
  }
  next = piece.next;
}

std::vector<Flow> walk(Bench& bench, const FlowFilter& filter = {}, uint32_t most = FlowPiece::kMostFlows) {
  std::vector<Flow> found;
  for (uint32_t next = 0; next != stack::kFlowsEnd;) step(bench, next, found, filter, most);
  return found;
}

// The one flow there is.
Flow only(Bench& bench, const FlowFilter& filter = {}) {
  const std::vector<Flow> found = walk(bench, filter);
  EXPECT_EQ(found.size(), 1u);
  return found.empty() ? Flow{} : found.front();
}

TEST(Flows, OfAWorkerWithoutConnectionsThereAreNone) {
  Bench bench(bindings(bound(echo_script(), 7)));
  EXPECT_TRUE(walk(bench).empty());
}

TEST(Flows, ShowWhatAConnectionKnowsOfItself) {
  Bench bench(bindings(bound(echo_script(), 7)));
  Client client(bench, {});
  client.connect();
  client.send("hello");
  bench.settle();
  bench.pass(1s);
  const Flow flow = only(bench);
  EXPECT_EQ(flow.tuple, client.tuple);
  EXPECT_EQ(flow.place, FlowPlace::kAwake);
  EXPECT_EQ(flow.info.state, tcp::State::kEstablished);
  EXPECT_EQ(flow.info.service, 0);
  EXPECT_EQ(flow.info.bytes_received, 5u);
  EXPECT_EQ(flow.info.bytes_sent, 5u);
  EXPECT_EQ(flow.info.bytes_acknowledged, 5u);
  EXPECT_GE(flow.info.silence, 990ms);
  EXPECT_LE(flow.info.silence, 1010ms);
}

TEST(Flows, AreMetOnceEachHoweverSmallThePiecesAre) {
  Bench bench(bindings(bound(echo_script(), 7)));
  Clients clients;
  connect_more(bench, clients, 40);
  for (const uint32_t most : {1u, 3u, 16u}) {
    std::map<uint16_t, int> met;
    for (const Flow& flow : walk(bench, {}, most)) ++met[flow.tuple.remote_port];
    EXPECT_EQ(met.size(), 40u);
    for (const auto& [port, times] : met) EXPECT_EQ(times, 1) << port;
  }
}

TEST(Flows, ThatLastAreMetOnceEachWhileOthersComeAndGo) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 512, .busy_connections = 32});
    Clients lasting, passing;
    connect_more(bench, lasting, 100);
    for (int i = 0; i < 100; ++i) {  // between them
      passing.push_back(
          std::make_unique<Client>(bench, ClientOptions{.port = static_cast<uint16_t>(50'000 + i)}));
      passing.back()->connect();
    }
    std::vector<Flow> found;
    int port = 51'000;
    for (uint32_t next = 0; next != stack::kFlowsEnd;) {
      step(bench, next, found, {}, 1 + random() % 8);
      for (int i = 0; i < 3; ++i) {
        auto& one = passing[random() % passing.size()];
        one->reset();
        bench.poll();
        one = std::make_unique<Client>(bench, ClientOptions{.port = static_cast<uint16_t>(port++)});
        if (random() % 3 != 0) one->connect();
      }
    }
    std::map<uint16_t, int> met;
    for (const Flow& flow : found) ++met[flow.tuple.remote_port];
    for (const auto& client : lasting) EXPECT_EQ(met[client->options.port], 1) << "seed " << seed;
    for (const auto& [remote_port, times] : met) EXPECT_EQ(times, 1) << remote_port << ", seed " << seed;
    bench.worker().abort_all();
  }
}

TEST(Flows, ThatSleepAreShownAndGoOnSleeping) {
  Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 64, .busy_connections = 8});
  Clients clients;
  connect_more(bench, clients, 40);
  const uint64_t woken = bench.tcp().connections_woken.value();
  int asleep = 0;
  for (const Flow& flow : walk(bench)) {
    asleep += flow.place == FlowPlace::kAsleep ? 1 : 0;
    EXPECT_EQ(flow.info.state, tcp::State::kEstablished);
    EXPECT_GT(flow.info.cwnd, 0u);
    EXPECT_EQ(flow.info.mss, 1448);
  }
  EXPECT_GE(asleep, 31);
  EXPECT_EQ(walk(bench).size(), 40u);
  EXPECT_EQ(bench.tcp().connections_woken.value(), woken);
}

TEST(Flows, InTheSynQueueAndInTheAcceptQueueAreShownThere) {
  tcp::Config config;
  config.cookies = tcp::Cookies::kNever;
  config.max_connections = 0;
  Bench bench(bindings(bound(std::make_unique<Script>(), 7, config)));
  Client half(bench, {.port = 40'000});
  half.syn();
  bench.settle();
  EXPECT_EQ(only(bench).place, FlowPlace::kSynQueue);
  EXPECT_EQ(only(bench).info.state, tcp::State::kSynReceived);
  half.third();
  bench.settle();
  EXPECT_EQ(only(bench).place, FlowPlace::kAcceptQueue);
  EXPECT_EQ(only(bench).info.state, tcp::State::kEstablished);
  ASSERT_TRUE(bench.worker().accept(0));
  EXPECT_EQ(only(bench).place, FlowPlace::kAwake);
}

TEST(Flows, InCloseWaitAndInTimeWaitAreShownByTheirStates) {
  auto script = std::make_unique<Script>();
  script->on_text = [](stack::Socket& socket) {
    socket.skip(socket.unread());
    socket.shutdown();
  };
  Bench bench(bindings(bound(std::move(script), 7)));
  Client first(bench, {.port = 40'000});
  first.connect();
  first.fin();
  bench.settle();
  EXPECT_EQ(only(bench).info.state, tcp::State::kCloseWait);
  first.reset();
  bench.settle();

  Client second(bench, {.port = 40'001});
  second.connect();
  second.send("close first");
  bench.settle();
  EXPECT_EQ(only(bench).info.state, tcp::State::kFinWait2);
  second.fin();
  bench.settle();
  bench.pass(10s);
  const Flow flow = only(bench);
  EXPECT_EQ(flow.tuple, second.tuple);
  EXPECT_EQ(flow.place, FlowPlace::kTimeWait);
  EXPECT_EQ(flow.info.state, tcp::State::kTimeWait);
  EXPECT_TRUE(flow.info.timestamps);
  EXPECT_GT(flow.time_wait, 40s);
  EXPECT_LT(flow.time_wait, 51s);
}

TEST(Flows, FilterLetsPassWhatAllItsPartsDo) {
  auto bound_services = bindings(bound(echo_script(), 7));
  bound_services.push_back(bound(std::make_unique<Script>(), 9));
  Bench bench(std::move(bound_services));
  Clients clients;
  connect_more(bench, clients, 3, 7);
  connect_more(bench, clients, 2, 9);
  clients.back()->fin();
  bench.settle();
  EXPECT_EQ(walk(bench).size(), 5u);
  EXPECT_EQ(walk(bench, {.state = tcp::State::kEstablished}).size(), 4u);
  EXPECT_EQ(walk(bench, {.binding = 1}).size(), 2u);
  EXPECT_EQ(only(bench, {.state = tcp::State::kCloseWait, .binding = 1}).tuple, clients.back()->tuple);
  EXPECT_TRUE(walk(bench, {.state = tcp::State::kCloseWait, .binding = 0}).empty());
  EXPECT_EQ(only(bench, {.remote_port = 40'002}).tuple, clients[2]->tuple);
  EXPECT_EQ(walk(bench, {.remote = {kPeerAddress, 24}}).size(), 5u);
  EXPECT_EQ(walk(bench, {.remote = {kPeerAddress, 32}}).size(), 5u);
  EXPECT_TRUE(walk(bench, {.remote = {{kPeerAddress.value ^ 1}, 32}}).empty());
}

// Whatever is asked for, a piece looks at 1024 positions at most, and at some 60 connections.
TEST(Flows, PieceThatFindsNothingIsBoundedToo) {
  Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 4096, .receive_buffers = 8192});
  Clients clients;
  connect_more(bench, clients, 3000);
  FlowPiece piece;
  bench.worker().find_flows({0, 16, {.state = tcp::State::kLastAck}}, piece);
  EXPECT_EQ(piece.count, 0u);
  EXPECT_LE(piece.next, 64u);
  bench.worker().find_flows({0, 16, {.remote_port = 1}}, piece);
  EXPECT_EQ(piece.next, 1024u);
  EXPECT_TRUE(walk(bench, {.state = tcp::State::kLastAck}).empty());
  bench.worker().abort_all();
}

TEST(Flows, AreHandedToAnotherThreadBetweenRounds) {
  Bench bench(bindings(bound(echo_script(), 7)));
  Clients clients;
  connect_more(bench, clients, 20);
  stack::Worker& worker = bench.worker();
  EXPECT_EQ(worker.ask_for_flows({0, 16, {}}, 1ms), nullptr) << "it does not run";

  std::atomic<bool> stop = false;
  std::thread running([&] { worker.run(stop); });
  const FlowPiece* piece = worker.ask_for_flows({0, 16, {}}, 20s);
  ASSERT_NE(piece, nullptr);
  EXPECT_EQ(piece->count, 16u);
  piece = worker.ask_for_flows({piece->next, 16, {}}, 20s);
  ASSERT_NE(piece, nullptr);
  EXPECT_EQ(piece->count, 4u);
  EXPECT_EQ(piece->next, stack::kFlowsEnd);
  stop = true;
  worker.wake();
  running.join();
}

}  // namespace
}  // namespace tern::test
