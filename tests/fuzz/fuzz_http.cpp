// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the head of an HTTP request, and what a file's answer goes by in it, on the heap in exactly its size
// so that the sanitizer sees any byte read beyond it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "tern/services/http_conditions.hpp"
#include "tern/services/http_request.hpp"
#include "tern/services/site_paths.hpp"

namespace tern::app {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Parsed {
  HttpParse outcome;
  HttpRequest request;
  uint32_t length = 0;
};

// What is sent of a file lies within it, and its path within the folder.
void require_sound_answer(const HttpRequest& request) {
  constexpr uint32_t kSize = 1000;
  const HttpSelection selection = select(request, {"\"abc\"", 784111777, kSize});
  require(selection.first <= kSize && selection.length <= kSize - selection.first);
  if (selection.outcome == HttpOutcome::kPart) require(selection.length != 0);
  if (selection.outcome == HttpOutcome::kWhole) require(selection.length == kSize);
  std::string path;
  if (!site_path(request.target, path)) return;
  require(path.size() < request.target.size() && path != ".." && !path.starts_with("../"));
  require(path.find("/../") == std::string::npos && !path.ends_with("/..") &&
          path.find('\0') == std::string::npos);
}

Parsed parse(const uint8_t* data, size_t size) {
  const auto bytes = std::make_unique<uint8_t[]>(size);
  std::copy(data, data + size, bytes.get());
  Parsed parsed;
  parsed.outcome = parse_http_request({bytes.get(), size}, parsed.request, parsed.length);
  if (parsed.outcome == HttpParse::kDone) {
    // Of what follows the target is looked at as well.
    for (const char c : parsed.request.target) require(c > ' ' && c <= '~');
    require(!parsed.request.target.empty());
    require_sound_answer(parsed.request);
  }
  parsed.request.target = parsed.request.fields = {};
  return parsed;
}

void try_request(const uint8_t* data, size_t size) {
  const Parsed whole = parse(data, size);
  if (whole.outcome == HttpParse::kIncomplete) require(size < kMaxHttpHead);
  if (whole.outcome == HttpParse::kTooLarge) require(size >= kMaxHttpHead);
  if (whole.outcome != HttpParse::kDone) return;

  require(whole.length >= 4 && whole.length <= std::min<size_t>(size, kMaxHttpHead));
  require(std::equal(data + whole.length - 4, data + whole.length, "\r\n\r\n"));
  // The head alone says the same, and a head that lacks its last byte is not whole.
  const Parsed head = parse(data, whole.length);
  require(head.outcome == HttpParse::kDone && head.length == whole.length);
  require(head.request.method == whole.request.method &&
          head.request.persistent == whole.request.persistent &&
          head.request.has_body == whole.request.has_body && head.request.http_1_0 == whole.request.http_1_0);
  require(parse(data, whole.length - 1).outcome == HttpParse::kIncomplete);
}

}  // namespace
}  // namespace tern::app

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tern::app::try_request(data, size);
  return 0;
}
