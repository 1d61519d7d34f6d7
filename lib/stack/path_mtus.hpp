// SPDX-License-Identifier: BSD-3-Clause
// What paths were found to take, by destination, so that a new connection begins right. RFC 1191 section 6.2.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/address.hpp"
#include "net/instant.hpp"

namespace tern::stack {

// Bounded: a destination has one place, and what was learned there before makes room.
class PathMtus {
 public:
  struct Entry {
    net::Ipv4Address remote;
    uint16_t mss = 0;    // as tcp::Connection::limit_path() takes it
    net::Instant until;  // then it is forgotten, so that the path is tried again
  };

  PathMtus() : entries_(kEntries) {}

  void learn(const Entry& entry) { entries_[place(entry.remote)] = entry, ++learned_; }
  std::optional<Entry> find(net::Ipv4Address remote, net::Instant now) const {
    if (learned_ == 0) return std::nullopt;
    const Entry& entry = entries_[place(remote)];
    if (entry.remote != remote || entry.until <= now) return std::nullopt;
    return entry;
  }

 private:
  static constexpr int kBits = 10;
  static constexpr uint32_t kEntries = 1u << kBits;
  static uint32_t place(net::Ipv4Address remote) { return (remote.value * 0x9e3779b1u) >> (32 - kBits); }

  std::vector<Entry> entries_;
  uint64_t learned_ = 0;
};

}  // namespace tern::stack
