// SPDX-License-Identifier: BSD-3-Clause
// Maglev hashing.
#include "lb/maglev.hpp"

#include <algorithm>

#include "lb/hash.hpp"

namespace tern::lb {

namespace {

struct Turn {
  uint64_t entry = 0;   // that it tries next
  uint32_t credit = 0;  // toward a turn, in units of weight
};

}  // namespace

void fill_maglev_table(std::span<const MaglevPreference> backends, std::span<uint16_t> table) {
  std::ranges::fill(table, kNoEntry);
  uint32_t greatest = 0;
  for (const MaglevPreference& backend : backends) greatest = std::max(greatest, backend.weight);
  if (greatest == 0) return;
  std::vector<Turn> turns(backends.size());
  for (size_t i = 0; i < backends.size(); ++i) turns[i].entry = backends[i].offset;
  for (size_t filled = 0;;) {
    for (size_t i = 0; i < backends.size(); ++i) {
      Turn& turn = turns[i];
      turn.credit += backends[i].weight;
      if (turn.credit < greatest) continue;
      turn.credit -= greatest;
      while (table[turn.entry] != kNoEntry) turn.entry = (turn.entry + backends[i].skip) % table.size();
      table[turn.entry] = static_cast<uint16_t>(i);
      if (++filled == table.size()) return;
    }
  }
}

MaglevPreference maglev_preference(net::Ipv4Address address, uint16_t port, uint32_t size) {
  const uint64_t name = uint64_t{address.value} << 16 | port;
  constexpr uint64_t kOther = 0x6d61676c6576u;  // makes a second hash of the first
  const uint64_t first = mix(name + 1);
  const uint64_t second = mix(name ^ mix(kOther));
  return {static_cast<uint32_t>(first % size), static_cast<uint32_t>(second % (size - 1) + 1), 1};
}

void Maglev::rebuild(std::span<const Backend> backends) {
  std::vector<MaglevPreference> preferences;
  preferences.reserve(backends.size());
  const auto size = static_cast<uint32_t>(table_.size());
  for (const Backend& backend : backends) {
    MaglevPreference preference = maglev_preference(backend.config.address, backend.config.port, size);
    preference.weight = backend.share;
    preferences.push_back(preference);
  }
  fill_maglev_table(preferences, table_);
}

// The client of a backend that is full, or has failed it, goes to the entries behind: its clients spread over
// all others.
uint32_t Maglev::choose(std::span<const Backend> backends, const Request& request) {
  const size_t home = mix(request.source.value) % table_.size();
  if (table_[home] == kNoEntry) return kNoBackend;
  if (takes(backends, table_[home], request)) return table_[home];
  const auto able = [&](uint16_t index) { return takes(backends, index, request); };
  bool any = false;
  for (uint32_t i = 0; i < backends.size() && !any; ++i) any = takes(backends, i, request);
  if (!any) return kNoBackend;
  const auto behind = std::find_if(table_.begin() + static_cast<ptrdiff_t>(home), table_.end(), able);
  return behind != table_.end() ? *behind : *std::find_if(table_.begin(), table_.end(), able);
}

bool is_prime(uint32_t n) {
  if (n < 2) return false;
  for (uint32_t divisor = 2; uint64_t{divisor} * divisor <= n; ++divisor) {
    if (n % divisor == 0) return false;
  }
  return true;
}

}  // namespace tern::lb
