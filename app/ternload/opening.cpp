// SPDX-License-Identifier: BSD-3-Clause
// Opens connections, and counts what becomes of them.
#include "ternload/opening.hpp"

namespace tern::load {

namespace {
constexpr uint32_t kTuplesTried = 64;  // for one connection
}

Opening::Opening(const Options& options, uint64_t start, Tally& tally)
    : tally_(tally),
      tuples_(options.address.address, options.addresses, options.first_port, options.last_port,
              {{}, options.target.address, 0, options.target.port}, start),
      left_(options.most_connections != 0 ? options.most_connections : ~uint64_t{0}) {}

std::optional<uint32_t> Opening::open(stack::Worker& worker) {
  stack::Opened opened;
  tcp::Error error = tcp::Error::kAddressInUse;
  for (uint32_t i = 0; i < kTuplesTried && error == tcp::Error::kAddressInUse; ++i) {
    error = worker.connect(tuples_.next(), 0, {}, &opened);
  }
  if (error != tcp::Error::kNone) {
    tally_.count(error == tcp::Error::kAddressInUse ? Error::no_port : Error::no_slot);
    return std::nullopt;
  }
  --left_;  // without a limit it lasts for ever
  ++tally_.connections_begun;
  tally_.connections.set(++count_);
  return opened.index;
}

void Opening::closed(const stack::Socket& socket, bool done, bool counted) {
  tally_.connections.set(--count_);
  if (counted) return;
  // An RST behind all that was asked for takes nothing away.
  const bool over = done && socket.close_reason() == tcp::CloseReason::kResetByPeer;
  switch (over ? tcp::CloseReason::kFinished : socket.close_reason()) {
    case tcp::CloseReason::kFinished:
    case tcp::CloseReason::kAborted:  // by us, as the user wanted it
      if (done) ++tally_.connections_finished;
      return;
    case tcp::CloseReason::kRefused:
      return tally_.count(Error::refused);
    case tcp::CloseReason::kTimedOut:
      return tally_.count(Error::timed_out);
    case tcp::CloseReason::kUnreachable:
    case tcp::CloseReason::kNetworkUnreachable:
      return tally_.count(Error::unreachable);
    default:
      return tally_.count(Error::reset);
  }
}

}  // namespace tern::load
