// SPDX-License-Identifier: BSD-3-Clause
// What is remembered of clients by address, in a table of fixed size: an address has eight places, and when
// they are taken the one that was used least recently makes room. So memory is bounded whoever connects, at
// the price that a flood of addresses makes it forget.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "lb/hash.hpp"
#include "net/address.hpp"
#include "net/instant.hpp"

namespace tern::lb {

// Value: default-constructed for a new address; bool Value::pinned() says that it may not be forgotten.
template <typename Value>
class SourceTable {
 public:
  // capacity: rounded up to a power of two; seed: secret, so that nobody can choose addresses that share
  // places.
  SourceTable(uint32_t capacity, uint64_t seed) : seed_(seed), sets_(sets_for(capacity)) {}

  // Null when nothing is known of the address.
  Value* find(net::Ipv4Address address, net::Instant now) {
    for (Entry& entry : set_of(address)) {
      if (!entry.used || entry.address != address) continue;
      entry.touched = now;
      return &entry.value;
    }
    return nullptr;
  }

  // Makes a place when there is none yet; null when all that it could have are pinned.
  Value* find_or_add(net::Ipv4Address address, net::Instant now) {
    if (Value* known = find(address, now)) return known;
    Entry* oldest = nullptr;
    for (Entry& entry : set_of(address)) {
      if (!entry.used) {
        oldest = &entry;
        break;
      }
      if (entry.value.pinned()) continue;
      if (oldest == nullptr || entry.touched < oldest->touched) oldest = &entry;
    }
    if (oldest == nullptr) return nullptr;
    *oldest = {address, true, now, Value{}};
    return &oldest->value;
  }

  uint32_t capacity() const { return static_cast<uint32_t>(sets_.size() * kWays); }
  // Memory that a table for so many takes, in bytes.
  static constexpr uint64_t footprint(uint32_t capacity) { return sets_for(capacity) * sizeof(Set); }

 private:
  static constexpr uint32_t kWays = 8;
  struct Entry {
    net::Ipv4Address address;
    bool used = false;
    net::Instant touched;
    Value value{};
  };
  using Set = std::array<Entry, kWays>;

  static constexpr uint64_t sets_for(uint32_t capacity) {
    return std::bit_ceil(capacity < kWays ? 1u : (capacity + kWays - 1) / kWays);
  }

  Set& set_of(net::Ipv4Address address) { return sets_[mix(address.value ^ seed_) & (sets_.size() - 1)]; }

  uint64_t seed_;
  std::vector<Set> sets_;
};

}  // namespace tern::lb
