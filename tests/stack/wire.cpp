// SPDX-License-Identifier: BSD-3-Clause
// A port whose far end the test holds.
#include "stack/wire.hpp"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstring>
#include <stdexcept>

namespace tern::test {

namespace dpdk = net::dpdk;

namespace {

rte_ring* make_ring(const std::string& name, uint32_t capacity) {
  rte_ring* ring = rte_ring_create(name.c_str(), capacity + 1, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (ring == nullptr) throw std::runtime_error("ring " + name + ": " + rte_strerror(rte_errno));
  return ring;
}

void drain(rte_ring* ring) {
  void* frame = nullptr;
  while (rte_ring_dequeue(ring, &frame) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
}

}  // namespace

Wire::Wire(const std::string& name, uint32_t capacity)
    : to_port_(make_ring(name + "_in", capacity)), from_port_(make_ring(name + "_out", capacity)) {
  const int port = rte_eth_from_rings(name.c_str(), &to_port_, 1, &from_port_, 1, 0);
  if (port < 0) throw std::runtime_error("port " + name + ": " + rte_strerror(rte_errno));
  char device[RTE_ETH_NAME_MAX_LEN];
  rte_eth_dev_get_name_by_port(static_cast<uint16_t>(port), device);
  device_ = device;
}

Wire::~Wire() {
  rte_eal_hotplug_remove("vdev", device_.c_str());
  drain(to_port_);
  drain(from_port_);
  rte_ring_free(to_port_);
  rte_ring_free(from_port_);
}

const void* Wire::inject(dpdk::FramePool& pool, std::span<const uint8_t> bytes) {
  rte_mbuf* frame = pool.allocate_frame();
  if (frame == nullptr) return nullptr;
  std::memcpy(dpdk::put(frame, static_cast<uint32_t>(bytes.size())), bytes.data(), bytes.size());
  if (rte_ring_enqueue(to_port_, frame) == 0) return frame;
  rte_pktmbuf_free(frame);
  throw std::runtime_error("the test laid more frames before the port than the wire holds");
}

void Wire::inject_in_two(dpdk::FramePool& pool, std::span<const uint8_t> bytes) {
  const size_t half = bytes.size() / 2;
  rte_mbuf* frame = pool.allocate_frame();
  rte_mbuf* rest = pool.allocate_frame();
  std::memcpy(dpdk::put(frame, static_cast<uint32_t>(half)), bytes.data(), half);
  std::memcpy(dpdk::put(rest, static_cast<uint32_t>(bytes.size() - half)), bytes.data() + half,
              bytes.size() - half);
  rte_pktmbuf_chain(frame, rest);
  rte_ring_enqueue(to_port_, frame);
}

std::vector<SentFrame> Wire::take() {
  std::vector<SentFrame> frames;
  void* taken = nullptr;
  while (rte_ring_dequeue(from_port_, &taken) == 0) {
    auto* frame = static_cast<rte_mbuf*>(taken);
    SentFrame sent{{}, frame, frame->nb_segs};
    for (const rte_mbuf* piece = frame; piece != nullptr; piece = piece->next) {
      const auto* data = rte_pktmbuf_mtod(piece, const uint8_t*);
      sent.bytes.insert(sent.bytes.end(), data, data + piece->data_len);
    }
    frames.push_back(std::move(sent));
    rte_pktmbuf_free(frame);
  }
  return frames;
}

uint32_t missing(const dpdk::FramePool& pool) { return pool.size() - pool.available(); }

uint64_t eal_memory_in_use() {
  rte_malloc_socket_stats statistics{};
  rte_malloc_get_socket_stats(0, &statistics);
  return statistics.heap_allocsz_bytes;
}

}  // namespace tern::test
