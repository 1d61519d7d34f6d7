// SPDX-License-Identifier: BSD-3-Clause
// Requests and their responses: what each connection asks, and when.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "ternload/body.hpp"
#include "ternload/opening.hpp"
#include "ternload/options.hpp"
#include "ternload/page.hpp"
#include "ternload/ring.hpp"
#include "ternload/schedule.hpp"
#include "ternload/tally.hpp"
#include "ternload/traffic.hpp"

namespace tern::load {

// Who gives a connection its next request. Where a connection has the next as soon as it has an answer, it
// asks by itself; where a schedule decides, or fewer ask than are held, it waits in a ring of the idle for
// its turn.
class Exchange : public Traffic {
 public:
  // slots: connections that the worker has room for; start: of the first four-tuple and of random choices.
  Exchange(const Options& options, uint32_t slots, uint64_t start, Tally& tally);

  void before_round(stack::Worker& worker, net::Instant now) override;
  void drain() override { draining_ = true; }
  bool done() const override { return ending() && opening_.count() == 0; }

  void opened(stack::Socket& socket) override;
  void text(stack::Socket& socket) override;
  void ended(stack::Socket& socket) override;
  void writable(stack::Socket& socket) override;
  void closed(stack::Socket& socket) override;

 private:
  enum class Stage : uint8_t { kFree, kOpening, kOpen, kFinished };

  // What we know of a connection, by its index.
  struct Flow {
    net::Instant since;  // when its opening was meant to begin; once finished, when it was
    Body body;           // of the response that is arriving
    uint32_t asked = 0;  // requests so far
    uint32_t answered = 0;
    uint32_t owed = 0;           // of those asked, not yet queued
    uint32_t requests_left = 0;  // that may follow
    Stage stage = Stage::kFree;
    bool last_announced = false;  // the server has been asked to close, or says that it does
    bool bad = false;             // the response that is arriving counts as an error
    bool failed = false;          // why the connection ends has been counted
    bool listed = false;          // in the ring of the idle
    uint32_t outstanding() const { return asked - answered; }
  };

  struct Asked {
    net::Instant at;    // when it was meant to be
    uint32_t page = 0;  // index in pages_
  };

  bool ending() const { return draining_ || opening_.used_up() || requests_left_ == 0; }

  // exchange.cpp
  void open_missing(stack::Worker& worker, net::Instant now);
  bool open(stack::Worker& worker, net::Instant begun);
  uint32_t share_of(uint32_t all, net::Instant now) const;
  void ask_idle(stack::Worker& worker, net::Instant now);
  void list(uint32_t index, Flow& flow);
  void ask(stack::Socket& socket, Flow& flow, uint32_t count, net::Instant at);
  void send_owed(stack::Socket& socket, Flow& flow);
  void go_on(stack::Socket& socket, Flow& flow, uint32_t answered);
  static void announce_last(Flow& flow);
  void finish(stack::Socket& socket, Flow& flow);
  void give_up(stack::Socket& socket, Flow& flow, Error error);
  void close_idle(stack::Worker& worker);
  void watch(stack::Worker& worker, net::Instant now);
  uint32_t connection_length();
  uint32_t choose_page();
  uint64_t random();

  // responses.cpp
  bool take_response(stack::Socket& socket, Flow& flow);
  bool take_slowly(stack::Socket& socket, Flow& flow);
  bool begin_response(stack::Socket& socket, Flow& flow);
  void complete(uint32_t index, Flow& flow, net::Instant now);
  Page& page_of(uint32_t index, const Flow& flow) { return *pages_[asked(index, flow.answered).page]; }

  Asked& asked(uint32_t index, uint32_t request) {
    return asked_[size_t{index} * depth_ + (request & (depth_ - 1))];
  }

  const Options options_;
  Tally& tally_;
  Opening opening_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<uint8_t> lots_;  // pages by weight, to draw from
  const uint32_t depth_;       // requests that a connection may have under way, rounded up to a power of two
  const bool by_turns_;        // the ring decides who asks
  std::vector<Flow> flows_;
  std::vector<Asked> asked_;   // of each flow, depth_ of them
  Ring idle_;                  // connections that may ask
  std::vector<uint8_t> head_;  // a head that lies in several packets is put together here
  Schedule schedule_;          // of requests, or of connections where each has one
  net::Instant started_;       // the first round
  uint64_t requests_left_;     // that may be sent
  uint64_t random_;
  uint32_t watched_ = 0;  // where the search for those that take too long goes on
  net::Instant next_watch_;
  bool asking_ = false;  // all connections that are to be held have been opened
  bool idle_closed_ = false;
  std::atomic<bool> draining_ = false;
};

}  // namespace tern::load
