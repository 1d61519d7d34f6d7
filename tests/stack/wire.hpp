// SPDX-License-Identifier: BSD-3-Clause
// A port whose far end the test holds: two of DPDK's rings in place of a cable. wire.cpp is the only file
// here with rte_ names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/dpdk/frame.hpp"

struct rte_ring;

namespace tern::test {

using Bytes = std::vector<uint8_t>;

struct SentFrame {
  Bytes bytes;
  const void* buffer;  // the first one, to know it again
  uint32_t buffers;    // how many the frame lay in
};

class Wire {
 public:
  // capacity: frames that each direction holds, one less than a power of two.
  Wire(const std::string& name, uint32_t capacity);
  ~Wire();  // after the port
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // What to open the port by.
  const std::string& device() const { return device_; }

  // Lays a frame before the port, in one buffer of the pool; returns which, null when there was none.
  const void* inject(net::dpdk::FramePool& pool, std::span<const uint8_t> bytes);
  // The same in two buffers.
  void inject_in_two(net::dpdk::FramePool& pool, std::span<const uint8_t> bytes);
  // What the port has sent since; the buffers, which were the device's until now, go back to their pools.
  std::vector<SentFrame> take();

 private:
  std::string device_;
  rte_ring* to_port_;
  rte_ring* from_port_;
};

// Buffers of the pool that somebody holds.
uint32_t missing(const net::dpdk::FramePool& pool);

// Bytes of EAL's heap that are in use.
uint64_t eal_memory_in_use();

}  // namespace tern::test
