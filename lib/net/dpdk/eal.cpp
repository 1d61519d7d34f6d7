// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: started once per process.
#include "net/dpdk/eal.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "net/dpdk/eal_arguments.hpp"
#include "net/dpdk/reference.hpp"

namespace tern::net::dpdk {

namespace {

// EAL leaves its run-time directory behind, and takes its telemetry socket out of it as late as in an exit
// handler of its own: ours is registered first and so runs after. A directory that somebody else still uses
// is not empty, and stays.
void remove_runtime_directory_at_exit() {
  std::atexit([] {
    std::error_code ignored;
    std::filesystem::remove(rte_eal_get_runtime_dir(), ignored);
  });
}

// net_tap hears of frames by a real-time signal to the process, and finds none before. So while workers run
// they take these signals, being awake or asleep on their queues, and no other thread, whose CPU may be busy
// with something else for milliseconds.
void take_real_time_signals(bool take) {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) sigaddset(&signals, number);
  pthread_sigmask(take ? SIG_UNBLOCK : SIG_BLOCK, &signals, nullptr);
}

void start(std::vector<std::string>& arguments) {
  remove_runtime_directory_at_exit();
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  take_real_time_signals(false);  // which the threads that EAL makes inherit
  const int result = rte_eal_init(static_cast<int>(arguments.size()), argv.data());
  take_real_time_signals(true);
  if (result >= 0) return;
  std::string line;
  for (const std::string& argument : arguments) line += " " + argument;
  throw std::runtime_error(std::string("DPDK's EAL did not start: ") + rte_strerror(rte_errno) +
                           "; its own message stands above; its arguments were:" + line);
}

void reserve_packet_field() {
  rte_mbuf_dynfield field{};
  std::strcpy(field.name, "tern_packet");
  field.size = sizeof(PacketField);
  field.align = alignof(PacketField);
  if (rte_mbuf_dynfield_register_offset(&field, kPacketFieldOffset) == static_cast<int>(kPacketFieldOffset))
    return;
  throw std::runtime_error(
      std::string("bytes 112 to 127 of DPDK's buffers are taken by a driver's dynamic field (") +
      rte_strerror(rte_errno) + "); leave out the device arguments that ask for it");
}

}  // namespace

Eal::Eal(const EalOptions& options) : arguments_(eal_arguments(options, Machine::inspect())) {
  start(arguments_);
  try {
    reserve_packet_field();
    unsigned lcore;
    RTE_LCORE_FOREACH_WORKER(lcore) {
      if (workers_.size() < options.worker_cpus.size())
        workers_.push_back({.lcore = lcore, .work = {}, .failure = {}});
    }
    if (workers_.size() < options.worker_cpus.size()) {
      throw std::runtime_error(
          "EAL has " + std::to_string(workers_.size()) + " worker lcores and " +
          std::to_string(options.worker_cpus.size()) +
          " are needed; leave -l, -c and --lcores to tern, or name one lcore more than workers");
    }
  } catch (...) {
    rte_eal_cleanup();
    throw;
  }
}

Eal::~Eal() {
  rte_eal_mp_wait_lcore();
  rte_eal_cleanup();
}

int Eal::run(void* worker) noexcept {
  auto* self = static_cast<Worker*>(worker);
  take_real_time_signals(true);
  try {
    self->work();
  } catch (...) {
    self->failure = std::current_exception();  // for wait(): exceptions must not cross C
  }
  return 0;
}

void Eal::launch(unsigned index, std::function<void()> work) {
  Worker& worker = workers_.at(index);
  if (rte_eal_get_lcore_state(worker.lcore) != WAIT) {
    throw std::runtime_error("worker " + std::to_string(index) + " is busy already");
  }
  worker.work = std::move(work);
  if (const int error = rte_eal_remote_launch(run, &worker, worker.lcore); error != 0) {
    throw std::runtime_error("worker " + std::to_string(index) +
                             " cannot be started: " + rte_strerror(-error));
  }
  take_real_time_signals(false);
}

void Eal::wait(unsigned index) {
  Worker& worker = workers_.at(index);
  rte_eal_wait_lcore(worker.lcore);
  take_real_time_signals(true);
  if (worker.failure) std::rethrow_exception(std::exchange(worker.failure, nullptr));
}

bool Eal::huge_pages() const { return rte_eal_has_hugepages() != 0; }

void* allocate_memory(const char* name, uint64_t bytes) {
  void* memory = rte_zmalloc(name, bytes, RTE_CACHE_LINE_SIZE);
  if (memory != nullptr) return memory;
  throw std::runtime_error(
      std::string(name) + ": EAL has no " + std::to_string(bytes >> 20) +
      " MiB left in one piece; give it more memory (more huge pages, or a larger -m without "
      "them) or ask for less");
}

void free_memory(void* memory) { rte_free(memory); }

}  // namespace tern::net::dpdk
