// SPDX-License-Identifier: BSD-3-Clause
// How long a proxy's clients and backends may be idle.
#include <gtest/gtest.h>

#include "proxy_bench.hpp"

namespace tern::test {
namespace {

class ProxyTimeouts : public ProxyService {
 protected:
  ProxyTimeouts() { backends(1); }
  // By side: client, server.
  void idle(net::Duration client, net::Duration server) { config.idle_timeouts = {client, server}; }
  void fin(net::Duration client, net::Duration server) { config.fin_timeouts = {client, server}; }
  void expect_both_reset() {
    EXPECT_TRUE(front->was_reset);
    EXPECT_TRUE(back->was_reset);
    bench->expect_clean();
  }
};

TEST_F(ProxyTimeouts, EndAnIdleTunnelAfterWhatWasSaidLast) {
  idle(10s, 10s);
  join();
  pass(9s);
  back->send("still here");
  pass(9s);
  front->send("so am I");
  pass(9'900ms);
  EXPECT_FALSE(front->was_reset);
  EXPECT_FALSE(back->was_reset);
  pass(200ms);
  expect_both_reset();
  EXPECT_EQ(proxy->counters().client_timeouts.value(), 1u);
  EXPECT_EQ(proxy->counters().resets_by_clients.value(), 0u);
}

// What the server sends and the client does not take keeps the server's side busy, and not the client's.
TEST_F(ProxyTimeouts, EndAClientThatTakesNothing) {
  idle(5s, 0s);
  tcp.send_buffer = 4'096;
  join();
  front->deaf = true;
  for (int i = 0; i < 6; ++i) {
    back->send(std::string(1'000, 'x'));
    pass(700ms);
    EXPECT_FALSE(front->was_reset) << i;
  }
  for (int i = 0; i < 8; ++i) {  // the send buffer has been full for a while
    back->send("x");
    pass(700ms);
  }
  EXPECT_EQ(proxy->counters().client_timeouts.value(), 1u);
}

TEST_F(ProxyTimeouts, EndAServerThatDoesNotAnswer) {
  idle(0s, 3s);
  join();
  front->send("a question");
  pass(2'900ms);
  EXPECT_FALSE(front->was_reset);
  pass(200ms);
  expect_both_reset();
  EXPECT_EQ(proxy->counters().server_timeouts.value(), 1u);
}

TEST_F(ProxyTimeouts, AreOthersOnceOneSideHasClosed) {
  idle(60s, 60s);
  fin(2s, 4s);
  join();
  pass(50s);
  front->fin("that is all");
  for (int i = 0; i < 5; ++i) {
    pass(1'500ms);
    back->send("more");  // both sides are at work
    settle();
  }
  EXPECT_FALSE(back->was_reset);
  pass(2'100ms);
  expect_both_reset();
  EXPECT_EQ(proxy->counters().fin_timeouts.value(), 1u);
  EXPECT_EQ(proxy->counters().client_timeouts.value(), 0u);
}

TEST_F(ProxyTimeouts, OfHalfClosedOnesGoOnWhereNoOtherIsGiven) {
  idle(0s, 5s);
  join();
  pass(4s);
  back->fin();
  pass(4'900ms);
  EXPECT_FALSE(front->was_reset);
  pass(200ms);
  expect_both_reset();
  EXPECT_EQ(proxy->counters().fin_timeouts.value(), 1u);
}

TEST_F(ProxyTimeouts, AreNoneUnlessConfigured) {
  join();
  pass(60s);
  front->fin();
  pass(60s);
  EXPECT_FALSE(front->was_reset);
  EXPECT_FALSE(back->was_reset);
}

}  // namespace
}  // namespace tern::test
