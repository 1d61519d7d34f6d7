// SPDX-License-Identifier: BSD-3-Clause
// Requests and responses: how many are asked at a time, what is taken for an answer, and what for an error.
#include <gtest/gtest.h>

#include "two_sides.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using load::Error;
using load::Mode;

class Asking : public testing::Test {
 protected:
  Web::Answer answer = [](const std::string& request) { return page(request, "hello"); };
  Web* web = nullptr;
  std::unique_ptr<TwoSides> sides;

  void start(const load::Options& options) {
    auto made = std::make_unique<Web>([this](const std::string& request) { return answer(request); });
    web = made.get();
    sides = std::make_unique<TwoSides>(options, std::move(made));
  }
  const load::Tally& tally() const { return sides->tally; }
};

TEST_F(Asking, ConnectionsAskOnceEach) {
  load::Options options = load_options(Mode::kConnections, 4);
  options.most_connections = 20;
  start(options);
  sides->finish();
  EXPECT_EQ(tally().connections_begun.value(), 20u);
  EXPECT_EQ(tally().connections_opened.value(), 20u);
  EXPECT_EQ(tally().connections_finished.value(), 20u);
  EXPECT_EQ(tally().responses.value(), 20u);
  EXPECT_EQ(sides->error_sum(), 0u);
  ASSERT_EQ(web->requests.size(), 20u);
  EXPECT_EQ(web->requests[0],
            "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\nUser-Agent: ternload\r\nConnection: close\r\n");
  EXPECT_EQ(tally().latency.read().count(), 20u);
  EXPECT_EQ(tally().connect.read().count(), 20u);
}

TEST_F(Asking, RequestsArePipelined) {
  load::Options options = load_options(Mode::kRequests, 2);
  options.pipeline = 4;
  bool mute = true;
  answer = [&](const std::string& request) { return mute ? std::string() : page(request, "hello"); };
  start(options);
  sides->pass(50ms);
  EXPECT_EQ(tally().in_flight.value(), 8u);
  EXPECT_EQ(tally().connections.value(), 2u);
  EXPECT_EQ(web->requests.size(), 8u);
  mute = false;
  for (const auto& [index, queue] : std::map(web->waiting)) {
    auto socket = sides->theirs->worker().socket(index);
    ASSERT_TRUE(socket);
    web->answer(*socket);
  }
  sides->pass(50ms);
  EXPECT_GT(tally().responses.value(), 100u) << "each response makes room for a request";
  EXPECT_EQ(tally().in_flight.value(), 8u);
  EXPECT_EQ(tally().connections_opened.value(), 2u);
  sides->traffic->drain();
  sides->finish();
  EXPECT_EQ(sides->error_sum(), 0u);
}

TEST_F(Asking, ConnectionsAreReplacedAfterSoManyRequests) {
  load::Options options = load_options(Mode::kRequests, 1);
  options.requests_per_connection = 5;
  options.most_requests = 20;
  start(options);
  sides->finish();
  EXPECT_EQ(tally().responses.value(), 20u);
  EXPECT_EQ(tally().connections_opened.value(), 4u);
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(web->requests[i].find("Connection: close") != std::string::npos, i % 5 == 4) << i;
  }
}

TEST_F(Asking, ResponsesMayComeInPieces) {
  const std::string body(10'000, 'x');  // several segments
  answer = [&](const std::string& request) { return page(request, body); };
  load::Options options = load_options(Mode::kRequests, 1);
  options.most_requests = 10;
  options.verify = true;
  start(options);
  sides->finish();
  EXPECT_EQ(tally().responses.value(), 10u);
  EXPECT_GT(tally().bytes_received.value(), 100'000u);
  EXPECT_EQ(sides->error_sum(), 0u);
}

TEST_F(Asking, VerifyingSeesOneWrongByteAndAWrongLength) {
  for (const std::string_view wrong : {"hellO", "hello!", "hell"}) {
    int count = 0;
    answer = [&](const std::string& request) { return page(request, ++count == 3 ? wrong : "hello"); };
    load::Options options = load_options(Mode::kRequests, 1);
    options.most_requests = 10;
    options.verify = true;
    start(options);
    sides->finish();
    EXPECT_EQ(tally().responses.value(), 9u) << wrong;
    EXPECT_EQ(sides->errors(Error::wrong_bytes), 1u) << wrong;
    EXPECT_EQ(sides->error_sum(), 1u) << wrong;
  }
}

TEST_F(Asking, WithoutVerifyingAnyBytesWillDo) {
  int count = 0;
  answer = [&](const std::string& request) { return page(request, std::string(1 + ++count % 3, 'x')); };
  load::Options options = load_options(Mode::kRequests, 1);
  options.most_requests = 10;
  start(options);
  sides->finish();
  EXPECT_EQ(tally().responses.value(), 10u);
  EXPECT_EQ(sides->error_sum(), 0u);
}

TEST_F(Asking, WhatIsNoGoodAnswerIsCountedByItsKind) {
  const std::pair<Error, std::string> kinds[] = {
      {Error::http_status, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
      {Error::malformed, "220 mail.example ESMTP\r\n\r\n"}};
  for (const auto& [kind, text] : kinds) {
    int count = 0;
    answer = [&](const std::string& request) { return ++count == 2 ? text : page(request, "hello"); };
    load::Options options = load_options(Mode::kRequests, 1);
    options.most_requests = 5;
    start(options);
    sides->finish();
    EXPECT_EQ(tally().responses.value(), 4u);
    EXPECT_EQ(sides->errors(kind), 1u);
    EXPECT_EQ(sides->error_sum(), 1u);
  }
}

TEST_F(Asking, EachWayOfAPageIsChosenByItsWeight) {
  load::Options options = load_options(Mode::kMixed, 1);
  options.requests_per_connection = 10;
  options.most_requests = 1'000;
  options.mix = {{"/often", 9}, {"/seldom", 1}};
  start(options);
  sides->finish();
  int seldom = 0;
  for (const std::string& request : web->requests) seldom += request.starts_with("GET /seldom ");
  EXPECT_GT(seldom, 60);
  EXPECT_LT(seldom, 140);
  EXPECT_GT(tally().connections_opened.value(), 60u) << "of 10 requests in the mean";
  EXPECT_LT(tally().connections_opened.value(), 160u);
  EXPECT_EQ(sides->error_sum(), 0u);
}

TEST_F(Asking, AShareOfManyHeldConnectionsAsks) {
  load::Options options = load_options(Mode::kConcurrent, 100);
  options.in_flight = 10;
  options.touch = 0.3;
  start(options);
  sides->pass(200ms);
  EXPECT_EQ(tally().connections_opened.value(), 100u);
  EXPECT_EQ(sides->theirs->connections(), 100u);
  EXPECT_EQ(tally().in_flight.value(), 10u);
  EXPECT_GT(web->waiting.size(), 15u);
  EXPECT_LT(web->waiting.size(), 45u) << "of the others nobody has heard";
  sides->traffic->drain();
  sides->finish();
  EXPECT_EQ(sides->error_sum(), 0u);
}

TEST(AskingBytes, RequestsAndResponsesOfAnySizeHoldThePattern) {
  for (const uint32_t size : {1u, 1'000u, 200'000u}) {
    load::Options options = load_options(Mode::kRequests, 2, load::Protocol::kRaw);
    options.send_bytes = options.receive_bytes = size;
    options.most_requests = 10;
    options.verify = true;
    TwoSides sides(options, echo_script());
    sides.finish();
    EXPECT_EQ(sides.tally.responses.value(), 10u) << size;
    EXPECT_EQ(sides.tally.bytes_received.value(), uint64_t{10} * size);
    EXPECT_EQ(sides.error_sum(), 0u) << size;
  }
}

}  // namespace
}  // namespace tern::test
