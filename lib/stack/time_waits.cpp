// SPDX-License-Identifier: BSD-3-Clause
// Connections in TIME-WAIT.
#include "stack/time_waits.hpp"

#include <algorithm>

#include "net/dpdk/eal.hpp"

namespace tern::stack {

namespace dpdk = net::dpdk;

TimeWaits::TimeWaits(const std::string& name, uint32_t capacity, const net::PrfKey& key,
                     std::span<const tcp::Config> profiles, LocalPorts& ports)
    : entries_(dpdk::allocate_array<Entry>(name, capacity)),
      table_(name, capacity, key, {&entries_.data()->path.tuple, sizeof(Entry)}),
      ports_(ports) {
  std::vector<net::Duration> msls;  // of the lists
  for (const tcp::Config& profile : profiles) {
    const auto found = std::ranges::find(msls, profile.msl);
    list_of_.push_back(static_cast<uint16_t>(found - msls.begin()));
    if (found == msls.end()) msls.push_back(profile.msl);
  }
  lists_.resize(msls.size());
}

TimeWaits::~TimeWaits() { dpdk::free_memory(entries_.data()); }

uint64_t TimeWaits::footprint(uint32_t capacity) {
  return dpdk::FlowTable::footprint(capacity) + capacity * sizeof(Entry);
}

TimeWaits::Entry* TimeWaits::find(const net::FourTuple& tuple, uint32_t hash) {
  const int32_t position = table_.find(tuple, hash);
  return position == dpdk::FlowTable::kAbsent ? nullptr : &entries_[static_cast<uint32_t>(position)];
}

bool TimeWaits::add(const Path& path, const tcp::TimeWait& record, net::Instant until) {
  int32_t position = table_.insert(path.tuple, path.hash);
  const bool full = position == dpdk::FlowTable::kAbsent;
  if (full) {
    erase(entries_[oldest()]);
    position = table_.insert(path.tuple, path.hash);
  }
  const auto index = static_cast<uint32_t>(position);
  entries_[index] = {path, record, kNone, kNone, until};
  append(index);
  ++count_;
  if (path.lent) {
    const bool timestamps = (record.flags & tcp::kTimestampsOn) != 0;
    ports_.mark(path.tuple, timestamps ? LocalPorts::Use::kWaiting : LocalPorts::Use::kOpen);
  }
  return !full;
}

void TimeWaits::restart(Entry& entry, net::Instant until) {
  unlink(index_of(entry));
  entry.until = until;
  append(index_of(entry));
}

void TimeWaits::erase(Entry& entry) {
  unlink(index_of(entry));
  if (entry.path.lent) ports_.mark(entry.path.tuple, LocalPorts::Use::kFree);
  table_.erase(entry.path.tuple, entry.path.hash);
  --count_;
}

bool TimeWaits::expire(net::Instant now) {
  if (count_ == 0) return false;
  Entry& entry = entries_[oldest()];
  if (entry.until > now) return false;
  erase(entry);
  return true;
}

// The one that ends first: each list is in order, so it is one of their heads.
uint32_t TimeWaits::oldest() const {
  uint32_t best = kNone;
  for (const List& list : lists_) {
    if (list.head != kNone && (best == kNone || entries_[list.head].until < entries_[best].until))
      best = list.head;
  }
  return best;
}

void TimeWaits::append(uint32_t index) {
  Entry& entry = entries_[index];
  List& list = list_of(entry);
  entry.next = kNone;
  entry.previous = list.tail;
  (list.tail == kNone ? list.head : entries_[list.tail].next) = index;
  list.tail = index;
}

void TimeWaits::unlink(uint32_t index) {
  const Entry& entry = entries_[index];
  List& list = list_of(entry);
  (entry.previous == kNone ? list.head : entries_[entry.previous].next) = entry.next;
  (entry.next == kNone ? list.tail : entries_[entry.next].previous) = entry.previous;
}

}  // namespace tern::stack
