// SPDX-License-Identifier: BSD-3-Clause
// Looking at unread text.
#include <algorithm>
#include <cstring>

#include "stack/service.hpp"

namespace tern::stack {

namespace {
std::span<const uint8_t> bytes_of(rte_mbuf* buffer) {
  const net::PacketField& field = net::buffer::field(buffer);
  return {net::buffer::start(buffer) + field.offset, field.length};
}
}  // namespace

std::span<const uint8_t> Socket::front() const {
  rte_mbuf* first = connection_.peek();
  return first == nullptr ? std::span<const uint8_t>() : bytes_of(first);
}

uint32_t Socket::peek(std::span<uint8_t> bytes) const {
  const net::PacketQueue& queue = connection_.tcb.receive_queue;
  uint32_t copied = 0;
  for (rte_mbuf* buffer = queue.front(); buffer != nullptr && copied < bytes.size();
       buffer = queue.after(buffer)) {
    const std::span<const uint8_t> piece = bytes_of(buffer);
    const size_t length = std::min(piece.size(), bytes.size() - copied);
    std::memcpy(bytes.data() + copied, piece.data(), length);
    copied += static_cast<uint32_t>(length);
  }
  return copied;
}

}  // namespace tern::stack
