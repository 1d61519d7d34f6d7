// SPDX-License-Identifier: BSD-3-Clause
// Least connections: the backend with the fewest in proportion to its weight; among equals, the next in turn.
#pragma once

#include "lb/balancer.hpp"

namespace tern::lb {

class LeastConnections : public Balancer {
 public:
  uint32_t choose(std::span<const Backend> backends, const Request& request) override;

 private:
  uint32_t next_ = 0;  // where the search begins, so that equals take turns
};

}  // namespace tern::lb
