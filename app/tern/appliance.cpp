// SPDX-License-Identifier: BSD-3-Clause
// tern as a whole.
#include "tern/appliance.hpp"

#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <stdexcept>

namespace tern::app {

namespace dpdk = net::dpdk;

namespace {

net::PrfKey random_key() {
  net::PrfKey key;
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    throw std::runtime_error("the kernel gives no random numbers for the SYN cookies' secret");
  }
  return key;
}

dpdk::EalOptions eal_options(const Config& config, const MemoryPlan& plan, const std::string& program,
                             const std::vector<std::string>& eal_args) {
  dpdk::EalOptions options;
  options.program = program;
  options.arguments = eal_args;
  options.arguments.insert(options.arguments.end(), config.eal_args.begin(), config.eal_args.end());
  options.worker_cpus = config.dataplane.workers;
  options.plain_memory_mib = plan.plain_memory_mib();
  for (const PortConfig& port : config.ports) {
    if (port.is_pci()) options.pci_allowed.push_back(port.device);
  }
  return options;
}

}  // namespace

Appliance::Appliance(const Config& config, const std::string& program,
                     const std::vector<std::string>& eal_args)
    : config_(config), plan_(plan_memory(config, false)) {
  eal_ = std::make_unique<dpdk::Eal>(eal_options(config_, plan_, program, eal_args));
  const bool huge = eal_->huge_pages();
  plan_ = plan_memory(config_, huge);
  memory_report_ = describe(plan_, config_);
  if (const std::string why = refuse(plan_, free_memory_bytes(huge), huge); !why.empty()) {
    throw std::runtime_error(why);
  }
  clock_ = std::make_unique<dpdk::Clock>();
  make_pools();
  open_ports();
  make_workers();
}

Appliance::~Appliance() { stop(); }

void Appliance::make_pools() {
  constexpr uint32_t kCache = 256;
  for (size_t i = 0; i < config_.dataplane.workers.size(); ++i) {
    const std::string suffix = std::to_string(i);
    receive_pools_.push_back(std::make_unique<dpdk::FramePool>("receive_" + suffix, plan_.receive_buffers,
                                                               kCache, plan_.buffer_bytes));
    header_pools_.push_back(std::make_unique<dpdk::FramePool>("headers_" + suffix, plan_.header_buffers,
                                                              kCache, plan_.buffer_bytes));
  }
}

void Appliance::open_ports() {
  std::vector<dpdk::FramePool*> pools;
  for (const auto& pool : receive_pools_) pools.push_back(pool.get());
  for (const PortConfig& port : config_.ports) {
    dpdk::PortOptions options;
    options.device = port.device;
    options.arguments = port.args;
    options.queues = static_cast<uint16_t>(pools.size());
    options.descriptors = plan_.descriptors;
    options.mtu = port.mtu;
    options.offload = port.offload;
    options.interrupts = config_.dataplane.idle == Idle::kAdaptive;
    ports_.push_back(std::make_unique<dpdk::Port>(options, pools));
    if (!ports_.back()->keeps_connections_together()) {
      spdlog::warn(
          "port {}: it has no RSS to be set, so its peer chooses which of {} workers a frame comes to; a "
          "connection that it does not keep to one queue is reset: name one worker then",
          port.device, options.queues);
    }
  }
}

void Appliance::make_workers() {
  const net::PrfKey cookie_secret = random_key();
  const auto count = static_cast<uint16_t>(config_.dataplane.workers.size());
  if (count > 1) {
    steering_ = std::make_unique<stack::Steering>("steering", count, static_cast<uint8_t>(ports_.size()));
  }
  for (size_t i = 0; i < config_.dataplane.workers.size(); ++i) {
    stack::WorkerOptions options;
    options.name = "worker_" + std::to_string(i);
    options.max_connections = config_.dataplane.max_connections;
    options.busy_connections = config_.dataplane.busy_connections;
    options.max_time_waits = config_.dataplane.max_time_waits;
    options.max_orphans = config_.dataplane.max_orphans;
    options.idle =
        config_.dataplane.idle == Idle::kPoll ? stack::IdleMode::kPoll : stack::IdleMode::kAdaptive;
    options.longest_sleep = config_.dataplane.idle_sleep;
    options.cookie_secret = cookie_secret;
    options.fast_open_keys = config_.dataplane.fast_open_keys;
    options.table_secret = random_key();
    options.isn_secret = random_key();
    options.receive_reserve = plan_.receive_reserve;
    options.seat = {steering_.get(), static_cast<uint16_t>(i)};

    std::vector<stack::Attachment> attachments;
    for (size_t p = 0; p < ports_.size(); ++p) {
      attachments.push_back({ports_[p].get(), static_cast<uint16_t>(i), config_.ports[p].addresses});
    }
    std::vector<stack::Binding> bindings =
        make_bindings(config_, random_key(), clock_->now(), balancing_.emplace_back());
    workers_.push_back(std::make_unique<stack::Worker>(std::move(options), std::move(attachments),
                                                       std::move(bindings), *receive_pools_[i],
                                                       *header_pools_[i], *clock_));
  }
}

void Appliance::start() {
  workers_.front()->announce();
  running_ = true;
  for (unsigned i = 0; i < workers_.size(); ++i) {
    eal_->launch(i, [this, i] { workers_[i]->run(stop_); });
  }
}

uint64_t Appliance::drain() {
  uint64_t open = 0;
  for (const Balancing& balancing : balancing_) {
    for (stack::Service* service : balancing.services)
      service->drain(true);  // some close what waits for more
  }
  for (const auto& worker : workers_) {
    worker->drain();
    for (size_t state = 0; state < tcp::kStates; ++state) {
      if (static_cast<tcp::State>(state) != tcp::State::kTimeWait)
        open += worker->connections_in()[state].value();
    }
  }
  return open;
}

void Appliance::stop() {
  if (!running_) return;
  running_ = false;
  stop_ = true;
  for (const auto& worker : workers_) worker->wake();
  for (unsigned i = 0; i < workers_.size(); ++i) eal_->wait(i);
}

}  // namespace tern::app
