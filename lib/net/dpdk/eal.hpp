// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: started once per process, with PCI never probed unless a port names a PCI address.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tern::net::dpdk {

struct EalOptions {
  std::string program;                  // argv[0]
  std::vector<std::string> arguments;   // the user's own
  std::vector<std::string> pci_allowed; // PCI addresses that ports name; when empty, --no-pci is added
  std::vector<unsigned> worker_cpus;    // one worker lcore each, ids 1, 2, ...; the main lcore runs on the other CPUs
};

class Eal {
 public:
  // Throws std::runtime_error saying what EAL refused. Adds --no-huge when the kernel has no free hugepages and the user
  // said nothing of memory, so that tern runs in CI.
  explicit Eal(const EalOptions& options);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  // Runs work on worker lcore number index (0-based, in the order of worker_cpus) until it returns.
  void launch(unsigned index, std::function<void()> work);
  void wait(unsigned index);
  bool huge_pages() const;
};

// Memory from EAL's heap, zeroed, aligned to cache lines; throws std::runtime_error with the remedy when there is none.
void* allocate_memory(const char* name, uint64_t bytes);
void free_memory(void* memory);

// A telemetry command ("/tern/counters"): handler(params) returns a JSON-like tree by filling reply. Called on DPDK's
// telemetry thread.
class TelemetryReply;
void register_telemetry(const std::string& command, const std::string& help,
                        std::function<void(const std::string& parameters, TelemetryReply& reply)> handler);

// A flat or one-level-deep object of numbers and texts, which is what DPDK's telemetry carries.
class TelemetryReply {
 public:
  virtual ~TelemetryReply() = default;
  virtual void number(const std::string& name, uint64_t value) = 0;
  virtual void text(const std::string& name, const std::string& value) = 0;
  // Fills an object within this one under name.
  virtual void object(const std::string& name, const std::function<void(TelemetryReply&)>& fill) = 0;
};

}  // namespace tern::net::dpdk
