// SPDX-License-Identifier: BSD-3-Clause
// From segments to frames.
#include "stack/egress.hpp"

#include <algorithm>
#include <cstring>

#include "net/ethernet.hpp"
#include "net/ipv4.hpp"
#include "tcp/header.hpp"

namespace tern::stack {

namespace dpdk = net::dpdk;

namespace {
constexpr uint32_t kHeadersBeforeTcp = net::ethernet::kHeaderLength + net::ipv4::kHeaderLength;
}

Egress::Egress(std::span<const Attachment> attachments, dpdk::FramePool& headers, Counters& counters)
    : attachments_(attachments), headers_(headers), counters_(counters), queues_(attachments.size()) {}

rte_mbuf* Egress::allocate() {
  rte_mbuf* frame = headers_.allocate_frame();
  if (frame == nullptr) ++counters_.frames_unbuilt;
  return frame;
}

void Egress::depart(const tcp::Departure& departure, const Path& path, const tcp::IpMarking& marking) {
  if (path.next_hop.is_unset()) return;  // a SYN of ours, which leaves once its neighbour is known
  const uint32_t header_length = kHeadersBeforeTcp + departure.header.length();
  if (departure.text_length == 0) return reply(departure.header, path, marking);

  rte_mbuf* frame = nullptr;
  const Attachment& attachment = attachments_[path.attachment];
  const net::PacketField& text = net::buffer::field(departure.text);
  uint32_t sum = 0;
  if (departure.text_offset == 0 && text.length >= departure.text_length) {
    if (text.length == departure.text_length) sum = text.sum;
    frame = dpdk::frame_in_place(departure.text, departure.text_length, header_length);
    if (frame != nullptr) counters_.text_in_place.add(departure.text_length);
  }
  if (frame == nullptr) frame = build_with_text(departure, attachment, header_length);
  if (frame == nullptr) return;
  write_headers(frame, dpdk::frame_start(frame), departure.header, departure.text_length, sum, path, marking,
                departure.ecn);
  push(frame, path.attachment);
}

// A buffer of headers with the text behind them, copied or referred to.
rte_mbuf* Egress::build_with_text(const tcp::Departure& departure, const Attachment& attachment,
                                  uint32_t header_length) {
  rte_mbuf* frame = allocate();
  if (frame == nullptr) return nullptr;
  dpdk::put(frame, header_length);
  const bool copy = departure.text_length <= kCopyBelow || !attachment.port->offloads().multiple_segments;
  if (copy ? append_copy(frame, departure) : append_references(frame, departure)) return frame;
  ++counters_.frames_unbuilt;
  dpdk::free_frame(frame);
  return nullptr;
}

bool Egress::append_copy(rte_mbuf* frame, const tcp::Departure& departure) {
  uint8_t* to = dpdk::put(frame, departure.text_length);
  if (to == nullptr) return false;
  uint32_t left = departure.text_length;
  uint32_t offset = departure.text_offset;
  for (rte_mbuf* text = departure.text; left != 0; offset = 0) {
    const net::PacketField& field = net::buffer::field(text);
    const uint32_t length = std::min<uint32_t>(left, field.length - offset);
    std::memcpy(to, net::buffer::start(text) + field.offset + offset, length);
    to += length;
    left -= length;
    text = field.next;
  }
  counters_.text_copied.add(departure.text_length);
  return true;
}

bool Egress::append_references(rte_mbuf* frame, const tcp::Departure& departure) {
  uint32_t left = departure.text_length;
  uint32_t offset = departure.text_offset;
  for (rte_mbuf* text = departure.text; left != 0; offset = 0) {
    const net::PacketField& field = net::buffer::field(text);
    const uint32_t length = std::min<uint32_t>(left, field.length - offset);
    if (!dpdk::attach(frame, headers_, text, offset, length)) return false;
    left -= length;
    text = field.next;
  }
  counters_.text_attached.add(departure.text_length);
  return true;
}

void Egress::reply(rte_mbuf* frame, const tcp::SegmentHeader& header, const Path& path,
                   const tcp::IpMarking& marking) {
  dpdk::clear_frame(frame);
  send_bare(frame, header, path, marking);
}

void Egress::reply(const tcp::SegmentHeader& header, const Path& path, const tcp::IpMarking& marking) {
  if (rte_mbuf* frame = allocate()) send_bare(frame, header, path, marking);
}

// A segment without text in an empty frame.
void Egress::send_bare(rte_mbuf* frame, const tcp::SegmentHeader& header, const Path& path,
                       const tcp::IpMarking& marking) {
  uint8_t* start = dpdk::put(frame, kHeadersBeforeTcp + header.length());
  write_headers(frame, start, header, 0, 0, path, marking, tcp::EcnField::kNotCapable);
  push(frame, path.attachment);
}

void Egress::write_headers(rte_mbuf* frame, uint8_t* start, const tcp::SegmentHeader& header,
                           uint32_t text_length, uint32_t text_sum, const Path& path,
                           const tcp::IpMarking& marking, tcp::EcnField ecn) {
  const dpdk::Port& port = *attachments_[path.attachment].port;
  net::write_ethernet(start, path.next_hop, port.mac(), net::kEtherTypeIpv4);
  net::Ipv4Fields fields;
  fields.total_length = static_cast<uint16_t>(net::ipv4::kHeaderLength + header.length() + text_length);
  fields.protocol = net::ipv4::kProtocolTcp;
  fields.traffic_class = static_cast<uint8_t>(marking.dscp << 2 | tcp::traffic_class(ecn));
  fields.time_to_live = marking.time_to_live;
  fields.source = path.tuple.local;
  fields.destination = path.tuple.remote;
  net::write_ipv4_header(start + net::ethernet::kHeaderLength, fields);
  const auto pseudo =
      net::pseudo_header(fields.source, fields.destination, fields.protocol,
                         static_cast<uint16_t>(fields.total_length - net::ipv4::kHeaderLength));
  const auto sum =
      tcp::write_header(header, {path.tuple.local_port, path.tuple.remote_port}, start + kHeadersBeforeTcp);
  port.finish_tcp(frame, header.length(), pseudo, sum, text_sum);
}

void Egress::push(rte_mbuf* frame, uint8_t attachment) {
  Queue& queue = queues_[attachment];
  queue.frames[queue.count++] = frame;
  if (queue.count == kBurst) flush(attachment);
}

void Egress::flush() {
  const auto count = static_cast<uint8_t>(queues_.size());
  for (uint8_t i = 0; i < count; ++i) {
    if (queues_[i].count != 0) flush(i);
  }
}

void Egress::flush(uint8_t attachment) {
  Queue& queue = queues_[attachment];
  const Attachment& to = attachments_[attachment];
  const std::span frames = std::span(queue.frames).first(queue.count);
  const uint32_t sent = to.port->transmit(to.queue, frames);
  for (rte_mbuf* refused : frames.subspan(sent)) dpdk::free_frame(refused);
  counters_.frames_sent.add(sent);
  counters_.frames_refused.add(queue.count - sent);
  queue.count = 0;
}

}  // namespace tern::stack
