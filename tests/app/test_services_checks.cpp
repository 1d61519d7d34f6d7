// SPDX-License-Identifier: BSD-3-Clause
// A pool's active checks.
#include <gtest/gtest.h>

#include "proxy_bench.hpp"

namespace tern::test {
namespace {

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

TEST_F(Checks, AskForWhatIsConfigured) {
  pool.check_host = "www.example.com";
  pool.check_path = "/health";
  pool.check_status = 204;
  begin(app::CheckKind::kHttp);
  server_answers();
  EXPECT_EQ(back->received,
            "GET /health HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: tern\r\nConnection: close\r\n\r\n");
  back->send("HTTP/1.1 204 No Content\r\n");
  settle();
  expect(lb::BackendState::kUp, lb::CheckStatus::kL7Ok);
  pass(2s);
  server_answers();
  back->send("HTTP/1.1 200 OK\r\n");
  settle();
  expect(lb::BackendState::kDown, lb::CheckStatus::kL7Sts);
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
