// SPDX-License-Identifier: BSD-3-Clause
// ternload's traffic and a server, in virtual time.
#include "two_sides.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/arp.hpp"
#include "net/byte_order.hpp"

namespace tern::test {

using namespace std::chrono_literals;

namespace {
constexpr uint32_t kSlots = 256;
constexpr std::string_view kEnd = "\r\n\r\n";
}  // namespace

load::Options load_options(load::Mode mode, uint32_t connections, load::Protocol protocol) {
  load::Options options;
  options.mode = mode;
  options.target.protocol = protocol;
  options.target.address = kPeerAddress;
  options.address = {kOurAddress, 24};
  options.connections = options.in_flight = connections;
  if (protocol == load::Protocol::kRaw) options.closing = load::Closing::kClient;
  return options;
}

void send_text(stack::Socket& socket, std::string_view text) {
  while (!text.empty()) {
    net::Packet packet = socket.allocate();
    ASSERT_TRUE(packet);
    const auto length = static_cast<uint32_t>(std::min<size_t>(packet.tailroom(), text.size()));
    packet.append(reinterpret_cast<const uint8_t*>(text.data()), length);
    ASSERT_TRUE(socket.send(packet));
    text.remove_prefix(length);
  }
}

void Web::text(stack::Socket& socket) {
  std::string& text = partial_[socket.index()];
  while (socket.unread() != 0) {
    const auto front = socket.front();
    text.append(reinterpret_cast<const char*>(front.data()), front.size());
    socket.skip(static_cast<uint32_t>(front.size()));
  }
  for (size_t end = text.find(kEnd); end != text.npos; end = text.find(kEnd)) {
    requests.push_back(text.substr(0, end + 2));
    waiting[socket.index()].push_back(requests.back());
    text.erase(0, end + kEnd.size());
  }
  answer(socket);
}

void Web::answer(stack::Socket& socket) {
  std::vector<std::string>& queue = waiting[socket.index()];
  while (!queue.empty()) {
    const std::string response = answer_(queue.front());
    if (response.empty()) return;
    send_text(socket, response);
    const bool last = queue.front().find("Connection: close") != std::string::npos;
    queue.erase(queue.begin());
    if (last) return socket.close();
  }
}

void Web::closed(stack::Socket& socket) {
  ++closes[socket.close_reason()];
  waiting.erase(socket.index());
  partial_.erase(socket.index());
}

std::string page(const std::string& request, std::string_view body) {
  const bool last = request.find("Connection: close") != std::string::npos;
  std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (last) text += "Connection: close\r\n";
  return text.append("\r\n").append(body);
}

TwoSides::TwoSides(const load::Options& options, std::unique_ptr<stack::Service> server) {
  auto made = load::make_traffic(options, kSlots, 1, tally);
  traffic = made.get();
  stack::Binding active;
  active.config.nagle = false;
  active.config.reuse_time_wait = true;
  active.service = std::move(made);
  BenchOptions bench;
  bench.max_connections = kSlots;
  bench.receive_buffers = 4096;
  ours = std::make_unique<Bench>(bindings(std::move(active)), bench);
  bench.address = kPeerAddress;
  stack::Binding passive;
  passive.listen = {{kPeerAddress, 80}};
  passive.service = std::move(server);
  theirs = std::make_unique<Bench>(bindings(std::move(passive)), bench);
  ours->poll();  // a worker's time is that of its last round
  theirs->poll();
}

TwoSides::~TwoSides() {
  ours->end_worker();
  theirs->end_worker();
}

namespace {
// The rings' ports have no addresses of their own, so a station between them speaks for both.
void answer_arp(Bench& asking, std::span<const uint8_t> frame) {
  net::ArpPacket request;
  if (net::parse_arp(frame.subspan(14), request) != net::Drop::kNone) return;
  Bytes answer(net::kArpFrameLength);
  net::write_arp_reply(net::ArpFrame(answer), kPeerMac, request);
  asking.inject(answer);
}
}  // namespace

void TwoSides::carry(Bench& from, Bench& to) {
  for (const SentFrame& frame : from.collect()) {
    if (cut) continue;
    ++carried;
    Bytes bytes = frame.bytes;
    if (net::load_be16(&bytes[12]) == net::kEtherTypeArp) {
      answer_arp(from, bytes);
      continue;
    }
    std::ranges::copy(to.mac().bytes, bytes.begin());
    std::ranges::copy(kPeerMac.bytes, bytes.begin() + 6);
    EXPECT_NE(to.inject(bytes), nullptr);
  }
}

void TwoSides::pass(net::Duration time, net::Duration round) {
  const net::Instant end = ours->now + time;
  while (ours->now < end) {
    theirs->now = ours->now = ours->now + round;
    traffic->before_round(ours->worker(), ours->now);
    ours->poll();
    carry(*ours, *theirs);
    theirs->poll();
    carry(*theirs, *ours);
  }
}

void TwoSides::finish() {
  for (int i = 0; i < 10'000 && !traffic->done(); ++i) pass(1ms, 1ms);
  EXPECT_TRUE(traffic->done());
  EXPECT_EQ(tally.connections.value(), 0u);
  EXPECT_EQ(tally.in_flight.value(), 0u);
}

}  // namespace tern::test
