// SPDX-License-Identifier: BSD-3-Clause
// Which files an http service shows, and under which names and types.
#include "tern/services/site_paths.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

namespace tern::app {

namespace fs = std::filesystem;

namespace {

// At most so much lies in front of a block's bytes, and around both.
constexpr uint64_t kInFront = 1024;

struct Type {
  std::string_view suffix, type;
};
constexpr auto kTypes = std::to_array<Type>({
    {"avif", "image/avif"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
});

// Whether path, links followed, lies below root, which has none.
bool lies_within(const fs::path& root, const fs::path& path) {
  const fs::path real = fs::canonical(path);
  return std::mismatch(root.begin(), root.end(), real.begin(), real.end()).first == root.end();
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

SiteListing list_site(const fs::path& root) {
  SiteListing listing;
  std::error_code error;
  const fs::path real = fs::canonical(root, error);
  if (error || !fs::is_directory(real)) throw std::runtime_error("no folder that can be read");
  for (auto entry = fs::recursive_directory_iterator(real); entry != fs::end(entry); ++entry) {
    if (is_hidden(entry->path())) {
      if (entry->is_directory()) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file(error) || !lies_within(real, entry->path())) continue;
    const std::string path = entry->path().lexically_relative(real).string();
    const uint64_t size = entry->file_size();
    if (size > kMostSiteFile) throw std::runtime_error("a file beyond 1 GiB, " + path);
    listing.files.push_back({path, size});
    for (uint64_t at = 0; at < size; at += kSiteBlock) {
      listing.memory += std::bit_ceil(kInFront + std::min<uint64_t>(kSiteBlock, size - at));
    }
  }
  std::ranges::sort(listing.files, {}, &SiteListing::Entry::path);
  return listing;
}

std::string_view content_type(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  std::string suffix(dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1));
  for (char& c : suffix) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const auto* const found = std::ranges::find(kTypes, suffix, &Type::suffix);
  return found == kTypes.end() ? "application/octet-stream" : found->type;
}

bool site_path(std::string_view target, std::string& path) {
  target = target.substr(0, target.find('?'));
  if (!target.starts_with('/')) return false;
  target.remove_prefix(1);
  path.clear();
  for (size_t i = 0; i < target.size(); ++i) {
    char c = target[i];
    if (c == '%') {
      const int high = i + 2 < target.size() ? hexadecimal(target[i + 1]) : -1;
      const int low = i + 2 < target.size() ? hexadecimal(target[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return false;
    path += c;
  }
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (std::string_view(path).substr(at, end - at) == "..") return false;
    at = end + 1;
  }
  return true;
}

}  // namespace tern::app
