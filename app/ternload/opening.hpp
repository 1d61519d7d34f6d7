// SPDX-License-Identifier: BSD-3-Clause
// Opens connections, and counts what becomes of them.
#pragma once

#include <cstdint>
#include <optional>

#include "stack/worker.hpp"
#include "ternload/four_tuples.hpp"
#include "ternload/options.hpp"
#include "ternload/tally.hpp"

namespace tern::load {

class Opening {
 public:
  // At most so many in one round, so that what is on its way is served in between.
  static constexpr uint32_t kMostPerRound = 128;

  // start: the number of the first four-tuple.
  Opening(const Options& options, uint64_t start, Tally& tally);

  // The new connection's index; nothing, and counted, where there is no way now.
  std::optional<uint32_t> open(stack::Worker& worker);
  // The last call for a connection. done: whether its work was; counted: whether why it was not has been.
  void closed(const stack::Socket& socket, bool done, bool counted);
  uint32_t count() const { return count_; }
  // Whether no more may be opened.
  bool used_up() const { return left_ == 0; }

 private:
  Tally& tally_;
  FourTuples tuples_;
  uint64_t left_;  // that may be opened
  uint32_t count_ = 0;
};

}  // namespace tern::load
