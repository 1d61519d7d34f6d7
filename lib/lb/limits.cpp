// SPDX-License-Identifier: BSD-3-Clause
// Who may connect to a service.
#include "lb/limits.hpp"

#include <algorithm>

namespace tern::lb {

bool TokenBucket::holds_one(uint32_t rate, uint32_t burst, net::Instant now) const {
  const net::Duration one(1'000'000'000 / rate);
  return std::max(full_at_, now) + one - now <= one * burst;
}

bool TokenBucket::take(uint32_t rate, uint32_t burst, net::Instant now) {
  if (!holds_one(rate, burst, now)) return false;
  full_at_ = std::max(full_at_, now) + net::Duration(1'000'000'000 / rate);
  return true;
}

Limits::Limits(const LimitsConfig& config, uint64_t seed)
    : config_(config),
      any_(config.any()),
      sources_(config.per_source != 0 || config.rate != 0 ? config.sources : 1, seed),
      prefixes_(config.per_prefix != 0 ? config.sources : 1, mix(seed)) {
  if (config_.burst == 0) config_.burst = config_.rate;
}

uint64_t Limits::footprint(const LimitsConfig& config) {
  const uint64_t table = SourceTable<Source>::footprint(config.sources);
  return (config.per_source != 0 || config.rate != 0 ? table : 0) + (config.per_prefix != 0 ? table : 0);
}

net::Ipv4Address Limits::prefix_of(net::Ipv4Address source) const {
  return {source.value & net::Ipv4Interface{source, config_.prefix_length}.mask()};
}

bool Limits::allows(net::Ipv4Address source, net::Instant now) {
  if (!any_) return true;
  if (!config_.access.allows(source)) return ++counters_.refused_access, false;
  const Source* own = sources_.find(source, now);
  const Source* prefix = prefixes_.find(prefix_of(source), now);
  if (own != nullptr && config_.per_source != 0 && own->connections >= config_.per_source)
    return ++counters_.refused_source, false;
  if (prefix != nullptr && config_.per_prefix != 0 && prefix->connections >= config_.per_prefix)
    return ++counters_.refused_prefix, false;
  if (own != nullptr && config_.rate != 0 && !own->bucket.holds_one(config_.rate, config_.burst, now))
    return ++counters_.refused_rate, false;
  return true;
}

bool Limits::admit(net::Ipv4Address source, net::Instant now) {
  if (!allows(source, now)) return false;
  if (config_.per_source != 0 || config_.rate != 0) {
    Source* own = sources_.find_or_add(source, now);
    if (own == nullptr) ++counters_.sources_overflowed;
    if (own != nullptr && config_.rate != 0) own->bucket.take(config_.rate, config_.burst, now);
    if (own != nullptr) ++own->connections;
  }
  if (config_.per_prefix != 0) {
    Source* prefix = prefixes_.find_or_add(prefix_of(source), now);
    if (prefix == nullptr) ++counters_.sources_overflowed;
    if (prefix != nullptr) ++prefix->connections;
  }
  return true;
}

void Limits::released(net::Ipv4Address source, net::Instant now) {
  if (!any_) return;
  release(sources_, source, now);
  release(prefixes_, prefix_of(source), now);
}

// One that found no place when it was admitted may find another's now, which is counted low by one until
// then.
void Limits::release(SourceTable<Source>& table, net::Ipv4Address address, net::Instant now) {
  Source* entry = table.find(address, now);
  if (entry != nullptr && entry->connections != 0) --entry->connections;
}

}  // namespace tern::lb
