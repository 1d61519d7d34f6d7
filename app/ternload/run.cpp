// SPDX-License-Identifier: BSD-3-Clause
// A run: what is made, in which order.
#include "ternload/run.hpp"

#include <sys/random.h>

#include <memory>
#include <optional>

#include "ternload/conductor.hpp"
#include "ternload/rig.hpp"
#include "ternload/traffic.hpp"

namespace tern::load {

namespace {

uint64_t random_number() {
  uint64_t number = 0;
  return getrandom(&number, sizeof number, 0) == sizeof number ? number : 0;
}

}  // namespace

Result run(const Options& options, const std::string& program) {
  const Signals signals;
  Tally tally;
  Rig rig(options, program);
  std::unique_ptr<Traffic> owned = make_traffic(options, slots_for(options), random_number(), tally);
  Traffic& traffic = *owned;
  stack::Worker& worker = rig.make_worker(std::move(owned));
  std::optional<SynFlood> flood;
  if (options.flood_rate != 0) flood.emplace(options, rig.port(), rig.headers(), random_number(), tally);
  return Conductor(options, signals, rig, worker, traffic, flood ? &*flood : nullptr, tally).conduct();
}

}  // namespace tern::load
