// SPDX-License-Identifier: BSD-3-Clause
// What a proxy and its checks do where local ports, buffers or connections that may be awake are short.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "proxy_bench.hpp"

namespace tern::test {
namespace {

class OutgoingPorts : public ProxyService {
 protected:
  static constexpr net::Ipv4Address kSecondAddress{0xc0000203};

  OutgoingPorts() { options.max_connections = stack::kPorts + 64; }
  // A client has been served by the first backend, so that it is known where that is; then nothing is left
  // between our first address and it.
  void exhaust() {
    join();
    ASSERT_EQ(open_to(0), 1u);
    front->fin();
    settle();
    back->fin();
    settle();
    front = nullptr;
    back = nullptr;
    take_all_ports();
  }
  void take_all_ports() {
    stack::Opened opened;
    const net::FourTuple tuple{kOurAddress, backend_address(0), 0, 8080};
    while (bench->worker().connect(tuple, 0, {}, &opened) == tcp::Error::kNone) {
    }
    for (bool busy = true; busy; bench->wire().take()) busy = bench->poll();
    ASSERT_EQ(bench->worker().ports_left(tuple).free, 0u);
  }
  uint64_t exhausted(size_t backend, size_t source = 0) const {
    return upstream->ways(static_cast<uint32_t>(backend))[source].ports_exhausted.value();
  }
};

TEST_F(OutgoingPorts, ThatAreExhaustedSendTheClientToAnotherBackendAtOnce) {
  backends(2);
  exhaust();
  const net::Instant before = bench->now;
  for (uint16_t port = 41'000; port < 41'002; ++port) {  // one of two has its turn with the first backend
    client_connects(port);
    ASSERT_EQ(syns.size(), 1u);
    EXPECT_EQ(syns.front().tuple.remote, backend_address(1));
    server_answers();
    front->send("hello");
    settle();
    EXPECT_EQ(back->received, "hello");
    EXPECT_FALSE(front->was_reset);
  }
  EXPECT_EQ(bench->now, before) << "nobody waited";
  EXPECT_EQ(proxy->counters().ports_exhausted.value(), 1u);
  EXPECT_EQ(exhausted(0), 1u);
  EXPECT_EQ(exhausted(1), 0u);
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kUp) << "it is not its fault";
}

TEST_F(OutgoingPorts, ThatAreExhaustedAreThoseOfOneSourceAddress) {
  backends(1);
  pool.sources = {kOurAddress, kSecondAddress};
  options.more_addresses = {kSecondAddress};
  exhaust();
  const net::Instant before = bench->now;
  client_connects(41'000);
  ASSERT_EQ(syns.size(), 1u);
  EXPECT_EQ(syns.front().tuple.local, kSecondAddress);
  EXPECT_EQ(syns.front().tuple.remote, backend_address(0));
  EXPECT_EQ(bench->now, before);
  EXPECT_EQ(proxy->counters().ports_exhausted.value(), 0u);
  EXPECT_EQ(exhausted(0, 0), 1u);
  EXPECT_EQ(exhausted(0, 1), 0u);
}

TEST_F(OutgoingPorts, ThatAreExhaustedTowardAllResetTheClientAtOnce) {
  backends(1);
  exhaust();
  const net::Instant before = bench->now;
  client_connects(41'000);
  EXPECT_TRUE(front->was_reset);
  EXPECT_TRUE(syns.empty());
  EXPECT_EQ(bench->now, before);
  EXPECT_EQ(proxy->counters().ports_exhausted.value(), 1u);
  EXPECT_EQ(proxy->counters().refused_retries.value(), 1u);
  EXPECT_EQ(open_to(0), 0u);
}

// A check for which there is no port says nothing of the backend, which goes on as it was.
TEST_F(OutgoingPorts, ThatAreExhaustedLetChecksBeUnmade) {
  backends(1);
  pool.check = app::CheckKind::kTcp;
  pool.balance.health.interval = 2s;
  pool.balance.health.timeout = 1s;
  pool.balance.health.fall = 1;
  start();
  pass(5ms);
  server_answers();
  const lb::Backend& backend = upstream->pool.backends()[0];
  ASSERT_EQ(backend.current(), lb::BackendState::kUp);
  take_all_ports();
  pass(2s);
  EXPECT_EQ(backend.counters.checks_unmade.value(), 1u);
  EXPECT_EQ(backend.counters.checks.value(), 1u);
  EXPECT_EQ(backend.current(), lb::BackendState::kUp);
}

// As many buffers as connections may hold lie with a client's text that nobody reads, until it is reset.
class Buffers : public ProxyService {
 protected:
  Buffers() {
    options.receive_buffers = 128;
    options.receive_reserve = 96;
  }
  void run_short() {
    hoarder_ = std::make_unique<Client>(*bench, ClientOptions{.port = 42'000, .service = 9});
    hoarder_->connect();
    for (uint32_t i = options.receive_reserve; i < options.receive_buffers; ++i) {
      hoarder_->send(std::string(300, 'x'));  // too much to be copied behind what came before
      bench->poll();
    }
    bench->collect();
  }
  void give_back() {
    hoarder_->reset();
    bench->poll();
  }
  void TearDown() override {
    hoarder_ = nullptr;
    ProxyService::TearDown();
  }

 private:
  std::unique_ptr<Client> hoarder_;
};

TEST_F(Buffers, ThatLackDelayTheProxyHeaderAndTurnItOnNobodyElse) {
  backends(1);
  pool.send_proxy = lb::ProxyVersion::kV1;
  start(std::make_unique<Script>());
  client_connects();
  run_short();
  server_lays_answer();
  bench->poll();  // joined, and nothing to write the header into
  EXPECT_EQ(proxy->counters().joined.value(), 1u);
  give_back();
  back->send("220 ready");  // which is told of before that there are buffers again
  settle();
  EXPECT_EQ(front->received, "220 ready");
  EXPECT_EQ(back->received, "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n");
}

TEST_F(Buffers, ThatLackDelayTheRequestOfACheck) {
  backends(1);
  pool.check = app::CheckKind::kHttp;
  pool.balance.health.interval = 2s;
  pool.balance.health.timeout = 1s;
  pool.balance.health.rise = 1;
  start(std::make_unique<Script>());
  pass(5ms);
  run_short();
  server_lays_answer();
  bench->poll();
  give_back();
  settle();
  EXPECT_EQ(back->received.substr(0, 16), "GET / HTTP/1.1\r\n");
  back->send("HTTP/1.1 200 OK\r\n");
  settle();
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kUp);
}

// All connections that may be awake are clients' that acknowledge nothing, while a check, asleep, runs out of
// time; it is ended when it can be, and the next begins.
TEST_F(ProxyService, ACheckThatCannotBeWokenIsEndedLater) {
  backends(1);
  pool.check = app::CheckKind::kHttp;
  pool.balance.health.interval = 2s;
  pool.balance.health.timeout = 1s;
  options.busy_connections = 1;
  auto talker = std::make_unique<Script>();
  talker->on_opened = [](stack::Socket& socket) {
    net::Packet packet = socket.allocate();
    packet.append(reinterpret_cast<const uint8_t*>("hello"), 5);
    socket.send(packet);
  };
  start(std::move(talker));
  pass(5ms);
  server_answers();
  EXPECT_EQ(back->received.substr(0, 16), "GET / HTTP/1.1\r\n");
  Client busy(*bench, {.port = 42'000, .service = 9});  // one more than was asked for may be awake
  Client busy_too(*bench, {.port = 42'001, .service = 9});
  busy.connect();
  busy_too.connect();
  ASSERT_EQ(bench->tcp().connections_put_to_sleep.value(), 1u);
  pass(1s);
  EXPECT_STREQ(lb::to_string(upstream->pool.backends()[0].health.last()),
               lb::to_string(lb::CheckStatus::kL7Tout));
  EXPECT_FALSE(back->was_reset) << "it was to be asleep, and not to be woken";
  busy.reset();
  pass(110ms);
  EXPECT_TRUE(back->was_reset);
  pass(2s);
  EXPECT_EQ(syns.size(), 1u) << "the next check";
}

}  // namespace
}  // namespace tern::test
