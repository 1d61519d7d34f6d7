// SPDX-License-Identifier: BSD-3-Clause
// Frames in DPDK's buffers, under names that the stack may use: what arrived, and building what leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "net/checksum.hpp"
#include "net/frame.hpp"
#include "net/packet.hpp"

struct rte_mempool;

namespace tern::net::dpdk {

// --- A frame that was received
// -------------------------------------------------------------------------------------

// The bytes of a frame's only segment; empty when the frame has several.
std::span<uint8_t> frame_bytes(rte_mbuf* frame);
void prefetch_buffer(const rte_mbuf* frame);  // the buffer's first line
void prefetch_bytes(const rte_mbuf* frame);   // the frame's first line
// What the port found out about the checksums. A checksum that the port found bad is reported as not
// verified, so that software looks again and counts it.
Verified verified_by_port(const rte_mbuf* frame);
// Makes the frame a Packet whose payload is [offset, offset + length). sum: its, as PacketField has it.
Packet take_payload(rte_mbuf* frame, uint32_t offset, uint32_t length, uint32_t sum = 0);
void free_frame(rte_mbuf* frame);

// --- A frame to send
// -----------------------------------------------------------------------------------------------

// A pool of buffers of one size, made before any port starts. One core allocates; any may free.
class FramePool {
 public:
  // count: buffers; cache: kept per core. Throws std::runtime_error with the remedy when memory is short.
  FramePool(const std::string& name, uint32_t count, uint32_t cache, uint16_t payload_bytes);
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  rte_mbuf* allocate_frame();  // empty, with headroom; null when there is none
  Packet allocate_packet();    // empty payload with tailroom; null when there is none
  // A second Packet on [offset, offset + length) of the same payload, without a copy; null when no buffer is
  // left.
  Packet share(const Packet& packet, uint32_t offset, uint32_t length);
  uint32_t available() const;
  uint32_t size() const;
  // Memory that a pool of this shape takes, in bytes; without huge pages it is more.
  static uint64_t footprint(uint32_t count, uint16_t payload_bytes, bool huge_pages);
  rte_mempool* pool() const { return pool_; }

 private:
  rte_mempool* pool_ = nullptr;
};

// A block of memory that packets may refer to, of at most 65,535 bytes, filled once: static content to send
// zero-copy. Must outlive the packets made from it.
class StaticPayload {
 public:
  StaticPayload(std::span<const uint8_t> bytes);
  ~StaticPayload();
  StaticPayload(const StaticPayload&) = delete;
  StaticPayload& operator=(const StaticPayload&) = delete;
  uint32_t size() const;
  // The sums of the block that the buffer refers to, null where it is none.
  static const BlockSums* sums_of(const rte_mbuf* buffer);
  // A Packet on [offset, offset + length); null when the pool has no buffer left.
  Packet slice(FramePool& pool, uint32_t offset, uint32_t length);

 private:
  struct Block;
  Block* block_;
};

// Makes room for length bytes of header at the start of a frame; the caller fills them.
uint8_t* push_header(rte_mbuf* frame, uint32_t length);
// Appends length bytes to a frame whose only segment has room for them; the caller fills them.
uint8_t* put(rte_mbuf* frame, uint32_t length);
// Makes a received frame an empty one, to answer in its own buffer.
void clear_frame(rte_mbuf* frame);
// Cuts or keeps the frame's only segment at its first length bytes.
void truncate_frame(rte_mbuf* frame, uint32_t length);
// The payload's own buffer as a frame of [offset, offset + length) with header_length bytes in front of it,
// holding a reference of its own: zero-copy. Null when the buffer is shared (a driver still has it, or it
// refers to another's memory) or has too little headroom; then attach(). Only for slices that begin at the
// payload's first byte.
rte_mbuf* frame_in_place(rte_mbuf* payload, uint32_t length, uint32_t header_length);
// Chains a reference to [offset, offset + length) of the payload behind the frame: zero-copy. False when the
// pool has no buffer for it.
bool attach(rte_mbuf* frame, FramePool& pool, rte_mbuf* payload, uint32_t offset, uint32_t length);
// The first byte of a frame, whatever it is made of.
uint8_t* frame_start(rte_mbuf* frame);
uint32_t frame_length(const rte_mbuf* frame);

}  // namespace tern::net::dpdk
