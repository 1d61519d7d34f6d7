// SPDX-License-Identifier: BSD-3-Clause
// The table of one core's connections: which index a four-tuple has.
//
// Open addressing with linear probing (Knuth, The Art of Computer Programming, volume 3, section 6.4): a
// place in the table is eight bytes, half of them the hash, half the index. The four-tuples lie in the
// caller's own records, by index, so that a look-up reads one line of the table and one that its caller
// wants next. rte_hash, which this was, keeps a copy of each key, 67 bytes an entry in place of 16, and gives
// indices first in, first out, so that each new connection finds the coldest of all slots; here it gets the
// one that was given back last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "net/address.hpp"
#include "net/prf.hpp"

namespace tern::net::dpdk {

class FlowTable {
 public:
  static constexpr int32_t kAbsent = -1;
  static constexpr uint32_t kMaxBurst = 64;  // keys in one find()

  // Records of the caller that hold a four-tuple each, by index.
  struct Keys {
    FourTuple* first = nullptr;
    size_t stride = sizeof(FourTuple);  // bytes from one to the next
    FourTuple& operator[](uint32_t index) const {
      return *reinterpret_cast<FourTuple*>(reinterpret_cast<std::byte*>(first) + index * stride);
    }
  };

  // capacity: connections, all of which fit whatever their hashes. key: of the function that makes hashes,
  // secret, so that nobody outside can aim at a place. keys: so many, which outlive the table. name: of the
  // memory it takes from EAL. Throws std::runtime_error with the remedy when that is short.
  FlowTable(const std::string& name, uint32_t capacity, const PrfKey& key, Keys keys);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  // Hashes of a burst of tuples, interleaved.
  void hash(std::span<const FourTuple> tuples, std::span<uint32_t> hashes) const;
  // positions[i] becomes the index of tuples[i] or kAbsent; at most kMaxBurst tuples. In two steps, so that
  // each memory access of the burst is under way before the first is waited for: guess() gives the first
  // index of the same hash, whose record it has fetched, confirm() compares the tuples.
  void guess(std::span<const uint32_t> hashes, std::span<int32_t> positions) const;
  void confirm(std::span<const FourTuple> tuples, std::span<const uint32_t> hashes,
               std::span<int32_t> positions) const;
  void find(std::span<const FourTuple> tuples, std::span<const uint32_t> hashes,
            std::span<int32_t> positions) const {
    guess(hashes.first(tuples.size()), positions);
    confirm(tuples, hashes, positions);
  }
  int32_t find(const FourTuple& tuple, uint32_t hash) const;
  // The index in [0, capacity) given to the tuple, whose record has it from now on, or kAbsent when the table
  // is full. The tuple must not be in it.
  int32_t insert(const FourTuple& tuple, uint32_t hash);
  // The tuple's record has an empty one from now on. Nothing, if it is not there.
  void erase(const FourTuple& tuple, uint32_t hash);
  uint32_t size() const { return size_; }
  // One beyond the greatest index that was ever given.
  uint32_t positions() const { return fresh_; }
  uint32_t capacity() const { return capacity_; }
  // Memory that a table of this capacity takes, in bytes.
  static uint64_t footprint(uint32_t capacity);

 private:
  // The upper half the hash, the lower the index and one, so that 0 is an empty place.
  using Place = uint64_t;
  static constexpr Place place_of(uint32_t hash, uint32_t index) { return Place{hash} << 32 | (index + 1); }
  static constexpr uint32_t hash_in(Place place) { return static_cast<uint32_t>(place >> 32); }
  static constexpr uint32_t index_in(Place place) { return static_cast<uint32_t>(place) - 1; }
  static uint64_t count_for(uint32_t capacity);

  // Where a hash belongs, if nothing is there.
  uint32_t home(uint32_t hash) const { return static_cast<uint32_t>((uint64_t{hash} * count_) >> 32); }
  uint32_t after(uint32_t at) const { return at + 1 < count_ ? at + 1 : 0; }
  uint32_t distance(uint32_t from, uint32_t to) const { return to >= from ? to - from : to + count_ - from; }
  uint32_t locate(const FourTuple& tuple, uint32_t hash) const;

  Prf prf_;
  Keys keys_;
  uint32_t capacity_;
  uint32_t count_;  // of places
  uint32_t size_ = 0;
  uint32_t fresh_ = 0;       // indices from here on were never given
  uint32_t free_count_ = 0;  // of those that were given back
  Place* places_;
  uint32_t* free_;  // behind them
};

}  // namespace tern::net::dpdk
