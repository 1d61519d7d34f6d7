// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match.
#include "lb/prefix_table.hpp"

#include <algorithm>

namespace tern::lb {

void PrefixTable::add(const net::Ipv4Interface& prefix, uint32_t value) {
  const uint32_t mask = prefix.mask();
  const uint32_t network = prefix.address.value & mask;
  auto length = std::ranges::find_if(lengths_, [&](const Length& l) { return l.mask <= mask; });
  if (length == lengths_.end() || length->mask != mask) length = lengths_.insert(length, Length{mask, {}});
  auto place = std::ranges::lower_bound(length->prefixes, network, {}, &Prefix::network);
  if (place != length->prefixes.end() && place->network == network) {
    place->value = value;
  } else {
    length->prefixes.insert(place, {network, value});
  }
}

std::optional<uint32_t> PrefixTable::find(net::Ipv4Address address) const {
  for (const Length& length : lengths_) {
    const uint32_t network = address.value & length.mask;
    const auto place = std::ranges::lower_bound(length.prefixes, network, {}, &Prefix::network);
    if (place != length.prefixes.end() && place->network == network) return place->value;
  }
  return std::nullopt;
}

}  // namespace tern::lb
