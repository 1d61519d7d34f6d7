// SPDX-License-Identifier: BSD-3-Clause
// Text that arrived ahead of RCV.NXT. RFC 9293 section 3.10.7.4, seventh step.
#include "tcp/reassembly.hpp"

#include <algorithm>
#include <cassert>

namespace tern::tcp {
namespace {

// Copies text behind the payload of a buffer that a queue holds, if it is small and there is room.
bool copied_behind(rte_mbuf* before, const net::Packet& text) {
  if (text.size() > Reassembly::kCopyBelow || text.size() > net::buffer::tailroom(before)) return false;
  net::Packet borrowed(before);
  borrowed.append(text.data(), text.size());
  borrowed.detach();
  return true;
}

}  // namespace

Reassembly::Outcome Reassembly::insert(Seq seq, net::Packet text) {
  Outcome outcome;
  const uint32_t packets_before = packets_ + 1;
  const Seq end = seq + text.size();
  uint32_t place = 0;
  while (place < count_ && runs_[place].right < seq) ++place;
  const bool continues =
      place < count_ && runs_[place].left <= seq;  // the run at place overlaps or touches its front
  const uint32_t next = continues ? place + 1 : place;
  uint32_t beyond = next;  // the first run that it does not cover wholly
  while (beyond < count_ && runs_[beyond].right <= end) ++beyond;
  const bool meets = beyond < count_ && runs_[beyond].left <= end;  // that run overlaps or touches its back

  if (text.size() == 0) {
    outcome.duplicate = true;
  } else if (continues && end <= runs_[place].right) {
    outcome.duplicate = true;
    runs_[place].touched = ++touches_;
  } else if (!continues && !meets && beyond == next && count_ == kMaxRuns) {
    outcome.refused = true;
  } else {
    outcome.kept = true;
    if (meets) text.remove_suffix(end - runs_[beyond].left);
    if (continues) text.remove_prefix(runs_[place].right - seq);
    close(next, beyond);  // so the run that it meets, if any, is the next one
    if (continues) {
      append(runs_[place], std::move(text));
      if (meets) join(place);
    } else if (meets) {
      prepend(runs_[place], std::move(text));
    } else {
      open(place, seq, std::move(text));
    }
    runs_[place].touched = ++touches_;
  }
  outcome.packets_freed = packets_before - packets_;
  return outcome;
}

uint32_t Reassembly::take(Seq rcv_nxt, net::PacketQueue& queue, uint32_t& packets_freed) {
  const uint32_t packets_before = packets_;
  uint32_t stale = 0;
  while (stale < count_ && runs_[stale].right <= rcv_nxt) ++stale;
  close(0, stale);
  if (count_ == 0 || runs_[0].left > rcv_nxt) {
    packets_freed += packets_before - packets_;
    return 0;
  }

  Run& run = runs_[0];
  for (uint32_t old = rcv_nxt - run.left; old > 0;) {
    net::Packet front = run.queue.pop_front();
    const uint32_t cut = std::min(old, front.size());
    old -= cut;
    if (cut < front.size()) {
      front.remove_prefix(cut);
      run.queue.push_front(std::move(front));
    } else {
      --run.packets;
      --packets_;
    }
  }
  packets_freed += packets_before - packets_;
  const uint32_t bytes = run.right - rcv_nxt;
  packets_ -= std::exchange(run.packets, 0);
  queue.splice_back(std::move(run.queue));
  close(0, 1);
  return bytes;
}

uint32_t Reassembly::bytes() const {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count_; ++i) sum += runs_[i].right - runs_[i].left;
  return sum;
}

void Reassembly::clear() {
  close(0, count_);
  has_fin_ = false;
}

uint32_t Reassembly::sack_blocks(std::array<SackBlock, kMaxSackBlocks>& blocks, uint32_t limit) const {
  std::array<const Run*, kMaxRuns> order;
  for (uint32_t i = 0; i < count_; ++i) order[i] = &runs_[i];
  const uint32_t reported = std::min({limit, kMaxSackBlocks, count_});
  // By age, since the count of touches may wrap.
  std::partial_sort(
      order.begin(), order.begin() + reported, order.begin() + count_,
      [this](const Run* a, const Run* b) { return touches_ - a->touched < touches_ - b->touched; });
  for (uint32_t i = 0; i < reported; ++i) blocks[i] = {order[i]->left, order[i]->right};
  return reported;
}

SackBlock Reassembly::overlap(Seq left, Seq right) const {
  for (uint32_t i = 0; i < count_; ++i) {
    const Seq first = later(left, runs_[i].left);
    const Seq end = earlier(right, runs_[i].right);
    if (first < end) return {first, end};
  }
  return {left, left};
}

// Adds text that begins where the run ends.
void Reassembly::append(Run& run, net::Packet text) {
  run.right += text.size();
  if (copied_behind(run.queue.back(), text)) return;
  run.queue.push_back(std::move(text));
  ++run.packets;
  ++packets_;
}

// Adds text that ends where the run begins. What is small is copied here too, the run's first packet behind
// the text, so that a peer that sends byte after byte backwards does not pin a buffer for each.
void Reassembly::prepend(Run& run, net::Packet text) {
  run.left = run.left - text.size();
  net::Packet front = run.queue.pop_front();
  if (!copied_behind(text.buffer(), front)) {
    run.queue.push_front(std::move(front));
    ++run.packets;
    ++packets_;
  }
  run.queue.push_front(std::move(text));
}

// Makes text a run of its own at this place.
void Reassembly::open(uint32_t place, Seq seq, net::Packet text) {
  assert(count_ < kMaxRuns);
  std::move_backward(runs_.begin() + place, runs_.begin() + count_, runs_.begin() + count_ + 1);
  Run& run = runs_[place];
  run.left = seq;
  run.right = seq + text.size();
  run.packets = 1;
  run.queue.push_back(std::move(text));
  ++packets_;
  ++count_;
}

// Moves the run behind this one into it: they have come to touch.
void Reassembly::join(uint32_t place) {
  Run& left = runs_[place];
  Run& right = runs_[place + 1];
  assert(left.right == right.left);
  net::Packet seam = right.queue.pop_front();
  if (copied_behind(left.queue.back(), seam)) {
    --right.packets;
    --packets_;
  } else {
    right.queue.push_front(std::move(seam));
  }
  left.right = right.right;
  left.packets += std::exchange(right.packets, 0);
  left.queue.splice_back(std::move(right.queue));
  close(place + 1, place + 2);
}

// Gives back the runs [first, last) with what they hold.
void Reassembly::close(uint32_t first, uint32_t last) {
  if (first == last) return;
  for (uint32_t i = first; i < last; ++i) {
    packets_ -= runs_[i].packets;
    runs_[i].queue.clear();
  }
  std::move(runs_.begin() + last, runs_.begin() + count_, runs_.begin() + first);
  count_ -= last - first;
}

}  // namespace tern::tcp
