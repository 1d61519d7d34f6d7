// SPDX-License-Identifier: BSD-3-Clause
// The peer's end of a connection.
#include "instructions/peer.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "net/checksum.hpp"
#include "net/ethernet.hpp"
#include "net/frame.hpp"
#include "net/ipv4.hpp"
#include "tcp/header.hpp"
#include "tcp/options.hpp"

namespace tern::bench {

namespace {

constexpr net::MacAddress kClientMac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr uint8_t kWindowScale = 7;
constexpr size_t kTcp = net::ethernet::kHeaderLength + net::ipv4::kHeaderLength;

}  // namespace

Reply read_reply(const Bytes& frame) {
  net::Frame parsed;
  if (net::parse_frame(frame, {}, parsed) != net::Drop::kNone || parsed.content != net::Content::kTcp)
    throw std::runtime_error("tern sent a frame that is wrong, or no TCP");
  const auto segment = std::span(frame).subspan(parsed.l4_offset, parsed.l4_length);
  Reply reply;
  uint32_t text = 0;
  if (tcp::parse_segment(segment, reply.seg, text) != net::Drop::kNone)
    throw std::runtime_error("tern sent a segment that is wrong");
  const tcp::Ports ports = tcp::parse_ports(segment.data());
  reply.tuple = {parsed.source, parsed.destination, ports.source, ports.destination};
  reply.text = {reinterpret_cast<const char*>(segment.data()) + text, reply.seg.length};
  return reply;
}

Peer::Peer(net::MacAddress server, net::FourTuple tuple, tcp::Seq iss, uint32_t window)
    : server_(server), tuple_(tuple), window_(window), una_(iss), nxt_(iss) {}

Bytes Peer::build(uint8_t flags, std::string_view text, const Acknowledgment& what, net::Instant now) {
  tcp::SegmentHeader header;
  header.seq = nxt_;
  header.ack = what.ack;
  header.flags = flags;
  const auto ts_val = static_cast<uint32_t>(now.milliseconds());
  if ((flags & tcp::kSyn) != 0) {
    header.wnd = 0xffff;
    tcp::SynOptions offer;
    offer.mss = kMss;
    offer.window_scale = kWindowScale;
    offer.sack_permitted = offer.timestamps = true;
    offer.ts_val = ts_val;
    offer.ts_ecr = ts_ecr_;
    tcp::append_syn_options(header, offer);
  } else {
    header.wnd = static_cast<uint16_t>(window_ >> kWindowScale);
    tcp::append_timestamps(header, ts_val, ts_ecr_);
    tcp::append_sacks(header, std::span(what.beyond).first(std::min<size_t>(what.beyond.size(), 3)));
  }
  const auto length = static_cast<uint16_t>(header.length() + text.size());
  Bytes frame(kTcp + length);
  net::write_ethernet(frame.data(), server_, kClientMac, net::kEtherTypeIpv4);
  uint8_t* ip = frame.data() + net::ethernet::kHeaderLength;
  net::Ipv4Fields fields;
  fields.total_length = static_cast<uint16_t>(net::ipv4::kHeaderLength + length);
  fields.protocol = net::ipv4::kProtocolTcp;
  fields.source = tuple_.remote;
  fields.destination = tuple_.local;
  net::write_ipv4_header(ip, fields);
  uint8_t* tcp = frame.data() + kTcp;
  tcp::write_header(header, {tuple_.remote_port, tuple_.local_port}, tcp);
  std::ranges::copy(text, tcp + header.length());
  net::ChecksumSum sum = net::pseudo_header(tuple_.remote, tuple_.local, net::ipv4::kProtocolTcp, length);
  sum.add({tcp, length});
  net::store_be16(tcp + 16, sum.finish());
  return frame;
}

Bytes Peer::segment(uint8_t flags, std::string_view text, net::Instant now) {
  Bytes frame = build(flags, text, acknowledgment(), now);
  nxt_ = nxt_ + static_cast<uint32_t>(text.size()) + ((flags & (tcp::kSyn | tcp::kFin)) != 0 ? 1 : 0);
  return frame;
}

Bytes Peer::acknowledge(const Acknowledgment& what, net::Instant now) {
  return build(tcp::kAck, {}, what, now);
}

void Peer::hear(const Reply& reply) {
  const tcp::Segment& seg = reply.seg;
  const bool opens = seg.has(tcp::kSyn) && !seg.has(tcp::kAck);
  if (seg.has(tcp::kRst) || (!opens && (!seg.has(tcp::kAck) || seg.ack > nxt_)))
    throw std::runtime_error("tern reset a connection, or acknowledged what was not sent");
  if (seg.has(tcp::kSyn)) {
    rcv_nxt_ = seg.seq;
    connected_ = true;
  }
  if (seg.seq != rcv_nxt_ && !losses_) throw std::runtime_error("tern sent a segment out of order, or twice");
  put_together({seg.seq, seg.end()});
  if (!opens) una_ = seg.ack;
  ts_ecr_ = seg.ts_val;
  ended_ = ended_ || seg.has(tcp::kFin);
}

void Peer::put_together(tcp::SackBlock come) {
  if (come.left > rcv_nxt_) {
    for (auto block = beyond_.begin(); block != beyond_.end();) {
      if (block->right < come.left || come.right < block->left) {
        ++block;
        continue;
      }
      come = {std::min(come.left, block->left), std::max(come.right, block->right)};
      block = beyond_.erase(block);
    }
    beyond_.insert(beyond_.begin(), come);
    return;
  }
  rcv_nxt_ = std::max(rcv_nxt_, come.right);
  std::erase_if(beyond_, [&](const tcp::SackBlock& block) {
    const bool joins = block.left <= rcv_nxt_;
    if (joins) rcv_nxt_ = std::max(rcv_nxt_, block.right);
    return joins;
  });
}

}  // namespace tern::bench
