// SPDX-License-Identifier: BSD-3-Clause
// What two ends of a connection are to do, and what the network does to them: all of it from one seed.
#pragma once

#include <cstdint>
#include <string>

#include "support/endpoint.hpp"

namespace tern::test {

struct Scenario {
  EndPlan active;
  EndPlan passive;
  Faults to_passive;
  Faults to_active;
  // Fast Open: what the active end knows of the other.
  enum class Cookie : uint8_t { kNone, kValid, kForged } cookie = Cookie::kNone;
  // Neither end has limits so narrow that it may give up, however polite both are.
  bool patient = true;
};

// What the seed says: sizes, options, faults, services, order of closing.
Scenario scenario(uint64_t seed);
std::string to_string(const Scenario& scenario);

// Whether this end writes and reads all that there is before it ends.
bool polite(const EndPlan& plan);
// Whether both ends must exchange all and finish in order.
bool completes(const Scenario& scenario);

}  // namespace tern::test
