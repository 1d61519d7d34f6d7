// SPDX-License-Identifier: BSD-3-Clause
// One thing to ask for, and what is known of the answers to it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ternload/options.hpp"
#include "ternload/request.hpp"
#include "ternload/response.hpp"

namespace tern::load {

class Page {
 public:
  // path: of an HTTP target, in place of its own.
  Page(const Options& options, const std::string& path);

  Request request;
  Request last_request;  // a connection's last, where the server is to close it

  // --- The head of the last answer: the next is probably the same, and then needs no parsing ---
  void learn(const ResponseHead& head, std::span<const uint8_t> bytes);
  // Whether these bytes begin with that head, and total bytes of them are a whole answer.
  bool knows(std::span<const uint8_t> front, uint32_t unread) const {
    return length_ != 0 && unread >= total_ && front.size() >= length_ && is_same(front);
  }
  uint32_t total() const { return total_; }
  bool closes() const { return closes_; }

  // --- What the body must be: that of the first answer, or the pattern ---
  // Whether text is what belongs at this position; while the first answer is coming it is written down.
  bool expects(std::span<const uint8_t> text, uint64_t position);
  // A body is complete; whether its length is right too.
  bool expects_end(uint64_t position);

 private:
  static constexpr uint64_t kMostKept = uint64_t{64}
                                        << 20;  // bytes of a first answer; what follows is not compared
  bool is_same(std::span<const uint8_t> front) const;

  std::array<uint8_t, 512> head_;
  uint32_t length_ = 0;  // of the head; 0: none is known
  uint32_t total_ = 0;   // with the body
  bool closes_ = false;  // the server closes behind it

  const bool pattern_;
  bool settled_ = false;  // the first answer is complete
  uint64_t body_length_ = 0;
  std::vector<uint8_t> body_;
};

}  // namespace tern::load
