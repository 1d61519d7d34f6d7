// SPDX-License-Identifier: BSD-3-Clause
// A worker that holds 10^3 to 10^7 established connections: what one takes in memory, at what rate they
// open, and at what rate a random hundredth of them ask and are answered. Only the worker's rounds are timed.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <optional>
#include <random>

#include "instructions/peer.hpp"
#include "net/dpdk/clock.hpp"
#include "net/dpdk/port.hpp"
#include "stack/wire.hpp"
#include "stack/worker.hpp"
#include "tern/services/services.hpp"

namespace tern::bench {
namespace {

constexpr net::Ipv4Address kServer{0xc0000202};
constexpr uint16_t kEchoPort = 7;
constexpr uint32_t kBurst = 32;
constexpr uint32_t kBuffers = 8191;
constexpr net::Duration kRound = std::chrono::microseconds(100);

// Bytes of the process's own memory, EAL's apart.
uint64_t resident() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm").ignore(64, ' ') >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class Crowd {
 public:
  explicit Crowd(uint32_t count)
      : count_(count),
        receive_("crowd_receive", kBuffers, 256, 2048),
        headers_("crowd_headers", kBuffers, 256, 2048),
        wire_("crowd", 1023) {
    net::dpdk::PortOptions port;
    port.device = wire_.device();
    net::dpdk::FramePool* pools[] = {&receive_};
    port_.emplace(port, pools);
    peers_.reserve(count);
    for (uint32_t n = 0; n < count; ++n) peers_.emplace_back(port_->mac(), tuple(n), tcp::Seq{n * 7919});
    const uint64_t before = test::eal_memory_in_use() + resident();
    start_worker();
    open();
    bytes_each = static_cast<double>(test::eal_memory_in_use() + resident() - before) / count;
  }
  ~Crowd() {
    worker_.reset();
    port_.reset();
  }

  // So many of them, one in a hundred but at least two bursts, ask in turn; seconds that the worker took.
  double ask() {
    for (const uint32_t n : answered_) lay(peers_[n].segment(tcp::kAck, {}, now_));
    answered_.clear();
    const uint32_t chosen = std::max(count_ / 100, 2 * kBurst);
    for (uint32_t i = 0; i < kBurst; ++i) {
      const uint32_t n = crowd_[(asked_ + i) % chosen];
      lay(peers_[n].segment(tcp::kAck | tcp::kPsh, kQuestion, now_));
      answered_.push_back(n);
    }
    asked_ = (asked_ + kBurst) % chosen;
    const double took = round();
    if (answers_ != kBurst) throw std::runtime_error("a question was not answered");
    return took;
  }
  uint64_t woken() const { return worker_->tcp_counters().connections_woken.value(); }

  double bytes_each = 0;
  double seconds_each = 0;  // to open one

 private:
  static constexpr std::string_view kQuestion =
      "GET /index.html HTTP/1.1\r\nHost: 192.0.2.2\r\nAccept: text/html\r\nUser-Agent: bench/1.0 "
      "crowd\r\n\r\n";

  static net::FourTuple tuple(uint32_t n) {
    return {kServer, {0xc6120000 + n / 50'000}, kEchoPort, static_cast<uint16_t>(1024 + n % 50'000)};
  }

  void start_worker() {
    stack::WorkerOptions options;
    options.name = "crowd";
    options.max_connections = std::max(count_, 1024u);
    options.max_time_waits = 1024;
    options.idle = stack::IdleMode::kPoll;
    options.cookie_secret = {1};
    options.table_secret = {2};
    stack::Attachment attachment;
    attachment.port = &*port_;
    attachment.interfaces = {{kServer, 24}};
    std::vector<stack::Binding> bindings;
    app::ServiceConfig echo;
    echo.kind = app::ServiceKind::kEcho;
    bindings.push_back({{}, {{kServer, kEchoPort}}, app::make_service(echo, options.max_connections)});
    worker_.emplace(std::move(options), std::vector{attachment}, std::move(bindings), receive_, headers_,
                    clock_);
  }

  void open() {
    double took = 0;
    for (uint32_t first = 0; first < count_; first += kBurst) {
      const uint32_t last = std::min(first + kBurst, count_);
      for (uint32_t n = first; n < last; ++n) lay(peers_[n].syn(now_));
      took += round();
      for (uint32_t n = first; n < last; ++n) lay(peers_[n].segment(tcp::kAck, {}, now_));
      took += round();
    }
    seconds_each = took / count_;
    if (worker_->connections_in()[static_cast<size_t>(tcp::State::kEstablished)].value() != count_)
      throw std::runtime_error("not all connections are established");
    crowd_.resize(count_);
    for (uint32_t n = 0; n < count_; ++n) crowd_[n] = n;
    std::shuffle(crowd_.begin(), crowd_.end(), std::minstd_rand(1));
  }

  void lay(const Bytes& frame) {
    if (wire_.inject(receive_, frame) == nullptr) throw std::runtime_error("no buffer is left");
  }

  // One round of the worker's, and what it sent to its peers.
  double round() {
    now_ += kRound;
    const auto began = std::chrono::steady_clock::now();
    worker_->poll_once(now_);
    const auto took = std::chrono::steady_clock::now() - began;
    answers_ = 0;
    for (const test::SentFrame& sent : wire_.take()) {
      const Reply reply = read_reply(sent.bytes);
      if (reply.text == kQuestion) ++answers_;
      peers_[(reply.tuple.remote.value - 0xc6120000) * 50'000 + reply.tuple.remote_port - 1024].hear(reply);
    }
    return std::chrono::duration<double>(took).count();
  }

  uint32_t count_;
  net::dpdk::FramePool receive_;
  net::dpdk::FramePool headers_;
  test::Wire wire_;
  net::dpdk::Clock clock_;
  std::optional<net::dpdk::Port> port_;
  std::vector<Peer> peers_;
  std::vector<uint32_t> crowd_;  // shuffled
  std::vector<uint32_t> answered_;
  std::optional<stack::Worker> worker_;
  net::Instant now_{10'000'000'000};
  uint32_t asked_ = 0;
  uint32_t answers_ = 0;
};

void concurrent(benchmark::State& state) try {
  Crowd crowd(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) state.SetIterationTime(crowd.ask());
  const auto questions = state.iterations() * kBurst;
  state.SetItemsProcessed(questions);
  state.counters["bytes"] = crowd.bytes_each;
  state.counters["opens/s"] = 1 / crowd.seconds_each;
  state.counters["woken"] = static_cast<double>(crowd.woken()) / static_cast<double>(questions);
} catch (const std::exception& failure) {
  state.SkipWithError(failure.what());
}

// Thirty times round the hundredth of the largest.
BENCHMARK(concurrent)->RangeMultiplier(10)->Range(1'000, 10'000'000)->Iterations(100'000)->UseManualTime();

}  // namespace
}  // namespace tern::bench
