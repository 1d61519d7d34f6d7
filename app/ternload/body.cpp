// SPDX-License-Identifier: BSD-3-Clause
// How far a response's body has come.
#include "ternload/body.hpp"

#include <algorithm>

namespace tern::load {

Body::Body(const ResponseHead& head) : left_(head.content_length) {
  switch (head.body) {
    case BodyKind::kLength:
      part_ = left_ == 0 ? Part::kNone : Part::kData;
      break;
    case BodyKind::kChunked:
      part_ = Part::kChunkSize;
      left_ = 0;
      break;
    case BodyKind::kUntilClose:
      part_ = Part::kUntilClose;
      break;
  }
}

uint32_t Body::take(std::span<const uint8_t> bytes, std::span<const uint8_t>& text) {
  text = {};
  uint32_t taken = 0;
  while (taken < bytes.size() && part_ != Part::kNone && part_ != Part::kMalformed) {
    if (part_ != Part::kData && part_ != Part::kChunkData && part_ != Part::kUntilClose) {
      take_mark(bytes[taken++]);
      continue;
    }
    text = bytes.subspan(taken);
    if (part_ != Part::kUntilClose) {
      text = text.first(std::min<uint64_t>(text.size(), left_));
      left_ -= text.size();
      if (left_ == 0) part_ = part_ == Part::kData ? Part::kNone : Part::kChunkEnd;
    }
    position_ += text.size();
    return taken + static_cast<uint32_t>(text.size());
  }
  return taken;
}

// A character of a chunk's size line, of the line end behind its data, or of the trailer: section 7.1.
void Body::take_mark(uint8_t c) {
  constexpr uint64_t kMostBeforeDigit = ~uint64_t{0} >> 4;
  const auto digit = static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0');
  switch (part_) {
    case Part::kChunkSize:
      if (c == '\n') {
        part_ = left_ == 0 ? Part::kTrailer : Part::kChunkData;
        extension_ = false;
      } else if (c == ';' || c == '\r' || c == ' ') {
        extension_ = true;
      } else if (!extension_) {
        if (digit > 15 || left_ > kMostBeforeDigit) {
          part_ = Part::kMalformed;
        } else {
          left_ = left_ << 4 | digit;
        }
      }
      break;
    case Part::kChunkEnd:
      if (c == '\n') part_ = Part::kChunkSize;
      break;
    case Part::kTrailer:
      if (c == '\n') {
        if (left_ == 0) part_ = Part::kNone;
        left_ = 0;
      } else if (c != '\r') {
        ++left_;
      }
      break;
    default:
      break;
  }
}

}  // namespace tern::load
