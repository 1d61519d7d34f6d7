// SPDX-License-Identifier: BSD-3-Clause
// Frames in DPDK's buffers: what arrived, and building what leaves.
#include "net/dpdk/frame.hpp"

#include <rte_prefetch.h>

#include <cassert>

#include "net/dpdk/reference.hpp"

namespace tern::net::dpdk {

namespace {

uint16_t references(const rte_mbuf* buffer) {
  if (RTE_MBUF_HAS_EXTBUF(buffer)) return rte_mbuf_ext_refcnt_read(buffer->shinfo);
  if (RTE_MBUF_CLONED(buffer))
    return rte_mbuf_refcnt_read(rte_mbuf_from_indirect(const_cast<rte_mbuf*>(buffer)));
  return rte_mbuf_refcnt_read(buffer);
}

}  // namespace

std::span<uint8_t> frame_bytes(rte_mbuf* frame) {
  if (frame->nb_segs != 1) return {};
  return {rte_pktmbuf_mtod(frame, uint8_t*), frame->data_len};
}

void prefetch_buffer(const rte_mbuf* frame) { rte_prefetch0(frame); }

void prefetch_bytes(const rte_mbuf* frame) { rte_prefetch0(rte_pktmbuf_mtod(frame, const void*)); }

Verified verified_by_port(const rte_mbuf* frame) {
  return {.ipv4_checksum = (frame->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD,
          .l4_checksum = (frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD};
}

Packet take_payload(rte_mbuf* frame, uint32_t offset, uint32_t length, uint32_t sum) {
  assert(frame->nb_segs == 1 && offset + length <= frame->data_len);
  packet_field(frame) = {.next = nullptr,
                         .seq = 0,
                         .offset = static_cast<uint16_t>(frame->data_off + offset),
                         .length = static_cast<uint16_t>(length),
                         .sum = sum};
  return Packet(frame);
}

void free_frame(rte_mbuf* frame) {
  if (frame->nb_segs == 1) [[likely]]
    return rte_pktmbuf_free_seg(frame);
  rte_pktmbuf_free(frame);
}

uint8_t* push_header(rte_mbuf* frame, uint32_t length) {
  return reinterpret_cast<uint8_t*>(rte_pktmbuf_prepend(frame, static_cast<uint16_t>(length)));
}

uint8_t* put(rte_mbuf* frame, uint32_t length) {
  return reinterpret_cast<uint8_t*>(rte_pktmbuf_append(frame, static_cast<uint16_t>(length)));
}

void clear_frame(rte_mbuf* frame) {
  if (frame->next != nullptr) [[unlikely]]
    rte_pktmbuf_free(frame->next);
  // A port that hands over what another sender attached gives us memory that is not ours to write.
  if (!RTE_MBUF_DIRECT(frame)) rte_pktmbuf_detach(frame);
  rte_pktmbuf_reset(frame);
}

void truncate_frame(rte_mbuf* frame, uint32_t length) {
  assert(frame->nb_segs == 1);
  if (length >= frame->data_len) return;
  frame->data_len = static_cast<uint16_t>(length);
  frame->pkt_len = length;
}

rte_mbuf* frame_in_place(rte_mbuf* payload, uint32_t length, uint32_t header_length) {
  const PacketField& f = packet_field(payload);
  assert(length <= f.length);
  if (rte_mbuf_refcnt_read(payload) != 1 || !RTE_MBUF_DIRECT(payload) || f.offset < header_length)
    return nullptr;
  payload->data_off = static_cast<uint16_t>(f.offset - header_length);
  payload->data_len = static_cast<uint16_t>(header_length + length);
  payload->pkt_len = header_length + length;
  payload->nb_segs = 1;
  payload->next = nullptr;
  payload->ol_flags = 0;  // a received frame's flags mean something else, or nothing, when sent
  payload->tx_offload = 0;
  rte_mbuf_refcnt_update(payload, 1);
  return payload;
}

rte_mbuf* refer_to(rte_mempool* pool, rte_mbuf* payload, uint32_t offset, uint32_t length) {
  if (references(payload) >= kMaxReferences) return nullptr;
  rte_mbuf* reference = rte_pktmbuf_alloc(pool);
  if (reference == nullptr) return nullptr;
  const PacketField& f = packet_field(payload);
  assert(offset + length <= f.length);
  rte_pktmbuf_attach(reference, payload);
  reference->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;  // as in frame_in_place
  reference->tx_offload = 0;
  reference->data_off = static_cast<uint16_t>(f.offset + offset);
  reference->data_len = static_cast<uint16_t>(length);
  reference->pkt_len = length;
  return reference;
}

bool attach(rte_mbuf* frame, FramePool& pool, rte_mbuf* payload, uint32_t offset, uint32_t length) {
  rte_mbuf* reference = refer_to(pool.pool(), payload, offset, length);
  if (reference == nullptr) return false;
  rte_pktmbuf_lastseg(frame)->next = reference;
  frame->nb_segs = static_cast<uint16_t>(frame->nb_segs + 1);
  frame->pkt_len += length;
  return true;
}

uint8_t* frame_start(rte_mbuf* frame) { return rte_pktmbuf_mtod(frame, uint8_t*); }

uint32_t frame_length(const rte_mbuf* frame) { return frame->pkt_len; }

}  // namespace tern::net::dpdk
