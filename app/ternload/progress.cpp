// SPDX-License-Identifier: BSD-3-Clause
// Tells of a run while it lasts.
#include "ternload/progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace tern::load {

Progress::Progress(const Options& options) : options_(options), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (terminal_ && shown_) std::fputc('\n', stderr);
}

void Progress::note(Snapshot now, bool measured) {
  if (last_.at != net::Instant{} && now.at > last_.at) {
    const double seconds = static_cast<double>((now.at - first_).count()) / 1e9;
    samples_.push_back(sample_of(last_, now, seconds, measured));
    if (!options_.quiet) show(samples_.back());
  } else {
    first_ = now.at;
  }
  due_ = now.at + options_.interval;
  last_ = std::move(now);
}

void Progress::show(const Sample& sample) {
  const char* form = terminal_ ? "\r\x1b[K%s" : "%s\n";
  std::fprintf(stderr, form, to_line(sample).c_str());
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace tern::load
