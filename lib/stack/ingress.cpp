// SPDX-License-Identifier: BSD-3-Clause
// From frames to segments.
#include "stack/ingress.hpp"

#include <algorithm>
#include <cstring>

#include "net/arp.hpp"
#include "net/dpdk/frame.hpp"
#include "net/ethernet.hpp"
#include "net/icmp.hpp"
#include "tcp/header.hpp"

namespace tern::stack {

namespace dpdk = net::dpdk;

namespace {

// Less text is summed up again as quickly as its sum is kept, and most of it goes nowhere.
constexpr uint32_t kSumKeptFrom = 128;

// The sum of options and text without that of the options, as net::PacketField has it.
inline uint32_t sum_of_text(net::ChecksumSum both, std::span<const uint8_t> options) {
  if (both.is_of_nothing()) return 0;
  for (size_t i = 0; i < options.size(); i += 4) {
    uint32_t four;
    std::memcpy(&four, &options[i], 4);
    both.subtract_four(four);
  }
  return both.in_four();
}

}  // namespace

inline bool Ingress::take_segment(rte_mbuf* frame, std::span<const uint8_t> bytes, const net::Frame& parsed,
                                  Arrival& arrival) {
  const std::span<const uint8_t> segment = bytes.subspan(parsed.l4_offset, parsed.l4_length);
  uint32_t text_offset = 0;
  const net::Drop reason = tcp::parse_segment(segment, arrival.seg, text_offset);
  if (reason != net::Drop::kNone) return drop(frame, reason);
  arrival.seg.ecn = tcp::ecn_field(parsed.traffic_class);
  const tcp::Ports ports = tcp::parse_ports(segment.data());
  arrival.frame = frame;
  arrival.tuple = {parsed.destination, parsed.source, ports.destination, ports.source};
  std::memcpy(arrival.from.bytes.data(), bytes.data() + net::ethernet::kSource, sizeof arrival.from);
  arrival.text_offset = static_cast<uint16_t>(parsed.l4_offset + text_offset);
  arrival.text_sum =
      arrival.seg.length < kSumKeptFrom
          ? 0
          : sum_of_text(parsed.behind_tcp_header,
                        segment.subspan(net::kMinTcpHeaderLength, text_offset - net::kMinTcpHeaderLength));
  return true;
}

// Whether the frame held a segment for us; if not, it has been dealt with. The steps of parse_any() come to
// the same for the frame that nearly all are, of which nothing is left to be found out.
inline bool Ingress::parse(rte_mbuf* frame, uint8_t attachment, net::Instant now, Arrival& arrival) {
  const Attachment& here = attachments_[attachment];
  const std::span<uint8_t> bytes = dpdk::frame_bytes(frame);
  net::Frame parsed;
  if (net::parse_usual_frame(bytes, dpdk::verified_by_port(frame), parsed) &&
      net::is_for(here.port->mac(), bytes.data()) && !here.is_broadcast(parsed.source)) [[likely]] {
    if (here.owns(parsed.destination)) [[likely]]
      return take_segment(frame, bytes, parsed, arrival);
    return drop(frame, net::Drop::kIpv4NotOurs);
  }
  return parse_any(frame, attachment, now, arrival);
}

uint32_t Ingress::receive(uint8_t attachment, net::Instant now, std::span<Arrival, kBurst> arrivals,
                          uint32_t& frames) {
  // Far enough ahead for a line to arrive, near enough for it to stay.
  constexpr uint32_t kAhead = 4;
  std::array<rte_mbuf*, kBurst> burst;
  const Attachment& from = attachments_[attachment];
  uint32_t handed = 0;
  if (seat_.steering != nullptr) {
    handed = seat_.steering->take(seat_.worker, attachment, std::span(burst).first(kBurst / 2));
  }
  const uint32_t received = from.port->receive(from.queue, std::span(burst).subspan(handed));
  const uint32_t count = handed + received;
  counters_.frames_received.add(received);
  frames += count;
  icmp_error_count_ = 0;

  for (uint32_t i = 0; i < count && i < kAhead; ++i) dpdk::prefetch_bytes(burst[i]);
  uint32_t arrived = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (i + kAhead < count) dpdk::prefetch_bytes(burst[i + kAhead]);
    handed_ = i < handed;
    if (parse(burst[i], attachment, now, arrivals[arrived])) ++arrived;
  }
  return arrived;
}

bool Ingress::drop(rte_mbuf* frame, net::Drop reason) {
  ++drops_[static_cast<size_t>(reason)];
  dpdk::free_frame(frame);
  return false;
}

bool Ingress::parse_any(rte_mbuf* frame, uint8_t attachment, net::Instant now, Arrival& arrival) {
  const std::span<uint8_t> bytes = dpdk::frame_bytes(frame);
  if (bytes.empty()) return drop(frame, net::Drop::kFrameSegmented);
  net::Frame parsed;
  const net::Drop reason = net::parse_frame(bytes, dpdk::verified_by_port(frame), parsed);
  if (reason != net::Drop::kNone) return drop(frame, reason);

  const Attachment& here = attachments_[attachment];
  const net::MacAddress to = net::destination_mac(bytes.data());
  if (to != here.port->mac() && !to.is_group()) return drop(frame, net::Drop::kFrameNotOurs);
  if (parsed.content == net::Content::kArp) return on_arp(frame, parsed, attachment, now), false;
  if (!here.owns(parsed.destination)) return drop(frame, net::Drop::kIpv4NotOurs);
  if (to.is_group()) return drop(frame, net::Drop::kFrameGroup);
  if (here.is_broadcast(parsed.source)) return drop(frame, net::Drop::kIpv4Source);  // RFC 9293 MUST-63
  if (parsed.content == net::Content::kIcmp) return on_icmp(frame, parsed, attachment), false;
  return take_segment(frame, bytes, parsed, arrival);
}

void Ingress::on_arp(rte_mbuf* frame, const net::Frame& parsed, uint8_t attachment, net::Instant now) {
  const Attachment& here = attachments_[attachment];
  net::ArpPacket arp;
  const net::Drop reason = net::parse_arp(dpdk::frame_bytes(frame).subspan(parsed.l3_offset), arp);
  if (reason != net::Drop::kNone) {
    drop(frame, reason);
    return;
  }
  // RFC 826: who speaks to us is worth remembering; who was known already is updated by whatever it says.
  const bool for_us = here.owns(arp.target);
  if (here.owns(arp.sender)) {  // RFC 5227 section 2.4; what we said ourselves may come back to us
    drop(frame, arp.sender_mac == here.port->mac() ? net::Drop::kArpUnwanted : net::Drop::kArpConflict);
    return;
  }
  if (!arp.sender.is_unspecified()) neighbours_.learn(attachment, arp.sender, arp.sender_mac, for_us, now);
  if (!for_us || arp.operation != net::ArpOperation::kRequest) {
    if (for_us) {
      tell_others(dpdk::frame_bytes(frame).first(net::kArpFrameLength), attachment);
      dpdk::free_frame(frame);
    } else {
      drop(frame, net::Drop::kArpUnwanted);
    }
    return;
  }
  dpdk::clear_frame(frame);
  uint8_t* reply = dpdk::put(frame, net::kArpFrameLength);
  net::write_arp_reply(net::ArpFrame(reply, net::kArpFrameLength), here.port->mac(), arp);
  egress_.push(frame, attachment);
  ++counters_.arp_answered;
}

void Ingress::on_icmp(rte_mbuf* frame, const net::Frame& parsed, uint8_t attachment) {
  const Attachment& here = attachments_[attachment];
  const uint16_t length = net::answer_echo(dpdk::frame_bytes(frame), parsed, here.port->mac());
  if (length == 0) return on_icmp_error(frame, parsed, attachment);
  dpdk::truncate_frame(frame, length);
  egress_.push(frame, attachment);
  ++counters_.echo_answered;
}

// RFC 9293 MUST-54: it is for the connection that it quotes, which must be one of the address that it was
// sent to.
void Ingress::on_icmp_error(rte_mbuf* frame, const net::Frame& parsed, uint8_t attachment) {
  const auto message = dpdk::frame_bytes(frame).subspan(parsed.l4_offset, parsed.l4_length);
  net::IcmpReport& report = icmp_errors_[icmp_error_count_];
  net::Drop reason = net::parse_icmp_error(message, report);
  if (reason == net::Drop::kNone && report.tuple.local != parsed.destination) reason = net::Drop::kIcmpQuote;
  if (reason != net::Drop::kNone) {
    drop(frame, reason);
    return;
  }
  const uint16_t port = report.tuple.local_port;
  if (!handed_ && seat_.is_anothers(port)) return hand_on(frame, attachment, port);
  ++icmp_error_count_;
  dpdk::free_frame(frame);
}

void Ingress::hand_on(rte_mbuf* frame, uint8_t attachment, uint16_t local_port) {
  if (!seat_.give(local_port, attachment, frame)) {
    drop(frame, net::Drop::kWorkerFull);
    return;
  }
  ++counters_.frames_handed_on;
}

// Each worker asks for its neighbours itself, and whoever gets the answer tells it to all.
void Ingress::tell_others(std::span<const uint8_t> arp, uint8_t attachment) {
  if (seat_.steering == nullptr || handed_) return;
  for (uint16_t worker = 0; worker < seat_.steering->workers(); ++worker) {
    rte_mbuf* const copy = worker == seat_.worker ? nullptr : egress_.allocate();
    if (copy == nullptr) continue;
    std::ranges::copy(arp, dpdk::put(copy, net::kArpFrameLength));
    if (seat_.steering->give(worker, attachment, copy)) {
      ++counters_.frames_handed_on;
    } else {
      drop(copy, net::Drop::kWorkerFull);
    }
  }
}

}  // namespace tern::stack
