// SPDX-License-Identifier: BSD-3-Clause
// What few connections need at a time: a fixed number of slots, made at start, handed out by index.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

namespace tern::tcp {

constexpr uint32_t kNoSlot = 0xffffffffu;

template <typename T>
class Pool {
 public:
  // memory: where the slots lie.
  explicit Pool(uint32_t capacity, std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : slots_(capacity, memory), free_(memory) {
    free_.reserve(capacity);
    for (uint32_t i = capacity; i != 0; --i) free_.push_back(i - 1);
  }

  // A slot as it was left; kNoSlot when all are in use.
  uint32_t allocate() {
    if (free_.empty()) return kNoSlot;
    const uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void release(uint32_t index) { free_.push_back(index); }
  T& operator[](uint32_t index) { return slots_[index]; }
  const T& operator[](uint32_t index) const { return slots_[index]; }
  bool full() const { return free_.empty(); }
  uint32_t capacity() const { return static_cast<uint32_t>(slots_.size()); }
  uint32_t in_use() const { return static_cast<uint32_t>(slots_.size() - free_.size()); }

 private:
  std::pmr::vector<T> slots_;
  std::pmr::vector<uint32_t> free_;
};

}  // namespace tern::tcp
