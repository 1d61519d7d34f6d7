// SPDX-License-Identifier: BSD-3-Clause
// Which local ports are left to connections that we open.
#include "stack/local_ports.hpp"

#include <bit>

namespace tern::stack {

PortSet::PortSet() : words_{}, groups_{}, size_(0) {}

PortSet::PortSet(PortShare share) : PortSet() {
  for (uint32_t port = kFirstPort; port < kFirstPort + kPorts; ++port) {
    if (share.has(static_cast<uint16_t>(port))) insert(static_cast<uint16_t>(port));
  }
}

void PortSet::insert(uint16_t port) {
  if (contains(port)) return;
  const uint32_t bit = port - kFirstPort;
  words_[bit / kBits] |= uint64_t{1} << bit % kBits;
  groups_[bit / kBits / kBits] |= uint64_t{1} << bit / kBits % kBits;
  ++size_;
}

void PortSet::erase(uint16_t port) {
  if (!contains(port)) return;
  const uint32_t bit = port - kFirstPort;
  uint64_t& word = words_[bit / kBits];
  word &= ~(uint64_t{1} << bit % kBits);
  if (word == 0) groups_[bit / kBits / kBits] &= ~(uint64_t{1} << bit / kBits % kBits);
  --size_;
}

bool PortSet::contains(uint16_t port) const {
  const uint32_t bit = port - kFirstPort;
  return (words_[bit / kBits] >> bit % kBits & 1) != 0;
}

std::optional<uint16_t> PortSet::next(uint32_t from) const {
  const auto port_at = [](uint32_t word, uint64_t bits) {
    return static_cast<uint16_t>(kFirstPort + word * kBits + static_cast<uint32_t>(std::countr_zero(bits)));
  };
  const uint32_t word = from / kBits;
  if (const uint64_t rest = words_[word] & ~uint64_t{0} << from % kBits; rest != 0)
    return port_at(word, rest);
  // The words behind it, and at last those before it in its group, itself included.
  const uint32_t next = (word + 1) % kWords;
  for (uint32_t i = 0; i <= kGroups; ++i) {
    const uint32_t group = (next / kBits + i) % kGroups;
    const uint64_t rest = i == 0 ? groups_[group] & ~uint64_t{0} << next % kBits : groups_[group];
    if (rest == 0) continue;
    const uint32_t found = group * kBits + static_cast<uint32_t>(std::countr_zero(rest));
    return port_at(found, words_[found]);
  }
  return std::nullopt;
}

// Peers are those that the configuration names: nobody outside aims at a place.
size_t LocalPorts::Hash::operator()(const net::FourTuple& tuple) const {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  const uint64_t addresses = uint64_t{tuple.local.value} << 32 | tuple.remote.value;
  return std::hash<uint64_t>{}((addresses ^ tuple.remote_port * kOdd) * kOdd >> 16);
}

const PortsToward* LocalPorts::find(const net::FourTuple& tuple) const {
  const auto found = peers_.find(peer_of(tuple));
  return found == peers_.end() ? nullptr : found->second.get();
}

PortsToward& LocalPorts::toward(const net::FourTuple& tuple) {
  std::unique_ptr<PortsToward>& peer = peers_[peer_of(tuple)];
  if (!peer) peer = std::make_unique<PortsToward>(PortsToward{all_, {}});
  return *peer;
}

void LocalPorts::mark(const net::FourTuple& tuple, Use use) {
  PortsToward& ports = toward(tuple);
  ports.free.erase(tuple.local_port);
  ports.waiting.erase(tuple.local_port);
  if (use == Use::kFree) ports.free.insert(tuple.local_port);
  if (use == Use::kWaiting) ports.waiting.insert(tuple.local_port);
  if (ports.free.size() == all_.size() && peers_.size() > kMostIdle) peers_.erase(peer_of(tuple));
}

}  // namespace tern::stack
