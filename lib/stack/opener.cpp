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
  const tcp::Beginning beginning = tcp::begin(isn_prf_, tuple.name(), core_.now);
  core_.connection(index).open_active(beginning.iss, profile, beginning.ts_offset, core_);
  if (!resolve(index)) unresolved_.push_back(index);
}

void Opener::resolve() {
  std::erase_if(unresolved_, [this](uint32_t index) { return resolve(index); });
  if (doubted_.empty() || core_.now < next_renewal_) return;
  std::erase_if(doubted_, [this](const Doubt& doubt) { return renew(doubt); });
  next_renewal_ = core_.now + kBetweenRenewals;
}

// Whether the connection needs no more of our attention: its next hop is known, or it is given up.
bool Opener::resolve(uint32_t index) {
  if (!core_.awake(index)) return true;  // forgotten meanwhile
  tcp::Connection& connection = core_.connection(index);
  Path& path = paths_[index];
  if (connection.tcb.state != tcp::State::kSynSent) return true;  // closed by its user meanwhile
  switch (ask(path, path.next_hop)) {
    case Neighbours::Answer::kKnown:
      core_.mark(connection, tcp::kMarkHandshake);
      return true;
    case Neighbours::Answer::kUnreachable:
      connection.fail(tcp::CloseReason::kUnreachable, core_);
      return true;
    default:
      return false;
  }
}

Neighbours::Answer Opener::ask(const Path& path, net::MacAddress& mac) {
  const Neighbours::Answer answer = neighbours_.resolve(path.attachment, path.tuple.remote, core_.now, mac);
  if (answer != Neighbours::Answer::kAsk) return answer;
  if (rte_mbuf* frame = egress_.allocate()) {
    uint8_t* bytes = net::dpdk::put(frame, net::kArpFrameLength);
    net::write_arp_request(net::ArpFrame(bytes, net::kArpFrameLength),
                           attachments_[path.attachment].port->mac(), path.tuple.local, path.tuple.remote);
    egress_.push(frame, path.attachment);
    ++counters_.arp_requests_sent;
  }
  return answer;
}

void Opener::doubt(uint32_t index) {
  if (doubted_.size() == kMostDoubts) return;
  const Path& path = paths_[index];
  const auto& interfaces = attachments_[path.attachment].interfaces;
  const bool neighbour = std::ranges::any_of(
      interfaces, [&](const net::Ipv4Interface& i) { return i.contains(path.tuple.remote); });
  const bool asked = std::ranges::any_of(doubted_, [&](const Doubt& d) { return d.index == index; });
  if (!neighbour || asked || path.next_hop.is_unset()) return;
  neighbours_.doubt(path.attachment, path.tuple.remote);
  doubted_.push_back({index, path.tuple});
  next_renewal_ = core_.now;
}

// Whether there is nothing more to ask. What nobody answers is left as it is: the connection has its own
// limit.
bool Opener::renew(const Doubt& doubt) {
  Path& path = paths_[doubt.index];
  if (path.tuple != doubt.tuple) return true;
  const Neighbours::Answer answer = ask(path, path.next_hop);
  return answer == Neighbours::Answer::kKnown || answer == Neighbours::Answer::kUnreachable;
}

}  // namespace tern::stack
