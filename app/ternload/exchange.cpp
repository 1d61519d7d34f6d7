// SPDX-License-Identifier: BSD-3-Clause
// Requests and their responses.
#include "ternload/exchange.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace tern::load {

namespace {
constexpr uint64_t kNoLimit = ~uint64_t{0};
constexpr uint32_t kMostOpenedPerRound = 128;
constexpr uint32_t kTuplesTried = 64;  // for one connection, at a time
}  // namespace

Exchange::Exchange(const Options& options, uint32_t slots, uint64_t start, Tally& tally)
    : options_(options),
      tally_(tally),
      tuples_(options.address.address, options.addresses, options.first_port, options.last_port,
              {{}, options.target.address, 0, options.target.port}, start),
      request_(request_text(options, false)),
      last_request_(request_text(options, true)),
      ring_(std::bit_ceil(options.pipeline)),
      flows_(slots),
      asked_at_(size_t{slots} * ring_),
      connections_left_(options.most_connections != 0 ? options.most_connections : kNoLimit),
      requests_left_(options.most_requests != 0 ? options.most_requests : kNoLimit) {}

// --- Opening ---

void Exchange::before_round(stack::Worker& worker, net::Instant now) {
  if (!ending()) open_missing(worker, now);
  if (now >= next_watch_) watch(worker, now);
}

void Exchange::open_missing(stack::Worker& worker, net::Instant now) {
  const uint32_t wanted = options_.connections();
  for (uint32_t i = 0; connections_ < wanted && i < kMostOpenedPerRound && connections_left_ != 0; ++i) {
    if (!open(worker, now)) return;
  }
}

// False when there is no way now.
bool Exchange::open(stack::Worker& worker, net::Instant begun) {
  stack::Opened opened;
  tcp::Error error = tcp::Error::kAddressInUse;
  for (uint32_t i = 0; i < kTuplesTried && error == tcp::Error::kAddressInUse; ++i) {
    error = worker.connect(tuples_.next(), 0, {}, &opened);
  }
  if (error != tcp::Error::kNone) {
    tally_.count(error == tcp::Error::kAddressInUse ? Error::no_port : Error::no_slot);
    return false;
  }
  Flow& flow = flows_[opened.index];
  flow = {};
  flow.since = begun;
  flow.stage = Stage::kOpening;
  flow.requests_left = options_.mode == Mode::kConnections     ? 1
                       : options_.requests_per_connection != 0 ? options_.requests_per_connection
                                                               : ~0u;
  if (connections_left_ != kNoLimit) --connections_left_;
  ++tally_.connections_begun;
  tally_.connections.set(++connections_);
  return true;
}

// --- What the connection tells ---

void Exchange::opened(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  flow.stage = Stage::kOpen;
  ++tally_.connections_opened;
  tally_.connect.record(static_cast<uint64_t>((socket.now() - flow.since).count()));
  ask(socket, flow, options_.pipeline);
}

void Exchange::text(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  uint32_t answered = 0;
  while (socket.unread() != 0 && flow.stage == Stage::kOpen) {
    if (flow.outstanding() == 0) return give_up(socket, flow, Error::malformed);
    if (!take_response(socket, flow)) break;
    ++answered;
  }
  if (flow.stage == Stage::kFinished) socket.skip(socket.unread());
  if (answered != 0 && flow.stage == Stage::kOpen) ask(socket, flow, answered);
}

void Exchange::ended(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  if (flow.stage == Stage::kOpen && flow.body.until_close()) {
    flow.body = {};
    complete(socket, flow);
  }
  if (flow.stage == Stage::kOpen && flow.outstanding() != 0) {
    for (uint32_t i = flow.outstanding(); i != 0; --i) tally_.count(Error::closed_early);
    flow.failed = true;
  }
  flow.stage = Stage::kFinished;
  socket.skip(socket.unread());
  socket.close();
}

void Exchange::writable(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  if (flow.owed != 0) send_owed(socket, flow);
}

void Exchange::closed(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  const bool all_done = flow.stage == Stage::kFinished && flow.outstanding() == 0;
  tally_.in_flight.subtract(flow.outstanding());
  tally_.connections.set(--connections_);
  const bool over = all_done && socket.close_reason() == tcp::CloseReason::kResetByPeer;
  flow.stage = Stage::kFree;
  if (flow.failed) return;  // what was wrong has been counted
  switch (over ? tcp::CloseReason::kFinished : socket.close_reason()) {
    case tcp::CloseReason::kFinished:
    case tcp::CloseReason::kAborted:  // by us, as the user wanted it
      if (all_done) ++tally_.connections_finished;
      break;
    case tcp::CloseReason::kRefused:
      tally_.count(Error::refused);
      break;
    case tcp::CloseReason::kTimedOut:
      tally_.count(Error::timed_out);
      break;
    case tcp::CloseReason::kUnreachable:
    case tcp::CloseReason::kNetworkUnreachable:
      tally_.count(Error::unreachable);
      break;
    default:
      tally_.count(Error::reset);
  }
}

// --- Requests ---

void Exchange::ask(stack::Socket& socket, Flow& flow, uint32_t count) {
  if (draining_) count = 0;
  count = static_cast<uint32_t>(std::min<uint64_t>({count, flow.requests_left, requests_left_}));
  if (count == 0) {
    if (flow.outstanding() == 0) finish(socket, flow);
    return;
  }
  const uint32_t index = socket.index();
  for (uint32_t i = 0; i < count; ++i) asked_at(index, flow.asked + i) = socket.now();
  flow.asked += count;
  flow.owed += count;
  flow.requests_left -= count;
  if (requests_left_ != kNoLimit) requests_left_ -= count;
  tally_.requests_sent.add(count);
  tally_.in_flight.add(count);
  send_owed(socket, flow);
}

void Exchange::send_owed(stack::Socket& socket, Flow& flow) {
  const bool announce = flow.requests_left == 0 && options_.closing == Closing::kServer;
  const uint32_t plain = announce ? flow.owed - 1 : flow.owed;
  uint32_t queued = plain == 0 ? 0 : request_.queue(socket, plain);
  tally_.bytes_sent.add(uint64_t{queued} * request_.size());
  if (announce && queued == plain && last_request_.queue(socket, 1) == 1) {
    flow.last_announced = true;
    tally_.bytes_sent.add(last_request_.size());
    ++queued;
  }
  flow.owed -= queued;
}

// --- Responses ---

// Whether one became complete.
bool Exchange::take_response(stack::Socket& socket, Flow& flow) {
  if (!flow.body.begun() && learnt_.length != 0 && socket.unread() >= learnt_.total) {
    const std::span<const uint8_t> front = socket.front();
    if (front.size() >= learnt_.length &&
        std::memcmp(front.data(), learnt_.bytes.data(), learnt_.length) == 0) {
      socket.skip(learnt_.total);
      tally_.bytes_received.add(learnt_.total);
      if (learnt_.closes) announce_last(flow);
      complete(socket, flow);
      return true;
    }
  }
  return take_slowly(socket, flow);
}

bool Exchange::take_slowly(stack::Socket& socket, Flow& flow) {
  if (!flow.body.begun()) {
    if (!begin_response(socket, flow)) return false;
    if (!flow.body.begun()) return complete(socket, flow), true;
  }
  while (socket.unread() != 0) {
    std::span<const uint8_t> text;
    const uint32_t taken = flow.body.take(socket.front(), text);
    socket.skip(taken);
    tally_.bytes_received.add(taken);
    if (flow.body.malformed()) return give_up(socket, flow, Error::malformed), false;
    if (!flow.body.begun()) return complete(socket, flow), true;
  }
  return false;
}

// Takes the next response's head; false when it is not there yet, or is none.
bool Exchange::begin_response(stack::Socket& socket, Flow& flow) {
  if (options_.target.protocol == Protocol::kRaw) {
    flow.body = Body(options_.receive_bytes);
    return true;
  }
  ResponseHead head;
  std::span<const uint8_t> bytes = socket.front();
  HeadParse parsed = parse_response_head(bytes, head);
  if (parsed == HeadParse::kIncomplete && socket.unread() > bytes.size()) {
    bytes = std::span<const uint8_t>(head_).first(socket.peek(head_));
    parsed = parse_response_head(bytes, head);
  }
  const bool too_long = parsed == HeadParse::kIncomplete && (socket.full() || bytes.size() == head_.size());
  if (parsed == HeadParse::kMalformed || too_long) return give_up(socket, flow, Error::malformed), false;
  if (parsed == HeadParse::kIncomplete) return false;
  if (head.succeeded() && head.body == BodyKind::kLength) learn(head, bytes);
  socket.skip(head.length);
  tally_.bytes_received.add(head.length);
  if (head.interim()) return socket.unread() != 0 && begin_response(socket, flow);
  if (!head.succeeded()) {
    tally_.count(Error::http_status);
    flow.bad = true;
  }
  if (head.closes) announce_last(flow);
  flow.body = Body(head);
  return true;
}

void Exchange::learn(const ResponseHead& head, std::span<const uint8_t> bytes) {
  if (head.length > learnt_.bytes.size() || head.content_length > 65'535) return;
  std::memcpy(learnt_.bytes.data(), bytes.data(), head.length);
  learnt_.length = head.length;
  learnt_.closes = head.closes;
  learnt_.total = head.length + static_cast<uint32_t>(head.content_length);
}

void Exchange::complete(const stack::Socket& socket, Flow& flow) {
  const net::Instant asked = asked_at(socket.index(), flow.answered);
  ++flow.answered;
  --tally_.in_flight;
  if (std::exchange(flow.bad, false)) return;
  ++tally_.responses;
  tally_.latency.record(static_cast<uint64_t>((socket.now() - asked).count()));
}

// --- Closing ---

// The server closes behind the response to what was asked last.
void Exchange::announce_last(Flow& flow) {
  flow.last_announced = true;
  flow.requests_left = 0;
}

void Exchange::finish(stack::Socket& socket, Flow& flow) {
  flow.stage = Stage::kFinished;
  flow.since = socket.now();
  if (options_.closing == Closing::kReset) return socket.abort();
  if (!flow.last_announced) socket.close();  // else the server's FIN comes first
}

void Exchange::give_up(stack::Socket& socket, Flow& flow, Error error) {
  tally_.count(error);
  flow.failed = true;
  flow.stage = Stage::kFinished;
  socket.abort();
}

// A part of all connections at each millisecond, so that each is looked at once a second.
void Exchange::watch(stack::Worker& worker, net::Instant now) {
  constexpr net::Duration kStep = std::chrono::milliseconds(1);
  next_watch_ = now + kStep;
  const auto count = static_cast<uint32_t>(flows_.size());
  for (uint32_t i = 0; i <= count / 1000; ++i) {
    const uint32_t index = watched_;
    watched_ = watched_ + 1 == count ? 0 : watched_ + 1;
    Flow& flow = flows_[index];
    if (flow.stage == Stage::kFree || flow.failed) continue;
    const bool waiting = flow.outstanding() != 0;
    if (flow.stage == Stage::kOpen && !waiting) continue;
    if (now - (waiting ? asked_at(index, flow.answered) : flow.since) < options_.timeout) continue;
    auto socket = worker.socket(index);
    if (socket) give_up(*socket, flow, Error::timed_out);
  }
}

}  // namespace tern::load
