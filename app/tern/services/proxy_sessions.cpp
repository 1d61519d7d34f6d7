// SPDX-License-Identifier: BSD-3-Clause
// The sessions of a proxy service.
#include "tern/services/proxy_sessions.hpp"

namespace tern::app {

void SessionList::push_back(uint32_t index) {
  Session& session = sessions_[index];
  session.next = kNone;
  session.previous = tail_;
  (tail_ == kNone ? head_ : sessions_[tail_].next) = index;
  tail_ = index;
  ++size_;
}

void SessionList::remove(uint32_t index) {
  const Session& session = sessions_[index];
  (session.previous == kNone ? head_ : sessions_[session.previous].next) = session.next;
  (session.next == kNone ? tail_ : sessions_[session.next].previous) = session.previous;
  --size_;
}

Sessions::Sessions(uint32_t capacity) : sessions_(capacity) {
  free_.reserve(capacity);
  for (uint32_t i = capacity; i != 0; --i) free_.push_back(i - 1);
}

uint32_t Sessions::allocate() {
  if (free_.empty()) return kNone;
  const uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

void Sessions::release(uint32_t index) {
  sessions_[index] = Session{};
  free_.push_back(index);
}

}  // namespace tern::app
