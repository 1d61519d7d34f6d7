// SPDX-License-Identifier: BSD-3-Clause
// The stations on our links.
#include "stack/neighbours.hpp"

#include <algorithm>

namespace tern::stack {

Neighbours::Entry* Neighbours::find(uint8_t attachment, net::Ipv4Address address) {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.address == address && entry.attachment == attachment;
  });
  return found == entries_.end() ? nullptr : &*found;
}

Neighbours::Entry& Neighbours::create(uint8_t attachment, net::Ipv4Address address, net::Instant now) {
  const Entry fresh{address, {}, attachment, 0, false, now};
  if (entries_.size() < kCapacity) return entries_.emplace_back(fresh);
  Entry& oldest = *std::ranges::min_element(entries_, {}, &Entry::when);
  return oldest = fresh;
}

void Neighbours::learn(uint8_t attachment, net::Ipv4Address address, const net::MacAddress& mac,
                       bool create_it, net::Instant now) {
  Entry* entry = find(attachment, address);
  if (entry == nullptr && !create_it) return;
  if (entry == nullptr) entry = &create(attachment, address, now);
  *entry = {address, mac, attachment, 0, true, now};
}

void Neighbours::doubt(uint8_t attachment, net::Ipv4Address address) {
  Entry* entry = find(attachment, address);
  if (entry != nullptr && entry->known) *entry = {address, {}, attachment, 0, false, entry->when};
}

Neighbours::Answer Neighbours::resolve(uint8_t attachment, net::Ipv4Address address, net::Instant now,
                                       net::MacAddress& mac) {
  Entry* entry = find(attachment, address);
  if (entry != nullptr && entry->known && now - entry->when < kLifetime) {
    mac = entry->mac;
    return Answer::kKnown;
  }
  if (entry == nullptr) entry = &create(attachment, address, now);
  if (entry->known) *entry = {address, {}, attachment, 0, false, now};  // too old to be believed
  if (entry->tries != 0 && now - entry->when < kRetry) return Answer::kWait;
  if (entry->tries == kTries) {
    entry->tries = 0;
    return Answer::kUnreachable;
  }
  ++entry->tries;
  entry->when = now;
  return Answer::kAsk;
}

}  // namespace tern::stack
