// SPDX-License-Identifier: BSD-3-Clause
// Rings that a driver unmaps while workers poll them, and the munmap that waits for the workers.
#include "net/dpdk/rings.hpp"

#include <linux/membarrier.h>
#include <rte_ethdev.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>
#include <stdexcept>
#include <thread>

namespace tern::net::dpdk {

namespace {

// Of the list of Rings, and held while somebody unmaps: a port is not closed meanwhile. No destructor ends it
// before the last munmap of the process.
constinit std::mutex list_mutex;

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

}  // namespace

constinit std::atomic<uint64_t> Rings::unmappings{0};
constinit Rings* Rings::first = nullptr;

Rings::Rings(uint16_t port, uint16_t queues)
    : port_(port), count_(queues), queues_(std::make_unique<Queue[]>(queues)) {
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0) {
    throw std::runtime_error(
        "the kernel refuses the system call membarrier, without which a memif's peer could not leave safely; "
        "allow it");
  }
  const std::lock_guard lock(list_mutex);
  next_ = first;
  first = this;
}

Rings::~Rings() {
  const std::lock_guard lock(list_mutex);
  Rings** place = &first;
  while (*place != this) place = &(*place)->next_;
  *place = next_;
}

bool Rings::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(port_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

// Something was unmapped since this worker was here last. What was unmapped then belongs to a port whose link
// was said to be down before.
bool Rings::look_at_link(Queue& queue, uint64_t so_far) {
  if (!link_up()) {
    step(queue);
    return false;
  }
  queue.unmappings = so_far;
  in_use_.store(true, std::memory_order_relaxed);
  return true;
}

void Rings::before_unmapping() {
  const std::lock_guard lock(list_mutex);
  if (first == nullptr) return;
  unmappings.fetch_add(1, std::memory_order_seq_cst);
  // From here on whoever was not seen within a burst sees that something is unmapped.
  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  for (Rings* rings = first; rings != nullptr; rings = rings->next_) rings->wait_for_bursts();
}

void Rings::wait_for_bursts() {
  for (uint16_t i = 0; i < count_; ++i) {
    const std::atomic<uint64_t>& steps = queues_[i].steps;
    const uint64_t seen = steps.load(std::memory_order_acquire);
    if (seen % 2 == 0) continue;
    while (steps.load(std::memory_order_acquire) == seen) std::this_thread::yield();
  }
  if (in_use_.load(std::memory_order_relaxed) && !link_up()) {
    in_use_.store(false, std::memory_order_relaxed);
    ++losses_;
  }
}

}  // namespace tern::net::dpdk

// In place of the C library's, for drivers as well: the dynamic linker looks into the program first.
extern "C" [[gnu::used, gnu::visibility("default")]] int munmap(void* address, size_t length) noexcept {
  tern::net::dpdk::Rings::before_unmapping();
  return static_cast<int>(syscall(SYS_munmap, address, length));
}
