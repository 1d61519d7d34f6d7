// SPDX-License-Identifier: BSD-3-Clause
// Connections in the order in which they began to wait.
#include "tern/services/waiting_list.hpp"

namespace tern::app {

WaitingList::WaitingList(uint32_t connections, net::Duration patience)
    : nodes_(std::make_unique<Node[]>(size_t{connections} + 1)), head_(connections), patience_(patience) {
  for (uint32_t i = 0; i <= head_; ++i) nodes_[i] = {i, i, {}};
}

void WaitingList::unlink(uint32_t node) {
  nodes_[nodes_[node].previous].next = nodes_[node].next;
  nodes_[nodes_[node].next].previous = nodes_[node].previous;
  nodes_[node].next = nodes_[node].previous = node;
}

void WaitingList::begin(uint32_t connection, net::Instant now) {
  unlink(connection);
  const uint32_t last = nodes_[head_].previous;
  nodes_[connection] = {head_, last, now};
  nodes_[last].next = connection;
  nodes_[head_].previous = connection;
}

void WaitingList::end(uint32_t connection) { unlink(connection); }

std::optional<uint32_t> WaitingList::take_expired(net::Instant now) {
  const uint32_t first = nodes_[head_].next;
  if (first == head_ || now < nodes_[first].since + patience_) return std::nullopt;
  unlink(first);
  return first;
}

net::Instant WaitingList::next() const {
  const uint32_t first = nodes_[head_].next;
  return first == head_ ? net::Instant::never() : nodes_[first].since + patience_;
}

}  // namespace tern::app
