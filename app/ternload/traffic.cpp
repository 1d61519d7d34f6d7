// SPDX-License-Identifier: BSD-3-Clause
// Which traffic a mode is.
#include "ternload/traffic.hpp"

#include "ternload/exchange.hpp"
#include "ternload/streams.hpp"

namespace tern::load {

std::unique_ptr<Traffic> make_traffic(const Options& options, uint32_t slots, uint64_t start, Tally& tally) {
  if (options.mode == Mode::kThroughput && options.target.protocol == Protocol::kRaw) {
    return std::make_unique<Streams>(options, slots, start, tally);
  }
  return std::make_unique<Exchange>(options, slots, start, tally);
}

}  // namespace tern::load
