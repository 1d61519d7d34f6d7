// SPDX-License-Identifier: BSD-3-Clause
// What ternload's worker stands on: EAL, memory, the port and the worker itself.
#pragma once

#include <memory>
#include <string>

#include "net/dpdk/clock.hpp"
#include "net/dpdk/eal.hpp"
#include "net/dpdk/frame.hpp"
#include "net/dpdk/port.hpp"
#include "stack/worker.hpp"
#include "ternload/options.hpp"

namespace tern::load {

// Connections that the worker must have room for.
uint32_t slots_for(const Options& options);

class Rig {
 public:
  // Everything but the worker. Throws std::runtime_error with cause and remedy. program: argv[0].
  Rig(const Options& options, const std::string& program);
  // Makes the worker, with this service on every connection.
  stack::Worker& make_worker(std::unique_ptr<stack::Service> service);

  net::dpdk::Eal& eal() { return *eal_; }
  const net::dpdk::Clock& clock() const { return *clock_; }
  net::dpdk::Port& port() { return *port_; }
  net::dpdk::FramePool& headers() { return *headers_; }

 private:
  const Options& options_;
  std::unique_ptr<net::dpdk::Eal> eal_;
  std::unique_ptr<net::dpdk::Clock> clock_;
  std::unique_ptr<net::dpdk::FramePool> receive_;
  std::unique_ptr<net::dpdk::FramePool> headers_;
  std::unique_ptr<net::dpdk::Port> port_;
  std::unique_ptr<stack::Worker> worker_;
};

}  // namespace tern::load
