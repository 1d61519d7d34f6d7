// SPDX-License-Identifier: BSD-3-Clause
// Where frames and packets come from: pools of DPDK's buffers, and blocks of static content that packets
// refer to.
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <stdexcept>

#include "net/dpdk/frame.hpp"
#include "net/dpdk/reference.hpp"

namespace tern::net::dpdk {

namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kHugePageBytes = 2 << 20;  // the smallest

}  // namespace

FramePool::FramePool(const std::string& name, uint32_t count, uint32_t cache, uint16_t payload_bytes) {
  if (payload_bytes > std::numeric_limits<uint16_t>::max() - RTE_PKTMBUF_HEADROOM) {
    throw std::runtime_error("frame pool " + name + ": a buffer of " + std::to_string(payload_bytes) +
                             " bytes and its headroom exceeds 65,535 bytes; make it smaller");
  }
  // DPDK refuses caches that could keep more than two thirds of the pool from the other cores.
  cache = std::min({cache, uint32_t{RTE_MEMPOOL_CACHE_MAX_SIZE}, count * 2 / 3});
  pool_ = rte_pktmbuf_pool_create(name.c_str(), count, cache, 0,
                                  static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + payload_bytes),
                                  static_cast<int>(rte_socket_id()));
  if (pool_ == nullptr) {
    throw std::runtime_error(
        "frame pool " + name + " of " + std::to_string(count) + " buffers, " +
        std::to_string(footprint(count, payload_bytes, rte_eal_has_hugepages() != 0) >> 20) +
        " MiB: " + rte_strerror(rte_errno) +
        "; give EAL more memory (more huge pages, or a larger -m without them) or ask for less");
  }
}

FramePool::~FramePool() { rte_mempool_free(pool_); }

rte_mbuf* FramePool::allocate_frame() { return rte_pktmbuf_alloc(pool_); }

Packet FramePool::allocate_packet() {
  rte_mbuf* buffer = rte_pktmbuf_alloc(pool_);
  if (buffer == nullptr) return {};
  packet_field(buffer) = {.next = nullptr, .seq = 0, .offset = buffer->data_off, .length = 0, .sum = 0};
  return Packet(buffer);
}

Packet FramePool::share(const Packet& packet, uint32_t offset, uint32_t length) {
  rte_mbuf* reference = refer_to(pool_, packet.buffer(), offset, length);
  if (reference == nullptr) return {};
  packet_field(reference) = {.next = nullptr,
                             .seq = 0,
                             .offset = reference->data_off,
                             .length = static_cast<uint16_t>(length),
                             .sum = 0};
  return Packet(reference);
}

uint32_t FramePool::available() const { return rte_mempool_avail_count(pool_); }

uint32_t FramePool::size() const { return pool_->size; }

uint64_t FramePool::footprint(uint32_t count, uint16_t payload_bytes, bool huge_pages) {
  const auto element = static_cast<uint32_t>(sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM + payload_bytes);
  const uint64_t object = rte_mempool_calc_obj_size(element, 0, nullptr);
  // No buffer crosses a page. Without huge pages that leaves one buffer of a frame's size in each page.
  const uint64_t page = huge_pages ? kHugePageBytes : kPageBytes;
  const uint64_t per_page = std::max<uint64_t>(page / object, 1);
  const uint64_t pages_each = (object + page - 1) / page;  // more than one where a buffer exceeds a page
  const uint64_t objects = count / per_page * pages_each * page + count % per_page * object;
  const uint64_t ring = std::bit_ceil(uint64_t{count} + 1) * sizeof(void*);
  return objects + ring;
}

// --- Static content
// ------------------------------------------------------------------------------------------------

namespace {

// References are counted in 16 bits, and a hundred thousand connections may each have a slice queued: a block
// keeps several counts and deals slices out among them. A count takes new slices up to half of what it can
// hold, so that the other half is left for the references that sending adds.
constexpr uint32_t kShares = 32;
constexpr uint16_t kMaxSlices = kMaxReferences / 2;

}  // namespace

// In memory from EAL's heap, since the device reads it; the bytes follow it.
struct StaticPayload::Block {
  std::atomic<uint32_t> shares_in_use{kShares};
  rte_iova_t address = 0;  // of the bytes, as a device sees them
  uint32_t size = 0;
  uint32_t current = 0;  // the share that slices are taken from
  std::optional<BlockSums> sums;
  std::array<rte_mbuf_ext_shared_info, kShares> shares{};

  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  rte_mbuf_ext_shared_info* share_with_room();
  void release(rte_mbuf_ext_shared_info& share);
  static void on_share_unused(void* bytes, void* block);
};

rte_mbuf_ext_shared_info* StaticPayload::Block::share_with_room() {
  for (uint32_t tried = 0; tried < kShares; ++tried) {
    if (rte_mbuf_ext_refcnt_read(&shares[current]) < kMaxSlices) return &shares[current];
    current = (current + 1) % kShares;
  }
  return nullptr;
}

void StaticPayload::Block::release(rte_mbuf_ext_shared_info& share) {
  if (rte_mbuf_ext_refcnt_update(&share, -1) == 0) on_share_unused(bytes(), this);
}

// The last of all shares frees: a driver that still has a frame when the owner goes keeps the memory alive.
void StaticPayload::Block::on_share_unused(void* /*bytes*/, void* block) {
  auto* self = static_cast<Block*>(block);
  if (self->shares_in_use.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  self->~Block();
  rte_free(self);
}

StaticPayload::StaticPayload(std::span<const uint8_t> bytes) {
  if (bytes.size() > std::numeric_limits<uint16_t>::max()) {
    throw std::runtime_error("static payload of " + std::to_string(bytes.size()) +
                             " bytes: a block holds at most 65,535; split it");
  }
  // Aligned to its own size rounded up, the block never crosses a page of huge memory, and thus is contiguous
  // for a device that is given physical addresses.
  const auto total = static_cast<uint32_t>(sizeof(Block) + bytes.size());
  void* memory = rte_malloc("static payload", total, std::bit_ceil(total));
  if (memory == nullptr) {
    throw std::runtime_error(
        "static payload of " + std::to_string(bytes.size()) +
        " bytes: EAL's memory is used up; give it more huge pages, or a larger -m without them");
  }
  block_ = new (memory) Block;
  // DPDK knows the address only of an allocation's first byte.
  block_->address = rte_malloc_virt2iova(memory) + sizeof(Block);
  block_->size = static_cast<uint32_t>(bytes.size());
  for (rte_mbuf_ext_shared_info& share : block_->shares) {
    share.free_cb = &Block::on_share_unused;
    share.fcb_opaque = block_;
    rte_mbuf_ext_refcnt_set(&share, 1);  // ours
  }
  std::ranges::copy(bytes, block_->bytes());
  block_->sums.emplace(std::span(block_->bytes(), bytes.size()));
}

StaticPayload::~StaticPayload() {
  // The block may be gone after the last of these, and not before.
  Block* block = block_;
  for (uint32_t i = 0; i < kShares; ++i) block->release(block->shares[i]);
}

uint32_t StaticPayload::size() const { return block_->size; }

const BlockSums* StaticPayload::sums_of(const rte_mbuf* buffer) {
  if (!RTE_MBUF_HAS_EXTBUF(buffer) || buffer->shinfo->free_cb != &Block::on_share_unused) return nullptr;
  return &*static_cast<const Block*>(buffer->shinfo->fcb_opaque)->sums;
}

Packet StaticPayload::slice(FramePool& pool, uint32_t offset, uint32_t length) {
  assert(offset + length <= block_->size);
  rte_mbuf_ext_shared_info* share = block_->share_with_room();
  if (share == nullptr) return {};
  rte_mbuf* buffer = rte_pktmbuf_alloc(pool.pool());
  if (buffer == nullptr) return {};
  rte_mbuf_ext_refcnt_update(share, 1);
  rte_pktmbuf_attach_extbuf(buffer, block_->bytes(), block_->address, static_cast<uint16_t>(block_->size),
                            share);
  packet_field(buffer) = {.next = nullptr,
                          .seq = 0,
                          .offset = static_cast<uint16_t>(offset),
                          .length = static_cast<uint16_t>(length),
                          .sum = 0};
  return Packet(buffer);
}

}  // namespace tern::net::dpdk
