// SPDX-License-Identifier: BSD-3-Clause
// The proxy: how sessions begin, find their backends, pass text on and end.
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

// The same the other way: it is the client that has said all and gone, and the server that reads late.
TEST_F(ProxyService, LosesNothingOfAClientThatHasGone) {
  backends(1);
  tcp.send_buffer = 4'096;
  tcp.msl = 1s;
  join();
  back->fin();
  settle();
  back->deaf = true;
  const std::string text(30'000, 't');
  front->send(text);
  front->fin();
  pass(5s);
  EXPECT_LT(back->received.size(), text.size());
  EXPECT_EQ(bench->connections(), 1u) << "the server's";
  back->deaf = false;
  pass(20s);
  EXPECT_TRUE(back->received == text) << back->received.size();
  EXPECT_TRUE(back->ended);
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

TEST_F(ProxyService, EjectsABackendThatResetsBeforeItHasSpoken) {
  backends(1);
  pool.balance.health.failures = 1;
  join();
  back->send("hello");
  back->reset();
  settle();
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kUp) << "it had spoken";
  client_connects(40'001);
  server_answers();
  back->reset();
  settle();
  EXPECT_EQ(upstream->pool.backends()[0].counters.reset.value(), 1u);
  EXPECT_EQ(upstream->pool.backends()[0].counters.ejections.value(), 1u);
  EXPECT_EQ(upstream->pool.backends()[0].current(), lb::BackendState::kDown);
  client_connects(40'002);
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(proxy->counters().refused_down.value(), 1u);
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

TEST_F(ProxyService, TriesNoMoreBackendsThanItMay) {
  backends(4);
  config.retries = 1;
  start();
  client_connects();
  server_refuses();
  EXPECT_FALSE(front->was_reset);
  server_refuses();
  EXPECT_TRUE(front->was_reset);
  EXPECT_TRUE(syns.empty());
  EXPECT_EQ(proxy->counters().retries.value(), 1u);
  EXPECT_EQ(proxy->counters().refused_retries.value(), 1u);
}

TEST_F(ProxyService, ResetsTheClientForWhomThereIsNoSession) {
  backends(1);
  start();
  for (uint16_t i = 0; i < kSessions; ++i) client_connects(static_cast<uint16_t>(41'000 + i));
  EXPECT_FALSE(front->was_reset);
  client_connects();
  EXPECT_TRUE(front->was_reset);
  EXPECT_EQ(proxy->counters().refused_memory.value(), 1u);
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

TEST_F(ProxyService, ResetsClientsThatFindTheQueueFull) {
  backends(1);
  pool.balance.backends[0].max_connections = 1;
  config.queue_length = 1;
  join();
  const auto first = std::move(front);
  const auto first_server = std::move(back);
  client_connects(40'001);
  const auto second = std::move(front);
  client_connects(40'002);
  EXPECT_TRUE(front->was_reset);
  EXPECT_FALSE(second->was_reset);
  EXPECT_EQ(proxy->counters().queue_overflows.value(), 1u);
  EXPECT_EQ(proxy->counters().queued.value(), 1u);
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

TEST_F(ProxyService, BelievesAHeaderOfVersion2) {
  backends(1);
  config.accept_proxy = true;
  config.trusted.allow({kPeerAddress, 32});
  pool.send_proxy = lb::ProxyVersion::kV1;
  start();
  client_connects();
  lb::ProxyHeader header;
  header.version = lb::ProxyVersion::kV2;
  header.proxied = true;
  header.source = {0x0a000001};
  header.destination = {0x0a000002};
  header.source_port = 5;
  header.destination_port = 6;
  header.with_crc = true;
  std::array<uint8_t, lb::kMostProxyHeaderWritten> bytes;
  const uint32_t length = lb::write_proxy_header(header, bytes);
  front->send(std::string(reinterpret_cast<const char*>(bytes.data()), length) + "GET /");
  settle();
  server_answers();
  EXPECT_EQ(back->received, "PROXY TCP4 10.0.0.1 10.0.0.2 5 6\r\nGET /");
  EXPECT_EQ(proxy->counters().headers_accepted.value(), 1u);
}

// What a client says of itself is text like any other where it is not trusted.
TEST_F(ProxyService, BelievesNobodyElsesHeader) {
  backends(1);
  config.accept_proxy = true;
  config.trusted.allow({{0x0a000000}, 8});
  pool.send_proxy = lb::ProxyVersion::kV1;
  start();
  client_connects();
  front->send("PROXY TCP4 10.0.0.1 10.0.0.2 5 6\r\n");
  settle();
  server_answers();
  EXPECT_EQ(back->received,
            "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\nPROXY TCP4 10.0.0.1 10.0.0.2 5 6\r\n");
  EXPECT_EQ(proxy->counters().headers_accepted.value(), 0u);
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

}  // namespace
}  // namespace tern::test
