// SPDX-License-Identifier: BSD-3-Clause
// SYNs of connections that nobody will open.
#include "ternload/syn_flood.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/ethernet.hpp"
#include "net/ipv4.hpp"
#include "tcp/header.hpp"
#include "tcp/options.hpp"

namespace tern::load {

namespace {
constexpr uint32_t kIp = net::ethernet::kHeaderLength;
constexpr uint32_t kTcp = kIp + net::ipv4::kHeaderLength;
constexpr uint32_t kTcpLength = 40;
}  // namespace

SynFlood::SynFlood(const Options& options, net::dpdk::Port& port, net::dpdk::FramePool& pool, uint64_t seed,
                   Tally& tally)
    : options_(options),
      port_(port),
      pool_(pool),
      tally_(tally),
      schedule_(options.flood_rate, net::Duration::zero()),
      state_(seed | 1) {}

bool SynFlood::before_round(stack::Worker& worker, net::Instant now) {
  if (!ready_) {
    const auto target = worker.next_hop(options_.target.address);
    if (!target) return false;
    make_template(*target);
    schedule_.start(now);
    ready_ = true;
  }
  if (behind(worker)) return false;
  std::array<rte_mbuf*, kBurst> frames;
  const auto due = static_cast<uint32_t>(std::min<uint64_t>(schedule_.late(now), kBurst));
  uint32_t count = 0;
  for (; count < due; ++count) {
    rte_mbuf* frame = pool_.allocate_frame();
    if (frame == nullptr) break;
    fill(frame);
    frames[count] = frame;
    schedule_.take();
  }
  if (count == 0) return false;
  const uint32_t sent = port_.transmit(0, std::span(frames).first(count));
  for (uint32_t i = sent; i < count; ++i) net::dpdk::free_frame(frames[i]);
  tally_.flood_syns.add(sent);
  return true;
}

bool SynFlood::behind(const stack::Worker& worker) {
  const uint64_t received = worker.counters().frames_received.value();
  const bool whole_burst = received - received_ >= stack::Ingress::kBurst;
  received_ = received;
  return whole_burst;
}

void SynFlood::make_template(const net::MacAddress& target) {
  net::write_ethernet(template_.data(), target, port_.mac(), net::kEtherTypeIpv4);
  ip_.total_length = kFrame - kIp;
  ip_.protocol = net::ipv4::kProtocolTcp;
  ip_.time_to_live = 64;
  ip_.destination = options_.target.address;
  tcp::SegmentHeader syn;
  syn.flags = tcp::kSyn;
  syn.wnd = 64'240;
  tcp::SynOptions offer;
  offer.mss = 1460;
  offer.window_scale = 7;
  offer.timestamps = true;
  offer.sack_permitted = true;
  tcp::append_syn_options(syn, offer);
  tcp::write_header(syn, {0, options_.target.port}, &template_[kTcp]);
}

// Address, port, sequence number and timestamp are all that tells one from another.
void SynFlood::fill(rte_mbuf* frame) {
  uint8_t* const bytes = net::dpdk::put(frame, kFrame);
  std::memcpy(bytes, template_.data(), kFrame);
  const uint64_t number = random();
  const net::Ipv4Interface& from = options_.flood_sources;
  ip_.source = {(from.address.value & from.mask()) | (static_cast<uint32_t>(number) & ~from.mask())};
  net::write_ipv4_header(bytes + kIp, ip_);
  net::store_be16(bytes + kTcp, static_cast<uint16_t>(1024 + (number >> 32) % 64'512));
  net::store_be32(bytes + kTcp + 4, static_cast<uint32_t>(random()));
  net::ChecksumSum header;
  header.add<kTcpLength>(bytes + kTcp);
  port_.finish_tcp(frame, kTcpLength,
                   net::pseudo_header(ip_.source, ip_.destination, ip_.protocol, kTcpLength), header);
}

// xorshift64*: its quality does not matter here, its speed does.
uint64_t SynFlood::random() {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545f4914f6cdd1d;
}

}  // namespace tern::load
