// SPDX-License-Identifier: BSD-3-Clause
// One worker on a test's bench.
#include "stack/bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "stack/client.hpp"

namespace tern::test {

namespace dpdk = net::dpdk;

namespace {

// Names are the process's: each bench has its own.
std::string fresh_name() {
  static int count = 0;
  return "bench" + std::to_string(count++);
}

std::vector<stack::Attachment> attach(dpdk::Port& port, const BenchOptions& options) {
  stack::Attachment attachment;
  attachment.port = &port;
  attachment.interfaces = {{options.address, 24}};
  for (const net::Ipv4Address address : options.more_addresses)
    attachment.interfaces.push_back({address, 24});
  std::vector<stack::Attachment> attachments;
  attachments.push_back(std::move(attachment));
  return attachments;
}

}  // namespace

void Script::note(const char* name, const Call& call, stack::Socket& socket) {
  if (!calls.empty()) calls += ' ';
  calls += name;
  if (call) call(socket);
}

std::unique_ptr<Script> echo_script() {
  auto script = std::make_unique<Script>();
  const auto give_back = [](stack::Socket& socket) {
    while (socket.unread() != 0) {
      if (socket.send_room() == 0) return socket.want_room();
      net::Packet packet = socket.receive();
      socket.send(packet);
    }
    if (socket.at_end()) socket.close();
  };
  script->on_text = script->on_writable = script->on_ended = give_back;
  return script;
}

Bench::Bench(std::vector<stack::Binding> services, const BenchOptions& options)
    : name(fresh_name()),
      receive(name + "-receive", options.receive_buffers, 0, 2048),
      headers(name + "-headers", options.header_buffers, 0, 2048) {
  wire_ = std::make_unique<Wire>(name, options.wire);
  dpdk::PortOptions port;
  port.device = wire_->device();
  port.offload = options.offload;
  dpdk::FramePool* pools[] = {&receive};
  port_ = std::make_unique<dpdk::Port>(port, pools);
  stack::WorkerOptions worker;
  worker.name = name;
  worker.max_connections = options.max_connections;
  worker.max_orphans = options.max_orphans;
  worker.busy_connections = options.busy_connections;
  worker.receive_reserve = options.receive_reserve;
  worker.cookie_secret = {1};
  worker.table_secret = {2};
  worker.seat = options.seat;
  worker_ = std::make_unique<stack::Worker>(worker, attach(*port_, options), std::move(services), receive,
                                            headers, clock_);
}

Bench::~Bench() {
  worker_.reset();
  port_.reset();
  wire_.reset();
}

std::vector<SentFrame> Bench::collect() {
  std::vector<SentFrame> rest;
  for (SentFrame& frame : wire_->take()) {
    const auto is_client = [&](Client* client) { return client->accepts(frame); };
    if (std::ranges::none_of(clients_, is_client)) rest.push_back(std::move(frame));
  }
  return rest;
}

std::vector<Reply> Bench::replies() {
  poll();
  std::vector<Reply> all;
  for (const SentFrame& frame : collect()) {
    if (auto reply = read_reply(frame)) all.push_back(std::move(*reply));
  }
  return all;
}

void Bench::settle() {
  for (int quiet = 0; quiet < 3; ++quiet) {
    if (poll()) quiet = 0;
    const std::vector<SentFrame> rest = collect();
    EXPECT_TRUE(rest.empty()) << rest.size() << " frames for nobody";
    for (Client* client : clients_) {
      if (client->acknowledge()) quiet = 0;
    }
  }
}

void Bench::pass(net::Duration duration) {
  const net::Instant end = now + duration;
  settle();
  while (now < end) {
    now += std::min<net::Duration>(std::chrono::milliseconds(1), end - now);
    settle();
  }
}

uint64_t Bench::drops(net::Drop reason) const {
  return worker_->drops()[static_cast<size_t>(reason)].value();
}

uint64_t Bench::connections() const {
  uint64_t sum = 0;
  for (const net::Counter& gauge : worker_->connections_in()) sum += gauge.value();
  return sum;
}

void Bench::expect_clean(uint32_t kept) {
  EXPECT_EQ(connections(), 0u);
  EXPECT_EQ(missing(receive), kept) << "buffers of the receive pool were lost, or given back twice";
  EXPECT_EQ(missing(headers), 0u) << "buffers of the header pool were lost, or given back twice";
}

stack::Binding bound(std::unique_ptr<stack::Service> service, uint16_t port, const tcp::Config& config) {
  stack::Binding binding;
  binding.config = config;
  binding.listen = {{kOurAddress, port}};
  binding.service = std::move(service);
  return binding;
}

std::vector<stack::Binding> bindings(stack::Binding binding) {
  std::vector<stack::Binding> all;
  all.push_back(std::move(binding));
  return all;
}

}  // namespace tern::test
