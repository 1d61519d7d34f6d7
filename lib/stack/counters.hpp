// SPDX-License-Identifier: BSD-3-Clause
// What one core's stack counts around TCP, one line each; see tcp/counters.hpp for TCP's own and net/drop.hpp
// for drops.
#pragma once

#include "net/counter.hpp"

namespace tern::stack {

// X(name, unit, sentence)
#define TERN_STACK_COUNTERS(X)                                                                              \
  X(polls, "polls", "Rounds of poll_once.")                                                                 \
  X(polls_idle, "polls", "Rounds that found nothing to do.")                                                \
  X(sleeps, "sleeps", "Times the worker gave its core away for want of work (idle = adaptive).")            \
  X(wakes, "sleeps", "Sleeps that a frame's interrupt or another thread ended before their time.")          \
  X(frames_received, "frames", "Frames taken from ports.")                                                  \
  X(frames_handed_on, "frames", "Frames given to the worker whose connection or neighbour they are about.") \
  X(frames_sent, "frames", "Frames handed to ports.")                                                       \
  X(frames_refused, "frames", "Frames that a port's full transmit queue refused; TCP sends them again.")    \
  X(frames_unbuilt, "frames", "Segments not built for want of a buffer; TCP sends them again.")             \
  X(arp_answered, "frames", "ARP requests for an address of ours, answered.")                               \
  X(arp_requests_sent, "frames", "ARP requests, announcements included.")                                   \
  X(echo_answered, "frames", "ICMP echo requests answered.")                                                \
  X(text_in_place, "bytes", "Text sent from the buffer it came in, headers written in front: no copy.")     \
  X(text_attached, "bytes", "Text sent by reference behind a buffer of headers: no copy.")                  \
  X(text_copied, "bytes", "Text copied behind its headers, because that is cheaper or the port needs it.")

struct Counters {
  TERN_COUNTERS_OF(TERN_STACK_COUNTERS)
};

}  // namespace tern::stack
