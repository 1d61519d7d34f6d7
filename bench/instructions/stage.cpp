// SPDX-License-Identifier: BSD-3-Clause
// A worker whose every input is given.
#include "instructions/stage.hpp"

#include <valgrind/callgrind.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "tern/services/discard.hpp"
#include "tern/services/http.hpp"
#include "tern/services/proxy.hpp"
#include "tern/services/upstream.hpp"

namespace tern::bench {

namespace {

constexpr uint32_t kBuffers = 8191;
constexpr uint32_t kCache = 256;  // as the appliance has it
constexpr uint16_t kBufferBytes = 2048;
constexpr uint32_t kWire = 1023;

stack::WorkerOptions options() {
  stack::WorkerOptions options;
  options.name = "stage";
  options.max_connections = 16'384;
  options.idle = stack::IdleMode::kPoll;
  options.cookie_secret = {1};
  options.table_secret = {2};
  options.isn_secret = {3};
  return options;
}

std::vector<stack::Attachment> attach(net::dpdk::Port& port) {
  stack::Attachment attachment;
  attachment.port = &port;
  attachment.interfaces = {{kServer, 24}};
  return {attachment};
}

// Its answers are dated alike whenever they are played.
std::unique_ptr<stack::Service> http_service() {
  return std::make_unique<app::Http>(app::HttpConfig{}, options().max_connections,
                                     [] { return std::chrono::system_clock::time_point(); });
}

// Backends in turn, unchecked.
stack::Binding proxy() {
  constexpr net::Instant kBegin{};
  app::PoolConfig pool;
  pool.check = app::CheckKind::kNone;
  pool.balance.health.interval = net::Duration::zero();
  for (uint32_t i = 0; i < kBackends; ++i) {
    lb::BackendConfig& backend = pool.balance.backends.emplace_back();
    backend.name = std::to_string(i);
    backend.address = {kFirstBackend.value + i};
    backend.port = kHttpPort;
  }
  const auto upstream = std::make_shared<app::Upstream>(pool, 1, kBegin);
  auto service =
      std::make_unique<app::Proxy>(app::ProxyConfig{}, upstream, options().max_connections, 2, kBegin);
  stack::Binding binding{{}, {{kServer, kProxyPort}}, std::move(service)};
  binding.config.reuse_time_wait = true;  // as the appliance has it
  return binding;
}

std::vector<stack::Binding> bindings() {
  std::vector<stack::Binding> all;
  all.push_back({{}, {{kServer, kHttpPort}}, http_service()});
  all.push_back({{}, {{kServer, kDiscardPort}}, std::make_unique<app::Discard>()});
  all.push_back(proxy());
  return all;
}

}  // namespace

Stage::Stage()
    : receive_("receive", kBuffers, kCache, kBufferBytes),
      headers_("headers", kBuffers, kCache, kBufferBytes),
      wire_("stage", kWire) {
  net::dpdk::PortOptions port;
  port.device = wire_.device();
  net::dpdk::FramePool* pools[] = {&receive_};
  port_.emplace(port, pools);
  worker_.emplace(options(), attach(*port_), bindings(), receive_, headers_, clock_);
}

Stage::~Stage() {
  worker_.reset();
  port_.reset();
}

void Stage::lay(std::span<const uint8_t> frame) {
  if (wire_.inject(receive_, frame) == nullptr) throw std::runtime_error("no buffer is left to receive into");
}

void Stage::poll(net::Instant now) {
  CALLGRIND_TOGGLE_COLLECT;
  worker_->poll_once(now);
  CALLGRIND_TOGGLE_COLLECT;
}

uint64_t Stage::connections() const {
  uint64_t sum = 0;
  for (const net::Counter& gauge : worker_->connections_in()) sum += gauge.value();
  return sum;
}

void Stage::drain(net::Instant now) {
  constexpr int kMostSeconds = 120;
  for (int second = 0; second < kMostSeconds && connections() != 0; ++second) {
    now += std::chrono::seconds(1);
    poll(now);
    if (!take().empty()) throw std::runtime_error("a frame was sent after the last client had gone");
  }
  if (connections() != 0) throw std::runtime_error(std::to_string(connections()) + " connections stay");
  if (test::missing(receive_) + test::missing(headers_) != 0) throw std::runtime_error("buffers are missing");
}

}  // namespace tern::bench
