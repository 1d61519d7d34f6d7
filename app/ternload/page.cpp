// SPDX-License-Identifier: BSD-3-Clause
// One thing to ask for, and what is known of the answers to it.
#include "ternload/page.hpp"

#include <algorithm>
#include <cstring>

#include "ternload/pattern.hpp"

namespace tern::load {

Page::Page(const Options& options, const std::string& path)
    : request(request_text(options, path, false)),
      last_request(request_text(options, path, true)),
      pattern_(options.target.protocol == Protocol::kRaw) {}

void Page::learn(const ResponseHead& head, std::span<const uint8_t> bytes) {
  if (!head.succeeded() || head.body != BodyKind::kLength) return;
  if (head.length > head_.size() || head.content_length > 65'535) return;
  std::memcpy(head_.data(), bytes.data(), head.length);
  length_ = head.length;
  total_ = head.length + static_cast<uint32_t>(head.content_length);
  closes_ = head.closes;
}

bool Page::is_same(std::span<const uint8_t> front) const {
  return std::memcmp(front.data(), head_.data(), length_) == 0;
}

bool Page::expects(std::span<const uint8_t> text, uint64_t position) {
  if (pattern_) return is_pattern(text, position);
  const uint64_t end = position + text.size();
  // Several first answers may be coming at once: whichever is ahead is written down, the others compared.
  if (!settled_ && end > body_.size() && position <= body_.size()) {
    const auto fresh = text.subspan(static_cast<size_t>(body_.size() - position));
    const size_t room = kMostKept - body_.size();
    body_.insert(body_.end(), fresh.begin(),
                 fresh.begin() + static_cast<ptrdiff_t>(std::min(room, fresh.size())));
  }
  const uint64_t known = std::min<uint64_t>(end, body_.size());
  if (position >= known) return true;
  return std::memcmp(text.data(), &body_[position], known - position) == 0;
}

bool Page::expects_end(uint64_t position) {
  if (pattern_) return true;
  if (!settled_) body_length_ = position;
  settled_ = true;
  return position == body_length_;
}

}  // namespace tern::load
