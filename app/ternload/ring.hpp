// SPDX-License-Identifier: BSD-3-Clause
// A queue of indices of fixed size.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace tern::load {

class Ring {
 public:
  explicit Ring(uint32_t capacity) : places_(std::bit_ceil(capacity)) {}
  bool empty() const { return head_ == tail_; }
  // At most as many as the capacity.
  void push(uint32_t index) { places_[tail_++ & (places_.size() - 1)] = index; }
  uint32_t pop() { return places_[head_++ & (places_.size() - 1)]; }

 private:
  std::vector<uint32_t> places_;
  uint32_t head_ = 0;
  uint32_t tail_ = 0;
};

}  // namespace tern::load
