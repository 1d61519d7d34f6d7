// SPDX-License-Identifier: BSD-3-Clause
// HyStart++: RFC 9406 section 4.2.
#include "tcp/hystart.hpp"

#include <algorithm>

namespace tern::tcp {

void HyStart::begin(Seq nxt) {
  *this = HyStart{};
  newest_ = window_end_ = nxt;
}

void HyStart::sent(Seq end, uint32_t cwnd, uint32_t now_us) {
  if (idle_) window_end_ = end;
  if (count_ == kPlaces || end - newest_ < cwnd / kPlacesPerWindow) return;
  places_[(first_ + count_++) % kPlaces] = {end, now_us};
  newest_ = end;
}

uint32_t HyStart::acknowledged(Seq una, Seq nxt, uint32_t bytes, uint32_t now_us) {
  uint32_t rtt_us = kNoSample;
  // Of what one ACK answers, the last has not waited for it.
  for (; count_ != 0 && places_[first_].end <= una; --count_) {
    rtt_us = now_us - places_[first_].sent_us;
    first_ = (first_ + 1) % kPlaces;
  }
  if (rtt_us != kNoSample) take_sample(rtt_us);
  if (una >= window_end_) {  // a round is over
    if (conservative_) ++rounds_;
    last_min_us_ = min_us_;
    min_us_ = kNoSample;
    samples_ = 0;
    window_end_ = nxt;
  }
  idle_ = una == nxt;
  return conservative_ ? bytes / kGrowthDivisor : bytes;
}

void HyStart::take_sample(uint32_t rtt_us) {
  min_us_ = std::min(min_us_, rtt_us);
  if (samples_ < kSamples) ++samples_;
  if (samples_ < kSamples) return;
  if (conservative_) {
    if (min_us_ >= baseline_us_) return;
    conservative_ = false;  // the delay was not the queue's: slow start goes on
    baseline_us_ = kNoSample;
    return;
  }
  if (last_min_us_ == kNoSample) return;
  const uint32_t threshold = std::clamp(last_min_us_ / kThresholdDivisor, kLeastThreshold, kMostThreshold);
  if (min_us_ < last_min_us_ + threshold) return;
  baseline_us_ = min_us_;
  conservative_ = true;
  rounds_ = 0;
}

}  // namespace tern::tcp
