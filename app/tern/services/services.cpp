// SPDX-License-Identifier: BSD-3-Clause
// From a kind's name to a service.
#include "tern/services/services.hpp"

#include "tern/services/chargen.hpp"
#include "tern/services/discard.hpp"
#include "tern/services/echo.hpp"
#include "tern/services/http.hpp"

namespace tern::app {

std::unique_ptr<stack::Service> make_service(const ServiceConfig& config, uint32_t max_connections) {
  switch (config.kind) {
    case ServiceKind::kEcho:
      return std::make_unique<Echo>();
    case ServiceKind::kDiscard:
      return std::make_unique<Discard>();
    case ServiceKind::kChargen:
      return std::make_unique<Chargen>();
    case ServiceKind::kHttp:
    case ServiceKind::kProxy:
      break;
  }
  return std::make_unique<Http>(config.http, max_connections);
}

}  // namespace tern::app
