// SPDX-License-Identifier: BSD-3-Clause
// How connections end: who closes, and what counts as an error when nobody wanted it.
#include <gtest/gtest.h>

#include "two_sides.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using load::Closing;
using load::Error;
using load::Mode;
using tcp::CloseReason;
using tcp::State;

std::string hello(const std::string& request) { return page(request, "hello"); }
std::string nothing(const std::string&) { return {}; }

uint64_t in_time_wait(Bench& bench) {
  return bench.worker().connections_in()[static_cast<size_t>(State::kTimeWait)].value();
}

TEST(LoadClosing, TimeWaitIsWithWhoClosesFirst) {
  for (const Closing closing : {Closing::kServer, Closing::kClient, Closing::kReset}) {
    load::Options options = load_options(Mode::kConnections, 2);
    options.most_connections = 10;
    options.closing = closing;
    auto made = std::make_unique<Web>(hello);
    Web& web = *made;
    TwoSides sides(options, std::move(made));
    sides.finish();
    sides.pass(5ms);
    EXPECT_EQ(sides.tally.connections_finished.value(), 10u);
    EXPECT_EQ(sides.error_sum(), 0u);
    EXPECT_EQ(in_time_wait(*sides.theirs), closing == Closing::kServer ? 10u : 0u);
    EXPECT_EQ(in_time_wait(*sides.ours), closing == Closing::kClient ? 10u : 0u);
    EXPECT_EQ(web.closes[CloseReason::kResetByPeer], closing == Closing::kReset ? 10 : 0);
  }
}

TEST(LoadClosing, NobodyListeningIsRefused) {
  load::Options options = load_options(Mode::kConnections, 1);
  options.target.port = 81;
  options.most_connections = 3;
  TwoSides sides(options, std::make_unique<Web>(hello));
  sides.finish();
  EXPECT_EQ(sides.errors(Error::refused), 3u);
  EXPECT_EQ(sides.error_sum(), 3u);
  EXPECT_EQ(sides.tally.connections_opened.value(), 0u);
}

TEST(LoadClosing, NobodyAtTheAddressIsUnreachable) {
  load::Options options = load_options(Mode::kConnections, 1);
  options.most_connections = 1;
  TwoSides sides(options, std::make_unique<Web>(hello));
  sides.cut = true;
  sides.finish();
  EXPECT_EQ(sides.errors(Error::unreachable), 1u);
  EXPECT_EQ(sides.error_sum(), 1u);
}

TEST(LoadClosing, NoAnswerInTimeIsAnErrorForEachRequest) {
  load::Options options = load_options(Mode::kRequests, 2);
  options.timeout = 3s;
  TwoSides sides(options, std::make_unique<Web>(nothing));
  sides.pass(2s, 1ms);
  EXPECT_EQ(sides.error_sum(), 0u);
  sides.traffic->drain();
  sides.pass(3s, 1ms);
  EXPECT_EQ(sides.errors(Error::timed_out), 2u);
  EXPECT_EQ(sides.error_sum(), 2u);
  sides.finish();
}

TEST(LoadClosing, ServerThatClosesTooEarlyIsAnErrorForWhatItOwes) {
  load::Options options = load_options(Mode::kRequests, 1);
  options.pipeline = 3;
  auto script = std::make_unique<Script>();
  script->on_text = [](stack::Socket& socket) {
    socket.skip(socket.unread());
    send_text(socket, page("", "hello"));
    socket.close();
  };
  script->on_ended = [](stack::Socket& socket) { socket.close(); };
  TwoSides sides(options, std::move(script));
  sides.pass(3ms);
  sides.traffic->drain();
  sides.finish();
  EXPECT_GE(sides.tally.responses.value(), 1u);
  EXPECT_EQ(sides.errors(Error::closed_early), 3 * sides.tally.responses.value())
      << "one more was asked behind it";
}

TEST(LoadClosing, ResetBeforeTheAnswerIsAnErrorAndBehindTheLastIsNone) {
  for (const bool answered : {false, true}) {
    load::Options options = load_options(Mode::kConnections, 1);
    options.most_connections = 3;
    auto script = std::make_unique<Script>();
    script->on_text = [answered](stack::Socket& socket) {
      socket.skip(socket.unread());
      if (!answered) return socket.abort();
      send_text(socket, page("Connection: close", "hello"));
      socket.want_room();
      socket.shutdown();
    };
    script->on_writable = [](stack::Socket& socket) { socket.abort(); };
    TwoSides sides(options, std::move(script));
    sides.finish();
    EXPECT_EQ(sides.tally.connections_finished.value(), answered ? 3u : 0u);
    EXPECT_EQ(sides.errors(Error::reset), answered ? 0u : 3u);
    EXPECT_EQ(sides.error_sum(), answered ? 0u : 3u);
  }
}

TEST(LoadClosing, WithoutAFreeFourTupleItSaysSo) {
  load::Options options = load_options(Mode::kConnections, 4);
  options.first_port = options.last_port = 5'000;  // three too few
  TwoSides sides(options, std::make_unique<Web>(nothing));
  sides.pass(1ms);
  EXPECT_GT(sides.errors(Error::no_port), 0u);
  EXPECT_EQ(sides.tally.connections.value(), 1u);
}

TEST(LoadClosing, WhatIsUnderWayIsAnsweredBeforeTheEnd) {
  load::Options options = load_options(Mode::kRequests, 8);
  TwoSides sides(options, std::make_unique<Web>(hello));
  sides.pass(10ms);
  sides.traffic->drain();
  sides.finish();
  EXPECT_EQ(sides.tally.responses.value(), sides.tally.requests_sent.value());
  EXPECT_EQ(sides.tally.connections_finished.value(), 8u);
  EXPECT_EQ(sides.error_sum(), 0u);
}

}  // namespace
}  // namespace tern::test
