// SPDX-License-Identifier: BSD-3-Clause
// Throughput: text without end, each way, and how it is ended.
#include <gtest/gtest.h>

#include <algorithm>

#include "ternload/pattern.hpp"
#include "two_sides.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using load::Direction;
using load::Error;
using load::Mode;

load::Options streaming(Direction direction) {
  load::Options options = load_options(Mode::kThroughput, 3, load::Protocol::kRaw);
  options.direction = direction;
  options.verify = true;
  return options;
}

// Sends the pattern for ever; byte number wrong_at of each connection is another.
std::unique_ptr<Script> source(uint64_t wrong_at = ~uint64_t{0}) {
  auto script = std::make_unique<Script>();
  const auto pump = [wrong_at](stack::Socket& socket) {
    uint64_t& sent = socket.user();
    while (const uint32_t room = socket.send_room()) {
      std::string text(std::min(room, 1'000u), '\0');
      for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>((sent + i) % load::kPatternPeriod);
      if (wrong_at >= sent && wrong_at - sent < text.size()) text[wrong_at - sent] ^= 1;
      send_text(socket, text);
      sent += text.size();
    }
    socket.want_room();
  };
  script->on_opened = script->on_writable = pump;
  script->on_text = [](stack::Socket& socket) { socket.skip(socket.unread()); };
  return script;
}

void expect_end(TwoSides& sides) {
  sides.traffic->drain();
  sides.finish();
  EXPECT_EQ(sides.error_sum(), 0u);
  sides.pass(5ms);
  EXPECT_EQ(sides.theirs->connections(), 0u) << "they are cut off";
}

TEST(Streams, ComeDown) {
  TwoSides sides(streaming(Direction::kDown), source());
  sides.pass(50ms);
  EXPECT_GT(sides.tally.bytes_received.value(), 1'000'000u);
  EXPECT_EQ(sides.tally.bytes_sent.value(), 0u);
  EXPECT_EQ(sides.tally.connections.value(), 3u);
  expect_end(sides);
}

TEST(Streams, GoUp) {
  auto script = std::make_unique<Script>();
  uint64_t received = 0;
  bool right = true;
  script->on_text = [&](stack::Socket& socket) {
    while (socket.unread() != 0) {
      const auto front = socket.front();
      right = right && load::is_pattern(front, socket.user());
      socket.user() += front.size();
      received += front.size();
      socket.skip(static_cast<uint32_t>(front.size()));
    }
  };
  TwoSides sides(streaming(Direction::kUp), std::move(script));
  sides.pass(50ms);
  EXPECT_GT(received, 1'000'000u);
  EXPECT_GE(sides.tally.bytes_sent.value(), received);
  EXPECT_TRUE(right);
  EXPECT_EQ(sides.tally.bytes_received.value(), 0u);
  expect_end(sides);
}

TEST(Streams, GoBothWaysAtOnce) {
  TwoSides sides(streaming(Direction::kBoth), source());
  sides.pass(50ms);
  EXPECT_GT(sides.tally.bytes_received.value(), 1'000'000u);
  EXPECT_GT(sides.tally.bytes_sent.value(), 1'000'000u);
  expect_end(sides);
}

TEST(Streams, ComeBackFromWhoRepeatsThem) {
  TwoSides sides(streaming(Direction::kBoth), echo_script());
  sides.pass(50ms);
  EXPECT_GT(sides.tally.bytes_received.value(), 100'000u);
  expect_end(sides);
}

TEST(Streams, OneWrongByteIsCountedOncePerConnection) {
  TwoSides sides(streaming(Direction::kDown), source(12'345));
  sides.pass(50ms);
  EXPECT_EQ(sides.errors(Error::wrong_bytes), 3u);
  EXPECT_EQ(sides.error_sum(), 3u);
}

TEST(Streams, ServerThatClosesIsAnError) {
  load::Options options = streaming(Direction::kDown);
  options.most_connections = 3;
  auto script = std::make_unique<Script>();
  script->on_opened = [](stack::Socket& socket) { socket.close(); };
  TwoSides sides(options, std::move(script));
  sides.finish();
  EXPECT_EQ(sides.errors(Error::closed_early), 3u);
  EXPECT_EQ(sides.tally.connections_finished.value(), 0u);
}

TEST(Streams, EndAlsoWhileTheyOpen) {
  TwoSides sides(streaming(Direction::kBoth), source());
  sides.cut = true;
  sides.pass(1ms);
  EXPECT_EQ(sides.tally.connections.value(), 3u);
  expect_end(sides);
}

}  // namespace
}  // namespace tern::test
