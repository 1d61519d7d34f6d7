// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match, for the lists of prefixes that an operator writes: settled at start, a binary search
// for each length that occurs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/address.hpp"

namespace tern::lb {

class PrefixTable {
 public:
  // A later value for the same prefix replaces the earlier one. Bits of the address beyond the prefix do not
  // matter.
  void add(const net::Ipv4Interface& prefix, uint32_t value);
  // The value of the longest prefix that contains the address; nothing when none does.
  std::optional<uint32_t> find(net::Ipv4Address address) const;
  bool empty() const { return lengths_.empty(); }

 private:
  struct Prefix {
    uint32_t network;
    uint32_t value;
  };
  struct Length {
    uint32_t mask;
    std::vector<Prefix> prefixes;  // ascending
  };
  std::vector<Length> lengths_;  // the longest first
};

// Who may connect: the longest prefix decides. Without any, everybody may; who is in none of them may unless
// there is one that allows.
class AccessList {
 public:
  void allow(const net::Ipv4Interface& prefix) {
    table_.add(prefix, kAllow);
    any_allowed_ = true;
  }
  void deny(const net::Ipv4Interface& prefix) { table_.add(prefix, kDeny); }
  bool allows(net::Ipv4Address address) const {
    return table_.find(address).value_or(any_allowed_ ? kDeny : kAllow) == kAllow;
  }
  bool empty() const { return table_.empty(); }

 private:
  static constexpr uint32_t kDeny = 0;
  static constexpr uint32_t kAllow = 1;
  PrefixTable table_;
  bool any_allowed_ = false;
};

}  // namespace tern::lb
