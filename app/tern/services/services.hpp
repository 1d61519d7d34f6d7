// SPDX-License-Identifier: BSD-3-Clause
// The services that tern itself offers: one object per worker and configured service.
#pragma once

#include <memory>

#include "stack/service.hpp"
#include "tern/config.hpp"

namespace tern::app {

// Of any kind but kProxy. max_connections: of its worker. Throws std::runtime_error where files cannot be
// read, or memory is short.
std::unique_ptr<stack::Service> make_service(const ServiceConfig& config, uint32_t max_connections);

}  // namespace tern::app
