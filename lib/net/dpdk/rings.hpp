// SPDX-License-Identifier: BSD-3-Clause
// Rings that a port shares with a peer, which a driver unmaps while workers poll them. DPDK 22.11's net_memif
// does: when the peer leaves, EAL's interrupt thread runs memif_disconnect (memif_socket.c), which marks the
// port disconnected and at once unmaps the rings (memif_free_regions), whereas eth_memif_rx and eth_memif_tx
// (rte_eth_memif.c) look at the mark once, before they walk the rings. It tells nobody: net_memif has no link
// interrupt. When a peer comes, the bursts compute a ring's address before they look at the mark, so one
// interrupted in between has a wrong address.
//
// The way out: a worker says when it is within a burst, and unmapping waits for those that are. Drivers unmap
// by munmap(2), so this program has a munmap of its own, which comes before the C library's. After it a
// worker keeps away from the port until the link is up, which the driver says last, when all is in place.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "net/counter.hpp"

namespace tern::net::dpdk {

// The rings of one port, a pair for each queue, each polled by one worker.
class Rings {
 public:
  // Throws std::runtime_error where the kernel has no membarrier(2).
  Rings(uint16_t port, uint16_t queues);
  ~Rings();
  Rings(const Rings&) = delete;
  Rings& operator=(const Rings&) = delete;

  // Whether the queue has rings now. They then stay until leave().
  bool enter(uint16_t queue) {
    Queue& mine = queues_[queue];
    mine.steps.store(mine.steps.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    // That the processor does not look at what follows before others see the step is membarrier's part, which
    // costs him who unmaps, not every burst.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const uint64_t so_far = unmappings.load(std::memory_order_acquire);
    if (mine.unmappings == so_far) [[likely]]
      return true;
    return look_at_link(mine, so_far);
  }
  void leave(uint16_t queue) { step(queues_[queue]); }

  // How often the peer left.
  uint64_t losses() const { return losses_.value(); }

  // Waits until no worker is within a burst that began before.
  static void before_unmapping();

 private:
  struct alignas(64) Queue {
    std::atomic<uint64_t> steps{0};      // into a burst and out of it: odd within one
    uint64_t unmappings = ~uint64_t{0};  // of which the worker knows that the link was up after them
  };

  static void step(Queue& queue) {
    queue.steps.store(queue.steps.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  bool link_up() const;
  bool look_at_link(Queue& queue, uint64_t so_far);
  void wait_for_bursts();

  static std::atomic<uint64_t> unmappings;  // in this process
  static Rings* first;                      // of all ports that have such rings

  const uint16_t port_;
  const uint16_t count_;
  std::unique_ptr<Queue[]> queues_;
  std::atomic<bool> in_use_{false};  // a worker has found the link up since the last loss
  Counter losses_;                   // written by whoever unmaps
  Rings* next_ = nullptr;
};

}  // namespace tern::net::dpdk
