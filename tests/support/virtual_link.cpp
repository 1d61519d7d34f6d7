// SPDX-License-Identifier: BSD-3-Clause
// One direction of a bad network in virtual time.
#include "support/virtual_link.hpp"

#include <algorithm>

#include "net/byte_order.hpp"

namespace tern::test {

net::Duration VirtualLink::up_to(net::Duration longest) {
  return net::Duration(std::uniform_int_distribution<int64_t>(0, longest.count())(random_));
}

void VirtualLink::mark(Carried& frame) {
  if (frame.ecn != tcp::EcnField::kNotCapable) frame.ecn = tcp::EcnField::kCongested;
}

bool VirtualLink::too_large(const Carried& frame, net::Instant now) {
  if (begun_.is_never()) begun_ = now;
  if (faults_.narrow == 0 || now - begun_ < faults_.narrow_after || frame.bytes.size() <= faults_.narrow) {
    return false;
  }
  if (faults_.says_so) refuse(frame, net::IcmpError::kTooBig, now);
  return true;
}

void VirtualLink::refuse(const Carried& frame, net::IcmpError error, net::Instant now) {
  net::IcmpReport report;
  report.error = error;
  report.sequence = net::load_be32(frame.bytes.data() + 4);
  report.length = static_cast<uint16_t>(frame.bytes.size());
  if (error == net::IcmpError::kTooBig) report.room = faults_.narrow;
  refusals_.emplace_back(now + faults_.delay, report);
}

void VirtualLink::send(Carried frame, net::Instant now) {
  if (too_large(frame, now)) return;
  if (faults_.bytes_per_second != 0) {
    const net::Duration per_byte{1'000'000'000 / static_cast<int64_t>(faults_.bytes_per_second)};
    free_at_ = std::max(free_at_, now);
    if ((free_at_ - now) > per_byte * faults_.queue_bytes) return;
    if (faults_.mark_bytes != 0 && (free_at_ - now) > per_byte * faults_.mark_bytes) mark(frame);
    free_at_ += per_byte * static_cast<int64_t>(frame.bytes.size());
    now = free_at_;
  }
  if (happens(faults_.marking)) mark(frame);
  if (happens(faults_.loss)) {
    if (happens(faults_.telling)) refuse(frame, faults_.tells, now);
    return;
  }
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

std::optional<net::IcmpReport> VirtualLink::refusal(net::Instant now) {
  if (refusals_.empty() || refusals_.front().first > now) return std::nullopt;
  const net::IcmpReport report = refusals_.front().second;
  refusals_.pop_front();
  return report;
}

std::optional<Carried> VirtualLink::receive(net::Instant now) {
  if (frames_.empty() || frames_.begin()->first > now) return std::nullopt;
  Carried frame = std::move(frames_.begin()->second);
  frames_.erase(frames_.begin());
  return frame;
}

}  // namespace tern::test
