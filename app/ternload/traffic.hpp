// SPDX-License-Identifier: BSD-3-Clause
// What ternload does on its connections: a service that also opens them.
#pragma once

#include <memory>

#include "net/instant.hpp"
#include "stack/service.hpp"
#include "stack/worker.hpp"
#include "ternload/options.hpp"
#include "ternload/tally.hpp"

namespace tern::load {

class Traffic : public stack::Service {
 public:
  // Before each round of the worker: opens, asks, gives up what takes too long.
  virtual void before_round(stack::Worker& worker, net::Instant now) = 0;
  // Nothing new from here on: connections close when what is in flight has been answered. From any thread.
  virtual void drain() = 0;
  // Whether drain() was called, or a limit reached, and no connection is left.
  virtual bool done() const = 0;
};

// What the mode calls for. slots: connections that the worker has room for; start: of the first four-tuple
// and of random choices.
std::unique_ptr<Traffic> make_traffic(const Options& options, uint32_t slots, uint64_t start, Tally& tally);

}  // namespace tern::load
