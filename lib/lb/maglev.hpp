// SPDX-License-Identifier: BSD-3-Clause
// Maglev hashing: Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer, NSDI 2016,
// section 3.4. A table of backends, nearly even, of which little changes when a backend comes or goes; the
// client's address chooses the entry.
#pragma once

#include <span>
#include <vector>

#include "lb/balancer.hpp"

namespace tern::lb {

// A backend's order of preference among the entries: offset, offset + skip, offset + 2 skip, ... modulo the
// table's size, which is a prime, so that it comes by every entry.
struct MaglevPreference {
  uint32_t offset = 0;  // below the table's size
  uint32_t skip = 1;    // from 1 to the table's size - 1
  uint32_t weight = 1;  // 0: no entries. A backend takes turns as often as its weight beside the greatest
};

constexpr uint16_t kNoEntry = 0xffff;

// The paper's pseudocode 1: in turn each backend takes the entry that it likes best of those that are free.
// table: of a prime size; every entry is set, to kNoEntry when no backend has a weight.
void fill_maglev_table(std::span<const MaglevPreference> backends, std::span<uint16_t> table);

// A backend's preference follows from its name, here its address and port, and nothing else: every worker,
// and every tern with the same pool, makes the same table.
MaglevPreference maglev_preference(net::Ipv4Address address, uint16_t port, uint32_t size);

class Maglev : public Balancer {
 public:
  // size: a prime; the paper wants a hundred entries per backend or more, so that shares differ by 1 % at
  // most.
  explicit Maglev(uint32_t size) : table_(size, kNoEntry) {}
  // Writes every entry of the table.
  void rebuild(std::span<const Backend> backends) override;
  uint32_t choose(std::span<const Backend> backends, const Request& request) override;
  std::span<const uint16_t> table() const { return table_; }

 private:
  std::vector<uint16_t> table_;
};

// Whether n may be a table's size.
bool is_prime(uint32_t n);

}  // namespace tern::lb
