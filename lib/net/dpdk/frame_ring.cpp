// SPDX-License-Identifier: BSD-3-Clause
// Frames from several threads to one.
#include "net/dpdk/frame_ring.hpp"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <stdexcept>

namespace tern::net::dpdk {

FrameRing::FrameRing(const std::string& name, uint32_t frames)
    : ring_(rte_ring_create(name.c_str(), frames + 1, SOCKET_ID_ANY, RING_F_SC_DEQ)) {
  if (ring_ == nullptr) {
    throw std::runtime_error("ring " + name + ": " + rte_strerror(rte_errno) + "; reserve more memory");
  }
}

FrameRing::~FrameRing() {
  std::array<rte_mbuf*, 32> frames;
  while (const uint32_t count = take(frames)) rte_pktmbuf_free_bulk(frames.data(), count);
  rte_ring_free(ring_);
}

FrameRing::Put FrameRing::put(rte_mbuf* frame) {
  if (rte_ring_enqueue(ring_, frame) != 0) return Put::kFull;
  return put_.exchange(true, std::memory_order_acq_rel) ? Put::kBehind : Put::kFirst;
}

// The mark is taken down before the look, so that whoever finds it up has put its frame before the look. The
// other way round one would go to sleep beside a frame. The exchange, since a store would not see that frame.
uint32_t FrameRing::take(std::span<rte_mbuf*> frames) {
  if (put_.load(std::memory_order_relaxed)) put_.exchange(false, std::memory_order_acq_rel);
  return rte_ring_dequeue_burst(ring_, reinterpret_cast<void**>(frames.data()),
                                static_cast<unsigned>(frames.size()), nullptr);
}

}  // namespace tern::net::dpdk
