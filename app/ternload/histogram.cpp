// SPDX-License-Identifier: BSD-3-Clause
// A histogram of high dynamic range.
#include "ternload/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tern::load {

namespace {
// Values below 2^kExact have a bucket each; from there on each power of two has half as many buckets.
constexpr int kExact = 11;
constexpr uint64_t kHalf = uint64_t{1} << (kExact - 1);
}  // namespace

size_t Buckets::of(uint64_t value) {
  value = std::min(value, kMost);
  const int shift = std::max(static_cast<int>(std::bit_width(value)) - kExact, 0);
  return static_cast<size_t>(shift) * kHalf + (value >> shift);
}

uint64_t Buckets::lowest(size_t bucket) {
  if (bucket < 2 * kHalf) return bucket;
  const uint64_t shift = bucket / kHalf - 1;
  return (bucket - shift * kHalf) << shift;
}

uint64_t Buckets::highest(size_t bucket) { return lowest(bucket + 1) - 1; }

size_t Buckets::count() { return of(kMost) + 1; }

uint64_t Distribution::count() const {
  uint64_t sum = 0;
  for (const uint64_t count : counts_) sum += count;
  return sum;
}

uint64_t Distribution::percentile(double percent) const {
  const uint64_t all = count();
  if (all == 0) return 0;
  const auto wanted = std::max<uint64_t>(
      1, static_cast<uint64_t>(std::ceil(static_cast<double>(all) * std::clamp(percent, 0.0, 100.0) / 100)));
  uint64_t sum = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    sum += counts_[i];
    if (sum >= wanted) return Buckets::highest(i);
  }
  return highest();
}

uint64_t Distribution::lowest() const {
  const auto first = std::ranges::find_if(counts_, [](uint64_t count) { return count != 0; });
  return first == counts_.end() ? 0 : Buckets::lowest(static_cast<size_t>(first - counts_.begin()));
}

uint64_t Distribution::highest() const {
  for (size_t i = counts_.size(); i != 0; --i) {
    if (counts_[i - 1] != 0) return Buckets::highest(i - 1);
  }
  return 0;
}

namespace {
double middle(size_t bucket) {
  return (static_cast<double>(Buckets::lowest(bucket)) + static_cast<double>(Buckets::highest(bucket))) / 2;
}
}  // namespace

double Distribution::mean() const {
  double sum = 0;
  for (size_t i = 0; i < counts_.size(); ++i) sum += static_cast<double>(counts_[i]) * middle(i);
  const uint64_t all = count();
  return all == 0 ? 0 : sum / static_cast<double>(all);
}

double Distribution::deviation() const {
  const double center = mean();
  double sum = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const double away = middle(i) - center;
    sum += static_cast<double>(counts_[i]) * away * away;
  }
  const uint64_t all = count();
  return all == 0 ? 0 : std::sqrt(sum / static_cast<double>(all));
}

Distribution Distribution::since(const Distribution& earlier) const {
  std::vector<uint64_t> counts = counts_;
  for (size_t i = 0; i < counts.size(); ++i) counts[i] -= earlier.counts_[i];
  return Distribution(std::move(counts));
}

Distribution Histogram::read() const {
  std::vector<uint64_t> counts(counts_.size());
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = counts_[i].value();
  return Distribution(std::move(counts));
}

}  // namespace tern::load
