// SPDX-License-Identifier: BSD-3-Clause
// The receive buffer follows what the user takes in a round trip: RFC 9293 section 3.8.6.2.2, RFC 7323
// section 2.
#include <utility>

#include "support/heap_packet.hpp"
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

constexpr uint32_t kInitial = 20'000;
constexpr uint32_t kMost = 200'000;

class ReceiveTuning : public LadderTest {
 protected:
  Start start() const {
    Start start = LadderTest::start();
    start.config.receive_buffer = kMost;
    start.config.receive_buffer_initial = kInitial;
    start.config.window_scale = 7;
    start.peer_scale = 0;
    return start;
  }
};

// A peer that sends all that the window allows, once in a round trip, in segments of 1000 bytes.
struct Uploader {
  Ladder& l;
  uint32_t next = 1;
  Duration trip = 100ms;

  // One window, read at once or not; returns its size.
  uint32_t send_window(bool read = true) {
    const uint32_t window = l.tcb().rcv.wnd / 1000 * 1000;
    for (uint32_t sent = 0; sent < window; sent += 1000) {
      l.in(seq(next), ack(1), text(1000));
      next += 1000;
      if (read) l.read();
    }
    l.after(trip).ignore_output();
    return window;
  }
};

TEST_P(ReceiveTuning, WindowDoublesWithEachRoundTripUpToTheLargest) {
  Ladder l(start());
  Uploader peer{l};
  EXPECT_EQ(l.tcb().rcv.wnd, kInitial);
  uint32_t before = 0;
  for (int trips = 0; trips < 12 && before != kMost / 1000 * 1000; ++trips) {
    const uint32_t window = peer.send_window();
    EXPECT_GE(window + 1000, before);
    before = window;
  }
  EXPECT_GE(l.connection().receive_buffer(l.core()), kMost - 1000);
  EXPECT_LE(l.connection().receive_buffer(l.core()), kMost);
  EXPECT_GE(l.counters().receive_buffers_grown.value(), 2u);
  EXPECT_EQ(l.core().tuned_bytes, l.connection().receive_buffer(l.core()) - kInitial);
}

TEST_P(ReceiveTuning, WindowOfAUserThatDoesNotReadStays) {
  Ladder l(start());
  Uploader peer{l};
  peer.send_window(false);
  for (int i = 0; i < 5; ++i) peer.send_window(false);
  EXPECT_EQ(l.connection().receive_buffer(l.core()), kInitial);
  EXPECT_EQ(l.tcb().unread, kInitial);
}

TEST_P(ReceiveTuning, WindowOfAConnectionThatBringsLittleStaysAndCostsNoSlot) {
  Ladder l(start());
  uint32_t next = 1;
  for (int i = 0; i < 9; ++i) {
    l.after(100ms).in(seq(next), ack(1), text(1000)).ignore_output();
    l.read();
    next += 1000;
  }
  l.ignore_output();
  EXPECT_EQ(l.connection().receive_buffer(l.core()), kInitial);
  EXPECT_EQ(l.core().extras.in_use(), 0u);
}

// Where nothing of ours has measured the round trip, what a window takes to come stands for it, which for a
// slow peer is too long: it costs one step.
TEST_P(ReceiveTuning, SlowStreamHardlyGrowsIt) {
  for (const bool known : {true, false}) {
    Ladder l(start());
    if (known) l.tcb().srtt_us = 100'000;
    for (uint32_t next = 1; next < 200'000; next += 2000) {  // two segments per round trip
      l.in(seq(next), ack(1), text(1000)).in(seq(next + 1000), ack(1), text(1000));
      l.read();
      l.after(100ms).ignore_output();
    }
    EXPECT_LE(l.connection().receive_buffer(l.core()), known ? kInitial + 8000 : 3 * kInitial);
  }
}

TEST_P(ReceiveTuning, ARoundTripThatBringsNoMoreThanTheMostSoFarGrowsNothing) {
  Start s = start();
  s.config.receive_buffer = 1'000'000;
  Ladder l(s);
  l.tcb().srtt_us = 100'000;
  uint32_t next = 1;
  const auto trip = [&](int segments) {
    for (int i = 0; i < segments; ++i, next += 1000) l.in(seq(next), ack(1), text(1000)).read();
    l.after(100ms).ignore_output();
  };
  for (int i = 0; i < 4; ++i) trip(12);
  const uint32_t grown = l.connection().receive_buffer(l.core());
  EXPECT_GT(grown, kInitial);
  EXPECT_LT(grown, s.config.receive_buffer);
  for (const int segments : {4, 8, 2, 12}) trip(segments);
  EXPECT_EQ(l.connection().receive_buffer(l.core()), grown);
}

// The user leaves a dozen segments unread at any time, and takes the rest as it comes.
TEST_P(ReceiveTuning, NothingGrowsWhileHalfOfTheBuffersAreHeld) {
  for (const uint64_t limit : {24u, 1000u}) {
    Start s = start();
    s.limits.held_packets = limit;
    Ladder l(s);
    uint32_t next = 1;
    for (; next < 12'000; next += 1000) l.in(seq(next), ack(1), text(1000)).ignore_output();
    for (int trips = 0; trips < 6; ++trips) {
      for (int i = 0; i < 8; ++i, next += 1000) {
        l.in(seq(next), ack(1), text(1000));
        l.read(1);
      }
      l.after(100ms).ignore_output();
    }
    if (limit == 24) {
      EXPECT_EQ(l.connection().receive_buffer(l.core()), kInitial);
      EXPECT_GT(l.counters().receive_growth_refused.value(), 0u);
    } else {
      EXPECT_GT(l.connection().receive_buffer(l.core()), kInitial);
    }
  }
}

TEST_P(ReceiveTuning, GrowthOfACoreIsBounded) {
  Start s = start();
  s.limits.tuned_bytes = 15'000;
  Ladder l(s);
  Uploader peer{l};
  for (int i = 0; i < 8; ++i) peer.send_window();
  EXPECT_EQ(l.connection().receive_buffer(l.core()), kInitial + 15'000);
  EXPECT_EQ(l.core().tuned_bytes, 15'000u);
  EXPECT_GT(l.counters().receive_growth_refused.value(), 0u);
}

TEST_P(ReceiveTuning, BufferThatTheUserChoseIsFixed) {
  Ladder l(start());
  Uploader peer{l};
  peer.send_window();
  l.burst([&] { l.connection().set_option(Option::kReceiveBuffer, 30'000, l.core()); });
  l.ignore_output();
  for (int i = 0; i < 6; ++i) peer.send_window();
  EXPECT_EQ(l.connection().receive_buffer(l.core()), 30'000u);
  EXPECT_EQ(l.core().tuned_bytes, 0u);
}

TERN_LADDERS(ReceiveTuning);

TEST(ReceiveTuningOfMany, ThousandIdleConnectionsKeepTheirSmallWindows) {
  const Config config;
  std::vector<Connection> connections(1000);
  Core core(connections, std::span(&config, 1), CoreLimits{}, net::Instant{});
  for (Connection& connection : connections) {
    Agreement agreement;
    agreement.iss = Seq{100};
    agreement.irs = Seq{200};
    agreement.peer_window_scale = 7;
    connection.open_passive(agreement, core);
  }
  for (int round = 0; round < 50; ++round) {
    core.set_now(core.now + 100ms);
    for (Connection& connection : connections) {
      Segment request;  // a small one now and then
      request.seq = connection.tcb.rcv.nxt;
      request.ack = connection.tcb.snd.nxt;
      request.flags = kAck | kPsh;
      request.wnd = 1000;
      request.length = 200;
      connection.on_segment(request, make_packet(std::vector<uint8_t>(200)), core);
      while (connection.receive(core)) continue;
    }
    for (const uint32_t index : std::exchange(core.ready, {})) {
      connections[index].emit(core);
      core.outbox.clear();
    }
    core.released.clear();
  }
  for (Connection& connection : connections) {
    ASSERT_LE(connection.tcb.rcv.wnd, config.receive_buffer_initial);
    connection.release(core);
  }
  EXPECT_EQ(core.tuned_bytes, 0u);
  EXPECT_EQ(core.counters.receive_buffers_grown.value(), 0u);
  EXPECT_EQ(core.extras.in_use(), 0u);
}

}  // namespace
}  // namespace tern::test
