// SPDX-License-Identifier: BSD-3-Clause
// The delivery rate: draft-ietf-ccwg-bbr section 4.1.2.
#include "tcp/delivery_rate.hpp"

#include <algorithm>

namespace tern::tcp {

namespace {
bool after(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) > 0; }
}  // namespace

// OnPacketSent().
void DeliveryRate::sent(Seq end, bool again, uint32_t length, uint32_t in_flight, uint32_t now_us,
                        uint32_t grain_us) {
  if (in_flight <= length) first_sent_us_ = delivered_us_ = now_us;
  const auto joins = [&](Departure& departure) {
    departure.end = later(departure.end, end);
    departure.in_flight = std::max(departure.in_flight, in_flight);
  };
  if (count_ != 0) {
    Departure& newest = departures_[(first_ + count_ - 1) % kDepartures];
    const bool alike = newest.again == again && newest.app_limited == app_limited_;
    if (alike && now_us - newest.sent_us <= grain_us) return joins(newest);
  }
  if (count_ == kDepartures) {
    // No room: an older one of the same kind, so that no round trip seems shorter than it was.
    for (uint32_t i = count_; i-- != 0;) {
      Departure& older = departures_[(first_ + i) % kDepartures];
      if (older.again == again) return joins(older);
    }
    return;
  }
  departures_[(first_ + count_++) % kDepartures] = {
      end, now_us, first_sent_us_, delivered_us_, delivered_, lost_, in_flight, app_limited_, again};
}

// Forgets what lies below SND.UNA wholly. Whether anything lay below it that had not before; newest: what
// left last of that.
bool DeliveryRate::forget_below(Seq una, Departure& newest) {
  bool any = false;
  for (; count_ != 0 && at(0).end <= una; --count_) {
    if (!any || after(at(0).sent_us, newest.sent_us)) newest = at(0);
    any = true;
    una_ = later(una_, newest.end);
    first_ = (first_ + 1) % kDepartures;
  }
  if (count_ != 0 && una > una_ && !at(0).again) {  // a part of what left together
    newest = at(0);
    any = true;
  }
  una_ = una;
  return any;
}

const DeliveryRate::Departure* DeliveryRate::departure_of(const Newest& newest) const {
  const Departure* found = nullptr;
  for (uint32_t i = 0; i < count_; ++i) {
    const Departure& departure = at(i);
    if (departure.again != newest.again) continue;
    if (newest.again && after(departure.sent_us, newest.sent_us)) break;
    found = &departure;
    if (!newest.again && departure.end >= newest.end) break;  // first transmissions are in order
  }
  return found;
}

// UpdateRateSample() for all that was delivered, then GenerateRateSample().
RateSample DeliveryRate::acknowledged(uint32_t bytes, Seq una, const Newest* last, uint32_t min_rtt_us,
                                      uint32_t now_us) {
  RateSample sample;
  delivered_ += bytes;
  delivered_us_ = now_us;
  if (app_limited_ && after(delivered_, app_limited_until_)) app_limited_ = false;
  const Departure* known = last == nullptr ? nullptr : departure_of(*last);
  Departure newest = known == nullptr ? Departure{} : *known;
  Departure below;
  const bool any_below = forget_below(una, below);
  if (last == nullptr && any_below) newest = below;
  sample.any = known != nullptr || (last == nullptr && any_below);
  if (!sample.any || bytes == 0) return {};

  sample.prior_delivered = newest.delivered;
  sample.delivered = delivered_ - newest.delivered;
  sample.tx_in_flight = newest.in_flight;
  sample.lost = lost_ - newest.lost;
  sample.app_limited = newest.app_limited;
  if (!newest.again) sample.rtt_us = now_us - newest.sent_us;
  const uint32_t send_elapsed = newest.sent_us - newest.first_sent_us;
  const uint32_t ack_elapsed = now_us - newest.delivered_us;
  const uint32_t interval = std::max(send_elapsed, ack_elapsed);
  if (!after(first_sent_us_, newest.sent_us)) first_sent_us_ = newest.sent_us;
  if (interval != 0 && interval >= min_rtt_us) sample.rate = sample.delivered * 1e6 / interval;
  return sample;
}

void DeliveryRate::limited_by_application(uint32_t in_flight) {
  app_limited_ = true;
  app_limited_until_ = delivered_ + std::max(in_flight, 1u);
}

}  // namespace tern::tcp
