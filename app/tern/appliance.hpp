// SPDX-License-Identifier: BSD-3-Clause
// tern as a whole: what is started, in which order, and stopped in the reverse.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "net/dpdk/clock.hpp"
#include "net/dpdk/eal.hpp"
#include "net/dpdk/frame.hpp"
#include "net/dpdk/port.hpp"
#include "stack/worker.hpp"
#include "tern/bindings.hpp"
#include "tern/config.hpp"
#include "tern/memory_plan.hpp"

namespace tern::app {

class Appliance {
 public:
  // Starts everything but the workers' polling. Throws std::runtime_error with cause and remedy. program:
  // argv[0]; eal_args: from the command line, put ahead of the configuration's.
  Appliance(const Config& config, const std::string& program, const std::vector<std::string>& eal_args);
  ~Appliance();
  Appliance(const Appliance&) = delete;
  Appliance& operator=(const Appliance&) = delete;

  // Sets the workers polling.
  void start();
  // They take no new connections from now on; returns how many are open, but for TIME-WAITs.
  uint64_t drain();
  // Lets them end their round, reset what is open and return.
  void stop();

  const Config& config() const { return config_; }
  const std::vector<std::unique_ptr<stack::Worker>>& workers() const { return workers_; }
  // By worker.
  const std::vector<Balancing>& balancing() const { return balancing_; }
  const std::vector<std::unique_ptr<net::dpdk::Port>>& ports() const { return ports_; }
  const std::string& memory_report() const { return memory_report_; }
  // As the workers' rounds have it.
  net::Instant now() const { return clock_->now(); }

 private:
  void make_pools();
  void open_ports();
  void make_workers();

  const Config config_;
  MemoryPlan plan_;
  std::string memory_report_;
  std::atomic<bool> stop_{false};
  bool running_ = false;

  // In the order in which they come up; destroyed in the reverse.
  std::unique_ptr<net::dpdk::Eal> eal_;
  std::unique_ptr<net::dpdk::Clock> clock_;
  std::vector<std::unique_ptr<net::dpdk::FramePool>> receive_pools_;  // one per worker
  std::vector<std::unique_ptr<net::dpdk::FramePool>> header_pools_;   // likewise
  std::vector<std::unique_ptr<net::dpdk::Port>> ports_;
  std::unique_ptr<stack::Steering> steering_;  // null with one worker
  std::vector<std::unique_ptr<stack::Worker>> workers_;
  std::vector<Balancing> balancing_;  // of the workers
};

}  // namespace tern::app
