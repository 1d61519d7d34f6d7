// SPDX-License-Identifier: BSD-3-Clause
// How far the response that a connection is receiving has come, behind its head. RFC 9112 section 6.
#pragma once

#include <cstdint>
#include <span>

#include "ternload/response.hpp"

namespace tern::load {

class Body {
 public:
  Body() = default;
  explicit Body(const ResponseHead& head);
  // A body of so many bytes that has no head.
  explicit Body(uint64_t length) : left_(length), part_(length == 0 ? Part::kNone : Part::kData) {}

  // Whether one is under way.
  bool begun() const { return part_ != Part::kNone; }
  // Whether only the end of the connection ends it.
  bool until_close() const { return part_ == Part::kUntilClose; }
  bool malformed() const { return part_ == Part::kMalformed; }
  // Bytes of content so far, chunks' own lines not counted.
  uint64_t position() const { return position_; }

  // Takes what belongs to it from the front of bytes and returns how much that is; less than all of them when
  // it is complete. text: the part of these that is content, which begins at position() as it was before; it
  // may end before what was taken does, and then the next call goes on.
  uint32_t take(std::span<const uint8_t> bytes, std::span<const uint8_t>& text);

 private:
  enum class Part : uint8_t {
    kNone,
    kData,  // left_ bytes
    kUntilClose,
    kChunkSize,  // left_ is what was read of the number
    kChunkData,  // left_ bytes
    kChunkEnd,   // the line end behind them
    kTrailer,    // left_ characters in the line so far
    kMalformed,
  };
  void take_mark(uint8_t c);

  uint64_t left_ = 0;
  uint64_t position_ = 0;
  Part part_ = Part::kNone;
  bool extension_ = false;  // kChunkSize: behind the number
};

}  // namespace tern::load
