// SPDX-License-Identifier: BSD-3-Clause
// Drains: of a backend, of a proxy, of a service of another kind.
#include <gtest/gtest.h>

#include "http_answer.hpp"
#include "proxy_bench.hpp"
#include "tern/services/echo.hpp"
#include "tern/services/http.hpp"

namespace tern::test {
namespace {

class Drains : public ProxyService {
 protected:
  // Two clients, one with each backend; front and back are the second's.
  void join_both() {
    backends(2);
    join();
    first_ = std::move(front);
    first_server_ = std::move(back);
    client_connects(40'001);
    server_answers();
  }
  void drain(size_t backend, net::Duration limit, lb::Admin admin = lb::Admin::kDrain) {
    upstream->wanted[backend].until = bench->now + limit;
    upstream->wanted[backend].admin = admin;
  }
  void expect_left(bool first, bool second) {
    EXPECT_EQ(!first_->was_reset, first);
    EXPECT_EQ(!first_server_->was_reset, first);
    EXPECT_EQ(!front->was_reset, second);
    EXPECT_EQ(!back->was_reset, second);
    EXPECT_EQ(proxy->counters().drain_timeouts.value(), static_cast<uint64_t>(!first + !second));
  }
  void TearDown() override {
    first_ = nullptr;
    first_server_ = nullptr;
    ProxyService::TearDown();
  }
  std::unique_ptr<Client> first_, first_server_;
};

TEST_F(Drains, OfABackendResetItsClientsWhenTheirTimeIsOver) {
  join_both();
  drain(0, 2s);
  pass(1'900ms);
  expect_left(true, true);
  first_->send("still here");
  settle();
  EXPECT_EQ(first_server_->received, "still here");
  pass(250ms);
  expect_left(false, true);
  EXPECT_EQ(open_to(0), 0u);
  EXPECT_EQ(upstream->pool.backends()[0].counters.reset.value(), 0u) << "it is not its fault";
}

TEST_F(Drains, IntoMaintenanceHaveATimeToo) {
  join_both();
  drain(1, 2s, lb::Admin::kMaint);
  pass(2'150ms);
  expect_left(true, false);
}

TEST_F(Drains, ThatAreTakenBackResetNobody) {
  join_both();
  drain(0, 2s);
  pass(1s);
  upstream->wanted[0].admin = lb::Admin::kReady;
  pass(5s);
  expect_left(true, true);
}

TEST_F(Drains, HaveNoEndUnlessTold) {
  join_both();
  upstream->wanted[0].admin = lb::Admin::kDrain;
  proxy->drain(true);
  pass(60s);
  expect_left(true, true);
}

TEST_F(Drains, OfAProxyResetItsClientsWhenTheirTimeIsOver) {
  join_both();
  proxy->end_drain_at(bench->now + 2s);
  proxy->drain(true);
  pass(1'900ms);
  expect_left(true, true);
  pass(200ms);
  expect_left(false, false);
  bench->expect_clean();
}

// Whoever waits for a place is a client of the proxy as well.
TEST_F(Drains, OfAProxyResetThoseWhoWait) {
  backends(1);
  pool.balance.backends[0].max_connections = 1;
  join();
  first_ = std::move(front);
  first_server_ = std::move(back);
  client_connects(40'001);
  ASSERT_EQ(proxy->counters().queued.value(), 1u);
  proxy->end_drain_at(bench->now + 1s);
  proxy->drain(true);
  pass(1'100ms);
  EXPECT_TRUE(first_->was_reset);
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(upstream->waiting, 0u);
}

// The service's clients of old are served, new ones are refused, until it is taken back.
TEST(DrainsOfOtherServices, TakeNoNewClients) {
  auto service = std::make_unique<app::Echo>();
  app::Echo* const echo = service.get();
  Bench bench(bindings(bound(std::move(service), 7)));
  Client old(bench, {.port = 40'000, .service = 7});
  old.connect();
  echo->drain(true);
  Client refused(bench, {.port = 40'001, .service = 7});
  refused.syn();
  bench.settle();
  EXPECT_TRUE(refused.was_reset);
  old.send("still here");
  bench.settle();
  EXPECT_EQ(old.received, "still here");
  echo->drain(false);
  Client taken(bench, {.port = 40'002, .service = 7});
  taken.connect();
  EXPECT_TRUE(taken.connected);
  bench.end_worker();
}

TEST(DrainsOfOtherServices, HttpClosesBehindTheNextAnswer) {
  auto service = std::make_unique<app::Http>();
  app::Http* const http = service.get();
  Bench bench(bindings(bound(std::move(service), 80)));
  Client client(bench, {.service = 80});
  client.connect();
  client.send(get("/"));
  bench.pass(5ms);
  EXPECT_FALSE(take_answer(client.received)->has("Connection: close"));
  http->drain(true);
  bench.pass(5ms);
  EXPECT_FALSE(client.ended) << "it may be about to ask";
  client.send(get("/"));
  bench.pass(5ms);
  EXPECT_TRUE(take_answer(client.received)->has("Connection: close"));
  EXPECT_TRUE(client.ended);
}

}  // namespace
}  // namespace tern::test
