// SPDX-License-Identifier: BSD-3-Clause
// HyStart++ (RFC 9406), round by round.
#include <gtest/gtest.h>

#include "tcp/hystart.hpp"

namespace tern::tcp {
namespace {

constexpr uint32_t kSegment = 1000;

// Windows sent and acknowledged by two segments at a time, each round with a delay of its own.
class Rounds {
 public:
  Rounds() { hystart.begin(nxt_); }

  // Returns by how many segments the window has grown.
  double round(uint32_t segments, uint32_t rtt_us) {
    const Seq from = nxt_;
    for (uint32_t i = 0; i < segments; ++i) {
      nxt_ += kSegment;
      hystart.sent(nxt_, segments * kSegment, now_us_);
    }
    now_us_ += rtt_us;
    uint32_t grown = 0;
    for (Seq una = from; una < nxt_;) {
      una += 2 * kSegment;
      grown += hystart.acknowledged(una, nxt_, 2 * kSegment, now_us_);
    }
    return grown / double{kSegment};
  }

  HyStart hystart;

 private:
  Seq nxt_{0xffff0000u};
  uint32_t now_us_ = 0xfffff000u;
};

TEST(HyStart, ASteadyDelayLetsSlowStartGoOn) {
  Rounds r;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(r.round(40, 40'000), 40);
  EXPECT_FALSE(r.hystart.conservative());
}

TEST(HyStart, AnEighthMoreDelayMakesItConservativeForFiveRounds) {  // sections 4.2 and 4.3
  Rounds r;
  r.round(40, 40'000);
  EXPECT_EQ(r.round(40, 44'999), 40) << "below the threshold";
  Rounds s;
  s.round(40, 40'000);
  EXPECT_LT(s.round(40, 45'000), 40);
  EXPECT_TRUE(s.hystart.conservative());
  // The round in which it was found counts.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(s.round(40, 50'000), 10) << "a quarter";
    EXPECT_FALSE(s.hystart.over());
  }
  s.round(40, 50'000);
  EXPECT_TRUE(s.hystart.over());
}

TEST(HyStart, ADelayThatGoesAwayLetsSlowStartGoOn) {  // section 4.2: "If in CSS ... resume slow start"
  Rounds r;
  r.round(40, 40'000);
  r.round(40, 50'000);
  ASSERT_TRUE(r.hystart.conservative());
  EXPECT_GT(r.round(40, 41'000), 10);
  EXPECT_FALSE(r.hystart.conservative());
  EXPECT_EQ(r.round(40, 41'000), 40);
}

TEST(HyStart, TheThresholdIsFourToSixteenMilliseconds) {
  const auto found = [](uint32_t first_us, uint32_t then_us) {
    Rounds r;
    r.round(40, first_us);
    r.round(40, then_us);
    return r.hystart.conservative();
  };
  EXPECT_FALSE(found(10'000, 13'999));
  EXPECT_TRUE(found(10'000, 14'000));
  EXPECT_FALSE(found(200'000, 215'999));
  EXPECT_TRUE(found(200'000, 216'000));
}

TEST(HyStart, FewerThanEightSamplesTellNothing) {
  Rounds r;
  r.round(14, 40'000);
  r.round(14, 80'000);
  EXPECT_FALSE(r.hystart.conservative());
  r.round(16, 40'000);
  r.round(16, 80'000);
  EXPECT_TRUE(r.hystart.conservative());
}

TEST(HyStart, LargeWindowsAreSampledAtSixteenPlaces) {
  Rounds r;
  r.round(4000, 40'000);
  r.round(4000, 50'000);
  EXPECT_TRUE(r.hystart.conservative());
}

}  // namespace
}  // namespace tern::tcp
