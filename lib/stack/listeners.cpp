// SPDX-License-Identifier: BSD-3-Clause
// Which service listens where.
#include "stack/listeners.hpp"

#include <algorithm>

namespace tern::stack {

namespace {
uint64_t key_of(net::Ipv4Address address, uint16_t port) { return uint64_t{address.value} << 16 | port; }
}  // namespace

void Listeners::add(ListenAddress where, uint16_t profile, const tcp::Config& config) {
  const uint64_t key = key_of(where.address, where.port);
  const auto place = std::ranges::lower_bound(keys_, key) - keys_.begin();
  keys_.insert(keys_.begin() + place, key);
  listeners_.insert(listeners_.begin() + place, tcp::Listener(profile, config));
}

const tcp::Listener* Listeners::find(net::Ipv4Address address, uint16_t port) const {
  const uint64_t key = key_of(address, port);
  const auto place = std::ranges::lower_bound(keys_, key);
  return place == keys_.end() || *place != key ? nullptr
                                               : &listeners_[static_cast<size_t>(place - keys_.begin())];
}

}  // namespace tern::stack
