// SPDX-License-Identifier: BSD-3-Clause
// Throughput: connections that send, receive, or both, for as long as the run lasts.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "net/dpdk/frame.hpp"
#include "ternload/opening.hpp"
#include "ternload/options.hpp"
#include "ternload/tally.hpp"
#include "ternload/traffic.hpp"

namespace tern::load {

class Streams : public Traffic {
 public:
  // slots: connections that the worker has room for; start: the first four-tuple's number.
  Streams(const Options& options, uint32_t slots, uint64_t start, Tally& tally);

  void before_round(stack::Worker& worker, net::Instant now) override;
  void drain() override { draining_ = true; }
  bool done() const override { return (draining_ || opening_.used_up()) && opening_.count() == 0; }

  void opened(stack::Socket& socket) override;
  void text(stack::Socket& socket) override;
  void ended(stack::Socket& socket) override;
  void writable(stack::Socket& socket) override { pump(socket); }
  void closed(stack::Socket& socket) override;

 private:
  struct Flow {
    net::Instant begun;
    uint64_t received = 0;  // bytes
    bool used = false;
    bool failed = false;  // what was wrong has been counted
  };
  void pump(stack::Socket& socket);
  void end_all(stack::Worker& worker);

  const Options options_;
  Tally& tally_;
  Opening opening_;
  net::dpdk::StaticPayload pattern_;
  std::vector<Flow> flows_;
  bool ended_all_ = false;
  std::atomic<bool> draining_ = false;
};

}  // namespace tern::load
