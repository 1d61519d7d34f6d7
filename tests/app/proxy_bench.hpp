// SPDX-License-Identifier: BSD-3-Clause
// A proxy and its pool's checks on a worker of their own, clients and servers played by hand in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "net/arp.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"
#include "tern/services/health_checks.hpp"
#include "tern/services/proxy.hpp"

namespace tern::test {

using namespace std::chrono_literals;

inline constexpr net::Instant kStart{std::chrono::nanoseconds(10s).count()};  // the bench's
constexpr net::Ipv4Address backend_address(uint32_t number) { return {0xc000020bu + number}; }

class ProxyService : public testing::Test {
 protected:
  static constexpr uint16_t kSessions = 16;  // at once, spare connections included
  app::PoolConfig pool;
  app::ProxyConfig config;
  tcp::Config tcp;
  BenchOptions options;
  std::shared_ptr<app::Upstream> upstream;
  app::Proxy* proxy = nullptr;
  std::unique_ptr<Bench> bench;
  std::vector<Reply> syns;  // to backends, unanswered

  void backends(uint32_t count) {
    pool.check = app::CheckKind::kNone;
    for (uint32_t i = 0; i < count; ++i)
      pool.balance.backends.push_back({"b" + std::to_string(i), backend_address(i), 8080, 1, 0, false});
  }
  void start(std::unique_ptr<stack::Service> beside = nullptr) {
    if (pool.check == app::CheckKind::kNone) pool.balance.health.interval = 0s;
    upstream = std::make_shared<app::Upstream>(pool, 7, kStart);
    auto made = std::make_unique<app::Proxy>(config, upstream, kSessions, 7, kStart);
    proxy = made.get();
    auto all = bindings(bound(std::move(made), 80, tcp));
    all.push_back({tcp, {}, std::make_unique<app::HealthChecks>(upstream)});
    if (beside != nullptr) all.push_back({tcp, {{kOurAddress, 9}}, std::move(beside)});
    bench = std::make_unique<Bench>(std::move(all), options);
  }
  // The connections that are left are reset.
  void TearDown() override {
    if (bench) bench->end_worker();
  }

  // Rounds until nothing more comes; ARP is answered, SYNs to backends are kept.
  void settle() {
    for (int quiet = 0; quiet < 3; ++quiet) {
      if (bench->poll()) quiet = 0;
      for (const SentFrame& frame : bench->collect()) {
        quiet = 0;
        if (auto reply = read_reply(frame)) {
          if (reply->seg.has(tcp::kSyn)) syns.push_back(std::move(*reply));
        } else {
          answer_arp(frame);
        }
      }
      for (Client* client : {front.get(), back.get()}) {
        if (client != nullptr && client->acknowledge()) quiet = 0;
      }
    }
  }
  void pass(net::Duration time) {
    const net::Instant end = bench->now + time;
    for (settle(); bench->now < end; settle()) bench->now += 1ms;
  }
  void answer_arp(const SentFrame& frame) {
    constexpr size_t kTargetAt = 38;
    const Bytes& asked = frame.bytes;
    if (asked.size() < net::kArpFrameLength || asked[12] != 8 || asked[13] != 6) return;
    net::ArpPacket request;
    request.sender = kOurAddress;
    request.sender_mac = bench->mac();
    request.target = {net::load_be32(&asked[kTargetAt])};
    Bytes answer(net::kArpFrameLength);
    net::write_arp_reply(net::ArpFrame(answer), kPeerMac, request);
    bench->inject(answer);
  }

  std::unique_ptr<Client> front, back;
  void client_connects(uint16_t port = 40'000) {
    front = std::make_unique<Client>(*bench, ClientOptions{.port = port, .service = 80});
    front->syn();
    settle();
    ASSERT_TRUE(front->connected);
    front->third();
    settle();
  }
  // The oldest SYN is answered; back is the server then.
  void server_answers() {
    server_lays_answer();
    settle();
  }
  void server_lays_answer() {
    ASSERT_FALSE(syns.empty());
    const Reply syn = std::move(syns.front());
    syns.erase(syns.begin());
    ClientOptions answer{.port = syn.tuple.remote_port, .service = syn.tuple.local_port};
    answer.address = syn.tuple.remote;
    answer.iss = tcp::Seq{77'000};
    back = std::make_unique<Client>(*bench, answer);
    back->rcv_nxt = syn.seg.seq + 1;
    back->lay(tcp::kSyn | tcp::kAck, {});
    back->snd_nxt = answer.iss + 1;
    back->connected = true;
  }
  void server_refuses() {
    ASSERT_FALSE(syns.empty());
    const Reply syn = std::move(syns.front());
    syns.erase(syns.begin());
    tcp::SegmentHeader header;
    header.ack = syn.seg.seq + 1;
    header.flags = tcp::kRst | tcp::kAck;
    bench->inject(tcp_frame(bench->mac(), kPeerMac, syn.tuple, header));
    settle();
  }
  void join() {
    start();
    client_connects();
    server_answers();
  }
  uint64_t open_to(size_t backend) const { return upstream->pool.backends()[backend].connections.value(); }
};

}  // namespace tern::test
