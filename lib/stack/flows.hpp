// SPDX-License-Identifier: BSD-3-Clause
// A worker's connections for others to look at: a walk over them in pieces, each one answer to a question
// that another thread puts. The worker copies what is asked for, between two rounds; nobody else reads a TCB.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "net/address.hpp"
#include "net/instant.hpp"
#include "tcp/info.hpp"

namespace tern::stack {

// Which connections are asked for: those that all of these let pass. By itself it lets every one.
struct FlowFilter {
  std::optional<tcp::State> state{};
  std::optional<uint16_t> binding{};
  net::Ipv4Interface remote{{}, 0};  // the network that the remote address is in
  uint16_t remote_port = 0;          // 0: any

  bool passes(const net::FourTuple& tuple) const {
    return remote.contains(tuple.remote) && (remote_port == 0 || remote_port == tuple.remote_port);
  }
  bool passes(const tcp::Info& info) const {
    return (!state || *state == info.state) && (!binding || *binding == info.service);
  }
};

// Where a connection is kept.
enum class FlowPlace : uint8_t {
  kAwake,        // it has a TCB
  kAsleep,       // see tcp::Dormant; it is not woken to be looked at
  kSynQueue,     // half open: its service has not heard of it
  kAcceptQueue,  // established, likewise
  kTimeWait,     // a record, see TimeWaits: of the info only state, service and options are known
};

struct Flow {
  uint32_t position = 0;
  net::FourTuple tuple;
  FlowPlace place = FlowPlace::kAwake;
  tcp::Info info;
  net::Duration time_wait{0};  // what is left of 2MSL, of kTimeWait
};

// A walk goes by position: first the connections by their index in the flow table, then the records of
// TIME-WAIT. A connection that lives throughout is met exactly once; one that begins or ends meanwhile may be
// missed, and one that passes on into TIME-WAIT may be met in both places.
constexpr uint32_t kFlowsEnd = 0xffffffffu;

struct FlowQuery {
  uint32_t from = 0;  // the first position to look at
  uint32_t most = 0;  // flows in the answer, which has room for kMostFlows
  FlowFilter filter;
};

// A bounded piece of the walk, which may be empty though more are to come.
struct FlowPiece {
  static constexpr uint32_t kMostFlows = 16;
  uint32_t next = kFlowsEnd;  // from where it goes on; kFlowsEnd: no more
  uint32_t count = 0;
  std::array<Flow, kMostFlows> flows;

  std::span<const Flow> found() const { return std::span(flows).first(count); }
};

// Between the one thread that asks, at a time, and the worker. What is neither's turn is not read.
class FlowDesk {
 public:
  // --- He who asks ---
  // False while the worker has not answered an older question yet, whose asker gave up.
  bool put(const FlowQuery& query) {
    if (put_.load(std::memory_order_acquire)) return false;
    query_ = query;
    put_.store(true, std::memory_order_release);
    return true;
  }
  // The answer to what was put, until the next put(); null while the worker owes it.
  const FlowPiece* answer() const { return put_.load(std::memory_order_acquire) ? nullptr : &piece_; }

  // --- The worker ---
  bool asked() const { return put_.load(std::memory_order_acquire); }
  const FlowQuery& query() const { return query_; }
  FlowPiece& piece() { return piece_; }
  void hand_over() { put_.store(false, std::memory_order_release); }

 private:
  alignas(64) std::atomic<bool> put_{false};  // the worker looks at it each round
  FlowQuery query_;
  FlowPiece piece_;
};

}  // namespace tern::stack
