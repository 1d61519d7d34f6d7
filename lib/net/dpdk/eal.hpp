// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: started once per process, with PCI never probed unless a port names a PCI address.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "net/dpdk/telemetry.hpp"

namespace tern::net::dpdk {

struct EalOptions {
  std::string program;                   // argv[0]
  std::vector<std::string> arguments;    // the user's own
  std::vector<std::string> pci_allowed;  // PCI addresses that ports name; when empty, --no-pci is added
  std::vector<unsigned>
      worker_cpus;  // one worker lcore each, ids 1, 2, ...; the main lcore runs on the other CPUs
  uint32_t plain_memory_mib = 512;  // what to reserve without huge pages, where memory cannot grow later
};

class Eal {
 public:
  // Throws std::runtime_error saying what EAL refused. Adds --no-huge when the kernel has no free hugepages
  // and the user said nothing of memory, so that tern runs in CI; --in-memory, which EAL
  // does not take beside it, then becomes --no-shconf. The user's own choice of lcores stands; it
  // must leave a worker lcore for each of worker_cpus.
  explicit Eal(const EalOptions& options);
  // Waits for the workers, so their work must have been told to end. Ports, pools and tables must be gone.
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  // Runs work on worker lcore number index (0-based, in the order of worker_cpus) until it returns. Until
  // wait() the calling thread leaves real-time signals to the workers: net_tap needs them there.
  void launch(unsigned index, std::function<void()> work);
  // Returns when that work has; throws what it threw, or what work before it threw that nobody waited for.
  void wait(unsigned index);
  bool huge_pages() const;

 private:
  struct Worker {
    unsigned lcore = 0;
    std::function<void()> work;
    std::exception_ptr failure;
  };
  static int run(void* worker) noexcept;

  std::vector<std::string> arguments_;  // EAL keeps pointers into them
  std::vector<Worker> workers_;
};

// Memory from EAL's heap, zeroed, aligned to cache lines; throws std::runtime_error with the remedy when
// there is none.
void* allocate_memory(const char* name, uint64_t bytes);
void free_memory(void* memory);
// So many constructed objects in such memory, to be given back by free_memory once they are destroyed; none
// take none.
template <typename T>
std::span<T> allocate_array(const std::string& name, uint32_t count) {
  if (count == 0) return {};
  T* first = static_cast<T*>(allocate_memory(name.c_str(), uint64_t{count} * sizeof(T)));
  std::uninitialized_value_construct_n(first, count);
  return {first, count};
}

// The same for the standard library's containers: they lie in huge pages, where there are any.
class EalMemory final : public std::pmr::memory_resource {
 private:
  void* do_allocate(size_t bytes, size_t /*alignment*/) override {
    return allocate_memory("containers", bytes);
  }
  void do_deallocate(void* memory, size_t /*bytes*/, size_t /*alignment*/) override { free_memory(memory); }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace tern::net::dpdk
