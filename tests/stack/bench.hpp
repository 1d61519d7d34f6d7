// SPDX-License-Identifier: BSD-3-Clause
// One worker on a test's bench: pools, a wire, a port and a worker that is polled by hand in virtual time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/dpdk/clock.hpp"
#include "net/dpdk/frame.hpp"
#include "net/dpdk/port.hpp"
#include "stack/peer.hpp"
#include "stack/wire.hpp"
#include "stack/worker.hpp"

namespace tern::test {

struct BenchOptions {
  uint32_t max_connections = 64;
  uint32_t busy_connections = 0;  // 0: all
  uint32_t max_orphans = 8192;
  uint32_t receive_buffers = 1024;
  uint32_t header_buffers = 512;
  uint32_t receive_reserve = 64;
  uint32_t wire = 1023;  // frames that it holds each way
  stack::SteeringSeat seat = {};
  bool offload = true;  // false: the port sends no frame of several buffers
  net::Ipv4Address address = kOurAddress;
  std::vector<net::Ipv4Address> more_addresses = {};  // in the same network
};

// A service made of a test's functions; the calls it got are written down: "opened text ended closed".
class Script : public stack::Service {
 public:
  using Call = std::function<void(stack::Socket&)>;
  Call on_opened, on_text, on_ended, on_writable, on_doubted, on_closed;
  std::string calls;
  tcp::CloseReason close_reason = tcp::CloseReason::kNone;

  void opened(stack::Socket& socket) override { note("opened", on_opened, socket); }
  void text(stack::Socket& socket) override { note("text", on_text, socket); }
  void ended(stack::Socket& socket) override { note("ended", on_ended, socket); }
  void writable(stack::Socket& socket) override { note("writable", on_writable, socket); }
  void doubted(stack::Socket& socket) override { note("doubted", on_doubted, socket); }
  void closed(stack::Socket& socket) override {
    close_reason = socket.close_reason();
    note("closed", on_closed, socket);
  }

 private:
  void note(const char* name, const Call& call, stack::Socket& socket);
};

// Sends back what comes, and closes when the peer has.
std::unique_ptr<Script> echo_script();

class Client;

class Bench {
 public:
  explicit Bench(std::vector<stack::Binding> bindings, const BenchOptions& options = {});
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  net::MacAddress mac() const { return port_->mac(); }
  // Lays a frame before the port; returns its buffer.
  const void* inject(std::span<const uint8_t> frame) { return wire_->inject(receive, frame); }
  Wire& wire() { return *wire_; }
  stack::Worker& worker() { return *worker_; }
  net::dpdk::Port& port() { return *port_; }

  // One round, now.
  bool poll() { return worker_->poll_once(now); }
  // What was sent since: a client's segments go to the client, and the rest is returned.
  std::vector<SentFrame> collect();
  // poll() and collect(), for the segments sent when no client is at the bench.
  std::vector<Reply> replies();
  // Rounds until nobody has anything to say, clients acknowledging what they got.
  void settle();
  // The same for a span of virtual time, in steps of a millisecond.
  void pass(net::Duration duration);

  uint64_t drops(net::Drop reason) const;
  const tcp::Counters& tcp() const { return worker_->tcp_counters(); }
  const stack::Counters& counters() const { return worker_->counters(); }
  uint64_t connections() const;  // in whatever state

  // The worker is gone, with what it holds; no further round.
  void end_worker() { worker_.reset(); }

  // Every buffer is back in its pool and no connection is left. kept: of the receive pool, what is on
  // purpose.
  void expect_clean(uint32_t kept = 0);

  net::Instant now{std::chrono::nanoseconds(std::chrono::seconds(10)).count()};
  const std::string name;  // of the worker, and of its memory; no other bench's
  net::dpdk::FramePool receive;
  net::dpdk::FramePool headers;

 private:
  friend class Client;
  net::dpdk::Clock clock_;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<net::dpdk::Port> port_;
  std::unique_ptr<stack::Worker> worker_;
  std::vector<Client*> clients_;
};

// One service on one port of ours.
stack::Binding bound(std::unique_ptr<stack::Service> service, uint16_t port, const tcp::Config& config = {});
std::vector<stack::Binding> bindings(stack::Binding binding);

}  // namespace tern::test
