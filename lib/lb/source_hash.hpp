// SPDX-License-Identifier: BSD-3-Clause
// By the client's address: the same client meets the same backend as long as nothing changes. When a backend
// comes or goes most clients move; Maglev moves few.
#pragma once

#include "lb/balancer.hpp"

namespace tern::lb {

class SourceHash : public Balancer {
 public:
  uint32_t choose(std::span<const Backend> backends, const Request& request) override;
};

}  // namespace tern::lb
