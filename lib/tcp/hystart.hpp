// SPDX-License-Identifier: BSD-3-Clause
// HyStart++: slow start that ends before the queue at the bottleneck overflows. RFC 9406.
//
// Round-trip times are taken of up to sixteen places of a window, which is more than the eight samples that
// the RFC asks for in each round. Its limit L of what one acknowledgment may add is infinite here, as the
// window grows by bytes acknowledged, however few ACKs say so.
#pragma once

#include <array>
#include <cstdint>

#include "tcp/seq.hpp"

namespace tern::tcp {

class HyStart {
 public:
  static constexpr uint32_t kNoSample = 0xffffffffu;
  static constexpr uint32_t kSamples = 8;             // N_RTT_SAMPLE
  static constexpr uint32_t kLeastThreshold = 4000;   // MIN_RTT_THRESH, microseconds
  static constexpr uint32_t kMostThreshold = 16'000;  // MAX_RTT_THRESH
  static constexpr uint32_t kThresholdDivisor = 8;    // MIN_RTT_DIVISOR
  static constexpr uint32_t kGrowthDivisor = 4;       // CSS_GROWTH_DIVISOR
  static constexpr uint32_t kConservativeRounds = 5;  // CSS_ROUNDS

  // Slow start has begun, and the first round with it.
  void begin(Seq nxt);
  // Text up to this number was sent for the first time.
  void sent(Seq end, uint32_t cwnd, uint32_t now_us);
  // SND.UNA has moved. Returns how much the window grows for the bytes acknowledged.
  uint32_t acknowledged(Seq una, Seq nxt, uint32_t bytes, uint32_t now_us);
  // Whether conservative slow start has lasted long enough: slow start is over.
  bool over() const { return conservative_ && rounds_ >= kConservativeRounds; }
  bool conservative() const { return conservative_; }

 private:
  static constexpr uint32_t kPlaces = 32;  // in flight: a window may hold those of the last, half as large
  static constexpr uint32_t kPlacesPerWindow = 16;
  struct Place {
    Seq end;
    uint32_t sent_us;
  };

  void take_sample(uint32_t rtt_us);

  std::array<Place, kPlaces> places_;
  uint8_t first_ = 0;
  uint8_t count_ = 0;
  uint8_t samples_ = 0;  // rttSampleCount, up to kSamples
  uint8_t rounds_ = 0;   // of conservative slow start
  bool conservative_ = false;
  bool idle_ = false;                 // all was acknowledged: the round is of what is sent next
  Seq newest_;                        // the end of the place noted last
  Seq window_end_;                    // windowEnd
  uint32_t last_min_us_ = kNoSample;  // lastRoundMinRTT
  uint32_t min_us_ = kNoSample;       // currentRoundMinRTT
  uint32_t baseline_us_ = kNoSample;  // cssBaselineMinRtt
};

}  // namespace tern::tcp
