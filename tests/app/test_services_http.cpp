// SPDX-License-Identifier: BSD-3-Clause
// The HTTP service on a worker of its own: RFC 9110, RFC 9112, and how its connections end.
#include <gtest/gtest.h>

#include <functional>

#include "http_answer.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"
#include "tern/services/http.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

bool is_pattern(const std::string& body) {
  for (size_t i = 0; i < body.size(); ++i) {
    if (static_cast<uint8_t>(body[i]) != i % 251) return false;
  }
  return true;
}

class HttpService : public testing::Test {
 protected:
  void start(const tcp::Config& config = {}, const BenchOptions& options = {}) {
    client_.reset();
    bench_.reset();
    bench_ = std::make_unique<Bench>(bindings(bound(service_(), 80, config)), options);
    client_ = std::make_unique<Client>(*bench_, ClientOptions{.service = 80});
    client_->connect();
  }

  // The answer to what is sent on the connection.
  Answer ask(const std::string& text, bool to_head = false) {
    client_->send(text);
    bench_->pass(5ms);
    const auto answer = take_answer(client_->received, to_head);
    if (!answer) {
      ADD_FAILURE() << "no whole answer to " << text.substr(0, 100) << ": "
                    << client_->received.substr(0, 300);
    }
    EXPECT_EQ(client_->received, "") << "more than one answer";
    return answer.value_or(Answer{});
  }

  // The service closes once the answer is whole, the client follows, and nothing stays.
  void expect_closed() {
    bench_->settle();
    EXPECT_TRUE(client_->ended);
    EXPECT_FALSE(client_->was_reset);
    client_->fin();
    bench_->pass(61s);
    bench_->expect_clean();
  }

  std::function<std::unique_ptr<app::Http>()> service_ = [] { return std::make_unique<app::Http>(); };
  std::unique_ptr<Bench> bench_;
  std::unique_ptr<Client> client_;
};

TEST_F(HttpService, PageIsServedAndTheConnectionStays) {
  start();
  for (int i = 0; i < 3; ++i) {
    const Answer answer = ask(get("/"));
    EXPECT_EQ(answer.status, "200 OK");
    EXPECT_TRUE(answer.has("Content-Type: text/html; charset=utf-8"));
    EXPECT_TRUE(answer.body.starts_with("<!doctype html>"));
    EXPECT_FALSE(answer.has("Connection: close"));
  }
  EXPECT_FALSE(client_->ended);
  client_->fin();
  bench_->settle();
  EXPECT_TRUE(client_->ended);
  bench_->expect_clean();
}

// Each answer has it: the page, bodies, refusals. The wall's clock is read when the worker's has gone on by
// what was left of its second.
TEST_F(HttpService, AnswersAreDated) {
  static std::chrono::system_clock::time_point wall;
  wall = std::chrono::system_clock::time_point(784'111'777s + 400ms);
  service_ = [] { return std::make_unique<app::Http>(app::HttpConfig{}, 0, [] { return wall; }); };
  start();
  for (const char* target : {"/", "/bytes/9", "/none"}) {
    EXPECT_TRUE(ask(get(target)).has("Date: Sun, 06 Nov 1994 08:49:37 GMT")) << target;
  }
  wall += 600ms;
  bench_->pass(500ms);
  EXPECT_TRUE(ask(get("/")).has("Date: Sun, 06 Nov 1994 08:49:37 GMT"));
  bench_->pass(100ms);
  for (const char* target : {"/", "/bytes/9", "/none"}) {
    EXPECT_TRUE(ask(get(target)).has("Date: Sun, 06 Nov 1994 08:49:38 GMT")) << target;
  }
}

TEST_F(HttpService, BodiesOfEveryLengthFollowThePattern) {
  start();
  for (const uint32_t length :
       {0u, 1u, 250u, 251u, 252u, 1'460u, 65'510u, 65'511u, 65'512u, 65'535u, 65'536u, 131'022u, 131'023u}) {
    const Answer answer = ask(get("/bytes/" + std::to_string(length)));
    EXPECT_EQ(answer.status, "200 OK");
    ASSERT_EQ(answer.body.size(), length);
    EXPECT_TRUE(is_pattern(answer.body)) << length;
  }
  EXPECT_EQ(missing(bench_->receive), 0u);
}

TEST_F(HttpService, LargeBodyStreamsThroughASmallSendBuffer) {
  tcp::Config config;
  config.send_buffer = 4'096;
  start(config);
  client_->send(get("/bytes/1000000"));
  uint32_t most = 0;
  for (int i = 0; i < 5'000 && client_->received.size() < 1'000'000; ++i) {
    bench_->now += 1ms;
    bench_->poll();
    bench_->collect();
    most = std::max(most, missing(bench_->receive));
    client_->acknowledge();
  }
  bench_->pass(50ms);
  const auto answer = take_answer(client_->received);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.size(), 1'000'000u);
  EXPECT_TRUE(is_pattern(answer->body));
  EXPECT_LE(most, 8u);
}

TEST_F(HttpService, WhatThereIsNotIs404) {
  start();
  for (const char* target : {"/nothing", "/bytes", "/bytes/", "/bytes/x", "/bytes/1x", "/bytes/-1",
                             "/bytes/+1", "/bytes/1073741825", "/bytes/99999999999999999999", "/?", "*"}) {
    const Answer answer = ask(get(target));
    EXPECT_EQ(answer.status, "404 Not Found") << target;
    EXPECT_FALSE(answer.body.empty());
    EXPECT_FALSE(answer.has("Connection: close"));
  }
}

TEST_F(HttpService, MalformedRequestIs400AndTheEnd) {
  for (const char* text : {"nonsense\r\n", "GET / HTTP/1.1\n", "GET / HTTP/x.1\r\n", "GET / HTTP/1.1\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost : a\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n"}) {
    start();
    const Answer answer = ask(text);
    EXPECT_EQ(answer.status, "400 Bad Request") << text;
    EXPECT_TRUE(answer.has("Connection: close"));
    expect_closed();
  }
}

TEST_F(HttpService, OtherVersionsAre505AndTheEnd) {
  for (const char* text : {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/9.9\r\n"}) {
    start();
    const Answer answer = ask(text);
    EXPECT_EQ(answer.status, "505 HTTP Version Not Supported") << text;
    EXPECT_TRUE(answer.has("Connection: close"));
    expect_closed();
  }
}

TEST_F(HttpService, OtherMethodsAre405AndTheEnd) {
  start();
  const Answer answer = ask("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.status, "405 Method Not Allowed");
  EXPECT_TRUE(answer.has("Allow: GET, HEAD"));
  EXPECT_TRUE(answer.has("Connection: close"));
  expect_closed();
}

TEST_F(HttpService, HeadIsAnsweredWithoutTheBody) {
  start();
  for (const auto& [target, length] :
       {std::pair{"/", ""}, {"/bytes/1073741824", "1073741824"}, {"/nothing", ""}}) {
    const Answer answer = ask("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n", true);
    if (*length != '\0') {
      EXPECT_TRUE(answer.has(std::string("Content-Length: ") + length));
    }
    EXPECT_FALSE(answer.has("Content-Length: 0"));
  }
  EXPECT_FALSE(client_->ended);
}

TEST_F(HttpService, Version10ClosesUnlessAskedToKeepAlive) {
  start();
  EXPECT_TRUE(ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").has("Connection: keep-alive"));
  EXPECT_FALSE(client_->ended);
  EXPECT_TRUE(ask("GET / HTTP/1.0\r\n\r\n").has("Connection: close"));
  expect_closed();
}

TEST_F(HttpService, CloseAmongOtherOptionsCloses) {
  start();
  EXPECT_TRUE(ask(get("/bytes/5", "Connection: x, Close\r\n")).has("Connection: close"));
  expect_closed();
}

TEST_F(HttpService, AnnouncedBodyIsNotReadAndCloses) {
  start();
  const Answer answer = ask("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nGET / HTTP");
  EXPECT_EQ(answer.status, "200 OK");
  EXPECT_TRUE(answer.has("Connection: close"));
  expect_closed();
}

TEST_F(HttpService, PipelinedRequestsOfOneSegmentAreAnsweredInOrder) {
  start();
  client_->send(get("/bytes/3") + get("/bytes/70000") + get("/nothing") + get("/bytes/1") + get("/"));
  bench_->pass(50ms);
  for (const char* expected : {"200 OK", "200 OK", "404 Not Found", "200 OK", "200 OK"}) {
    const auto answer = take_answer(client_->received);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, expected);
    if (answer->has("Content-Type: application/octet-stream")) {
      EXPECT_TRUE(is_pattern(answer->body));
    }
  }
  EXPECT_EQ(client_->received, "");
}

TEST_F(HttpService, NothingBehindTheLastRequestIsAnswered) {
  start();
  client_->send(get("/bytes/3", "Connection: close\r\n") + get("/bytes/4"));
  bench_->settle();
  EXPECT_EQ(take_answer(client_->received)->body.size(), 3u);
  EXPECT_EQ(client_->received, "");
  expect_closed();
}

TEST_F(HttpService, RequestMayBeCutAnywhere) {
  start();
  const std::string request = get("/bytes/17", "X: y\r\n");
  for (size_t cut = 1; cut < request.size(); ++cut) {
    client_->send(request.substr(0, cut));
    bench_->settle();
    ASSERT_EQ(client_->received, "");
    EXPECT_EQ(ask(request.substr(cut)).body.size(), 17u) << cut;
  }
  for (const char byte : request) {
    client_->send(std::string(1, byte));
    bench_->settle();
  }
  EXPECT_EQ(take_answer(client_->received)->body.size(), 17u);
}

// A request whose head is this long.
std::string request_of(size_t length) {
  std::string text = get("/bytes/9", "X: ");
  text.resize(text.size() - 2);
  text.append(length - text.size() - 4, 'x');
  return text + "\r\n\r\n";
}

TEST_F(HttpService, HeadMayHave8192BytesAndNoMore) {
  start();
  const Answer whole = ask(request_of(8'192));
  EXPECT_EQ(whole.body.size(), 9u);
  client_->send(request_of(8'192) + get("/bytes/2"));
  bench_->pass(5ms);
  EXPECT_EQ(take_answer(client_->received)->body.size(), 9u);
  EXPECT_EQ(take_answer(client_->received)->body.size(), 2u);
  const Answer over = ask(request_of(8'193));
  EXPECT_EQ(over.status, "431 Request Header Fields Too Large");
  EXPECT_TRUE(over.has("Connection: close"));
  expect_closed();
}

TEST_F(HttpService, HeadThatTheReceiveBufferCannotHoldIs431) {
  tcp::Config config;
  config.receive_buffer = 4'096;
  start(config);
  client_->send(request_of(6'000));
  bench_->pass(5ms);
  const auto answer = take_answer(client_->received);
  ASSERT_TRUE(answer) << "the client waits for ever";
  EXPECT_EQ(answer->status, "431 Request Header Fields Too Large");
}

// --- Closing ---

TEST_F(HttpService, HalfClosedClientGetsItsAnswers) {
  start();
  client_->send(get("/bytes/100000") + get("/"));
  client_->fin();
  bench_->pass(50ms);
  const auto first = take_answer(client_->received);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->body.size(), 100'000u);
  EXPECT_TRUE(take_answer(client_->received));
  EXPECT_TRUE(client_->ended);
  EXPECT_FALSE(client_->was_reset);
  bench_->settle();
  bench_->expect_clean();
}

TEST_F(HttpService, ClientThatEndsWithinARequestIsClosed) {
  for (const char* text : {"", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"}) {
    start();
    client_->send(text);
    client_->fin();
    bench_->settle();
    EXPECT_EQ(client_->received, "");
    EXPECT_TRUE(client_->ended);
    EXPECT_FALSE(client_->was_reset);
    bench_->expect_clean();
  }
}

TEST_F(HttpService, MoreRequestsBehindTheLastDoNotResetItsAnswer) {
  start();
  client_->deaf = true;
  client_->send(get("/bytes/100000", "Connection: close\r\n"));
  bench_->poll();
  bench_->collect();
  for (int i = 0; i < 5; ++i) {  // while the answer, and FIN behind it, are under way
    client_->send(get("/"));
    bench_->poll();
    bench_->collect();
    ASSERT_FALSE(client_->was_reset) << i;
  }
  client_->deaf = false;
  bench_->pass(50ms);
  const auto answer = take_answer(client_->received);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.size(), 100'000u);
  EXPECT_EQ(client_->received, "");
  expect_closed();
}

TEST_F(HttpService, LastRequestInTheBurstThatMakesRoomDoesNotCloseEarly) {
  tcp::Config config;
  config.send_buffer = 8'192;
  start(config);
  client_->deaf = true;
  client_->send(get("/bytes/8000"));
  bench_->poll();
  bench_->collect();
  client_->send(get("/bytes/20"));  // finds no room
  bench_->poll();
  bench_->collect();
  client_->deaf = false;
  client_->acknowledge_now();  // makes it
  client_->deaf = true;
  client_->send(get("/bytes/30", "Connection: close\r\n"));
  bench_->poll();
  bench_->collect();
  client_->send("more");
  bench_->poll();
  client_->send("and more");
  bench_->poll();
  bench_->collect();
  EXPECT_FALSE(client_->was_reset);
  client_->deaf = false;
  bench_->pass(50ms);
  for (const size_t length : {8'000u, 20u, 30u}) {
    const auto answer = take_answer(client_->received);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body.size(), length);
  }
  expect_closed();
}

TEST_F(HttpService, ClientThatNeverClosesIsLeftAfterAMinute) {
  start();
  ask(get("/", "Connection: close\r\n"));
  EXPECT_TRUE(client_->ended);
  bench_->pass(62s);
  bench_->expect_clean();
}

TEST_F(HttpService, ResetWithinAnAnswerLeavesNothing) {
  start();
  client_->deaf = true;
  client_->send(get("/bytes/1073741824"));
  bench_->settle();
  EXPECT_GT(missing(bench_->receive), 0u);
  client_->reset();
  bench_->settle();
  bench_->expect_clean();
}

TEST_F(HttpService, AnswersWaitForBuffersAndComeThen) {
  start({}, {.receive_buffers = 128, .receive_reserve = 116});  // twelve for connections
  client_->deaf = true;
  client_->send(get("/bytes/1000000"));
  Client other(*bench_, {.port = 40'001, .service = 80});
  bench_->poll();
  bench_->collect();
  other.connect();
  client_->deaf = false;
  other.send(get("/bytes/1000000"));
  for (int i = 0; i < 3'000; ++i) {
    bench_->now += 1ms;
    bench_->poll();
    bench_->collect();
    client_->acknowledge();
    other.acknowledge();
  }
  for (Client* client : {client_.get(), &other}) {
    const auto answer = take_answer(client->received);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body.size(), 1'000'000u);
    EXPECT_TRUE(is_pattern(answer->body));
  }
}

}  // namespace
}  // namespace tern::test
