// SPDX-License-Identifier: BSD-3-Clause
// How connections of a worker end, in whatever order, and that nothing stays behind. RFC 9293 section 3.6.
#include <gtest/gtest.h>

#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using tcp::State;

class Close : public testing::Test {
 protected:
  void start(std::unique_ptr<Script> script, const BenchOptions& options = {}) {
    script_ = script.get();
    bench_ = std::make_unique<Bench>(bindings(bound(std::move(script), 7)), options);
  }
  uint64_t in(State state) { return bench_->worker().connections_in()[static_cast<size_t>(state)].value(); }

  std::unique_ptr<Bench> bench_;
  Script* script_ = nullptr;
};

std::unique_ptr<Script> closes_at_once() {
  auto script = std::make_unique<Script>();
  script->on_opened = [](stack::Socket& socket) { socket.close(); };
  return script;
}

TEST_F(Close, ByTheClientFirstLeavesNothing) {
  start(echo_script());
  Client client(*bench_, {});
  client.connect();
  client.send("last words");
  client.fin();
  bench_->settle();
  EXPECT_EQ(client.received, "last words");
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(script_->calls, "opened text ended closed");
  EXPECT_EQ(script_->close_reason, tcp::CloseReason::kFinished);
  EXPECT_EQ(bench_->tcp().connections_closed.value(), 1u);
  bench_->expect_clean();
}

TEST_F(Close, ByUsFirstWaitsTwiceTheSegmentLifetime) {
  start(closes_at_once());
  Client client(*bench_, {});
  client.connect();
  bench_->settle();
  EXPECT_TRUE(client.ended);
  client.fin();
  bench_->settle();
  EXPECT_EQ(in(State::kTimeWait), 1u);
  EXPECT_EQ(script_->calls, "opened ended closed");
  bench_->pass(59s);
  EXPECT_EQ(in(State::kTimeWait), 1u);
  bench_->pass(2s);
  bench_->expect_clean();
}

TEST_F(Close, ByBothAtOnceGoesThroughClosing) {
  start(closes_at_once());
  Client client(*bench_, {});
  client.syn();
  bench_->poll();
  bench_->collect();
  client.third();
  bench_->poll();
  client.fin();  // without having seen ours
  bench_->poll();
  EXPECT_EQ(in(State::kClosing), 1u);
  bench_->settle();
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(in(State::kTimeWait), 1u);
  EXPECT_EQ(script_->close_reason, tcp::CloseReason::kFinished);
  bench_->pass(61s);
  bench_->expect_clean();
}

TEST_F(Close, HalfClosedClientStillGetsAnAnswer) {
  auto script = std::make_unique<Script>();
  script->on_ended = [](stack::Socket& socket) {
    while (net::Packet packet = socket.receive()) socket.send(packet);
    socket.shutdown();
  };
  start(std::move(script));
  Client client(*bench_, {});
  client.connect();
  client.send("question");
  bench_->settle();
  EXPECT_EQ(client.received, "");
  client.fin();
  bench_->settle();
  EXPECT_EQ(client.received, "question");
  EXPECT_TRUE(client.ended);
  bench_->expect_clean();
}

TEST_F(Close, ByResetFreesUnreadText) {
  start(std::make_unique<Script>());  // reads nothing
  Client client(*bench_, {});
  client.connect();
  client.send(std::string(5'000, 'x'));
  bench_->settle();
  EXPECT_GT(missing(bench_->receive), 0u);
  client.reset();
  bench_->settle();
  EXPECT_EQ(script_->close_reason, tcp::CloseReason::kResetByPeer);
  bench_->expect_clean();
}

TEST_F(Close, WithUnreadTextIsAReset) {
  auto script = std::make_unique<Script>();
  script->on_text = [](stack::Socket& socket) { socket.close(); };
  start(std::move(script));
  Client client(*bench_, {});
  client.connect();
  client.send("unread");
  bench_->settle();
  EXPECT_TRUE(client.was_reset);
  EXPECT_EQ(script_->close_reason, tcp::CloseReason::kAborted);
  bench_->expect_clean();
}

TEST_F(Close, ServiceThatAbortsInAnyCallLeavesNothing) {
  const auto abort = [](stack::Socket& socket) { socket.abort(); };
  for (int which = 0; which < 3; ++which) {
    auto script = std::make_unique<Script>();
    (which == 0 ? script->on_opened : which == 1 ? script->on_text : script->on_ended) = abort;
    bench_.reset();
    start(std::move(script));
    Client client(*bench_, {});
    client.connect();
    client.send("text");
    client.fin();
    bench_->settle();
    EXPECT_TRUE(client.was_reset) << which;
    EXPECT_TRUE(script_->calls.ends_with("closed")) << script_->calls;
    bench_->expect_clean();
  }
}

TEST_F(Close, ClientThatNeverAnswersIsGivenUp) {
  auto script = echo_script();
  start(std::move(script));
  Client client(*bench_, {});
  client.connect();
  client.deaf = true;
  client.send(std::string(3'000, 'x'));
  for (int minute = 0; minute < 30 && bench_->connections() != 0; ++minute) {
    for (int second = 0; second < 60; ++second) {
      bench_->now += 1s;
      bench_->poll();
      bench_->collect();
    }
  }
  EXPECT_EQ(bench_->tcp().connections_timed_out.value(), 1u);
  EXPECT_EQ(script_->close_reason, tcp::CloseReason::kTimedOut);
  bench_->expect_clean();
}

// --- TIME-WAIT reopened ---

TEST_F(Close, NewSynReopensTimeWaitWithinABurst) {
  start(closes_at_once());
  Client client(*bench_, {});
  Client other(*bench_, {.port = 40'001});
  client.connect();
  bench_->settle();
  client.fin();
  bench_->settle();
  ASSERT_EQ(in(State::kTimeWait), 1u);
  other.syn();
  bench_->poll();
  bench_->collect();

  bench_->now += 1s;
  const tcp::Seq iss = client.snd_nxt + 100'000;
  client.begin_anew(iss);
  other.third();
  client.syn();
  client.snd_nxt = iss;
  client.syn();  // the same again, while the first is being answered
  const uint64_t segments = bench_->tcp().segments_received.value();
  bench_->poll();
  EXPECT_EQ(bench_->tcp().time_wait_reused.value(), 1u);
  EXPECT_EQ(bench_->tcp().resets_sent.value(), 0u);
  EXPECT_EQ(bench_->tcp().segments_received.value(), segments + 3);
  client.segments = 0;
  EXPECT_TRUE(bench_->collect().empty()) << "a frame went nowhere";
  EXPECT_EQ(client.segments, 2u);
  ASSERT_TRUE(client.connected);
  client.third();
  bench_->settle();
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(bench_->tcp().connections_accepted.value(), 3u);
}

TEST_F(Close, ServiceHearsOfTheEndBeforeASynOfTheSameBurstReopens) {
  start(closes_at_once());
  Client client(*bench_, {});
  client.connect();
  bench_->settle();
  client.fin();
  client.begin_anew(client.snd_nxt + 100'000);
  client.syn();
  bench_->poll();
  bench_->collect();
  EXPECT_TRUE(client.connected);
  EXPECT_EQ(bench_->tcp().time_wait_reused.value(), 1u);
  EXPECT_EQ(script_->calls, "opened ended closed");
  EXPECT_EQ(bench_->connections(), 0u);
}

TEST_F(Close, OldSynDoesNotReopenTimeWait) {
  start(closes_at_once());
  Client client(*bench_, {.timestamps = false});
  client.connect();
  bench_->settle();
  client.fin();
  bench_->settle();
  ASSERT_EQ(in(State::kTimeWait), 1u);
  client.lay(tcp::kSyn, "");
  bench_->poll();
  bench_->collect();
  EXPECT_EQ(in(State::kTimeWait), 1u);
  EXPECT_EQ(bench_->tcp().time_wait_reused.value(), 0u);
  bench_->worker().abort_all();
  bench_->expect_clean();
}

TEST_F(Close, TooManyInTimeWaitEndTheOldest) {
  start(closes_at_once(), {.max_connections = 64});
  for (uint16_t i = 0; i < 66; ++i) {
    Client client(*bench_, {.port = static_cast<uint16_t>(40'000 + i)});
    client.connect();
    bench_->settle();
    client.fin();
    bench_->settle();
  }
  EXPECT_EQ(in(State::kTimeWait), 64u);
  EXPECT_EQ(bench_->tcp().time_wait_overflow.value(), 2u);
  Client first(*bench_, {});  // of whose end nothing is known any more
  first.lay(tcp::kFin | tcp::kAck, {});
  bench_->settle();
  EXPECT_TRUE(first.was_reset);
  bench_->pass(61s);
  bench_->expect_clean();
}

TEST_F(Close, TooManyThatAreNotAcknowledgedAreReset) {
  start(closes_at_once(), {.max_orphans = 2});
  std::vector<std::unique_ptr<Client>> clients;
  for (uint16_t i = 0; i < 4; ++i) {
    clients.push_back(
        std::make_unique<Client>(*bench_, ClientOptions{.port = static_cast<uint16_t>(40'000 + i)}));
    clients[i]->connect();
    clients[i]->deaf = true;
    bench_->settle();
    EXPECT_EQ(clients[i]->ended, i < 2);
    EXPECT_EQ(clients[i]->was_reset, i >= 2);
  }
  EXPECT_EQ(in(State::kFinWait1), 2u);
  EXPECT_EQ(bench_->tcp().orphans_aborted.value(), 2u);
  clients[0]->deaf = false;
  bench_->settle();
  Client next(*bench_, {.port = 41'000});  // for which there is room again
  next.connect();
  EXPECT_TRUE(next.ended);
  EXPECT_FALSE(next.was_reset);
  EXPECT_EQ(bench_->tcp().orphans_aborted.value(), 2u);
  bench_->worker().abort_all();
  bench_->settle();
  bench_->expect_clean();
}

TEST_F(Close, SlotOfAReopenedTimeWaitMayBeTakenInTheSameBurst) {
  start(closes_at_once(), {.max_connections = 8});
  std::vector<std::unique_ptr<Client>> clients;
  for (uint16_t i = 0; i < 9; ++i) {
    clients.push_back(
        std::make_unique<Client>(*bench_, ClientOptions{.port = static_cast<uint16_t>(40'000 + i)}));
  }
  for (int i = 0; i < 8; ++i) {
    clients[i]->connect();
    bench_->settle();
  }
  clients[0]->fin();
  bench_->settle();
  ASSERT_EQ(in(State::kTimeWait), 1u);
  clients[8]->syn();
  bench_->poll();
  bench_->collect();
  bench_->now += 1s;
  clients[0]->begin_anew(clients[0]->snd_nxt + 100'000);
  clients[0]->syn();
  clients[8]->third();
  bench_->settle();
  EXPECT_TRUE(clients[8]->ended);
  EXPECT_TRUE(clients[0]->connected);
  EXPECT_EQ(bench_->connections(), 8u);
  bench_->worker().abort_all();
  bench_->collect();
  bench_->expect_clean();
}

// --- The end of the worker ---

TEST_F(Close, EndOfTheWorkerResetsEveryConnectionAndFreesAll) {
  start(std::make_unique<Script>());
  std::vector<std::unique_ptr<Client>> clients;
  for (uint16_t i = 0; i < 40; ++i) {
    clients.push_back(
        std::make_unique<Client>(*bench_, ClientOptions{.port = static_cast<uint16_t>(40'000 + i)}));
    clients.back()->connect();
    clients.back()->send(std::string(100u * i, 'x'));
    if (i % 3 == 0) clients.back()->fin();
    bench_->settle();
  }
  bench_->worker().abort_all();
  bench_->collect();
  for (const auto& client : clients) EXPECT_TRUE(client->was_reset);
  EXPECT_EQ(bench_->tcp().resets_sent.value(), 40u);
  EXPECT_EQ(bench_->tcp().connections_aborted.value(), 40u);
  EXPECT_TRUE(script_->calls.ends_with("closed"));
  bench_->expect_clean();
}

TEST_F(Close, EndOfTheWorkerTellsServicesWhatTheyDoNotKnowYet) {
  start(closes_at_once(), {.max_connections = 8});
  {
    Client client(*bench_, {});
    client.connect();
    bench_->settle();
    ASSERT_EQ(in(State::kFinWait2), 1u);
    bench_->now += 61s;
    bench_->poll();  // gives up on the client's FIN, after this round's services were served
    EXPECT_EQ(bench_->connections(), 0u);
    EXPECT_EQ(script_->calls, "opened");
    bench_->worker().abort_all();
  }
  EXPECT_EQ(script_->calls, "opened closed");
  // Its place is free again.
  std::vector<std::unique_ptr<Client>> clients;
  for (uint16_t i = 0; i < 8; ++i) {
    clients.push_back(
        std::make_unique<Client>(*bench_, ClientOptions{.port = static_cast<uint16_t>(41'000 + i)}));
    clients.back()->connect();
  }
  EXPECT_EQ(bench_->tcp().connections_refused_full.value(), 0u);
}

TEST_F(Close, WorkerThatEndsInTheMiddleFreesWhatItHolds) {
  start(std::make_unique<Script>());
  {
    Client client(*bench_, {});
    client.connect();
    client.send(std::string(10'000, 'x'));
    bench_->settle();
  }
  bench_->end_worker();
  EXPECT_EQ(missing(bench_->receive), 0u);
  EXPECT_EQ(missing(bench_->headers), 0u);
}

}  // namespace
}  // namespace tern::test
