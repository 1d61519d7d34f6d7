// SPDX-License-Identifier: BSD-3-Clause
// The answer to a segment that belongs to nothing. RFC 9293 section 3.10.7.1.
#pragma once

#include <optional>

#include "tcp/segment.hpp"

namespace tern::tcp {

// The RST that answers seg, or nothing when seg is a RST itself.
std::optional<SegmentHeader> reset_for(const Segment& seg);

}  // namespace tern::tcp
