// SPDX-License-Identifier: BSD-3-Clause
// Packet: the one owner of a buffer that holds payload, and a queue of them.
//
// Pure code sees bytes, never a buffer's insides. Whoever links decides what a buffer is: lib/net/dpdk makes
// it an rte_mbuf; tests/support makes it a heap block. The payload's place is kept in a field of its own,
// apart from what a driver sees, so that headers may be written in front of a payload that a send queue still
// holds.
#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

struct rte_mbuf;

namespace tern::net {

// What Packet keeps within the buffer: 24 bytes.
struct PacketField {
  rte_mbuf* next;   // the next packet of the queue that holds this one
  uint32_t seq;     // free for the queue's owner: TCP keeps the sequence number of the first byte here
  uint16_t offset;  // payload's first byte, from the buffer's start
  uint16_t length;  // payload's length in bytes
  uint32_t sum;     // of the payload, as ChecksumSum::in_four() has it; 0: unknown
};
static_assert(sizeof(PacketField) == 24);

// The seam: defined once by lib/net/dpdk/packet.cpp and once by tests/support/heap_packet.cpp.
namespace buffer {
PacketField& field(rte_mbuf* buffer);
uint8_t* start(rte_mbuf* buffer);  // first byte of the buffer's memory
// Bytes after the payload that may be written; 0 when the memory is shared.
uint32_t tailroom(const rte_mbuf* buffer);
void release(rte_mbuf* buffer);  // give one reference back
}  // namespace buffer

// Owns one reference to one buffer with one contiguous payload of at most 65,535 bytes. Move-only.
class Packet {
 public:
  Packet() = default;
  explicit Packet(rte_mbuf* buffer) : buffer_(buffer) {}
  Packet(Packet&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  Packet& operator=(Packet&& other) noexcept {
    if (this != &other) {
      reset();
      buffer_ = std::exchange(other.buffer_, nullptr);
    }
    return *this;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { reset(); }

  explicit operator bool() const { return buffer_ != nullptr; }
  rte_mbuf* buffer() const { return buffer_; }
  // Gives the reference to the caller.
  rte_mbuf* detach() { return std::exchange(buffer_, nullptr); }
  void reset() {
    if (buffer_ != nullptr) buffer::release(std::exchange(buffer_, nullptr));
  }

  const uint8_t* data() const { return buffer::start(buffer_) + buffer::field(buffer_).offset; }
  uint32_t size() const { return buffer_ == nullptr ? 0 : buffer::field(buffer_).length; }
  uint32_t seq() const { return buffer::field(buffer_).seq; }
  void set_seq(uint32_t seq) { buffer::field(buffer_).seq = seq; }

  // Forgets the first n bytes, n <= size().
  void remove_prefix(uint32_t n) {
    auto& f = buffer::field(buffer_);
    assert(n <= f.length);
    f.offset = static_cast<uint16_t>(f.offset + n);
    f.length = static_cast<uint16_t>(f.length - n);
    f.sum = 0;
  }
  // Forgets the last n bytes, n <= size().
  void remove_suffix(uint32_t n) {
    auto& f = buffer::field(buffer_);
    assert(n <= f.length);
    f.length = static_cast<uint16_t>(f.length - n);
    f.sum = 0;
  }

  // Bytes that append() can take; 0 when anyone else holds the memory.
  uint32_t tailroom() const { return buffer::tailroom(buffer_); }
  // Copies bytes behind the payload; length <= tailroom().
  void append(const uint8_t* bytes, uint32_t length);

 private:
  rte_mbuf* buffer_ = nullptr;
};
static_assert(sizeof(Packet) == 8);

// A FIFO of packets linked through the buffers themselves: eight bytes, no allocation. The tail points to the
// head. A buffer has one link, so it is in one queue at most.
class PacketQueue {
 public:
  PacketQueue() = default;
  PacketQueue(PacketQueue&& other) noexcept : tail_(std::exchange(other.tail_, nullptr)) {}
  PacketQueue& operator=(PacketQueue&& other) noexcept {
    if (this != &other) {
      clear();
      tail_ = std::exchange(other.tail_, nullptr);
    }
    return *this;
  }
  PacketQueue(const PacketQueue&) = delete;
  PacketQueue& operator=(const PacketQueue&) = delete;
  ~PacketQueue() { clear(); }

  bool empty() const { return tail_ == nullptr; }
  // The first and the last buffer, null when empty; they stay the queue's.
  rte_mbuf* front() const { return tail_ == nullptr ? nullptr : buffer::field(tail_).next; }
  rte_mbuf* back() const { return tail_; }
  // The buffer behind one that is in this queue; null behind the last.
  rte_mbuf* after(rte_mbuf* buffer) const { return buffer == tail_ ? nullptr : buffer::field(buffer).next; }

  // packet: not null.
  void push_back(Packet packet);
  void push_front(Packet packet);
  Packet pop_front();  // null when empty
  // Moves all of other's packets behind ours.
  void splice_back(PacketQueue&& other);
  void clear();

 private:
  rte_mbuf* tail_ = nullptr;
};
static_assert(sizeof(PacketQueue) == 8);

}  // namespace tern::net
