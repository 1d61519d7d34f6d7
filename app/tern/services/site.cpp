// SPDX-License-Identifier: BSD-3-Clause
// The files of an http service.
#include "tern/services/site.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>
#include <stdexcept>

namespace tern::app {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kIndex = "index.html";

// FNV-1a, of 64 bits: tells versions of a file apart, nothing more.
uint64_t fingerprint(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw std::runtime_error(path.string() + ": cannot be read");
  return bytes;
}

HttpTime modified(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw std::runtime_error(path.string() + ": cannot be looked at");
  return status.st_mtime;
}

std::unique_ptr<SiteFile> load(const fs::path& path) {
  const std::string bytes = read_file(path);
  if (bytes.size() > kMostSiteFile) throw std::runtime_error(path.string() + ": has grown beyond 1 GiB");
  auto file = std::make_unique<SiteFile>();
  file->size = static_cast<uint32_t>(bytes.size());
  file->modified = modified(path);
  file->tag = fmt::format("\"{:016x}\"", fingerprint(bytes));
  file->fields = fmt::format("Content-Type: {}\r\nETag: {}\r\nLast-Modified: {}\r\nAccept-Ranges: bytes\r\n",
                             content_type(path.string()), file->tag, format_http_date(file->modified));
  for (size_t at = 0; at < bytes.size(); at += kSiteBlock) {
    const auto block = std::string_view(bytes).substr(at, kSiteBlock);
    file->blocks.push_back(std::make_unique<net::dpdk::StaticPayload>(
        std::span(reinterpret_cast<const uint8_t*>(block.data()), block.size())));
  }
  return file;
}

}  // namespace

Site::Site(const fs::path& root) {
  for (const SiteListing::Entry& entry : list_site(root).files) {
    numbers_.emplace(entry.path, static_cast<uint32_t>(files_.size()));
    files_.push_back(load(root / entry.path));
  }
}

Site::Answer Site::find(std::string_view target) const {
  // Most targets are a path as it stands.
  if (target.starts_with('/') && target.find_first_of("%?") == std::string_view::npos) {
    const auto entry = numbers_.find(target.substr(1));
    if (entry != numbers_.end()) return answer(entry->second);
  }
  std::string path;
  if (!site_path(target, path)) return {Found::kRefused};
  if (path.empty() || path.ends_with('/')) path += kIndex;
  if (const auto entry = numbers_.find(path); entry != numbers_.end()) {
    return answer(entry->second);
  }
  path += '/';
  path += kIndex;
  return {numbers_.contains(path) ? Found::kFolder : Found::kNothing};
}

}  // namespace tern::app
