// SPDX-License-Identifier: BSD-3-Clause
// The services that tern itself offers: one object per worker and configured service.
#pragma once

#include <memory>

#include "stack/service.hpp"
#include "tern/config.hpp"

namespace tern::app {

std::unique_ptr<stack::Service> make_service(ServiceKind kind);  // of any kind but kProxy

}  // namespace tern::app
