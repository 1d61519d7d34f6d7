// SPDX-License-Identifier: BSD-3-Clause
// Throughput.
#include "ternload/streams.hpp"

#include <algorithm>

#include "ternload/pattern.hpp"

namespace tern::load {

Streams::Streams(const Options& options, uint32_t slots, uint64_t start, Tally& tally)
    : options_(options),
      tally_(tally),
      opening_(options, start, tally),
      pattern_(pattern_block()),
      flows_(slots) {}

void Streams::before_round(stack::Worker& worker, net::Instant now) {
  if (draining_) {
    if (!ended_all_) end_all(worker);
    return;
  }
  for (uint32_t i = 0;
       opening_.count() < options_.connections && !opening_.used_up() && i < Opening::kMostPerRound; ++i) {
    const auto index = opening_.open(worker);
    if (!index) return;
    flows_[*index] = {.begun = now, .used = true};
  }
}

// What is under way has no end of its own, so it is cut off.
void Streams::end_all(stack::Worker& worker) {
  for (uint32_t index = 0; index < flows_.size(); ++index) {
    if (!flows_[index].used) continue;
    auto socket = worker.socket(index);
    if (!socket) return;  // in the next round
    socket->abort();
  }
  ended_all_ = true;
}

void Streams::opened(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  ++tally_.connections_opened;
  tally_.connect.record(static_cast<uint64_t>((socket.now() - flow.begun).count()));
  pump(socket);
}

// Keeps the send buffer full. The connection's word is its offset in the pattern.
void Streams::pump(stack::Socket& socket) {
  if (options_.direction == Direction::kDown || draining_) return;
  while (const uint32_t room = socket.send_room()) {
    const auto offset = static_cast<uint32_t>(socket.user());
    const uint32_t length = std::min(room, pattern_.size() - offset);
    net::Packet packet = socket.slice(pattern_, offset, length);
    if (!packet) return;
    socket.send(packet);
    tally_.bytes_sent.add(length);
    socket.user() = (offset + length) % pattern_.size();
  }
  socket.want_room();
}

void Streams::text(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  while (socket.unread() != 0) {
    const auto length = static_cast<uint32_t>(socket.front().size());
    if (options_.verify && !flow.failed && !is_pattern(socket.front(), flow.received)) {
      flow.failed = true;
      tally_.count(Error::wrong_bytes);
    }
    flow.received += length;
    tally_.bytes_received.add(length);
    socket.skip(length);
  }
}

// Nobody was to close but us.
void Streams::ended(stack::Socket& socket) {
  tally_.count(Error::closed_early);
  flows_[socket.index()].failed = true;
  socket.close();
}

void Streams::closed(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  opening_.closed(socket, draining_, flow.failed);
  flow.used = false;
}

}  // namespace tern::load
