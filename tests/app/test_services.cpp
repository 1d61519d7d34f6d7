// SPDX-License-Identifier: BSD-3-Clause
// echo (RFC 862), discard (RFC 863) and chargen (RFC 864) on a worker of their own.
#include "tern/services/services.hpp"

#include <gtest/gtest.h>

#include <random>

#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using app::ServiceKind;

std::unique_ptr<stack::Service> make(ServiceKind kind) {
  app::ServiceConfig config;
  config.kind = kind;
  return app::make_service(config, BenchOptions().max_connections);
}

std::string random_text(size_t length, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(length, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

TEST(EchoService, ReturnsWhatComesThroughSmallBuffers) {
  tcp::Config config;
  config.send_buffer = 4'096;
  config.receive_buffer = 8'192;
  Bench bench(bindings(bound(make(ServiceKind::kEcho), 7, config)));
  Client client(bench, {});
  client.connect();
  std::string sent;
  for (unsigned i = 0; i < 200; ++i) {
    const std::string text = random_text(1 + i * 7, i);
    client.send(text);
    sent += text;
    bench.settle();
  }
  EXPECT_EQ(client.received, sent);
  client.fin();
  bench.settle();
  EXPECT_TRUE(client.ended);
  bench.expect_clean();
}

TEST(EchoService, FinishesWhatFindsNoRoomBeforeItCloses) {
  tcp::Config config;
  config.send_buffer = 4'096;
  Bench bench(bindings(bound(make(ServiceKind::kEcho), 7, config)));
  Client client(bench, {});
  client.deaf = true;
  client.connect();
  const std::string text = random_text(30'000, 1);
  client.send(text);
  client.fin();
  bench.settle();
  EXPECT_LT(client.received.size(), text.size());
  EXPECT_FALSE(client.ended);
  client.deaf = false;
  bench.pass(5s);
  EXPECT_EQ(client.received, text);
  EXPECT_TRUE(client.ended);
  bench.pass(1s);
  bench.expect_clean();
}

TEST(DiscardService, ReadsOnAndSaysNothing) {
  tcp::Config config;
  config.receive_buffer = 8'192;
  Bench bench(bindings(bound(make(ServiceKind::kDiscard), 7, config)));
  Client client(bench, {});
  client.connect();
  for (int i = 0; i < 100; ++i) {
    client.send(random_text(1'448, 1));
    bench.settle();
  }
  bench.pass(100ms);
  EXPECT_EQ(client.acknowledged, client.snd_nxt);
  EXPECT_EQ(bench.tcp().bytes_received.value(), 144'800u);
  EXPECT_EQ(client.received, "");
  EXPECT_EQ(missing(bench.receive), 0u);
  client.fin("the end");
  bench.settle();
  EXPECT_TRUE(client.ended);
  EXPECT_FALSE(client.was_reset);
  bench.expect_clean();
}

// RFC 864, section "Data Syntax": each line of 72 characters begins one further in the ring of the 95
// printable ones.
char expected_chargen(size_t at) {
  const size_t line = at / 74;
  const size_t column = at % 74;
  if (column == 72) return '\r';
  if (column == 73) return '\n';
  return static_cast<char>(' ' + (line + column) % 95);
}

TEST(ChargenService, SendsLinesOfTheRingWithoutASeam) {
  Bench bench(bindings(bound(make(ServiceKind::kChargen), 7)));
  Client client(bench, {});
  client.connect();
  while (client.received.size() < 500'000) {
    bench.now += 1ms;
    bench.poll();
    bench.collect();
    client.acknowledge();
  }
  for (size_t i = 0; i < client.received.size(); ++i) {
    ASSERT_EQ(client.received[i], expected_chargen(i)) << "byte " << i;
  }
  EXPECT_LT(bench.counters().text_copied.value(), 1'000u);  // what is left before a seam may be small
  client.reset();
  bench.poll();
  bench.poll();
  bench.collect();
  bench.expect_clean();
}

TEST(ChargenService, WaitsForASlowReaderAndIgnoresWhatItSays) {
  Bench bench(bindings(bound(make(ServiceKind::kChargen), 7)));
  Client client(bench, {.window_scale = tcp::kNoWindowScale, .window = 1'000});
  client.connect();
  client.deaf = true;
  client.send("are you there?");
  bench.settle();
  EXPECT_EQ(client.received.size(), 1'000u);
  EXPECT_LE(missing(bench.receive), 8u) << "it fills its send buffer and no more";
  client.deaf = false;
  for (int i = 0; i < 2'000; ++i) {
    bench.now += 1ms;
    bench.poll();
    bench.collect();
    client.acknowledge();
  }
  EXPECT_GT(client.received.size(), 100'000u);
  for (size_t i = 0; i < client.received.size(); ++i) {
    ASSERT_EQ(client.received[i], expected_chargen(i)) << "byte " << i;
  }
}

TEST(ChargenService, EndsWhenTheClientCloses) {
  Bench bench(bindings(bound(make(ServiceKind::kChargen), 7)));
  Client client(bench, {});
  client.connect();
  client.fin();
  for (int i = 0; i < 3'000 && !client.ended; ++i) {
    bench.now += 1ms;
    bench.poll();
    bench.collect();
    client.acknowledge();
  }
  EXPECT_TRUE(client.ended);
  EXPECT_FALSE(client.was_reset);
  bench.settle();
  bench.expect_clean();
}

}  // namespace
}  // namespace tern::test
