// SPDX-License-Identifier: BSD-3-Clause
// Requests and their responses: what each connection asks, and when.
#include "ternload/exchange.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace tern::load {

namespace {

constexpr uint64_t kNoLimit = ~uint64_t{0};
constexpr uint32_t kMostAskedPerRound = 256;
constexpr size_t kLongestHead = 16'384;

}  // namespace

Exchange::Exchange(const Options& options, uint32_t slots, uint64_t start, Tally& tally)
    : options_(options),
      tally_(tally),
      opening_(options, start, tally),
      depth_(std::bit_ceil(options.pipeline)),
      by_turns_(options.mode == Mode::kConcurrent ||
                (options.rate != 0 && options.mode != Mode::kConnections)),
      flows_(slots),
      asked_(size_t{slots} * depth_),
      idle_(slots),
      head_(kLongestHead),
      requests_left_(options.most_requests != 0 ? options.most_requests : kNoLimit),
      random_(start | 1) {
  if (options.rate != 0) schedule_ = Schedule(options.rate, options.ramp);
  std::vector<WeightedPath> mix = options.mix;
  if (mix.empty()) mix.push_back({options.target.path, 1});
  for (const WeightedPath& path : mix) {
    lots_.insert(lots_.end(), path.weight, static_cast<uint8_t>(pages_.size()));
    pages_.push_back(std::make_unique<Page>(options, path.path));
  }
}

// xorshift64*
uint64_t Exchange::random() {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return random_ * 0x2545f4914f6cdd1d;
}

uint32_t Exchange::choose_page() { return pages_.size() == 1 ? 0 : lots_[(random() >> 32) % lots_.size()]; }

// How many requests a connection is to have.
uint32_t Exchange::connection_length() {
  if (options_.mode == Mode::kConnections) return 1;
  const uint32_t mean = options_.requests_per_connection;
  if (mean == 0) return ~0u;
  if (options_.mode != Mode::kMixed || mean == 1) return mean;
  // Of geometric distribution, as if each request were the last with the same probability.
  const double uniform = (static_cast<double>(random() >> 11) + 1) / 9007199254740992.0;
  const double length = std::ceil(std::log(uniform) / std::log1p(-1.0 / mean));
  return static_cast<uint32_t>(std::clamp(length, 1.0, 1e9));
}

// --- Before a round ---

void Exchange::before_round(stack::Worker& worker, net::Instant now) {
  if (started_ == net::Instant{}) {
    started_ = now;
    schedule_.start(now);
  }
  if (!ending()) open_missing(worker, now);
  if (by_turns_ && asking_ && !ending()) ask_idle(worker, now);
  if (ending() && !idle_closed_) close_idle(worker);
  if (now >= next_watch_) watch(worker, now);
  tally_.overdue.set(ending() ? 0 : schedule_.late(now));
}

// Of a closed loop's number, as much as the ramp allows by now.
uint32_t Exchange::share_of(uint32_t all, net::Instant now) const {
  const net::Duration passed = now - started_;
  if (schedule_.open_loop() || passed >= options_.ramp || all == 0) return all;
  const double share = static_cast<double>(passed.count()) / static_cast<double>(options_.ramp.count());
  return std::max(1u, static_cast<uint32_t>(share * all));
}

void Exchange::open_missing(stack::Worker& worker, net::Instant now) {
  if (options_.mode == Mode::kConnections && schedule_.open_loop()) {
    for (uint32_t i = 0; schedule_.next() <= now && i < Opening::kMostPerRound; ++i) {
      if (opening_.count() >= options_.connections || ending() || !open(worker, schedule_.next())) return;
      schedule_.take();
    }
    return;
  }
  uint32_t wanted = by_turns_ ? options_.connections : share_of(options_.connections, now);
  if (!asking_) {  // handshakes are under way a few at a time
    const uint64_t done = tally_.connections_opened.value();
    wanted = std::min(wanted, static_cast<uint32_t>(std::min<uint64_t>(done + options_.in_flight, wanted)));
  }
  for (uint32_t i = 0; opening_.count() < wanted && i < Opening::kMostPerRound && !ending(); ++i) {
    if (!open(worker, now)) return;
  }
}

bool Exchange::open(stack::Worker& worker, net::Instant begun) {
  const auto index = opening_.open(worker);
  if (!index) return false;
  Flow& flow = flows_[*index];
  const bool listed = flow.listed;  // by the slot's last connection, and still there
  flow = {};
  flow.listed = listed;
  flow.since = begun;
  flow.stage = Stage::kOpening;
  flow.requests_left = connection_length();
  return true;
}

// Gives what is due to those whose turn it is.
void Exchange::ask_idle(stack::Worker& worker, net::Instant now) {
  for (uint32_t i = 0; i < kMostAskedPerRound && !idle_.empty() && requests_left_ != 0; ++i) {
    const bool due = schedule_.open_loop() ? schedule_.next() <= now
                                           : tally_.in_flight.value() < share_of(options_.in_flight, now);
    if (!due) return;
    const uint32_t index = idle_.pop();
    Flow& flow = flows_[index];
    flow.listed = false;
    if (flow.stage != Stage::kOpen || flow.requests_left == 0) continue;
    auto socket = worker.socket(index);
    if (!socket) {  // its turn comes again
      list(index, flow);
      return;
    }
    ask(*socket, flow, 1, schedule_.open_loop() ? schedule_.next() : now);
    if (schedule_.open_loop()) schedule_.take();
    if (flow.outstanding() < options_.pipeline) list(index, flow);
  }
}

void Exchange::list(uint32_t index, Flow& flow) {
  if (flow.listed || flow.stage != Stage::kOpen || flow.requests_left == 0) return;
  flow.listed = true;
  idle_.push(index);
}

// At the end: those that wait for a request have none to come.
void Exchange::close_idle(stack::Worker& worker) {
  for (uint32_t index = 0; index < flows_.size(); ++index) {
    Flow& flow = flows_[index];
    if (flow.stage != Stage::kOpen || flow.outstanding() != 0) continue;
    auto socket = worker.socket(index);
    if (!socket) return;  // in the next round
    finish(*socket, flow);
  }
  idle_closed_ = true;
}

// --- What the connection tells ---

void Exchange::opened(stack::Socket& socket) {
  const uint32_t index = socket.index();
  Flow& flow = flows_[index];
  flow.stage = Stage::kOpen;
  ++tally_.connections_opened;
  tally_.connect.record(static_cast<uint64_t>((socket.now() - flow.since).count()));
  if (tally_.connections_opened.value() == options_.connections && !asking_) {
    asking_ = true;
    schedule_.start(socket.now());
  }
  if (options_.mode == Mode::kConnections) return ask(socket, flow, 1, flow.since);
  if (!by_turns_) return ask(socket, flow, options_.pipeline, socket.now());
  if (ending()) return finish(socket, flow);
  const bool chosen =
      options_.touch >= 1 || static_cast<double>(random() >> 11) < options_.touch * 9007199254740992.0;
  if (chosen) list(index, flow);
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
  if (answered != 0 && flow.stage == Stage::kOpen) go_on(socket, flow, answered);
}

void Exchange::ended(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  if (flow.stage == Stage::kOpen && flow.body.until_close()) {
    complete(socket.index(), flow, socket.now());
  }
  if (flow.stage == Stage::kOpen && flow.outstanding() != 0) {
    for (uint32_t i = flow.outstanding(); i != 0; --i) tally_.count(Error::closed_early);
    flow.failed = true;
  }
  flow.stage = Stage::kFinished;
  flow.since = socket.now();
  socket.skip(socket.unread());
  socket.close();
}

void Exchange::writable(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  if (flow.owed != 0) send_owed(socket, flow);
}

void Exchange::closed(stack::Socket& socket) {
  Flow& flow = flows_[socket.index()];
  tally_.in_flight.subtract(flow.outstanding());
  const bool done = flow.stage == Stage::kFinished && flow.outstanding() == 0;
  opening_.closed(socket, done, flow.failed);
  flow.stage = Stage::kFree;
}

// --- Requests ---

void Exchange::ask(stack::Socket& socket, Flow& flow, uint32_t count, net::Instant at) {
  if (draining_) count = 0;
  count = static_cast<uint32_t>(std::min<uint64_t>({count, flow.requests_left, requests_left_}));
  if (count == 0) {
    if (flow.outstanding() == 0) finish(socket, flow);
    return;
  }
  const uint32_t index = socket.index();
  for (uint32_t i = 0; i < count; ++i) asked(index, flow.asked + i) = {at, choose_page()};
  flow.asked += count;
  flow.owed += count;
  flow.requests_left -= count;
  requests_left_ -= count;  // without a limit it lasts for ever
  tally_.requests_sent.add(count);
  tally_.in_flight.add(count);
  send_owed(socket, flow);
}

void Exchange::send_owed(stack::Socket& socket, Flow& flow) {
  const bool announce = flow.requests_left == 0 && options_.closing == Closing::kServer;
  const uint32_t index = socket.index();
  while (flow.owed != 0) {
    const bool last = announce && flow.owed == 1;
    Page& page = *pages_[asked(index, flow.asked - flow.owed).page];
    Request& request = last ? page.last_request : page.request;
    const uint32_t wanted = last || pages_.size() != 1 ? 1 : flow.owed - (announce ? 1 : 0);
    const uint32_t queued = request.queue(socket, wanted);
    tally_.bytes_sent.add(uint64_t{queued} * request.size());
    flow.owed -= queued;
    if (queued < wanted) return;
    if (last) flow.last_announced = true;
  }
}

void Exchange::go_on(stack::Socket& socket, Flow& flow, uint32_t answered) {
  if (!by_turns_) return ask(socket, flow, answered, socket.now());
  if (flow.outstanding() == 0 && (ending() || flow.requests_left == 0)) return finish(socket, flow);
  list(socket.index(), flow);
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
    if (now - (waiting ? asked(index, flow.answered).at : flow.since) < options_.timeout) continue;
    auto socket = worker.socket(index);
    if (socket) give_up(*socket, flow, Error::timed_out);
  }
}

}  // namespace tern::load
