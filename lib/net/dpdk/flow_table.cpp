// SPDX-License-Identifier: BSD-3-Clause
// The table of one core's connections, over rte_hash.
#include "net/dpdk/flow_table.hpp"

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_lcore.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <stdexcept>

namespace tern::net::dpdk {

static_assert(FlowTable::kMaxBurst <= RTE_HASH_LOOKUP_BULK_MAX);

namespace {

constexpr size_t kHashedAtOnce = 16;       // enough to hide the cipher's latency, little to clear
constexpr uint32_t kBucketEntries = 8;     // of rte_hash; it refuses tables of less than one bucket
constexpr uint64_t kBucketBytes = 64;      // a cache line
constexpr uint64_t kKeySlotBytes = 32;     // eight bytes of data and twelve of key, rounded up to sixteen
constexpr uint64_t kOverheadBytes = 8192;  // the table's own structure and its rings' heads
// rte_hash and its rings put prefixes in front of the name and cut what is too long, so that two tables could
// collide.
constexpr size_t kMaxName = 20;

uint32_t bucket_count(uint32_t capacity) { return std::bit_ceil(capacity) / kBucketEntries; }

}  // namespace

FlowTable::FlowTable(const std::string& name, uint32_t capacity, const PrfKey& key)
    : prf_(key), capacity_(capacity) {
  if (capacity < kBucketEntries || capacity > RTE_HASH_ENTRIES_MAX || name.size() > kMaxName) {
    throw std::runtime_error("flow table \"" + name + "\" of " + std::to_string(capacity) +
                             " connections: allowed are 8 to 1,073,741,824 and a name of at most 20 letters");
  }
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = capacity;
  parameters.key_len = sizeof(FourTuple);
  parameters.socket_id = static_cast<int>(rte_socket_id());
  // Overflow buckets: without them a table refuses keys from about 95 % of its capacity on.
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
  table_ = rte_hash_create(&parameters);
  if (table_ == nullptr) {
    throw std::runtime_error("flow table " + name + " of " + std::to_string(capacity) + " connections, " +
                             std::to_string(footprint(capacity) >> 20) + " MiB: " + rte_strerror(rte_errno) +
                             "; give EAL more memory (more huge pages, or a larger -m without them) or lower "
                             "max_connections");
  }
}

FlowTable::~FlowTable() { rte_hash_free(table_); }

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

void FlowTable::find(std::span<const FourTuple> tuples, std::span<const uint32_t> hashes,
                     std::span<int32_t> positions) const {
  assert(tuples.size() <= kMaxBurst && hashes.size() >= tuples.size() && positions.size() >= tuples.size());
  std::array<const void*, kMaxBurst> keys;
  for (size_t i = 0; i < tuples.size(); ++i) keys[i] = &tuples[i];
  // Signatures are only read, though the parameter does not say so.
  rte_hash_lookup_with_hash_bulk(table_, keys.data(), const_cast<uint32_t*>(hashes.data()),
                                 static_cast<uint32_t>(tuples.size()), positions.data());
  for (size_t i = 0; i < tuples.size(); ++i) positions[i] = std::max(positions[i], kAbsent);  // -ENOENT
}

int32_t FlowTable::find(const FourTuple& tuple, uint32_t hash) const {
  return std::max(rte_hash_lookup_with_hash(table_, &tuple, hash), kAbsent);
}

int32_t FlowTable::insert(const FourTuple& tuple, uint32_t hash) {
  return std::max(rte_hash_add_key_with_hash(table_, &tuple, hash), kAbsent);
}

void FlowTable::erase(const FourTuple& tuple, uint32_t hash) {
  rte_hash_del_key_with_hash(table_, &tuple, hash);
}

uint32_t FlowTable::size() const { return static_cast<uint32_t>(rte_hash_count(table_)); }

uint32_t FlowTable::capacity() const { return capacity_; }

uint64_t FlowTable::footprint(uint32_t capacity) {
  const uint64_t buckets = bucket_count(capacity) * kBucketBytes;
  const uint64_t overflow_buckets = buckets;
  const uint64_t keys = (uint64_t{capacity} + 1) * kKeySlotBytes;
  const uint64_t free_keys = std::bit_ceil(uint64_t{capacity} + 1) * sizeof(uint32_t);
  const uint64_t free_buckets = std::bit_ceil(uint64_t{bucket_count(capacity)} + 1) * sizeof(uint32_t);
  return buckets + overflow_buckets + keys + free_keys + free_buckets + kOverheadBytes;
}

}  // namespace tern::net::dpdk
