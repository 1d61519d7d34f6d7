// SPDX-License-Identifier: BSD-3-Clause
// How long the http service waits for requests, on a worker of its own.
#include <gtest/gtest.h>

#include "http_answer.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"
#include "tern/services/http.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

class HttpWaiting : public testing::Test {
 protected:
  HttpWaiting() { start(10s); }

  void start(net::Duration idle_timeout) {
    bench_.reset();
    app::HttpConfig config;
    config.idle_timeout = idle_timeout;
    const BenchOptions options;
    auto service = std::make_unique<app::Http>(config, options.max_connections);
    bench_ = std::make_unique<Bench>(bindings(bound(std::move(service), 80)), options);
  }

  std::unique_ptr<Bench> bench_;
};

TEST_F(HttpWaiting, AConnectionThatAsksForNothingIsClosed) {
  Client client(*bench_, ClientOptions{.service = 80});
  client.connect();
  bench_->pass(9'900ms);
  EXPECT_FALSE(client.ended);
  bench_->pass(200ms);
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(client.received, "");
  client.fin();
  bench_->pass(61s);
  bench_->expect_clean();
}

TEST_F(HttpWaiting, EachAnswerBeginsTheWaitAnew) {
  Client client(*bench_, ClientOptions{.service = 80});
  client.connect();
  for (int i = 0; i < 4; ++i) {
    bench_->pass(9s);
    client.send(get("/"));
    bench_->pass(10ms);
    EXPECT_TRUE(take_answer(client.received)) << i;
    EXPECT_FALSE(client.ended);
  }
  bench_->pass(10s);
  EXPECT_TRUE(client.ended);
}

TEST_F(HttpWaiting, ARequestThatDoesNotEndGets408HoweverItDrips) {
  Client client(*bench_, ClientOptions{.service = 80});
  client.connect();
  bench_->pass(9s);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  for (int i = 0; i < 9; ++i) {
    bench_->pass(1s);
    client.send("x");
  }
  EXPECT_EQ(client.received, "");
  bench_->pass(2s);
  EXPECT_EQ(take_answer(client.received).value_or(Answer{}).status, "408 Request Timeout");
  EXPECT_TRUE(client.ended);
}

TEST_F(HttpWaiting, AnAnswerThatTakesLongIsNotCutShort) {
  start(300ms);
  Client client(*bench_, ClientOptions{.service = 80});
  client.connect();
  client.deaf = true;
  client.send(get("/bytes/100000"));
  bench_->pass(1s);
  EXPECT_FALSE(client.ended);
  client.deaf = false;
  bench_->pass(400ms);
  EXPECT_EQ(take_answer(client.received).value_or(Answer{}).body.size(), 100'000u);
  EXPECT_TRUE(client.ended);
  EXPECT_FALSE(client.was_reset);
}

TEST_F(HttpWaiting, AClientThatDoesNotCloseEither) {
  Client client(*bench_, ClientOptions{.service = 80});
  client.connect();
  client.send(get("/", "Connection: close\r\n"));
  bench_->pass(9s);
  EXPECT_TRUE(client.ended);
  EXPECT_FALSE(client.was_reset);
  bench_->pass(15s);
  EXPECT_EQ(bench_->worker().connections_in()[static_cast<size_t>(tcp::State::kEstablished)].value(), 0u);
}

}  // namespace
}  // namespace tern::test
