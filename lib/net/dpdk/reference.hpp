// SPDX-License-Identifier: BSD-3-Clause
// What the files of this folder share about buffers: where PacketField lies, and references to another
// buffer's bytes.
#pragma once

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <cstddef>
#include <cstdint>

#include "net/packet.hpp"

namespace tern::net::dpdk {

// The last 24 bytes of the mbuf: the end that drivers' own dynamic fields reach last. Fixed, so that
// finding the field is an addition of a constant; Eal registers it, and refuses to start when somebody else
// has it.
inline constexpr size_t kPacketFieldOffset = 104;
static_assert(kPacketFieldOffset % alignof(PacketField) == 0);
static_assert(kPacketFieldOffset >= offsetof(rte_mbuf, dynfield1));
static_assert(kPacketFieldOffset + sizeof(PacketField) <=
              offsetof(rte_mbuf, dynfield1) + sizeof(rte_mbuf::dynfield1));

inline PacketField& packet_field(rte_mbuf* buffer) {
  return *RTE_MBUF_DYNFIELD(buffer, kPacketFieldOffset, PacketField*);
}
inline const PacketField& packet_field(const rte_mbuf* buffer) {
  return *RTE_MBUF_DYNFIELD(buffer, kPacketFieldOffset, const PacketField*);
}

// DPDK counts references in 16 bits and does not look whether they overflow, which would free memory in use.
// Every new reference is refused from here on; the distance to 65,535 is more than the cores that may be
// counting at once.
inline constexpr uint16_t kMaxReferences = 65'000;

// A buffer from pool whose bytes are [offset, offset + length) of the payload, without a copy: a frame of one
// segment. Null when the pool is empty or the payload's memory has kMaxReferences already.
rte_mbuf* refer_to(rte_mempool* pool, rte_mbuf* payload, uint32_t offset, uint32_t length);

}  // namespace tern::net::dpdk
