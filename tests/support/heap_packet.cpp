// SPDX-License-Identifier: BSD-3-Clause
// The buffer seam of net/packet.hpp on heap blocks. The memory is an allocation of its own, so that the
// address sanitizer sees a byte read before or after it, and any use after the last release.
#include "support/heap_packet.hpp"

#include <algorithm>
#include <cassert>
#include <memory>

struct rte_mbuf {
  tern::net::PacketField field{};
  uint32_t references = 1;
  uint32_t size = 0;  // of memory, in bytes
  std::unique_ptr<uint8_t[]> memory;
};

namespace {
uint32_t live = 0;
}  // namespace

namespace tern::net::buffer {

PacketField& field(rte_mbuf* buffer) { return buffer->field; }

uint8_t* start(rte_mbuf* buffer) { return buffer->memory.get(); }

uint32_t tailroom(const rte_mbuf* buffer) {
  if (buffer->references != 1) return 0;
  return buffer->size - buffer->field.offset - buffer->field.length;
}

void release(rte_mbuf* buffer) {
  assert(buffer->references > 0);
  if (--buffer->references != 0) return;
  --live;
  delete buffer;
}

}  // namespace tern::net::buffer

namespace tern::test {

net::Packet make_packet(std::span<const uint8_t> bytes) {
  assert(bytes.size() <= UINT16_MAX - kHeadroom);
  const auto length = static_cast<uint16_t>(bytes.size());
  auto* buffer = new rte_mbuf;
  buffer->size = std::max(kBlockSize, kHeadroom + length);
  buffer->memory = std::make_unique<uint8_t[]>(buffer->size);
  buffer->field = {.next = nullptr, .seq = 0, .offset = kHeadroom, .length = length, .sum = 0};
  std::copy(bytes.begin(), bytes.end(), buffer->memory.get() + kHeadroom);
  ++live;
  return net::Packet(buffer);
}

net::Packet make_packet(std::string_view text) {
  return make_packet(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

uint32_t live_packets() { return live; }

void retain(rte_mbuf* buffer) { ++buffer->references; }

uint32_t references(const rte_mbuf* buffer) { return buffer->references; }

}  // namespace tern::test
