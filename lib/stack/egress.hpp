// SPDX-License-Identifier: BSD-3-Clause
// From segments to frames: headers in front of text, and the burst to each port.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "net/dpdk/frame.hpp"
#include "net/dpdk/port.hpp"
#include "stack/counters.hpp"
#include "stack/path.hpp"
#include "tcp/config.hpp"
#include "tcp/connection.hpp"
#include "tcp/outbox.hpp"

namespace tern::stack {

// A port as one worker sees it.
struct Attachment {
  net::dpdk::Port* port = nullptr;
  uint16_t queue = 0;
  std::vector<net::Ipv4Interface> interfaces;  // our addresses on it

  // Whether address is the broadcast address of a network of ours. Networks of one or two addresses have none
  // (RFC 3021); so it ends in two ones, as few addresses do.
  bool is_broadcast(net::Ipv4Address address) const {
    if ((~address.value & 3) != 0) return false;
    for (const net::Ipv4Interface& interface : interfaces) {
      if (interface.prefix_length < 31 && interface.directed_broadcast() == address) return true;
    }
    return false;
  }

  bool owns(net::Ipv4Address address) const {
    for (const net::Ipv4Interface& interface : interfaces) {
      if (interface.address == address) return true;
    }
    return false;
  }
};

class Egress {
 public:
  // Text that cannot leave in the buffer where it lies is copied behind its headers if it is of at most this
  // many bytes: a second buffer per frame, its reference count and its way back to the pool cost more. What
  // either takes is in docs/performance.md.
  static constexpr uint32_t kCopyBelow = 256;
  static constexpr uint32_t kBurst = 64;

  // headers: the pool that frames are built in, apart from the one that receives, so that ACKs can be sent,
  // and buffers so freed, when text has used that one up.
  Egress(std::span<const Attachment> attachments, net::dpdk::FramePool& headers, Counters& counters);

  // Builds a frame of a departure and queues it for its port. marking: what its IP header says of it.
  void depart(const tcp::Departure& departure, const Path& path, const tcp::IpMarking& marking);
  // A segment without text, outside any connection, built in the buffer that frame came in (which this takes
  // over): the answer to a SYN allocates nothing.
  void reply(rte_mbuf* frame, const tcp::SegmentHeader& header, const Path& path,
             const tcp::IpMarking& marking = {});
  // The same in a buffer of its own.
  void reply(const tcp::SegmentHeader& header, const Path& path, const tcp::IpMarking& marking = {});
  // A finished frame of any kind.
  void push(rte_mbuf* frame, uint8_t attachment);
  // A fresh frame, null (and counted) when there is none.
  rte_mbuf* allocate();
  // Sends what is queued.
  void flush();

 private:
  struct Queue {
    std::array<rte_mbuf*, kBurst> frames;
    uint32_t count = 0;
  };
  rte_mbuf* build_with_text(const tcp::Departure& departure, const Attachment& attachment,
                            uint32_t header_length);
  bool append_copy(rte_mbuf* frame, const tcp::Departure& departure);
  bool append_references(rte_mbuf* frame, const tcp::Departure& departure);
  void send_bare(rte_mbuf* frame, const tcp::SegmentHeader& header, const Path& path,
                 const tcp::IpMarking& marking);
  // text_sum: as net::PacketField has it.
  void write_headers(rte_mbuf* frame, uint8_t* start, const tcp::SegmentHeader& header, uint32_t text_length,
                     uint32_t text_sum, const Path& path, const tcp::IpMarking& marking, tcp::EcnField ecn);
  void flush(uint8_t attachment);

  std::span<const Attachment> attachments_;
  net::dpdk::FramePool& headers_;
  Counters& counters_;
  std::vector<Queue> queues_;
};

}  // namespace tern::stack
