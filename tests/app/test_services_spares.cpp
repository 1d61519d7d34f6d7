// SPDX-License-Identifier: BSD-3-Clause
// Connections to backends that a proxy opens ahead of its clients.
#include <gtest/gtest.h>

#include "proxy_bench.hpp"

namespace tern::test {
namespace {

class Spares : public ProxyService {
 protected:
  Spares() {
    backends(1);
    config.spares = 1;
  }
  // A spare connection is open, and back is its server.
  void open_one() {
    start();
    settle();
    server_answers();
    ASSERT_EQ(held(), 1u);
  }
  const app::ProxyCounters& counters() const { return proxy->counters(); }
  uint64_t held() const { return counters().spares.value(); }
};

TEST_F(Spares, AreOpenedAheadAndGivenToTheNextClient) {
  open_one();
  EXPECT_EQ(open_to(0), 1u);
  client_connects();
  front->send("hello");
  settle();
  EXPECT_EQ(back->received, "hello");
  EXPECT_EQ(counters().spares_used.value(), 1u);
  EXPECT_EQ(syns.size(), 1u) << "the next is being opened";
  EXPECT_EQ(open_to(0), 2u);
  back->send("and hello to you");
  settle();
  EXPECT_EQ(front->received, "and hello to you");
}

TEST_F(Spares, KeepWhatTheServerSaysFirst) {
  open_one();
  back->send("220 ready");
  settle();
  client_connects();
  EXPECT_EQ(front->received, "220 ready");
}

TEST_F(Spares, GetTheirProxyHeaderWithTheirClient) {
  pool.send_proxy = lb::ProxyVersion::kV1;
  open_one();
  pass(1s);
  EXPECT_EQ(back->received, "");
  client_connects();
  front->send("GET /");
  settle();
  EXPECT_EQ(back->received, "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\nGET /");
}

// The server's end, by FIN or RST, lies before the client's handshake in the same burst.
class SparesThatDied : public Spares, public testing::WithParamInterface<bool> {};

TEST_P(SparesThatDied, AreNeverGivenToAClient) {
  open_one();
  front = std::make_unique<Client>(*bench, ClientOptions{.service = 80});
  front->syn();
  settle();
  GetParam() ? back->reset() : back->fin();
  front->third();
  settle();
  EXPECT_EQ(counters().spares_died.value(), 1u);
  EXPECT_EQ(counters().spares_used.value(), 0u);
  EXPECT_FALSE(front->was_reset);
  server_answers();
  front->send("hello");
  settle();
  EXPECT_EQ(back->received, "hello");
}

INSTANTIATE_TEST_SUITE_P(ByFinOrReset, SparesThatDied, testing::Bool());

// The other order: the client's handshake lies before the server's end, and is told of first.
TEST_F(Spares, ThatDieInTheSameBurstAreNotGivenEither) {
  open_one();
  front = std::make_unique<Client>(*bench, ClientOptions{.service = 80});
  front->syn();
  settle();
  front->third();
  back->reset();
  settle();
  EXPECT_EQ(counters().spares_used.value(), 0u);
  EXPECT_EQ(counters().spares_died.value(), 1u);
  EXPECT_FALSE(front->was_reset);
}

// The server's FIN and the client's request pass each other on the way.
class SparesThatEndLate : public Spares {
 protected:
  void pass_each_other() {
    open_one();
    front = std::make_unique<Client>(*bench, ClientOptions{.service = 80});
    front->syn();
    settle();
    front->third();
    front->send("hello");
    bench->poll();
    back->fin();  // which acknowledges nothing of it
    settle();
  }
  // Beside the one that takes the first one's place among the spare ones, which is answered before.
  void another_answers() {
    EXPECT_TRUE(back->was_reset);
    ASSERT_EQ(syns.size(), 2u);
    server_answers();
    server_answers();
  }
};

TEST_F(SparesThatEndLate, LeaveTheirClientsRequestToAnother) {
  pool.send_proxy = lb::ProxyVersion::kV1;
  pass_each_other();
  EXPECT_EQ(counters().spares_late.value(), 1u);
  front->send(", server");
  settle();
  another_answers();
  EXPECT_EQ(back->received, "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\nhello, server");
  back->send("hello to you");
  settle();
  EXPECT_EQ(front->received, "hello to you");
  EXPECT_FALSE(front->ended);
  EXPECT_EQ(counters().joined.value(), 1u);
  EXPECT_EQ(open_to(0), 2u);
  back->fin();
  settle();
  EXPECT_TRUE(front->ended) << "an end is an end then";
}

TEST_F(SparesThatEndLate, LeaveTheirClientsEndToAnotherToo) {
  open_one();
  client_connects();
  front->fin("hello");
  bench->poll();
  back->fin();
  settle();
  another_answers();
  EXPECT_EQ(back->received, "hello");
  EXPECT_TRUE(back->ended);
}

TEST_F(SparesThatEndLate, DoNotRepeatWhatHasArrived) {
  open_one();
  client_connects();
  front->send("hello");
  settle();
  back->fin();
  settle();
  EXPECT_TRUE(front->ended);
  EXPECT_EQ(syns.size(), 1u);
  EXPECT_EQ(counters().spares_late.value(), 0u);
}

TEST_F(SparesThatEndLate, DoNotRepeatWhatMayHaveBeenAnswered) {
  open_one();
  client_connects();
  front->send("hello");
  bench->poll();
  back->send("421 too late");
  back->fin();
  settle();
  EXPECT_EQ(front->received, "421 too late");
  EXPECT_TRUE(front->ended);
  EXPECT_EQ(counters().spares_late.value(), 0u);
}

TEST_F(SparesThatEndLate, ResetTheirClientWhereNoOtherIsToBeHad) {
  pass_each_other();
  ASSERT_EQ(syns.size(), 2u);
  server_answers();
  server_refuses();
  EXPECT_TRUE(front->was_reset);
}

TEST_F(Spares, AreResetWhenNobodyWantsThemInTime) {
  config.spare_age = 2s;
  open_one();
  pass(1'900ms);
  EXPECT_FALSE(back->was_reset);
  pass(200ms);
  EXPECT_TRUE(back->was_reset);
  EXPECT_EQ(counters().spares_aged.value(), 1u);
  EXPECT_EQ(upstream->pool.backends()[0].counters.reset.value(), 0u);
  ASSERT_EQ(syns.size(), 1u) << "and another takes its place";
}

TEST_F(Spares, AreNoMoreThanAreWantedNorThanTheBackendTakes) {
  config.spares = 4;
  pool.balance.backends[0].max_connections = 3;
  start();
  pass(1s);
  EXPECT_EQ(syns.size(), 3u);
  EXPECT_EQ(open_to(0), 3u);
  server_answers();
  client_connects();
  EXPECT_EQ(counters().spares_used.value(), 1u) << "though the backend is full";
  EXPECT_EQ(open_to(0), 3u);
  EXPECT_EQ(counters().queued.value(), 0u);
}

TEST_F(Spares, GoWhenTheirBackendOrServiceIsDrained) {
  open_one();
  upstream->wanted[0].admin = lb::Admin::kDrain;
  pass(250ms);
  EXPECT_TRUE(back->was_reset);
  EXPECT_EQ(held(), 0u);
  upstream->wanted[0].admin = lb::Admin::kReady;
  pass(250ms);
  back = nullptr;
  server_answers();
  EXPECT_EQ(held(), 1u);
  proxy->drain(true);
  pass(150ms);
  EXPECT_TRUE(back->was_reset);
  EXPECT_EQ(held(), 0u);
  bench->expect_clean();
}

TEST_F(Spares, ThatCannotBeOpenedCountAgainstTheirBackend) {
  pool.balance.health.failures = 2;
  start();
  settle();
  server_refuses();
  EXPECT_TRUE(syns.empty()) << "not at once again";
  pass(150ms);
  server_refuses();
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kDown);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(open_to(0), 0u);
  pass(900ms);
  EXPECT_TRUE(syns.empty());
}

TEST_F(Spares, AreNoneUnlessConfigured) {
  config.spares = 0;
  start();
  pass(1s);
  EXPECT_TRUE(syns.empty());
}

}  // namespace
}  // namespace tern::test
