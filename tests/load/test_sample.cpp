// SPDX-License-Identifier: BSD-3-Clause
// Samples, their lines and their drawing; the pattern; the ring.
#include <gmock/gmock.h>

#include <vector>

#include "ternload/pattern.hpp"
#include "ternload/ring.hpp"
#include "ternload/sample.hpp"

namespace tern::load {
namespace {

using testing::HasSubstr;

Snapshot at(int64_t ms, uint64_t responses) {
  Snapshot snapshot;
  snapshot.at = {ms * 1'000'000};
  snapshot.responses = responses;
  for (uint64_t i = 0; i < responses; ++i) snapshot.latency.add(10'000);
  return snapshot;
}

TEST(Sample, IsWhatCameBetween) {
  const Sample sample = sample_of(at(1'000, 100), at(1'500, 400), 0.5, true);
  EXPECT_DOUBLE_EQ(sample.responses_per_second, 600);
  EXPECT_NEAR(sample.p99_us, 10, 0.01);
  EXPECT_EQ(sample.errors, 0u);
  EXPECT_THAT(to_line(sample), HasSubstr("600 responses/s"));
}

TEST(Sample, OfNoTimeHasNoRate) { EXPECT_EQ(sample_of(at(1, 0), at(1, 5), 0, true).responses_per_second, 0); }

TEST(Plot, HasACurveForTheRateAndEachPercentile) {
  std::vector<Sample> samples(3);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i].seconds = static_cast<double>(i + 1);
    samples[i].responses_per_second = 1e6;
  }
  Options options;
  options.mode = Mode::kRequests;
  const std::string svg = to_svg(options, samples);
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  for (const char* name : {"responses", "99.9 %", "99 %", "50 %", "1e+06"}) EXPECT_THAT(svg, HasSubstr(name));
  options.mode = Mode::kThroughput;
  EXPECT_THAT(to_svg(options, {}), HasSubstr("bit/s"));
}

TEST(Pattern, IsKnownFromAnyPosition) {
  std::vector<uint8_t> bytes(200'000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>((i + 1'000'003) % kPatternPeriod);
  EXPECT_TRUE(is_pattern(bytes, 1'000'003));
  EXPECT_FALSE(is_pattern(bytes, 1'000'004));
  bytes[150'000] ^= 1;
  EXPECT_FALSE(is_pattern(bytes, 1'000'003));
  EXPECT_TRUE(is_pattern({}, 7));
}

TEST(Ring, GivesOutInOrder) {
  Ring ring(3);
  EXPECT_TRUE(ring.empty());
  for (uint32_t round = 0; round < 5; ++round) {
    for (uint32_t i = 0; i < 3; ++i) ring.push(round + i);
    for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(ring.pop(), round + i);
    EXPECT_TRUE(ring.empty());
  }
}

}  // namespace
}  // namespace tern::load
