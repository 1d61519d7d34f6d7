// SPDX-License-Identifier: BSD-3-Clause
// Frames from several threads to one.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

struct rte_mbuf;
struct rte_ring;

namespace tern::net::dpdk {

class FrameRing {
 public:
  // name: unique in the process; frames: how many it holds, a power of two less one. Throws
  // std::runtime_error when memory is short.
  FrameRing(const std::string& name, uint32_t frames);
  ~FrameRing();
  FrameRing(const FrameRing&) = delete;
  FrameRing& operator=(const FrameRing&) = delete;

  enum class Put : uint8_t { kFirst, kBehind, kFull };
  // From any thread. kFirst: of those put since the last take(), whose thread may sleep and is to be woken.
  // kFull: the frame stays the caller's.
  Put put(rte_mbuf* frame);
  // From one thread; how many.
  uint32_t take(std::span<rte_mbuf*> frames);

 private:
  rte_ring* ring_;
  std::atomic<bool> put_{false};  // something, since the last take()
};

}  // namespace tern::net::dpdk
