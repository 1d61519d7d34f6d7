// SPDX-License-Identifier: BSD-3-Clause
// The walk over a worker's connections.
#include "stack/flows.hpp"

#include <algorithm>
#include <thread>

#include "stack/worker.hpp"

namespace tern::stack {

namespace {

// What a piece may cost, counted in positions looked at, which lie side by side; a connection that the filter
// lets pass by its four-tuple costs as much as this many, since its TCB is nowhere near. So a round is
// lengthened by some microseconds at most, whatever is asked for.
constexpr uint32_t kBudget = 1024;
constexpr uint32_t kCostOfLook = 16;

FlowPlace place_of(const tcp::Info& info, bool awake) {
  if (info.half_open) return FlowPlace::kSynQueue;
  if (info.waiting) return FlowPlace::kAcceptQueue;
  return awake ? FlowPlace::kAwake : FlowPlace::kAsleep;
}

}  // namespace

// The connection or record at a position whose four-tuple passes; false where something else of it does not.
bool Worker::look_at(uint32_t position, const FlowFilter& filter, Flow& flow) const {
  const auto connections = static_cast<uint32_t>(paths_.size());
  if (position < connections) {
    flow.info = core_.info(position);
    flow.place = place_of(flow.info, core_.awake(position));
    flow.tuple = paths_[position].tuple;
  } else {
    const TimeWaits::Entry& entry = time_waits_[position - connections];
    flow.info = entry.record.info(core_);
    flow.place = FlowPlace::kTimeWait;
    flow.tuple = entry.path.tuple;
    flow.time_wait = std::max(entry.until - core_.now, net::Duration::zero());
  }
  flow.position = position;
  return filter.passes(flow.info);
}

void Worker::find_flows(const FlowQuery& query, FlowPiece& piece) const {
  const auto connections = static_cast<uint32_t>(paths_.size());
  const uint32_t end = connections + time_waits_.positions();
  const uint32_t most = std::min(query.most, FlowPiece::kMostFlows);
  uint32_t position = query.from;
  piece.count = 0;
  for (uint32_t spent = 0; position < end && spent < kBudget && piece.count < most; ++position, ++spent) {
    if (position >= table_.positions() && position < connections) position = connections;  // none was ever
    if (position >= end) break;
    const net::FourTuple& tuple =
        position < connections ? paths_[position].tuple : time_waits_[position - connections].path.tuple;
    if (tuple.local_port == 0 || !query.filter.passes(tuple)) continue;
    spent += kCostOfLook;
    if (look_at(position, query.filter, piece.flows[piece.count])) ++piece.count;
  }
  piece.next = position < end ? position : kFlowsEnd;
}

void Worker::answer_flows() {
  find_flows(desk_.query(), desk_.piece());
  desk_.hand_over();
}

const FlowPiece* Worker::ask_for_flows(const FlowQuery& query, net::Duration patience) {
  // A thread that sleeps has its turn when it wakes, also beside one that polls; one that yields,
  // milliseconds later, at the expense of both.
  constexpr auto kPause = std::chrono::microseconds(20);
  const auto until = std::chrono::steady_clock::now() + patience;
  bool put = false;
  while (true) {
    if (!put && desk_.put(query)) {
      put = true;
      wake();
    }
    if (const FlowPiece* piece = put ? desk_.answer() : nullptr) return piece;
    if (std::chrono::steady_clock::now() >= until) return nullptr;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tern::stack
