// SPDX-License-Identifier: BSD-3-Clause
// Tells of a run while it lasts.
#pragma once

#include <vector>

#include "ternload/options.hpp"
#include "ternload/sample.hpp"

namespace tern::load {

// Takes a sample each interval; on a terminal one line shows the latest, elsewhere each has its own.
class Progress {
 public:
  explicit Progress(const Options& options);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // now: the state of things at this time; measured: whether it counts.
  void note(Snapshot now, bool measured);
  // When the next sample is due.
  net::Instant due() const { return due_; }
  std::vector<Sample> take_samples() { return std::move(samples_); }

 private:
  void show(const Sample& sample);

  const Options& options_;
  const bool terminal_;
  bool shown_ = false;
  Snapshot last_;
  net::Instant first_;
  net::Instant due_;
  std::vector<Sample> samples_;
};

}  // namespace tern::load
