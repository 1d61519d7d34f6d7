// SPDX-License-Identifier: BSD-3-Clause
// What a configuration costs in memory, reckoned before any of it is taken.
#pragma once

#include <cstdint>
#include <string>

#include "stack/footprint.hpp"
#include "tern/config.hpp"

namespace tern::app {

struct MemoryPlan {
  uint32_t receive_buffers =
      0;  // per worker: ports receive into them, connections hold them, services fill them
  uint32_t receive_reserve = 0;    // of these, left to the ports whatever connections hold
  uint32_t header_buffers = 0;     // per worker: frames on their way out
  uint16_t buffer_bytes = 0;       // payload that one buffer takes
  uint16_t descriptors = 0;        // of each port's queue
  stack::Footprint connections;    // per worker
  uint64_t buffer_pool_bytes = 0;  // per worker
  uint64_t file_bytes = 0;         // per worker: what http services serve
  uint64_t total_bytes = 0;        // all workers
  uint64_t session_bytes = 0;      // per worker, of ordinary memory: proxies' sessions, pools' local ports
  uint64_t ordinary_bytes = 0;     // the same of all workers

  // For --no-huge, where EAL reserves once: the total and what EAL itself takes.
  uint32_t plain_memory_mib() const;
};

// huge_pages: whether EAL has them; without them buffers take more.
MemoryPlan plan_memory(const Config& config, bool huge_pages);
// Lines for the operator, each ending with a newline.
std::string describe(const MemoryPlan& plan, const Config& config);
// Empty, or why the plan would not do, or cannot be had from huge pages (or plain memory), and what to do.
// free_bytes: what there is.
std::string refuse(const MemoryPlan& plan, uint64_t free_bytes, bool huge_pages);
// Free huge pages of all sizes, or free plain memory, in bytes.
uint64_t free_memory_bytes(bool huge_pages);

}  // namespace tern::app
