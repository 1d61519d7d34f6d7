// SPDX-License-Identifier: BSD-3-Clause
// The SYN queue and the accept queue: how a passive connection enters and leaves them. RFC 9293
// sections 3.10.7.2 and 3.10.7.4 (SYN-RECEIVED).
#include "tcp/backlog.hpp"

#include "tcp/connection.hpp"

namespace tern::tcp {

uint32_t Backlogs::oldest_half_open() const {
  const Backlog* fullest = &backlogs_.front();
  for (const Backlog& backlog : backlogs_) {
    if (backlog.half_open.count.value() > fullest->half_open.count.value()) fullest = &backlog;
  }
  return fullest->half_open.head;
}

void Backlogs::push_back(Backlog::Queue& queue, uint32_t index) {
  links_[index] = {kNoSlot, queue.tail};
  (queue.tail == kNoSlot ? queue.head : links_[queue.tail].next) = index;
  queue.tail = index;
  ++queue.count;
}

void Backlogs::erase(Backlog::Queue& queue, uint32_t index) {
  const Links links = links_[index];
  (links.previous == kNoSlot ? queue.head : links_[links.previous].next) = links.next;
  (links.next == kNoSlot ? queue.tail : links_[links.next].previous) = links.previous;
  --queue.count;
}

void Connection::join_syn_queue(Core& core) {
  tcb.hold |= kHoldHalfOpen;
  core.backlogs.push_back(core.backlogs[core.service_of(*this)].half_open, core.index_of(*this));
}

// The third segment has come. Where the accept queue is full it is dropped, as if it had been lost: the
// SYN-ACK is sent again, and with it the answer comes again.
bool Connection::may_leave_syn_queue(Core& core, Verdict& verdict) {
  const Config& config = core.config(*this);
  if (!core.backlogs.overflows(core.service_of(*this), config)) {
    ++core.counters.connections_accepted;
    leave_backlog(core);
    return true;
  }
  ++core.counters.accept_overflows;
  if (config.abort_on_overflow) {
    verdict = Verdict::kReset;
    give_up(CloseReason::kAborted, core);
  } else {
    ++core.counters.listen_drops;
  }
  return false;
}

// Established: its service is told now or, when it has as many as it may, in the order in which they came.
void Connection::await_turn(Core& core) {
  const uint16_t service = core.service_of(*this);
  Backlog& backlog = core.backlogs[service];
  if (core.backlogs.may_serve(service, core.profile(service))) {
    tcb.flags |= kServed;
    ++backlog.served;
  } else {
    tcb.hold |= kHoldWaiting;
    core.backlogs.push_back(backlog.waiting, core.index_of(*this));
  }
}

void Connection::leave_backlog(Core& core) {
  const uint16_t service = core.service_of(*this);
  Backlog& backlog = core.backlogs[service];
  if (half_open()) core.backlogs.erase(backlog.half_open, core.index_of(*this));
  if (waiting()) core.backlogs.erase(backlog.waiting, core.index_of(*this));
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~(kHoldHalfOpen | kHoldWaiting));
  if (!has(kServed)) return;
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kServed);
  --backlog.served;
  while (core.backlogs.may_serve(service, core.profile(service))) {
    if (core.accept(service) == kNoSlot) break;
  }
}

uint32_t Core::accept(uint16_t service) {
  Backlog& backlog = backlogs[service];
  const uint32_t index = backlog.waiting.head;
  if (index == kNoSlot) return kNoSlot;
  Connection& first = connection(index);
  first.leave_backlog(*this);
  first.tcb.flags |= kServed;
  ++backlog.served;
  mark(first, 0);  // what happened meanwhile is marked, its opening first of all
  return index;
}

}  // namespace tern::tcp
