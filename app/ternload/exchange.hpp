// SPDX-License-Identifier: BSD-3-Clause
// Requests and their responses: the service on every connection, and what opens these.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "stack/service.hpp"
#include "stack/worker.hpp"
#include "ternload/body.hpp"
#include "ternload/four_tuples.hpp"
#include "ternload/options.hpp"
#include "ternload/request.hpp"
#include "ternload/tally.hpp"

namespace tern::load {

class Exchange : public stack::Service {
 public:
  // slots: connections that the worker has room for; start: the first four-tuple's number.
  Exchange(const Options& options, uint32_t slots, uint64_t start, Tally& tally);

  // Before each round of the worker: opens what is missing, gives up what takes too long.
  void before_round(stack::Worker& worker, net::Instant now);
  // Nothing new from here on: connections close when what is in flight has been answered.
  void drain() { draining_ = true; }
  // Whether a limit was reached, or drain() was called, and all is done.
  bool done() const { return ending() && connections_ == 0; }

  void opened(stack::Socket& socket) override;
  void text(stack::Socket& socket) override;
  void ended(stack::Socket& socket) override;
  void writable(stack::Socket& socket) override;
  void closed(stack::Socket& socket) override;

 private:
  enum class Stage : uint8_t { kFree, kOpening, kOpen, kFinished };

  // What we know of a connection, by its index.
  struct Flow {
    net::Instant since;          // when its opening was meant to begin; once finished, when it was
    Body body;                   // of the response that is arriving
    uint32_t asked = 0;          // requests so far
    uint32_t answered = 0;       //
    uint32_t owed = 0;           // of those asked, not yet queued
    uint32_t requests_left = 0;  // that may follow
    Stage stage = Stage::kFree;
    bool last_announced = false;  // the server has been asked to close, or says that it does
    bool bad = false;             // the response that is arriving is one that counts as an error
    bool failed = false;          // why the connection ends has been counted
    uint32_t outstanding() const { return asked - answered; }
  };

  // The last response's head: the next is probably the same, and then needs no parsing.
  struct LearntHead {
    std::array<uint8_t, 512> bytes;
    uint32_t length = 0;  // 0: none
    uint32_t total = 0;   // with the body
    bool closes = false;  // the server closes behind it
  };

  bool ending() const { return draining_ || connections_left_ == 0 || requests_left_ == 0; }
  void open_missing(stack::Worker& worker, net::Instant now);
  bool open(stack::Worker& worker, net::Instant begun);
  void ask(stack::Socket& socket, Flow& flow, uint32_t count);
  void send_owed(stack::Socket& socket, Flow& flow);
  bool take_response(stack::Socket& socket, Flow& flow);
  bool take_slowly(stack::Socket& socket, Flow& flow);
  bool begin_response(stack::Socket& socket, Flow& flow);
  void learn(const ResponseHead& head, std::span<const uint8_t> bytes);
  void complete(const stack::Socket& socket, Flow& flow);
  static void announce_last(Flow& flow);
  void finish(stack::Socket& socket, Flow& flow);
  void give_up(stack::Socket& socket, Flow& flow, Error error);
  void watch(stack::Worker& worker, net::Instant now);
  net::Instant& asked_at(uint32_t index, uint32_t request) {
    return asked_at_[index * ring_ + (request & (ring_ - 1))];
  }

  const Options options_;
  Tally& tally_;
  FourTuples tuples_;
  Request request_;
  Request last_request_;
  const uint32_t ring_;  // requests that a connection may have under way, rounded up to a power of two
  std::vector<Flow> flows_;
  std::vector<net::Instant> asked_at_;  // of each flow, ring_ of them
  LearntHead learnt_;
  std::array<uint8_t, 16384> head_;  // a head that lies in several packets is put together here
  uint64_t connections_left_;        // that may be opened
  uint64_t requests_left_;           // that may be sent
  uint32_t connections_ = 0;         // opening or open
  uint32_t watched_ = 0;             // where the search for those that take too long goes on
  net::Instant next_watch_;
  std::atomic<bool> draining_ = false;
};

}  // namespace tern::load
