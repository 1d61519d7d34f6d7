// SPDX-License-Identifier: BSD-3-Clause
// Packet and its queue: what does not depend on what a buffer is.
#include "net/packet.hpp"

#include <algorithm>
#include <cassert>

namespace tern::net {

void Packet::append(const uint8_t* bytes, uint32_t length) {
  assert(length <= tailroom());
  auto& f = buffer::field(buffer_);
  std::copy_n(bytes, length, buffer::start(buffer_) + f.offset + f.length);  // none may be null
  f.length = static_cast<uint16_t>(f.length + length);
  f.sum = 0;
}

void PacketQueue::push_back(Packet packet) {
  assert(packet);
  rte_mbuf* added = packet.detach();
  if (tail_ == nullptr) {
    buffer::field(added).next = added;
  } else {
    buffer::field(added).next = buffer::field(tail_).next;
    buffer::field(tail_).next = added;
  }
  tail_ = added;
}

void PacketQueue::push_front(Packet packet) {
  assert(packet);
  rte_mbuf* added = packet.detach();
  if (tail_ == nullptr) {
    buffer::field(added).next = added;
    tail_ = added;
  } else {
    buffer::field(added).next = buffer::field(tail_).next;
    buffer::field(tail_).next = added;
  }
}

Packet PacketQueue::pop_front() {
  if (tail_ == nullptr) return {};
  rte_mbuf* head = buffer::field(tail_).next;
  if (head == tail_) {
    tail_ = nullptr;
  } else {
    buffer::field(tail_).next = buffer::field(head).next;
  }
  buffer::field(head).next = nullptr;
  return Packet(head);
}

void PacketQueue::splice_back(PacketQueue&& other) {
  if (other.tail_ == nullptr) return;
  rte_mbuf* other_tail = std::exchange(other.tail_, nullptr);
  if (tail_ != nullptr) std::swap(buffer::field(tail_).next, buffer::field(other_tail).next);
  tail_ = other_tail;
}

void PacketQueue::clear() {
  while (!empty()) pop_front();
}

}  // namespace tern::net
