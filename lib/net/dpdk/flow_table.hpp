// SPDX-License-Identifier: BSD-3-Clause
// The table of one core's connections: rte_hash, whose position for a key is the connection's index.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "net/address.hpp"
#include "net/prf.hpp"

struct rte_hash;

namespace tern::net::dpdk {

class FlowTable {
 public:
  static constexpr int32_t kAbsent = -1;
  static constexpr uint32_t kMaxBurst = 64;  // keys in one find()

  // capacity: connections, at least 8, all of which fit whatever their hashes (overflow buckets). key: of the
  // function that makes hashes, secret, so that nobody outside can aim at a bucket. One core uses the table.
  // Throws std::runtime_error with the remedy when memory is short.
  FlowTable(const std::string& name, uint32_t capacity, const PrfKey& key);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  // Signatures of a burst of tuples, interleaved.
  void hash(std::span<const FourTuple> tuples, std::span<uint32_t> hashes) const;
  // positions[i] becomes the index of tuples[i] or kAbsent; at most kMaxBurst tuples.
  void find(std::span<const FourTuple> tuples, std::span<const uint32_t> hashes,
            std::span<int32_t> positions) const;
  int32_t find(const FourTuple& tuple, uint32_t hash) const;
  // The index in [0, capacity) given to the tuple, or kAbsent when the table is full. The tuple must not be
  // in it.
  int32_t insert(const FourTuple& tuple, uint32_t hash);
  void erase(const FourTuple& tuple, uint32_t hash);
  uint32_t size() const;
  uint32_t capacity() const;
  // Memory that a table of this capacity takes, in bytes, within a tenth.
  static uint64_t footprint(uint32_t capacity);

 private:
  Prf prf_;
  rte_hash* table_ = nullptr;
  uint32_t capacity_;
};

}  // namespace tern::net::dpdk
