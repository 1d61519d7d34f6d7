// SPDX-License-Identifier: BSD-3-Clause
// The one EAL of this test program: one worker, no huge pages, a network namespace and a runtime directory of
// its own.
#pragma once

#include "net/dpdk/eal.hpp"

namespace tern::test {

net::dpdk::Eal& eal();
// Whether the program could move into a network namespace of its own, where taps may be made.
bool has_own_network();

}  // namespace tern::test
