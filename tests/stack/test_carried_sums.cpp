// SPDX-License-Identifier: BSD-3-Clause
// The sum of text that a port left to us to verify goes with the text to where it is sent, where it is sent
// as it came; what has been cut, joined or split is summed up again.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "net/frame.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

std::string random_text(std::mt19937& random, size_t length) {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// An echo in whose memory a bit turns over between arrival and departure.
std::unique_ptr<Script> damaging_echo() {
  auto script = std::make_unique<Script>();
  script->on_text = [](stack::Socket& socket) {
    while (net::Packet packet = socket.receive()) {
      const_cast<uint8_t*>(packet.data())[packet.size() / 2] ^= 0x10;
      socket.send(packet);
    }
  };
  return script;
}

// Whether the frames that bring text back, as many as these, say of themselves that the text is not theirs.
std::vector<bool> found_damaged(Bench& bench) {
  std::vector<bool> damaged;
  bench.poll();
  for (const SentFrame& sent : bench.wire().take()) {
    net::Frame frame;
    const net::Drop reason = net::parse_frame(sent.bytes, {}, frame);
    EXPECT_TRUE(reason == net::Drop::kNone || reason == net::Drop::kTcpChecksum);
    damaged.push_back(reason == net::Drop::kTcpChecksum);
  }
  return damaged;
}

TEST(CarriedSums, AreThoseTheTextCameWith) {
  for (const size_t length : {128u, 129u, 255u, 1'000u, 1'447u, 1'448u}) {
    Bench bench(bindings(bound(damaging_echo(), 7)));
    Client client(bench, {});
    client.connect();
    std::mt19937 random(static_cast<uint32_t>(length));
    client.send(random_text(random, length));
    EXPECT_EQ(found_damaged(bench), std::vector{true}) << length;
  }
}

TEST(CarriedSums, AreThoseTheTextCameWithWhereItIsSentAgain) {
  Bench bench(bindings(bound(damaging_echo(), 7)));
  Client client(bench, {});
  client.connect();
  std::mt19937 random(1);
  client.send(random_text(random, 1'000));
  EXPECT_EQ(found_damaged(bench), std::vector{true});
  bench.now += 2s;
  EXPECT_EQ(found_damaged(bench), std::vector{true});
}

TEST(CarriedSums, EndWhereTextIsShort) {
  Bench bench(bindings(bound(damaging_echo(), 7)));
  Client client(bench, {});
  client.connect();
  std::mt19937 random(1);
  client.send(random_text(random, 127));
  EXPECT_EQ(found_damaged(bench), std::vector{false});
}

TEST(CarriedSums, EndWhereTextIsSplit) {
  Bench bench(bindings(bound(damaging_echo(), 7)));
  Client client(bench, {.mss = 1'000});  // it takes no more, and yet sends more
  client.connect();
  std::mt19937 random(1);
  client.lay(tcp::kAck | tcp::kPsh, random_text(random, 1'400));
  const std::vector<bool> found = found_damaged(bench);
  EXPECT_GE(found.size(), 2u);
  EXPECT_EQ(std::ranges::count(found, true), 0);
}

TEST(CarriedSums, EndWhereTextIsJoined) {
  Bench bench(bindings(bound(damaging_echo(), 7)));
  Client client(bench, {});
  client.connect();
  std::mt19937 random(1);
  for (const size_t length : {600u, 200u}) {  // the second into the buffer of the first
    client.lay(tcp::kAck, random_text(random, length));
    client.snd_nxt += static_cast<uint32_t>(length);
  }
  EXPECT_EQ(found_damaged(bench), std::vector{false});
}

// What a client that sends a stream in pieces of any kind may do, over and over; each segment that comes back
// must be right.
class Stream {
 public:
  explicit Stream(uint32_t seed)
      : random_(seed),
        bench_(bindings(bound(echo_script(), 7))),
        client_(bench_, {.mss = std::array<uint16_t, 4>{1'460, 1'401, 1'000, 537}[seed % 4],
                         .timestamps = seed % 3 != 0}),
        text_(random_text(random_, 20'000 + seed % 1'000)) {}

  void run() {
    client_.connect();
    first_ = client_.snd_nxt;
    while (!testing::Test::HasFailure() && acknowledged() < text_.size()) {
      for (auto pieces = 1 + random_() % 6; pieces != 0; --pieces) lay_piece();
      client_.options.window = static_cast<uint16_t>(random_() % 4 == 0 ? 1 + random_() % 30 : 0xffff);
      bench_.poll();
      if (random_() % 3 == 0) continue;  // what was sent is with the device still
      if (random_() % 4 == 0) {          // and is sent again
        bench_.now += std::chrono::milliseconds(random_() % 500);
        bench_.poll();
      }
      EXPECT_TRUE(bench_.collect().empty()) << "a segment was wrong";
      acknowledge();
    }
    client_.options.window = 0xffff;
    acknowledge();
    for (int i = 0; i < 100 && client_.received.size() < text_.size(); ++i) {
      bench_.pass(100ms);
    }
    EXPECT_TRUE(client_.received == text_);
    EXPECT_EQ(missing(bench_.headers), 0u);
  }

 private:
  size_t acknowledged() const {
    return std::min<size_t>(client_.acknowledged > first_ ? client_.acknowledged - first_ : 0, text_.size());
  }

  void acknowledge() {
    client_.snd_nxt = first_ + static_cast<uint32_t>(acknowledged());
    client_.acknowledge_now();
  }

  // From a little before what is expected, to a little after it: old, overlapping, in order or ahead.
  void lay_piece() {
    const size_t next = std::max(acknowledged(), laid_);
    size_t begin = next;
    if (random_() % 4 == 0) begin = acknowledged() - std::min<size_t>(acknowledged(), random_() % 1'000);
    if (random_() % 4 == 0) begin = std::min<size_t>(next + random_() % 1'000, text_.size());
    const size_t length = random_() % 3 == 0 ? 1 + random_() % 300 : 1 + random_() % 1'448;
    const size_t end = std::min<size_t>(begin + length, text_.size());
    if (begin <= next) laid_ = std::max(laid_, end);
    if (random_() % 8 == 0) laid_ = acknowledged();  // it goes back to what is missing
    client_.snd_nxt = first_ + static_cast<uint32_t>(begin);
    client_.lay(tcp::kAck | tcp::kPsh, std::string_view(text_).substr(begin, end - begin));
  }

  std::mt19937 random_;
  Bench bench_;
  Client client_;
  const std::string text_;
  tcp::Seq first_;  // of the text
  size_t laid_ = 0;
};

TEST(CarriedSums, HoldForEveryCutAndJoin) {
  for (uint32_t seed = 0; seed < 400 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Stream(seed).run();
  }
}

}  // namespace
}  // namespace tern::test
