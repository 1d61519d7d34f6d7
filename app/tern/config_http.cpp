// SPDX-License-Identifier: BSD-3-Clause
// What a [[service]] of kind http has of its own.
#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>

#include "tern/config_sections.hpp"
#include "tern/services/site_paths.hpp"

namespace tern::app {
namespace {

constexpr std::array<std::string_view, 4> kHttpKeys{"root", "root_limit_mib", "max_requests",
                                                    "idle_timeout_s"};
constexpr uint64_t kMiB = 1 << 20;

// A path that is not absolute begins at the configuration's folder.
void read_root(const TableReader& reader, ServiceConfig& service, ProblemLog& log) {
  uint64_t limit_mib = 64;
  reader.read_integer("root_limit_mib", limit_mib);
  const auto root = reader.text("root");
  if (!root || root->value.empty()) return;
  const std::filesystem::path path = std::filesystem::path(log.file()).parent_path() / root->value;
  const std::string found = "found " + in_quotes(root->value);
  try {
    const SiteListing listing = list_site(path);
    service.http.root = path.string();
    service.http.root_bytes = listing.memory;
    if (listing.files.empty()) {
      log.warning(root->at, "service.root", found + ", which holds no file; every request gets 404");
    }
    const uint64_t mib = (listing.memory + kMiB - 1) / kMiB;
    if (mib <= limit_mib) return;
    log.error(root->at, "service.root",
              found + ", whose files take " + std::to_string(mib) +
                  " MiB of each worker's memory; allowed are root_limit_mib = " + std::to_string(limit_mib) +
                  ", raise it or take files out");
  } catch (const std::exception& error) {
    log.error(root->at, "service.root",
              found + ": " + error.what() + "; allowed is " + allowed(*find_key("service", "root")));
  }
}

}  // namespace

void read_http_keys(const TableReader& reader, ServiceConfig& service, ProblemLog& log) {
  if (service.kind != ServiceKind::kHttp) {
    for (const std::string_view key : kHttpKeys) {
      if (!reader.has(key)) continue;
      log.error(reader.where(key), reader.path(key),
                "found below a service of kind " + in_quotes(to_string(service.kind)) +
                    "; allowed is it with kind = \"http\" only");
    }
    return;
  }
  read_root(reader, service, log);
  reader.read_integer("max_requests", service.http.max_requests);
  reader.read_duration<std::chrono::seconds>("idle_timeout_s", service.http.idle_timeout);
}

}  // namespace tern::app
