// SPDX-License-Identifier: BSD-3-Clause
// One direction of a bad network in virtual time.
#include "support/virtual_link.hpp"

#include <algorithm>

namespace tern::test {

net::Duration VirtualLink::up_to(net::Duration longest) {
  return net::Duration(std::uniform_int_distribution<int64_t>(0, longest.count())(random_));
}

void VirtualLink::mark(Carried& frame) {
  if (frame.ecn != tcp::EcnField::kNotCapable) frame.ecn = tcp::EcnField::kCongested;
}

void VirtualLink::send(Carried frame, net::Instant now) {
  if (faults_.bytes_per_second != 0) {
    const net::Duration per_byte{1'000'000'000 / static_cast<int64_t>(faults_.bytes_per_second)};
    free_at_ = std::max(free_at_, now);
    if ((free_at_ - now) > per_byte * faults_.queue_bytes) return;
    if (faults_.mark_bytes != 0 && (free_at_ - now) > per_byte * faults_.mark_bytes) mark(frame);
    free_at_ += per_byte * static_cast<int64_t>(frame.bytes.size());
    now = free_at_;
  }
  if (happens(faults_.marking)) mark(frame);
  if (happens(faults_.loss)) return;
  deliver(frame, now);
  if (happens(faults_.duplication)) deliver(frame, now);
}

void VirtualLink::deliver(Carried frame, net::Instant now) {
  if (happens(faults_.corruption)) {
    // A change within one byte always shows in the Internet checksum.
    frame.bytes[random_() % frame.bytes.size()] ^= static_cast<uint8_t>(1 + random_() % 255);
    ++corrupted_;
  }
  net::Instant arrival = now + faults_.delay + up_to(faults_.jitter);
  if (happens(faults_.reordering)) arrival += up_to(10 * faults_.delay);
  arrival.ns = (arrival.ns / faults_.poll.count() + 1) * faults_.poll.count();
  frames_.emplace(arrival, std::move(frame));
}

std::optional<Carried> VirtualLink::receive(net::Instant now) {
  if (next() > now) return std::nullopt;
  Carried frame = std::move(frames_.begin()->second);
  frames_.erase(frames_.begin());
  return frame;
}

}  // namespace tern::test
