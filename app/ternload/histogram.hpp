// SPDX-License-Identifier: BSD-3-Clause
// A histogram of high dynamic range: buckets that double in width each time the value doubles, so that the
// error is a share of the value, at most one part in 1024, from nanoseconds to a minute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/counter.hpp"

namespace tern::load {

// Which values share a bucket.
class Buckets {
 public:
  static constexpr uint64_t kMost =
      (uint64_t{1} << 37) - 1;  // 137 s in nanoseconds; what is more counts as this
  static size_t of(uint64_t value);
  static uint64_t lowest(size_t bucket);
  static uint64_t highest(size_t bucket);
  static size_t count();
};

// What a histogram held at a time. Reckons; does not record.
class Distribution {
 public:
  Distribution() : counts_(Buckets::count()) {}
  explicit Distribution(std::vector<uint64_t> counts) : counts_(std::move(counts)) {}

  uint64_t count() const;
  // The highest value of the bucket below or in which so many percent of the values lie; 0 without values.
  uint64_t percentile(double percent) const;
  uint64_t lowest() const;   // 0 without values
  uint64_t highest() const;  //
  double mean() const;       //
  double deviation() const;  // standard deviation
  // What came since an earlier state of the same histogram.
  Distribution since(const Distribution& earlier) const;
  // Values that were recorded one by one, for tests.
  void add(uint64_t value) { ++counts_[Buckets::of(value)]; }
  const std::vector<uint64_t>& counts() const { return counts_; }

 private:
  std::vector<uint64_t> counts_;
};

// Written by one thread, read by any.
class Histogram {
 public:
  Histogram() : counts_(Buckets::count()) {}
  void record(uint64_t value) { ++counts_[Buckets::of(value)]; }
  Distribution read() const;

 private:
  std::vector<net::Counter> counts_;
};

}  // namespace tern::load
