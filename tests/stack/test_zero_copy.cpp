// SPDX-License-Identifier: BSD-3-Clause
// Which way text leaves: in the buffer it came in, by reference, or copied; each is counted, in bytes, and
// every way carries the same bytes.
#include <gtest/gtest.h>

#include "stack/bench.hpp"
#include "stack/client.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

std::string pattern(size_t length) {
  std::string text(length, '\0');
  for (size_t i = 0; i < length; ++i) text[i] = static_cast<char>(i * 31 + i / 256);
  return text;
}

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// Sends these slices of a block when the connection opens.
struct Slice {
  uint32_t offset, length;
};
std::unique_ptr<Script> sender(net::dpdk::StaticPayload& block, std::vector<Slice> slices) {
  auto script = std::make_unique<Script>();
  script->on_opened = [&block, slices = std::move(slices)](stack::Socket& socket) {
    for (const Slice& slice : slices) {
      net::Packet packet = socket.slice(block, slice.offset, slice.length);
      socket.send(packet);
    }
  };
  return script;
}

struct Ways {
  uint64_t in_place, attached, copied;
  friend bool operator==(const Ways&, const Ways&) = default;
};
void PrintTo(const Ways& ways, std::ostream* out) {
  *out << ways.in_place << " in place, " << ways.attached << " attached, " << ways.copied << " copied";
}
Ways ways(const Bench& bench) {
  return {bench.counters().text_in_place.value(), bench.counters().text_attached.value(),
          bench.counters().text_copied.value()};
}

class ZeroCopy : public testing::TestWithParam<bool> {};

TEST_P(ZeroCopy, EchoLeavesInTheBufferItCameIn) {
  Bench bench(bindings(bound(echo_script(), 7)), {.offload = GetParam()});
  Client client(bench, {});
  client.connect();
  const std::string text = pattern(257);
  const void* buffer = bench.inject(client.frame(tcp::kAck | tcp::kPsh, text));
  client.snd_nxt += 257;
  bench.poll();
  EXPECT_EQ(missing(bench.headers), 0u);
  bench.collect();
  EXPECT_EQ(client.received, text);
  EXPECT_EQ(client.last->frame.buffer, buffer);
  EXPECT_EQ(ways(bench), (Ways{257, 0, 0}));
  bench.settle();
  EXPECT_EQ(missing(bench.receive), 0u);
}

TEST_P(ZeroCopy, SmallEchoLeavesSoToo) {
  Bench bench(bindings(bound(echo_script(), 7)), {.offload = GetParam()});
  Client client(bench, {});
  client.connect();
  client.send(pattern(256));
  bench.settle();
  EXPECT_EQ(client.received, pattern(256));
  EXPECT_EQ(ways(bench), (Ways{256, 0, 0}));
  EXPECT_EQ(missing(bench.receive), 0u);
}

INSTANTIATE_TEST_SUITE_P(Offload, ZeroCopy, testing::Bool());

TEST(ZeroCopyOf, StaticContentIsReferredTo) {
  const std::string text = pattern(5'000);
  net::dpdk::StaticPayload block(bytes_of(text));
  Bench bench(bindings(bound(sender(block, {{0, 5'000}}), 7)));
  Client client(bench, {});
  client.connect();
  EXPECT_EQ(missing(bench.receive), 1u);  // the one slice, whatever it takes to send it
  bench.settle();
  EXPECT_EQ(client.received, text);
  EXPECT_EQ(ways(bench), (Ways{0, 5'000, 0}));
  EXPECT_EQ(client.last->frame.buffers, 2u);
  EXPECT_EQ(missing(bench.receive), 0u);
  EXPECT_EQ(missing(bench.headers), 0u);
}

TEST(ZeroCopyOf, SegmentOverSeveralPacketsRefersToEach) {
  const std::string text = pattern(1'000);
  net::dpdk::StaticPayload block(bytes_of(text));
  Bench bench(bindings(bound(sender(block, {{0, 333}, {333, 333}, {666, 334}}), 7)));
  Client client(bench, {});
  client.connect();
  bench.settle();
  EXPECT_EQ(client.received, text);
  EXPECT_EQ(ways(bench), (Ways{0, 1'000, 0}));
  EXPECT_EQ(client.segments, 2u);  // with the SYN-ACK
  EXPECT_EQ(client.last->frame.buffers, 4u);
}

TEST(ZeroCopyOf, SmallSegmentOverSeveralPacketsIsCopiedFromEach) {
  const std::string text = pattern(200);
  net::dpdk::StaticPayload block(bytes_of(text));
  Bench bench(bindings(bound(sender(block, {{0, 67}, {67, 1}, {68, 132}}), 7)));
  Client client(bench, {});
  client.connect();
  bench.settle();
  EXPECT_EQ(client.received, text);
  EXPECT_EQ(ways(bench), (Ways{0, 0, 200}));
  EXPECT_EQ(client.last->frame.buffers, 1u);
}

TEST(ZeroCopyOf, PortWithoutSeveralBuffersAFrameGetsCopies) {
  const std::string text = pattern(5'000);
  net::dpdk::StaticPayload block(bytes_of(text));
  Bench bench(bindings(bound(sender(block, {{0, 1'001}, {1'001, 3'999}}), 7)), {.offload = false});
  Client client(bench, {});
  client.connect();
  bench.settle();
  EXPECT_EQ(client.received, text);
  EXPECT_EQ(ways(bench), (Ways{0, 0, 5'000}));
  EXPECT_EQ(client.last->frame.buffers, 1u);
  EXPECT_EQ(missing(bench.headers), 0u);
}

TEST(ZeroCopyOf, PacketLargerThanASegmentBeginsInPlaceAndGoesOnByReference) {
  auto script = std::make_unique<Script>();
  script->on_opened = [](stack::Socket& socket) {
    net::Packet packet = socket.allocate();
    const std::string text = pattern(2'000);
    packet.append(reinterpret_cast<const uint8_t*>(text.data()), 2'000);
    socket.send(packet);
  };
  Bench bench(bindings(bound(std::move(script), 7)));
  Client client(bench, {});
  client.connect();
  bench.settle();
  EXPECT_EQ(client.received, pattern(2'000));
  EXPECT_EQ(ways(bench), (Ways{1'448, 552, 0}));
  EXPECT_EQ(missing(bench.receive), 0u);
}

TEST(ZeroCopyOf, RetransmissionLeavesAloneWhatTheDeviceStillHas) {
  Bench bench(bindings(bound(echo_script(), 7)));
  Client client(bench, {});
  client.connect();
  client.send(pattern(1'000));
  bench.poll();
  EXPECT_EQ(ways(bench), (Ways{1'000, 0, 0}));
  bench.now += 2s;  // and the frame still lies in the device
  bench.poll();
  EXPECT_EQ(ways(bench), (Ways{1'000, 1'000, 0}));
  const auto frames = bench.wire().take();
  ASSERT_EQ(frames.size(), 2u);
  for (const SentFrame& frame : frames) EXPECT_TRUE(client.accepts(frame));
  EXPECT_EQ(client.received, pattern(1'000));
  client.acknowledge();
  bench.settle();
  EXPECT_EQ(missing(bench.receive), 0u);
  EXPECT_EQ(missing(bench.headers), 0u);
}

TEST(ZeroCopyOf, RetransmissionIsInPlaceAgainOnceTheDeviceLetGo) {
  Bench bench(bindings(bound(echo_script(), 7)));
  Client client(bench, {});
  client.connect();
  client.send(pattern(1'000));
  bench.poll();
  bench.wire().take();
  bench.now += 2s;
  bench.poll();
  EXPECT_EQ(ways(bench), (Ways{2'000, 0, 0}));
  bench.settle();
  EXPECT_EQ(client.received, pattern(1'000));
}

}  // namespace
}  // namespace tern::test
