// SPDX-License-Identifier: BSD-3-Clause
// From the worker that a frame came to, to the one that has its connection. A port spreads frames over its
// queues as it likes, and the answer to a connection that we open comes to any of them. So each worker opens
// from local ports of its own, by which the others know whose an answer is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/dpdk/doorbell.hpp"
#include "net/dpdk/frame_ring.hpp"

namespace tern::stack {

// Local ports for those who choose none (RFC 6056 section 3.2); further down are services' own.
constexpr uint32_t kFirstPort = 32'768;
constexpr uint32_t kPorts = 65'536 - kFirstPort;

// Which of these are one worker's.
struct PortShare {
  uint16_t worker = 0;   // its number
  uint16_t workers = 1;  // how many there are
  uint16_t owner_of(uint16_t port) const { return port % workers; }
  bool has(uint16_t port) const { return owner_of(port) == worker; }
};

class Steering {
 public:
  // Frames that wait for a worker at one port, at most; what is more is lost, as in a port's queue.
  static constexpr uint32_t kFrames = 1023;

  // name: of memory that it reserves, unique in the process. Throws std::runtime_error when memory is short.
  Steering(const std::string& name, uint16_t workers, uint8_t attachments);

  // Each worker once, before any frame is given: how it is woken.
  void join(uint16_t worker, net::dpdk::Doorbell& doorbell) { doorbells_[worker] = &doorbell; }
  uint16_t workers() const { return static_cast<uint16_t>(doorbells_.size()); }

  // From any worker. False, and the frame stays the caller's, when there is no room.
  bool give(uint16_t worker, uint8_t attachment, rte_mbuf* frame);
  // By that worker; how many.
  uint32_t take(uint16_t worker, uint8_t attachment, std::span<rte_mbuf*> frames) {
    return ring(worker, attachment).take(frames);
  }

 private:
  net::dpdk::FrameRing& ring(uint16_t worker, uint8_t attachment) {
    return *rings_[size_t{attachment} * workers() + worker];
  }

  std::vector<net::dpdk::Doorbell*> doorbells_;
  std::vector<std::unique_ptr<net::dpdk::FrameRing>> rings_;
};

// A worker's own place in it; none where there is one worker only.
struct SteeringSeat {
  Steering* steering = nullptr;
  uint16_t worker = 0;

  PortShare share() const {
    return steering == nullptr ? PortShare{} : PortShare{worker, steering->workers()};
  }
  // Whether another worker may have a connection that it opened from this port.
  bool is_anothers(uint16_t local_port) const {
    return steering != nullptr && local_port >= kFirstPort && !share().has(local_port);
  }
  // To that worker. False, and the frame stays the caller's, when there is no room.
  bool give(uint16_t local_port, uint8_t attachment, rte_mbuf* frame) const {
    return steering->give(share().owner_of(local_port), attachment, frame);
  }
};

}  // namespace tern::stack
