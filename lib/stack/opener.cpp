// SPDX-License-Identifier: BSD-3-Clause
// Opening connections of our own.
#include "stack/opener.hpp"

#include <algorithm>

#include "net/arp.hpp"
#include "tcp/isn.hpp"

namespace tern::stack {

std::optional<uint8_t> Opener::attachment_for(net::FourTuple& tuple, tcp::Error& error) const {
  error = tcp::Error::kNetworkUnreachable;
  const auto count = static_cast<uint8_t>(attachments_.size());
  for (uint8_t i = 0; i < count; ++i) {
    for (const net::Ipv4Interface& interface : attachments_[i].interfaces) {
      if (!interface.contains(tuple.remote) || attachments_[i].is_broadcast(tuple.remote))
        continue;  // MUST-46
      if (tuple.local.is_unspecified()) tuple.local = interface.address;
      if (attachments_[i].owns(tuple.local)) return i;
      error = tcp::Error::kAddressNotAvailable;
    }
  }
  return std::nullopt;
}

void Opener::open(uint32_t index, uint16_t profile) {
  const net::FourTuple& tuple = paths_[index].tuple;
  const tcp::Seq iss = tcp::initial_sequence_number(isn_prf_, tuple, core_.now);
  const uint32_t ts_offset = tcp::timestamp_offset(isn_prf_, tuple, iss);
  core_.connection(index).open_active(iss, profile, ts_offset, core_);
  if (!resolve(index)) unresolved_.push_back(index);
}

void Opener::resolve() {
  std::erase_if(unresolved_, [this](uint32_t index) { return resolve(index); });
}

// Whether the connection needs no more of our attention: its next hop is known, or it is given up.
bool Opener::resolve(uint32_t index) {
  tcp::Connection& connection = core_.connection(index);
  Path& path = paths_[index];
  if (connection.tcb.state != tcp::State::kSynSent) return true;  // closed by its user meanwhile
  switch (neighbours_.resolve(path.attachment, path.tuple.remote, core_.now, path.next_hop)) {
    case Neighbours::Answer::kKnown:
      core_.mark(connection, tcp::kMarkHandshake);
      return true;
    case Neighbours::Answer::kAsk:
      if (rte_mbuf* frame = egress_.allocate()) {
        uint8_t* bytes = net::dpdk::put(frame, net::kArpFrameLength);
        net::write_arp_request(net::ArpFrame(bytes, net::kArpFrameLength),
                               attachments_[path.attachment].port->mac(), path.tuple.local,
                               path.tuple.remote);
        egress_.push(frame, path.attachment);
        ++counters_.arp_requests_sent;
      }
      return false;
    case Neighbours::Answer::kWait:
      return false;
    case Neighbours::Answer::kUnreachable:
      connection.fail(tcp::CloseReason::kUnreachable, core_);
      return true;
  }
  return true;
}

}  // namespace tern::stack
