// SPDX-License-Identifier: BSD-3-Clause
// What became of each byte between SND.UNA and SND.NXT: RFC 6675 and RFC 8985.
#include "tcp/scoreboard.hpp"

#include <algorithm>

namespace tern::tcp {

void Scoreboard::begin(Seq una, Seq nxt, uint32_t sent_us, uint16_t segment) {
  end_ = nxt;
  highest_ = una;
  resent_us_ = sent_us;
  losses_ = Losses{};
  count_ = una == nxt ? 0 : 1;
  if (count_ != 0) runs_[0] = {una, sent_us, Fate::kInFlight, false, segment};
}

void Scoreboard::extend(Seq nxt, uint32_t now_us, uint32_t grain_us, uint16_t segment) {
  if (nxt <= end_) return;
  const Seq from = end_;
  end_ = nxt;
  if (count_ != 0) {
    Run& last = runs_[count_ - 1];
    const bool alike = last.fate == Fate::kInFlight && !last.again && now_us - last.sent_us <= grain_us;
    if (alike && static_cast<int32_t>(last.sent_us - resent_us_) >= 0) {
      if (segment != last.segment || !begins_segment(last, from)) last.segment = 0;
      return;
    }
  }
  if (count_ == kMaxRuns) join(true);
  if (count_ == kMaxRuns) {
    // Not one run left: the last one loses what is known of it.
    runs_[count_ - 1].fate = Fate::kInFlight;
    runs_[count_ - 1].sent_us = now_us;
    runs_[count_ - 1].segment = 0;
    return;
  }
  runs_[count_++] = {from, now_us, Fate::kInFlight, false, segment};
}

void Scoreboard::acknowledge(Seq una, Delivery& delivery) {
  una = earlier(una, end_);
  delivery.advanced = true;
  highest_ = later(highest_, una);
  uint32_t gone = 0;
  while (gone < count_ && right_of(gone) <= una) deliver(gone++, end_, delivery);
  if (gone < count_ && runs_[gone].left < una) {
    deliver(gone, una, delivery);
    cut(runs_[gone], una);
  }
  std::move(runs_.begin() + gone, runs_.begin() + count_, runs_.begin());
  count_ -= gone;
}

void Scoreboard::sack(const SackBlock& block, Delivery& delivery) {
  if (count_ == 0) return;
  // Measured from una(), since comparisons of three numbers two at a time may go in a circle modulo 2^32.
  const uint32_t left = block.left - una();
  const uint32_t right = block.right - una();
  if (left == 0 || right <= left || right > end_ - una()) return;
  const Seq whole_left = first_segment(block.left);
  const Seq whole_right = last_segment(block.right);
  if (whole_right <= whole_left) return;
  const uint32_t first = find(whole_left);
  const uint32_t last = find(whole_right - 1);
  bool news = false;
  for (uint32_t i = first; i <= last; ++i) news |= runs_[i].fate != Fate::kSacked;
  if (!news || !make_room(2 + kReservedRuns)) return;
  highest_ = later(highest_, whole_right);
  const uint32_t from = split(whole_left);
  const uint32_t to = split(whole_right);
  for (uint32_t i = from; i < to; ++i) {
    deliver(i, end_, delivery);
    runs_[i].fate = Fate::kSacked;
  }
  join(false);
}

// What is reported arrives as segments do, whole (RFC 8985 section 6.2): a block may begin or end within one
// where a peer or something on the path chops them, and says nothing of that one then.
Seq Scoreboard::first_segment(Seq left) const {
  const uint32_t i = find(left);
  const Run& run = runs_[i];
  if (run.segment == 0 || run.fate == Fate::kSacked || begins_segment(run, left)) return left;
  const uint32_t begun = (left - run.left) / run.segment + 1;
  return earlier(run.left + begun * run.segment, right_of(i));
}

Seq Scoreboard::last_segment(Seq right) const {
  const uint32_t i = find(right - 1);
  const Run& run = runs_[i];
  if (run.segment == 0 || run.fate == Fate::kSacked || right == right_of(i)) return right;
  return run.left + (right - run.left) / run.segment * run.segment;
}

// The run begins here from now on.
void Scoreboard::cut(Run& run, Seq left) {
  if (!begins_segment(run, left)) run.segment = 0;
  run.left = left;
}

void Scoreboard::retransmitted(Seq left, Seq right, uint32_t now_us) {
  left = later(left, una());
  right = earlier(right, end_);
  if (count_ == 0 || right <= left) return;
  resent_us_ = now_us;
  uint32_t from = find(left);
  uint32_t to = find(right - 1) + 1;
  if (make_room(2)) {  // else whole runs count as sent again: what was not is found lost later
    from = split(left);
    to = split(right);
  }
  for (uint32_t i = from; i < to; ++i) {
    Run& run = runs_[i];
    if (run.fate != Fate::kSacked) run = {run.left, now_us, Fate::kInFlight, true, run.segment};
  }
  join(false);
}

bool Scoreboard::mark_lost_by_count(uint32_t mss) {
  uint32_t blocks = 0, above = 0;
  bool found = false;
  for (uint32_t i = count_; i-- != 0;) {
    Run& run = runs_[i];
    if (run.fate == Fate::kSacked) {
      ++blocks;
      above += length(i);
    } else if (run.fate == Fate::kInFlight && !run.again &&
               (blocks >= kThreshold || above > (kThreshold - 1) * mss)) {
      lose(i);
      found = true;
    }
  }
  return found;
}

bool Scoreboard::mark_lost_by_time(const Transmission& last, uint32_t rtt_us, uint32_t window_us,
                                   uint32_t now_us, uint32_t& wait_us) {
  bool found = false;
  wait_us = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    Run& run = runs_[i];
    if (run.fate != Fate::kInFlight || !(last > Transmission{run.sent_us, right_of(i)})) continue;
    const auto remaining = static_cast<int32_t>(run.sent_us + rtt_us + window_us - now_us);
    if (remaining <= 0) {
      lose(i);
      found = true;
    } else {
      wait_us = std::max(wait_us, static_cast<uint32_t>(remaining));
    }
  }
  return found;
}

void Scoreboard::lose(uint32_t i) {
  Run& run = runs_[i];
  run.fate = Fate::kLost;
  const Transmission transmission{run.sent_us, right_of(i)};
  if (losses_.bytes == 0 || transmission > losses_.last) {
    losses_.last = transmission;
    losses_.last_again = run.again;
  }
  losses_.bytes += length(i);
}

void Scoreboard::lose_head(uint32_t bytes) {
  if (count_ == 0 || runs_[0].fate != Fate::kInFlight) return;
  if (length(0) > bytes && make_room(1)) split(runs_[0].left + bytes);
  lose(0);
}

void Scoreboard::lose_all() {
  for (uint32_t i = 0; i < count_; ++i) {
    if (runs_[i].fate == Fate::kInFlight) lose(i);
  }
  join(true);
}

void Scoreboard::find_lost() {
  for (uint32_t i = 0; i < count_; ++i) {
    if (runs_[i].fate == Fate::kLost) runs_[i].fate = Fate::kInFlight;
  }
}

void Scoreboard::forget_sacks() {
  for (uint32_t i = 0; i < count_; ++i) {
    if (runs_[i].fate == Fate::kSacked) runs_[i].fate = Fate::kInFlight;
  }
}

bool Scoreboard::next_lost(Seq& left, Seq& right) const {
  for (uint32_t i = 0; i < count_; ++i) {
    if (runs_[i].fate != Fate::kLost) continue;
    left = runs_[i].left;
    // Lost runs that touch differ only in when they were sent.
    while (i + 1 < count_ && runs_[i + 1].fate == Fate::kLost) ++i;
    right = right_of(i);
    return true;
  }
  return false;
}

// The run that holds seq, which must lie within.
uint32_t Scoreboard::find(Seq seq) const {
  const auto after = std::upper_bound(runs_.begin(), runs_.begin() + count_, seq,
                                      [](Seq s, const Run& run) { return s < run.left; });
  return static_cast<uint32_t>(after - runs_.begin()) - 1;
}

// Makes a run begin at this number and returns it. There must be room for one more.
uint32_t Scoreboard::split(Seq at) {
  if (at == end_) return count_;
  const uint32_t i = find(at);
  if (runs_[i].left == at) return i;
  std::move_backward(runs_.begin() + i, runs_.begin() + count_, runs_.begin() + count_ + 1);
  ++count_;
  cut(runs_[i + 1], at);
  return i + 1;
}

bool Scoreboard::make_room(uint32_t wanted) {
  if (count_ + wanted > kMaxRuns) join(true);
  return count_ + wanted <= kMaxRuns;
}

// Joins runs that nothing tells apart; coarsely: nor does their time, of which the later one counts.
void Scoreboard::join(bool coarsely) {
  uint32_t kept = 0;
  for (uint32_t i = 1; i < count_; ++i) {
    Run& before = runs_[kept];
    const Run& run = runs_[i];
    const bool timeless = coarsely || run.fate != Fate::kInFlight;
    if (run.fate == before.fate && (run.again == before.again || run.fate == Fate::kSacked) &&
        (timeless || run.sent_us == before.sent_us)) {
      if (static_cast<int32_t>(run.sent_us - before.sent_us) > 0) before.sent_us = run.sent_us;
      if (run.segment != before.segment || !begins_segment(before, run.left)) before.segment = 0;
    } else {
      runs_[++kept] = run;
    }
  }
  count_ = std::min(count_, kept + 1);
}

// The bytes of run i below right have arrived.
void Scoreboard::deliver(uint32_t i, Seq right, Delivery& delivery) const {
  const Run& run = runs_[i];
  if (run.fate == Fate::kSacked) return;
  right = earlier(right, right_of(i));
  delivery.bytes += right - run.left;
  if (!run.again && right <= delivery.recover) delivery.original = true;
  if (!run.again && right < delivery.highest_before) delivery.reordered = true;
  if (run.again && static_cast<int32_t>(run.sent_us - delivery.ambiguous_after_us) > 0) return;
  const Transmission transmission{run.sent_us, right};
  if (!delivery.any || transmission > delivery.last) {
    delivery.last = transmission;
    delivery.last_again = run.again;
  }
  if (!delivery.any || right > delivery.foremost.end) delivery.foremost = transmission;
  delivery.any = true;
}

bool Scoreboard::holds(Fate fate) const {
  return std::any_of(runs_.begin(), runs_.begin() + count_,
                     [fate](const Run& run) { return run.fate == fate; });
}

uint32_t Scoreboard::bytes(Fate fate) const {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    if (runs_[i].fate == fate) sum += length(i);
  }
  return sum;
}

}  // namespace tern::tcp
