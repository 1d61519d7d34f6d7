// SPDX-License-Identifier: BSD-3-Clause
// A worker that runs out: of connections, of buffers to receive into, of buffers for headers. Refused,
// counted, and over when the load goes.
#include <gtest/gtest.h>

#include <set>

#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<Client> client_at(Bench& bench, int port) {
  return std::make_unique<Client>(bench, ClientOptions{.port = static_cast<uint16_t>(port)});
}

// Sends the block over and over, as fast as there is room.
std::unique_ptr<Script> endless(net::dpdk::StaticPayload& block) {
  auto script = std::make_unique<Script>();
  script->on_opened = script->on_writable = [&block](stack::Socket& socket) {
    while (const uint32_t room = socket.send_room()) {
      net::Packet packet = socket.slice(block, 0, std::min(room, block.size()));
      if (!packet) return;
      socket.send(packet);
    }
    socket.want_room();
  };
  return script;
}

TEST(Limits, ConnectionBeyondTheLastIsResetAndCounted) {
  Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 8});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->connect();
  }
  auto ninth = client_at(bench, 40'008);
  ninth->connect();
  EXPECT_TRUE(ninth->was_reset);
  EXPECT_EQ(bench.tcp().connections_refused_full.value(), 1u);
  EXPECT_EQ(bench.connections(), 8u);

  clients[3]->fin();
  bench.settle();
  EXPECT_EQ(bench.connections(), 7u);
  auto tenth = client_at(bench, 40'009);
  tenth->connect();
  tenth->send("room again");
  bench.settle();
  EXPECT_EQ(tenth->received, "room again");
  for (int i = 0; i < 8; ++i) {
    if (i == 3) continue;
    clients[i]->send("still there");
    bench.settle();
    EXPECT_EQ(clients[i]->received, "still there");
  }
  EXPECT_EQ(bench.tcp().connections_refused_full.value(), 1u);
}

// More connections than TCBs: who is quiet sleeps, and nobody notices.
TEST(Limits, QuietConnectionsSleepAndWakeForText) {
  Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 64, .busy_connections = 8});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->connect();
  }
  EXPECT_EQ(bench.connections(), 40u);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 40; ++i) {
      Client& client = *clients[static_cast<size_t>(i * 7 % 40)];
      client.received.clear();
      client.send("who is " + std::to_string(i));
      bench.settle();
      ASSERT_EQ(client.received, "who is " + std::to_string(i));
    }
  }
  EXPECT_GE(bench.tcp().connections_woken.value(), 100u);
  EXPECT_EQ(bench.tcp().busy_refused.value(), 0u);
  for (auto& client : clients) {
    client->fin();
    bench.settle();
    EXPECT_TRUE(client->ended);
  }
  bench.expect_clean();
}

// While all with a TCB are busy, what wants another is as if lost, and comes again.
TEST(Limits, WhileAllAreBusyTextIsTreatedAsLost) {
  Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 64, .busy_connections = 8});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->connect();
  }
  for (int i = 0; i < 9; ++i) clients[i]->deaf = true;
  for (int i = 0; i < 9; ++i) {
    clients[i]->send("?");
    bench.poll();
    bench.collect();
  }
  // Nine slots: the last is kept for who meets TIME-WAITs, unless nobody does.
  clients[10]->send("me too");
  bench.settle();
  EXPECT_EQ(clients[10]->received, "");
  EXPECT_GE(bench.tcp().busy_refused.value(), 1u);
  auto late = client_at(bench, 41'000);
  late->connect();
  EXPECT_TRUE(late->was_reset);

  for (int i = 0; i < 9; ++i) clients[i]->deaf = false;
  bench.pass(2s);
  EXPECT_EQ(clients[0]->received, "?");
  clients[10]->snd_nxt = clients[10]->acknowledged;
  clients[10]->send("me too");
  bench.settle();
  EXPECT_EQ(clients[10]->received, "me too");
}

TEST(Limits, EndOfTheWorkerResetsThoseAsleepToo) {
  Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 64, .busy_connections = 8});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->connect();
  }
  bench.worker().abort_all();
  bench.settle();
  for (const auto& client : clients) EXPECT_TRUE(client->was_reset);
  bench.expect_clean();
}

TEST(Limits, EndOfTheWorkerResetsThoseWhoAreWokenByTheEndOfOthers) {
  auto script = std::make_unique<Script>();
  Script& service = *script;
  Bench bench(bindings(bound(std::move(script), 7)), {.max_connections = 64, .busy_connections = 8});
  std::set<uint32_t> open;
  service.on_opened = [&](stack::Socket& socket) { open.insert(socket.index()); };
  service.on_closed = [&](stack::Socket& socket) {  // each takes the one beside it along, as a proxy does
    open.erase(socket.index());
    const uint32_t other = socket.index() ^ 1;
    if (!open.contains(other)) return;
    if (auto partner = bench.worker().socket(other)) partner->abort();
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->connect();
  }
  bench.worker().abort_all();
  bench.settle();
  for (const auto& client : clients) EXPECT_TRUE(client->was_reset);
  EXPECT_TRUE(open.empty());
  bench.expect_clean();
}

TEST(Limits, AConnectionThatIsHeldByItsIndexStaysAwake) {
  auto script = std::make_unique<Script>();
  Script& service = *script;
  Bench bench(bindings(bound(std::move(script), 7)), {.max_connections = 64, .busy_connections = 8});
  std::vector<uint32_t> indices;
  service.on_opened = [&](stack::Socket& socket) { indices.push_back(socket.index()); };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->connect();
  }
  auto held = bench.worker().socket(indices[0]);
  ASSERT_TRUE(held);
  uint32_t refused = 0;
  for (size_t i = 1; i < indices.size(); ++i) refused += bench.worker().socket(indices[i]) ? 0 : 1;
  EXPECT_GT(refused, 0u) << "all that may be awake are held";
  EXPECT_EQ(held->index(), indices[0]);
  bench.settle();
  EXPECT_TRUE(bench.worker().socket(indices.back())) << "until the round's end";
}

TEST(Limits, SlotsAreUsedOverAndOver) {
  Bench bench(bindings(bound(echo_script(), 7)), {.max_connections = 8});
  for (int i = 0; i < 200; ++i) {
    Client client(bench, {.port = static_cast<uint16_t>(30'000 + i)});
    client.connect();
    client.send("hello");
    client.fin();
    bench.settle();
    ASSERT_EQ(client.received, "hello");
    ASSERT_TRUE(client.ended);
  }
  EXPECT_EQ(bench.tcp().connections_closed.value(), 200u);
  bench.expect_clean();
}

TEST(Limits, PressedReceivePoolRefusesTextAndConnectionsAndRecovers) {
  tcp::Config config;
  config.receive_buffer = config.receive_buffer_initial = 4 << 20;
  Bench bench(bindings(bound(std::make_unique<Script>(), 7, config)),
              {.receive_buffers = 256, .receive_reserve = 156});
  auto greedy = client_at(bench, 40'000);
  auto patient = client_at(bench, 40'001);
  greedy->connect();
  patient->connect();
  for (int i = 0; i < 120; ++i) {
    greedy->send(std::string(1'448, 'x'));
    bench.poll();
    bench.collect();
    ASSERT_GE(bench.receive.available(), 156u);
  }
  EXPECT_EQ(missing(bench.receive), 100u);
  EXPECT_EQ(bench.tcp().text_refused_memory.value(), 20u);

  auto late = client_at(bench, 40'002);
  late->connect();
  EXPECT_TRUE(late->was_reset);
  EXPECT_EQ(bench.tcp().connections_refused_memory.value(), 1u);
  EXPECT_EQ(bench.connections(), 2u);

  const tcp::Seq before = patient->snd_nxt;
  patient->send("refused");
  bench.poll();
  bench.collect();
  EXPECT_EQ(bench.tcp().text_refused_memory.value(), 21u);
  EXPECT_LE(patient->acknowledged, before);

  greedy->snd_nxt = greedy->acknowledged;
  greedy->reset();
  bench.settle();
  EXPECT_EQ(missing(bench.receive), 0u);
  patient->snd_nxt = before;
  patient->send("accepted");
  bench.pass(100ms);
  EXPECT_EQ(patient->acknowledged, patient->snd_nxt);
  auto later = client_at(bench, 40'003);
  later->connect();
  EXPECT_FALSE(later->was_reset);
  EXPECT_EQ(bench.connections(), 2u);
  bench.worker().abort_all();
  bench.collect();
  bench.expect_clean();
}

TEST(Limits, ServicesLeaveTheReserveToThePort) {
  const Bytes bytes(1'000, 'x');
  net::dpdk::StaticPayload block(bytes);
  Bench bench(bindings(bound(endless(block), 7)), {.receive_buffers = 256, .receive_reserve = 128});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(client_at(bench, 40'000 + i));
    clients.back()->deaf = true;
    clients.back()->connect();
    bench.poll();
    bench.collect();
    EXPECT_GE(bench.receive.available(), 127u) << "connections took what the port needs to hear ACKs";
  }
  // It goes on, once the clients acknowledge.
  for (const auto& client : clients) client->deaf = false;
  for (int round = 0; round < 200; ++round) {
    bench.now += 5ms;
    bench.poll();
    bench.collect();
    for (const auto& client : clients) client->acknowledge();
    ASSERT_GE(bench.receive.available(), 120u);
  }
  for (const auto& client : clients) {
    if (client->was_reset) continue;  // the pool was used up before it came
    EXPECT_GT(client->received.size(), 100'000u);
  }
  bench.worker().abort_all();
  bench.poll();
  bench.collect();
  bench.expect_clean();
}

TEST(Limits, ServiceThatFoundNoBufferIsAskedAgain) {
  tcp::Config config;
  config.receive_buffer = config.receive_buffer_initial = 4 << 20;
  auto script = std::make_unique<Script>();
  script->on_ended = script->on_writable = [](stack::Socket& socket) {
    net::Packet packet = socket.allocate();
    if (!packet) return;
    packet.append(reinterpret_cast<const uint8_t*>("at last"), 7);
    socket.send(packet);
    socket.shutdown();
  };
  Bench bench(bindings(bound(std::move(script), 7, config)),
              {.receive_buffers = 256, .receive_reserve = 236});
  auto greedy = client_at(bench, 40'000);
  auto asker = client_at(bench, 40'001);
  greedy->connect();
  asker->connect();
  for (int i = 0; i < 20; ++i) greedy->send(std::string(1'448, 'x'));
  bench.poll();
  asker->fin();
  for (int i = 0; i < 3; ++i) bench.poll();
  bench.collect();
  EXPECT_EQ(asker->received, "");
  greedy->reset();
  bench.settle();
  EXPECT_EQ(asker->received, "at last");
  EXPECT_TRUE(asker->ended);
  bench.expect_clean();
}

TEST(Limits, SegmentsWithoutAHeaderBufferAreCountedAndSentAgain) {
  const Bytes bytes(60'000, 'x');
  net::dpdk::StaticPayload block(bytes);
  auto script = std::make_unique<Script>();
  script->on_opened = [&block](stack::Socket& socket) {
    net::Packet packet = socket.slice(block, 0, block.size());
    socket.send(packet);
    socket.shutdown();
  };
  Bench bench(bindings(bound(std::move(script), 7)), {.header_buffers = 8});
  Client client(bench, {});
  client.connect();
  EXPECT_GT(bench.counters().frames_unbuilt.value(), 0u);
  for (int i = 0; i < 20'000 && !client.ended; ++i) bench.pass(1ms);
  EXPECT_EQ(client.received.size(), 60'000u);
  EXPECT_TRUE(client.ended);
  client.fin();
  bench.pass(61s);
  bench.expect_clean();
}

}  // namespace
}  // namespace tern::test
