// SPDX-License-Identifier: BSD-3-Clause
// From frames to segments: the first two phases of a burst. What is not TCP is dealt with here and now.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "net/address.hpp"
#include "net/drop.hpp"
#include "net/frame.hpp"
#include "net/icmp_error.hpp"
#include "net/packet.hpp"
#include "stack/counters.hpp"
#include "stack/egress.hpp"
#include "stack/neighbours.hpp"
#include "stack/steering.hpp"
#include "tcp/segment.hpp"

namespace tern::stack {

// A segment addressed to us, in the frame it came in.
struct Arrival {
  rte_mbuf* frame;  // owned by whoever handles the arrival
  net::FourTuple tuple;
  net::MacAddress from;  // the station that sent the frame
  uint16_t text_offset;  // from the frame's first byte
  uint32_t text_sum;     // as net::PacketField has it
  tcp::Segment seg;
};

class Ingress {
 public:
  static constexpr uint32_t kBurst = 64;

  Ingress(std::span<const Attachment> attachments, Egress& egress, Neighbours& neighbours,
          net::DropCounters& drops, Counters& counters, const SteeringSeat& seat)
      : attachments_(attachments),
        egress_(egress),
        neighbours_(neighbours),
        drops_(drops),
        counters_(counters),
        seat_(seat) {}

  // Receives up to arrivals.size() frames from other workers and a port, answers ARP and ICMP echo, drops
  // what is wrong by reason, and returns how many arrivals there are. frames: how many frames came in all, to
  // tell an idle round from a busy one.
  uint32_t receive(uint8_t attachment, net::Instant now, std::span<Arrival, kBurst> arrivals,
                   uint32_t& frames);
  // Gives a frame to the worker whose local port that is.
  void hand_on(rte_mbuf* frame, uint8_t attachment, uint16_t local_port);
  // The ICMP errors about segments of ours that the last call met.
  std::span<const net::IcmpReport> icmp_errors() const {
    return std::span(icmp_errors_).first(icmp_error_count_);
  }

 private:
  [[gnu::always_inline]] inline bool parse(rte_mbuf* frame, uint8_t attachment, net::Instant now,
                                           Arrival& arrival);
  // Not for every frame, and kept out of the way of those that it is not for.
  [[gnu::noinline]] bool parse_any(rte_mbuf* frame, uint8_t attachment, net::Instant now, Arrival& arrival);
  [[gnu::noinline]] bool drop(rte_mbuf* frame, net::Drop reason);
  [[gnu::always_inline]] inline bool take_segment(rte_mbuf* frame, std::span<const uint8_t> bytes,
                                                  const net::Frame& parsed, Arrival& arrival);
  void on_arp(rte_mbuf* frame, const net::Frame& parsed, uint8_t attachment, net::Instant now);
  void on_icmp(rte_mbuf* frame, const net::Frame& parsed, uint8_t attachment);
  void on_icmp_error(rte_mbuf* frame, const net::Frame& parsed, uint8_t attachment);
  void tell_others(std::span<const uint8_t> arp, uint8_t attachment);

  std::span<const Attachment> attachments_;
  Egress& egress_;
  Neighbours& neighbours_;
  net::DropCounters& drops_;
  Counters& counters_;
  const SteeringSeat seat_;
  bool handed_ = false;  // the frame in hand came from another worker
  std::array<net::IcmpReport, kBurst> icmp_errors_;
  uint32_t icmp_error_count_ = 0;
};

}  // namespace tern::stack
