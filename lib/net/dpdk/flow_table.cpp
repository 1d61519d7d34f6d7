// SPDX-License-Identifier: BSD-3-Clause
// The table of one core's connections.
#include "net/dpdk/flow_table.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <stdexcept>

#include "net/dpdk/eal.hpp"

namespace tern::net::dpdk {

namespace {

constexpr size_t kHashedAtOnce = 16;  // enough to hide the cipher's latency, little to clear
constexpr uint32_t kMaxCapacity = 1u << 30;
constexpr uint64_t kPadding = 8;  // places more than the load asks for, so that some are always empty

}  // namespace

// Two thirds full at most: one that is there is found at the second place on average, one that is not is
// known absent at the fifth.
uint64_t FlowTable::count_for(uint32_t capacity) { return uint64_t{capacity} + capacity / 2 + kPadding; }

uint64_t FlowTable::footprint(uint32_t capacity) {
  return count_for(capacity) * sizeof(Place) + uint64_t{capacity} * sizeof(uint32_t);
}

FlowTable::FlowTable(const std::string& name, uint32_t capacity, const PrfKey& key, Keys keys)
    : prf_(key), keys_(keys), capacity_(capacity), count_(static_cast<uint32_t>(count_for(capacity))) {
  if (capacity == 0 || capacity > kMaxCapacity) {
    throw std::runtime_error("flow table \"" + name + "\" of " + std::to_string(capacity) +
                             " connections: allowed are 1 to 1,073,741,824");
  }
  places_ = static_cast<Place*>(allocate_memory(name.c_str(), footprint(capacity)));
  free_ = reinterpret_cast<uint32_t*>(places_ + count_);
}

FlowTable::~FlowTable() { free_memory(places_); }

void FlowTable::hash(std::span<const FourTuple> tuples, std::span<uint32_t> hashes) const {
  assert(hashes.size() >= tuples.size());
  std::array<PrfBlock, kHashedAtOnce> input;
  std::array<PrfBlock, kHashedAtOnce> output;
  for (size_t done = 0; done < tuples.size();) {
    const size_t count = std::min(tuples.size() - done, kHashedAtOnce);
    // The last four bytes of each block stay zero.
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(input[i].words.data(), &tuples[done + i], sizeof(FourTuple));
    }
    prf_.batch({input.data(), count}, {output.data(), count});
    for (size_t i = 0; i < count; ++i) hashes[done + i] = static_cast<uint32_t>(output[i].words[0]);
    done += count;
  }
}

void FlowTable::guess(std::span<const uint32_t> hashes, std::span<int32_t> positions) const {
  assert(positions.size() >= hashes.size());
  for (const uint32_t hash : hashes) __builtin_prefetch(&places_[home(hash)]);
  for (size_t i = 0; i < hashes.size(); ++i) {
    uint32_t at = home(hashes[i]);
    while (places_[at] != 0 && hash_in(places_[at]) != hashes[i]) at = after(at);
    positions[i] = places_[at] == 0 ? kAbsent : static_cast<int32_t>(index_in(places_[at]));
    if (positions[i] != kAbsent) __builtin_prefetch(&keys_[static_cast<uint32_t>(positions[i])]);
  }
}

void FlowTable::confirm(std::span<const FourTuple> tuples, std::span<const uint32_t> hashes,
                        std::span<int32_t> positions) const {
  assert(hashes.size() >= tuples.size() && positions.size() >= tuples.size());
  for (size_t i = 0; i < tuples.size(); ++i) {
    if (positions[i] == kAbsent || keys_[static_cast<uint32_t>(positions[i])] == tuples[i]) continue;
    positions[i] = find(tuples[i], hashes[i]);  // another of the same hash came first
  }
}

// The place that holds the tuple, or the empty one that ends the search.
uint32_t FlowTable::locate(const FourTuple& tuple, uint32_t hash) const {
  uint32_t at = home(hash);
  while (places_[at] != 0 && (hash_in(places_[at]) != hash || keys_[index_in(places_[at])] != tuple)) {
    at = after(at);
  }
  return at;
}

int32_t FlowTable::find(const FourTuple& tuple, uint32_t hash) const {
  const Place place = places_[locate(tuple, hash)];
  return place == 0 ? kAbsent : static_cast<int32_t>(index_in(place));
}

int32_t FlowTable::insert(const FourTuple& tuple, uint32_t hash) {
  if (size_ == capacity_) return kAbsent;
  ++size_;
  const uint32_t index = free_count_ != 0 ? free_[--free_count_] : fresh_++;
  uint32_t at = home(hash);
  while (places_[at] != 0) at = after(at);
  places_[at] = place_of(hash, index);
  keys_[index] = tuple;
  return static_cast<int32_t>(index);
}

// What lies behind moves up, unless it would come to lie before where it belongs; so no search has to pass
// over graves.
void FlowTable::erase(const FourTuple& tuple, uint32_t hash) {
  uint32_t hole = locate(tuple, hash);
  if (places_[hole] == 0) return;
  const uint32_t index = index_in(places_[hole]);
  keys_[index] = FourTuple{};
  free_[free_count_++] = index;
  --size_;
  for (uint32_t at = after(hole); places_[at] != 0; at = after(at)) {
    const uint32_t belongs = home(hash_in(places_[at]));
    if (distance(belongs, at) < distance(hole, at)) continue;
    places_[hole] = places_[at];
    hole = at;
  }
  places_[hole] = 0;
}

}  // namespace tern::net::dpdk
