// SPDX-License-Identifier: BSD-3-Clause
// One server behind the load balancer.
#include "lb/backend.hpp"

#include <algorithm>

namespace tern::lb {

const char* to_string(BackendState state) {
  switch (state) {
    case BackendState::kUp:
      return "UP";
    case BackendState::kDown:
      return "DOWN";
    case BackendState::kDrain:
      return "DRAIN";
    case BackendState::kMaint:
      return "MAINT";
  }
  return "DOWN";
}

bool takes(std::span<const Backend> backends, uint32_t index, const Request& request) {
  const Backend& backend = backends[index];
  if (backend.share == 0 || backend.full()) return false;
  return std::find(request.tried.begin(), request.tried.end(), index) == request.tried.end();
}

}  // namespace tern::lb
