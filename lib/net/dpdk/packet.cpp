// SPDX-License-Identifier: BSD-3-Clause
// The seam of net/packet.hpp over DPDK: a buffer is an rte_mbuf.
#include "net/packet.hpp"

#include "net/dpdk/reference.hpp"

namespace tern::net::buffer {

PacketField& field(rte_mbuf* buffer) { return dpdk::packet_field(buffer); }

uint8_t* start(rte_mbuf* buffer) { return static_cast<uint8_t*>(buffer->buf_addr); }

uint32_t tailroom(const rte_mbuf* buffer) {
  // An indirect or external buffer's memory is another's, and a driver may still be reading a buffer that it
  // has a reference to.
  if (!RTE_MBUF_DIRECT(buffer) || rte_mbuf_refcnt_read(buffer) != 1) return 0;
  const PacketField& f = dpdk::packet_field(buffer);
  return uint32_t{buffer->buf_len} - f.offset - f.length;
}

// Not the whole chain: a payload is one buffer, and the frames made of it belong to whoever sends them.
void release(rte_mbuf* buffer) { rte_pktmbuf_free_seg(buffer); }

}  // namespace tern::net::buffer
