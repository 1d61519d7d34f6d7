// SPDX-License-Identifier: BSD-3-Clause
// What ternload's worker stands on.
#include "ternload/rig.hpp"

#include <sys/random.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace tern::load {

namespace dpdk = net::dpdk;

namespace {

constexpr uint64_t kMiB = uint64_t{1024} * 1024;
constexpr uint16_t kDescriptors = 1024;
constexpr uint32_t kReserve = kDescriptors + 2 * 64;  // receive buffers that the port's queue keeps
constexpr uint32_t kHeaders = 4 * kDescriptors;
constexpr uint32_t kCache = 256;  // buffers

net::PrfKey random_key() {
  net::PrfKey key;
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    throw std::runtime_error("the kernel gives no random numbers for the secrets of sequence numbers");
  }
  return key;
}

// The same for all processes since the machine started, as the clock is: so the numbers and timestamps of a
// four-tuple's connections go on from one run to the next, and a server that still has the last run's in
// TIME-WAIT takes the new ones (RFC 6528, RFC 6191).
net::PrfKey boot_key() {
  net::PrfKey key{};
  std::ifstream("/proc/sys/kernel/random/boot_id").read(reinterpret_cast<char*>(key.data()), key.size());
  return key;
}

// A request is queued in one buffer, its response may lie in several.
uint32_t receive_buffers(const Options& options) {
  return options.buffers != 0
             ? options.buffers
             : std::max(32'768u, 4 * std::min(options.in_flight, options.connections * options.pipeline)) +
                   kReserve;
}

uint16_t buffer_bytes(const Options& options) {
  constexpr uint32_t kFrameOverhead = 26;  // Ethernet header, two VLAN tags, checksum
  return static_cast<uint16_t>(std::max(2048u, options.port.mtu + kFrameOverhead));
}

uint64_t memory_mib(const Options& options) {
  const uint16_t bytes = buffer_bytes(options);
  stack::WorkerOptions worker;
  worker.max_connections = slots_for(options);
  const uint64_t total = stack::Footprint(worker, false).total() +
                         dpdk::FramePool::footprint(receive_buffers(options), bytes, false) +
                         dpdk::FramePool::footprint(kHeaders, bytes, false);
  return (total + total / 4) / kMiB + 96;  // large arrays must be contiguous; EAL and drivers take their own
}

bool gives(const std::vector<std::string>& arguments, std::string_view option) {
  return std::ranges::any_of(arguments, [&](std::string_view a) { return a.starts_with(option); });
}

dpdk::EalOptions eal_options(const Options& options, const std::string& program) {
  dpdk::EalOptions eal;
  eal.program = program;
  eal.arguments = options.eal_args;
  eal.worker_cpus = {options.cpu};
  eal.plain_memory_mib = static_cast<uint32_t>(memory_mib(options));
  if (!gives(options.eal_args, "--file-prefix") && !gives(options.eal_args, "--in-memory")) {
    eal.arguments.emplace_back("--in-memory");
  }
  // memif shares whole memory files with its peer, and EAL cannot grow them once that is connected.
  if (options.port.is_memif() && !gives(options.eal_args, "--no-huge")) {
    if (!gives(options.eal_args, "--single-file-segments"))
      eal.arguments.emplace_back("--single-file-segments");
    if (!gives(options.eal_args, "-m")) {
      eal.arguments.insert(eal.arguments.end(), {"-m", std::to_string(memory_mib(options))});
    }
  }
  if (options.port.device.find(':') != std::string::npos) eal.pci_allowed.push_back(options.port.device);
  return eal;
}

tcp::Config tcp_config(const Options& options) {
  tcp::Config config;
  config.mss = static_cast<uint16_t>(options.port.mtu - 40);
  config.nagle = false;  // a request is whole
  config.reuse_time_wait = true;
  if (options.target.protocol == Protocol::kRaw) {
    config.send_buffer = std::max(config.send_buffer, options.send_bytes * options.pipeline);
  }
  return config;
}

}  // namespace

uint32_t slots_for(const Options& options) {
  constexpr uint32_t kMargin = 1024;  // connections that have ended and are not taken away yet
  const uint32_t open = options.connections + kMargin;
  if (options.closing != Closing::kClient) return open;
  // There are as many records of TIME-WAIT: enough that none is forgotten before its time.
  constexpr uint64_t kMostTimeWaits = 1 << 22;
  const uint64_t tuples = uint64_t{options.addresses} * (options.last_port - options.first_port + 1u);
  return std::max(open, static_cast<uint32_t>(std::min(tuples, kMostTimeWaits)));
}

Rig::Rig(const Options& options, const std::string& program) : options_(options) {
  eal_ = std::make_unique<dpdk::Eal>(eal_options(options, program));
  clock_ = std::make_unique<dpdk::Clock>(dpdk::Clock::since_boot());
  receive_ =
      std::make_unique<dpdk::FramePool>("receive", receive_buffers(options), kCache, buffer_bytes(options));
  headers_ = std::make_unique<dpdk::FramePool>("headers", kHeaders, kCache, buffer_bytes(options));

  dpdk::PortOptions port;
  port.device = options.port.device;
  port.arguments = options.port.arguments;
  port.descriptors = kDescriptors;
  port.mtu = options.port.mtu;
  dpdk::FramePool* pools[] = {receive_.get()};
  port_ = std::make_unique<dpdk::Port>(port, pools);
}

stack::Worker& Rig::make_worker(std::unique_ptr<stack::Service> service) {
  stack::WorkerOptions worker;
  worker.name = "ternload";
  worker.max_connections = slots_for(options_);
  worker.max_orphans = worker.max_connections;
  worker.idle = stack::IdleMode::kPoll;
  worker.cookie_secret = random_key();
  worker.table_secret = random_key();
  worker.isn_secret = boot_key();
  worker.receive_reserve = kReserve;
  std::vector<stack::Attachment> attachments(1);
  attachments[0].port = port_.get();
  for (uint32_t i = 0; i < options_.addresses; ++i) {
    attachments[0].interfaces.push_back(
        {{options_.address.address.value + i}, options_.address.prefix_length});
  }
  std::vector<stack::Binding> bindings;
  bindings.push_back({tcp_config(options_), {}, std::move(service)});
  worker_ = std::make_unique<stack::Worker>(std::move(worker), std::move(attachments), std::move(bindings),
                                            *receive_, *headers_, *clock_);
  return *worker_;
}

}  // namespace tern::load
