// SPDX-License-Identifier: BSD-3-Clause
// The proxy service: each client's connection is joined with one to a backend of a pool. Text moves from
// one's receive queue to the other's send queue in the buffers it came in; a side that reads slowly closes
// the other's window; FIN and RST are passed on as what they are.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "lb/limits.hpp"
#include "lb/proxy_header.hpp"
#include "stack/service.hpp"
#include "tcp/timer_wheel.hpp"
#include "tern/config.hpp"
#include "tern/services/proxy_counters.hpp"
#include "tern/services/proxy_sessions.hpp"
#include "tern/services/upstream.hpp"

namespace tern::app {

class Proxy : public stack::Service {
 public:
  // sessions: the most at once; seed: random, and another for each worker.
  Proxy(const ProxyConfig& config, std::shared_ptr<Upstream> upstream, uint32_t sessions, uint64_t seed,
        net::Instant now);

  void attach(stack::Stack& stack) override;
  stack::Admission admits(const net::FourTuple& tuple) override;
  void opened(stack::Socket& socket) override;
  void text(stack::Socket& socket) override;
  void ended(stack::Socket& socket) override;
  void writable(stack::Socket& socket) override;
  void closed(stack::Socket& socket) override;
  void due() override;

  // From any thread: when a drain is over, and the clients that are left are reset.
  void end_drain_at(net::Instant when) { drain_ends_.store(when, std::memory_order_relaxed); }
  // For other threads to read.
  const ProxyCounters& counters() const { return counters_; }
  const lb::LimitCounters& limit_counters() const { return limits_.counters(); }

 private:
  // A connection's word: which session's it is, and which side. 0 is a client that is new or was refused.
  static uint64_t word_of(uint32_t session, Side side) {
    return (uint64_t{session} + 1) << 1 | static_cast<uint64_t>(side);
  }
  static uint32_t session_of(uint64_t word) { return static_cast<uint32_t>((word >> 1) - 1); }
  static Side side_of(uint64_t word) { return static_cast<Side>(word & 1); }

  // Life of a session: proxy.cpp.
  void take_client(stack::Socket& client);
  void read_header(uint32_t index, stack::Socket& client);
  void seek_backend(uint32_t index);
  bool find_backend(uint32_t index);
  void serve_waiting();
  void join(uint32_t index);
  void client_closed(uint32_t index, stack::Socket& client);
  void server_closed(uint32_t index, stack::Socket& server);
  void end(uint32_t index, net::Counter& reason);
  void abort(uint32_t index, Side side);
  void release_if_over(uint32_t index);
  void forget(uint32_t index);

  // Time: proxy_timeouts.cpp.
  void limit(uint32_t index, net::Duration time);
  void unlimit(uint32_t index);
  void arm(uint32_t index);
  net::Instant idle_until(Session& session, Side side) const;
  net::Instant due_at(Session& session) const;
  void time_out(uint32_t index);
  void wake();
  void touch(Session& session, Side side) { session.active[static_cast<size_t>(side)] = stack_->now(); }

  // Drains whose time is over: drains.cpp.
  void tend_drains();
  bool is_left_over(Session& session) const;
  bool any_left_over() const;

  // Connections to backends, opened ahead of clients: spares.cpp.
  void tend_spares();
  bool wants_spares(uint32_t backend) const;
  void fill_spares(uint32_t backend);
  bool open_spare(uint32_t backend);
  void spare_opened(uint32_t index);
  bool take_spare(uint32_t index, uint32_t backend, bool counted);
  bool take_any_spare(uint32_t index);
  void drop_spare(uint32_t index, net::Counter* reason);
  bool leave_late_spare(uint32_t index, stack::Socket& server);
  void leave_spares(uint32_t index);
  void spare_closed(uint32_t index, bool ending);

  // Moving text: splice.cpp.
  void splice(uint32_t index, Side from);
  void keep_left(Session& session, Side side, stack::Socket& socket);

  const ProxyConfig config_;
  const std::shared_ptr<Upstream> upstream_;
  stack::Stack* stack_ = nullptr;
  Sessions sessions_;
  SessionList waiting_ = sessions_.list();  // for a backend
  tcp::TimerWheel timers_;                  // a node for each session
  struct Spares {
    SessionList ready;  // the oldest in front
    uint32_t held = 0;  // those that are being opened included
  };
  std::vector<Spares> spares_;  // by backend; none where none are wanted
  net::Instant next_tending_;
  uint32_t looked_at_ = 0;  // of the sessions, by tend_drains()
  lb::Limits limits_;
  ProxyCounters counters_;
  std::atomic<net::Instant> drain_ends_{net::Instant::never()};
  std::array<uint8_t, lb::kMostProxyHeader> header_;  // where a client's header is put together
};

}  // namespace tern::app
