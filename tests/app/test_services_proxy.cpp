// SPDX-License-Identifier: BSD-3-Clause
// The proxy and its pool's checks.
#include <gtest/gtest.h>

#include "proxy_bench.hpp"

namespace tern::test {
namespace {

TEST_F(ProxyService, MovesTextBothWaysInTheBuffersItCameIn) {
  backends(1);
  join();
  front->send("a question");
  settle();
  EXPECT_EQ(back->received, "a question");
  const std::string answer(1'400, 'a');
  const void* buffer = bench->inject(back->frame(tcp::kAck, answer));
  back->snd_nxt += static_cast<uint32_t>(answer.size());
  settle();
  EXPECT_EQ(front->received, answer);
  EXPECT_EQ(front->last->frame.buffer, buffer);
}

TEST_F(ProxyService, PassesHalfClosesOnAndForgetsBothSides) {
  backends(1);
  join();
  front->fin("all I have");
  settle();
  EXPECT_EQ(back->received, "all I have");
  EXPECT_TRUE(back->ended);
  EXPECT_FALSE(front->ended);
  back->send("some more");
  settle();
  EXPECT_EQ(front->received, "some more");
  back->fin();
  settle();
  EXPECT_TRUE(front->ended);
  EXPECT_EQ(open_to(0), 0u);
  bench->pass(121s);
  bench->expect_clean();
}

TEST_F(ProxyService, PassesResetsOn) {
  backends(1);
  join();
  front->reset();
  settle();
  EXPECT_TRUE(back->was_reset);
  client_connects(40'001);
  server_answers();
  back->reset();
  settle();
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(proxy->counters().resets_by_clients.value(), 1u);
  EXPECT_EQ(proxy->counters().resets_by_backends.value(), 1u);
  EXPECT_EQ(open_to(0), 0u);
  bench->expect_clean();
}

TEST_F(ProxyService, KeepsWhatAClientSaysBeforeItsBackendAnswers) {
  backends(1);
  start();
  client_connects();
  front->fin("early and last");
  settle();
  server_answers();
  EXPECT_EQ(back->received, "early and last");
  EXPECT_TRUE(back->ended);
}

// The server has said all and closed, and the client reads late: what it said waits, though its connection is
// gone.
TEST_F(ProxyService, LosesNothingOfAServerThatHasGone) {
  backends(1);
  tcp.send_buffer = 4'096;
  tcp.msl = 1s;
  join();
  front->fin();
  settle();
  front->deaf = true;
  const std::string text(30'000, 't');
  back->send(text);
  back->fin();
  settle();
  EXPECT_LT(front->received.size(), text.size());
  EXPECT_EQ(open_to(0), 0u);
  front->deaf = false;
  pass(5s);
  EXPECT_TRUE(front->received == text) << front->received.size();
  EXPECT_TRUE(front->ended);
}

TEST_F(ProxyService, LetsASlowReaderStopTheServer) {
  backends(1);
  tcp.send_buffer = 8'192;
  tcp.receive_buffer = 16'384;
  join();
  front->deaf = true;
  back->acknowledge_now();
  settle();
  uint32_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    const tcp::Segment& last = back->last->seg;
    const tcp::Seq edge = last.ack + (uint32_t{last.wnd} << 7);
    if (edge - back->snd_nxt < 1'400) break;
    back->send(std::string(1'400, 'x'));
    sent += 1'400;
    settle();
  }
  EXPECT_LE(sent, 16'384u + 8'192u + 1'400u);
  EXPECT_LE(missing(bench->receive), 20u) << "what both buffers hold, and no more";
}

TEST_F(ProxyService, CountsNoResetWhereTernEnds) {
  backends(1);
  pool.balance.health.failures = 1;
  join();
  bench->worker().abort_all();
  EXPECT_EQ(proxy->counters().resets_by_clients.value(), 0u);
  EXPECT_EQ(proxy->counters().resets_by_backends.value(), 0u);
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kUp);
  EXPECT_EQ(open_to(0), 0u);
}

TEST_F(ProxyService, ShowsTheEndOfAnEjectionWithoutAClient) {
  backends(1);
  pool.balance.health.failures = 1;
  start();
  client_connects();
  server_refuses();
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kDown);
  pass(pool.balance.health.ejection + 110ms);
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kUp);
}

TEST_F(ProxyService, ShowsHowManyPortsAreLeftTowardEachBackend) {
  backends(2);
  join();
  pass(110ms);
  EXPECT_EQ(upstream->ways(0)[0].ports_free.value(), stack::kPorts - 1);
  EXPECT_EQ(upstream->ways(1)[0].ports_free.value(), stack::kPorts);
  EXPECT_EQ(upstream->ways(0)[0].ports_exhausted.value(), 0u);
}

TEST_F(ProxyService, TriesAnotherBackendWhenOneRefuses) {
  backends(2);
  start();
  client_connects();
  ASSERT_EQ(syns.size(), 1u);
  const net::Ipv4Address first = syns[0].tuple.remote;
  server_refuses();
  ASSERT_EQ(syns.size(), 1u);
  EXPECT_NE(syns[0].tuple.remote, first);
  server_answers();
  front->send("hello");
  settle();
  EXPECT_EQ(back->received, "hello");
  EXPECT_EQ(proxy->counters().retries.value(), 1u);
  EXPECT_EQ(upstream->pool.backends()[0].counters.failed.value(), 1u);
  EXPECT_EQ(open_to(0), 0u);
  EXPECT_EQ(open_to(1), 1u);
}

TEST_F(ProxyService, ResetsTheClientWhenAllHaveRefused) {
  backends(2);
  start();
  client_connects();
  server_refuses();
  EXPECT_FALSE(front->was_reset);
  server_refuses();
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(proxy->counters().refused_retries.value(), 1u);
  bench->expect_clean();
}

TEST_F(ProxyService, DoesNotWaitForABackendThatIsSilent) {
  backends(2);
  config.connect_timeout = 100ms;
  start();
  client_connects();
  const net::Ipv4Address first = syns[0].tuple.remote;
  syns.clear();
  pass(90ms);
  EXPECT_TRUE(syns.empty());
  pass(20ms);
  ASSERT_EQ(syns.size(), 1u);
  EXPECT_NE(syns[0].tuple.remote, first);
  EXPECT_EQ(proxy->counters().connect_timeouts.value(), 1u);
  server_answers();
  EXPECT_EQ(proxy->counters().joined.value(), 1u);
}

TEST_F(ProxyService, LeavesABackendThatItsClientDidNotWaitFor) {
  backends(1);
  start();
  client_connects();
  front->reset();
  settle();
  EXPECT_EQ(open_to(0), 0u);
  EXPECT_EQ(upstream->pool.backends()[0].counters.failed.value(), 0u) << "it is not to blame";
  bench->expect_clean();
}

TEST_F(ProxyService, LetsClientsWaitForAFullBackend) {
  backends(1);
  pool.balance.backends[0].max_connections = 1;
  config.queue_timeout = 1s;
  join();
  auto first = std::move(front);
  auto first_server = std::move(back);
  client_connects(40'001);
  EXPECT_TRUE(syns.empty());
  EXPECT_EQ(proxy->counters().queued.value(), 1u);
  first->reset();
  pass(10ms);
  server_answers();
  front->send("my turn");
  settle();
  EXPECT_EQ(back->received, "my turn");
  auto second = std::move(front);
  auto second_server = std::move(back);
  client_connects(40'002);
  pass(1'010ms);
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(proxy->counters().queue_timeouts.value(), 1u);
}

// The place of the first comes free in the round in which a third client comes: it is the second's.
TEST_F(ProxyService, LetsNobodyOvertakeWhoWaits) {
  backends(1);
  pool.balance.backends[0].max_connections = 1;
  join();
  const auto first = std::move(front);
  const auto first_server = std::move(back);
  client_connects(40'001);
  const auto second = std::move(front);
  front = std::make_unique<Client>(*bench, ClientOptions{.port = 40'002, .service = 80});
  front->syn();
  settle();
  first->reset();
  front->third();
  settle();
  EXPECT_EQ(proxy->counters().queued.value(), 2u);
  server_answers();
  second->send("my turn");
  front->send("and not mine");
  settle();
  EXPECT_EQ(back->received, "my turn");
  EXPECT_TRUE(syns.empty());
}

TEST_F(ProxyService, TellsTheBackendWhoTheClientIsBeforeAnythingElse) {
  backends(1);
  pool.send_proxy = lb::ProxyVersion::kV1;
  start();
  client_connects();
  front->send("GET /");
  settle();
  server_answers();
  EXPECT_EQ(back->received, "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\nGET /");
}

TEST_F(ProxyService, BelievesATrustedClientsHeader) {
  backends(1);
  config.accept_proxy = true;
  config.trusted.allow({kPeerAddress, 32});
  pool.send_proxy = lb::ProxyVersion::kV1;
  start();
  client_connects();
  EXPECT_TRUE(syns.empty());
  front->send("PROXY TCP4 10.0.0.1 10.0.0.2 5 6\r");
  settle();
  EXPECT_TRUE(syns.empty());
  front->send("\nGET /");
  settle();
  server_answers();
  EXPECT_EQ(back->received, "PROXY TCP4 10.0.0.1 10.0.0.2 5 6\r\nGET /");
}

TEST_F(ProxyService, RefusesAMalformedHeaderAndOneThatDoesNotCome) {
  backends(1);
  config.accept_proxy = true;
  config.trusted.allow({kPeerAddress, 32});
  config.connect_timeout = 1s;
  start();
  client_connects();
  front->send("GET / HTTP/1.1\r\n");
  settle();
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(proxy->counters().headers_malformed.value(), 1u);
  client_connects(40'001);
  pass(1'010ms);
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(proxy->counters().headers_timed_out.value(), 1u);
  bench->expect_clean();
}

class Checks : public ProxyService {
 protected:
  const lb::Backend& backend() const { return upstream->pool.backends()[0]; }
  void begin(app::CheckKind kind) {
    backends(1);
    pool.check = kind;
    pool.balance.health.interval = 2s;
    pool.balance.health.timeout = 1s;
    pool.balance.health.rise = 1;
    pool.balance.health.fall = 1;
    start();
    pass(5ms);
  }
  void expect(lb::BackendState state, lb::CheckStatus check) const {
    EXPECT_EQ(backend().current(), state);
    EXPECT_STREQ(lb::to_string(backend().health.last()), lb::to_string(check));
  }
};

TEST_F(Checks, PassWhenAConnectionCanBeMade) {
  begin(app::CheckKind::kTcp);
  expect(lb::BackendState::kDown, lb::CheckStatus::kUnknown);
  server_answers();
  expect(lb::BackendState::kUp, lb::CheckStatus::kL4Ok);
  EXPECT_TRUE(back->was_reset) << "it leaves no TIME-WAIT";
  pass(2s);
  server_refuses();
  expect(lb::BackendState::kDown, lb::CheckStatus::kL4Con);
  bench->expect_clean();
}

// What wants a PROXY header gets one that arrives, and is UP once it has.
TEST_F(Checks, SendTheirProxyHeaderBeforeTheyEnd) {
  pool.send_proxy = lb::ProxyVersion::kV1;
  begin(app::CheckKind::kTcp);
  ASSERT_FALSE(syns.empty());
  server_answers();
  EXPECT_EQ(back->received, "PROXY UNKNOWN\r\n");
  EXPECT_TRUE(back->ended);
  expect(lb::BackendState::kUp, lb::CheckStatus::kL4Ok);
}

TEST_F(Checks, FailWhenNobodyAnswers) {
  begin(app::CheckKind::kTcp);
  pass(900ms);
  expect(lb::BackendState::kDown, lb::CheckStatus::kUnknown);
  pass(110ms);
  expect(lb::BackendState::kDown, lb::CheckStatus::kL4Tout);
  bench->expect_clean();
}

TEST_F(Checks, JudgeTheAnswerToARequest) {
  begin(app::CheckKind::kHttp);
  for (const auto& [answer, state, check] :
       {std::tuple{"HTTP/1.1 204 No Content\r\n", lb::BackendState::kUp, lb::CheckStatus::kL7Ok},
        std::tuple{"HTTP/1.1 500 No\r\n", lb::BackendState::kDown, lb::CheckStatus::kL7Sts},
        std::tuple{"SSH-2.0-x\r\n", lb::BackendState::kDown, lb::CheckStatus::kL7Rsp}}) {
    server_answers();
    EXPECT_EQ(back->received.substr(0, 16), "GET / HTTP/1.1\r\n");
    EXPECT_NE(back->received.find("Host: 192.0.2.11:8080\r\n"), std::string::npos);
    back->send(answer);
    settle();
    expect(state, check);
    pass(2s);
  }
  server_answers();
  pass(1'010ms);
  expect(lb::BackendState::kDown, lb::CheckStatus::kL7Tout);
}

TEST(JudgeAnswer, WantsAStatusLine) {
  const auto judge = [](std::string_view text, uint16_t expected = 0) {
    return app::judge_answer({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, expected);
  };
  EXPECT_EQ(judge("HTTP/1.1 200 OK"), lb::CheckStatus::kL7Ok);
  EXPECT_EQ(judge("HTTP/1.0 399\r"), lb::CheckStatus::kL7Ok);
  EXPECT_EQ(judge("HTTP/1.1 400 Bad"), lb::CheckStatus::kL7Sts);
  EXPECT_EQ(judge("HTTP/1.1 199 x"), lb::CheckStatus::kL7Sts);
  EXPECT_EQ(judge("HTTP/1.1 418 x", 418), lb::CheckStatus::kL7Ok);
  EXPECT_EQ(judge("HTTP/1.1 200 x", 418), lb::CheckStatus::kL7Sts);
  EXPECT_EQ(judge("HTTP/1.1 20"), lb::CheckStatus::kUnknown);
  EXPECT_EQ(judge("HTTP/2"), lb::CheckStatus::kL7Rsp);
  EXPECT_EQ(judge("HTTP/1.1 2x0 "), lb::CheckStatus::kL7Rsp);
  EXPECT_EQ(judge("HTTP/1.1 2000"), lb::CheckStatus::kL7Rsp);
}

}  // namespace
}  // namespace tern::test
