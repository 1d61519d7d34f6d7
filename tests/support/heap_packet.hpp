// SPDX-License-Identifier: BSD-3-Clause
// Packets on the heap, so that the pure libraries are tested without DPDK. A program links either this or
// lib/net/dpdk, never both.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "net/packet.hpp"

namespace tern::test {

// A buffer's memory as a port's pool would give it: headroom for headers, then payload, then tailroom.
constexpr uint32_t kBlockSize = 2048;
constexpr uint32_t kHeadroom = 128;

// A packet of its own with a copy of the bytes, at most 65,407 of them. The block grows where kBlockSize is
// too small; then there is no tailroom.
net::Packet make_packet(std::span<const uint8_t> bytes);
net::Packet make_packet(std::string_view text);

// Buffers that anyone still holds. A test that ends with as many as it began with has leaked none.
uint32_t live_packets();

// Takes one more reference, as a transmission under way does; give it back with net::buffer::release.
void retain(rte_mbuf* buffer);
uint32_t references(const rte_mbuf* buffer);

}  // namespace tern::test
