// SPDX-License-Identifier: BSD-3-Clause
// The http service's answers from its files: RFC 9110 sections 8.8, 13 to 15.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tern/services/http.hpp"

namespace tern::app {

namespace {

constexpr std::string_view kPlain = "text/plain; charset=utf-8";
// Of a folder's name in a redirection, so that its head fits a buffer of whatever size.
constexpr size_t kLongestFolder = 1024;

std::string_view status_of(HttpOutcome outcome) {
  switch (outcome) {
    case HttpOutcome::kWhole:
      return "200 OK";
    case HttpOutcome::kPart:
      return "206 Partial Content";
    case HttpOutcome::kNotModified:
      return "304 Not Modified";
    case HttpOutcome::kPreconditionFailed:
      return "412 Precondition Failed";
    case HttpOutcome::kUnsatisfiable:
      break;
  }
  return "416 Range Not Satisfiable";
}

// "Content-Range: ..." where the answer has one (section 14.4), and the length of what follows, which an
// answer 304 does not speak of.
std::string framing(const HttpSelection& selection, uint32_t size) {
  switch (selection.outcome) {
    case HttpOutcome::kPart:
      return fmt::format("Content-Range: bytes {}-{}/{}\r\nContent-Length: {}\r\n", selection.first,
                         selection.first + selection.length - 1, size, selection.length);
    case HttpOutcome::kNotModified:
      return {};
    case HttpOutcome::kUnsatisfiable:
      return fmt::format("Content-Range: bytes */{}\r\nContent-Length: 0\r\n", size);
    case HttpOutcome::kWhole:
    case HttpOutcome::kPreconditionFailed:
      break;
  }
  return fmt::format("Content-Length: {}\r\n", selection.length);
}

}  // namespace

bool Http::answer_with_file(stack::Socket& socket, Progress& progress, const HttpRequest& request) {
  const Site::Answer found = site_->find(request.target);
  switch (found.found) {
    case Site::Found::kFile:
      return send_file_head(socket, progress, request, found);
    case Site::Found::kRefused:
      return respond(socket, progress, "400 Bad Request", 0, kPlain, request, {});
    case Site::Found::kFolder: {
      const std::string_view folder = request.target.substr(0, request.target.find('?'));
      if (folder.size() > kLongestFolder) break;
      return respond(socket, progress, fmt::format("301 Moved Permanently\r\nLocation: {}/", folder), 0,
                     kPlain, request, {});
    }
    case Site::Found::kNothing:
      break;
  }
  constexpr std::string_view kMissing = "There is no such file.\n";
  return respond(socket, progress, "404 Not Found", static_cast<uint32_t>(kMissing.size()), kPlain, request,
                 kMissing);
}

bool Http::send_file_head(stack::Socket& socket, Progress& progress, const HttpRequest& request,
                          const Site::Answer& found) {
  net::Packet packet = socket.allocate();
  if (!packet) return false;
  const SiteFile& file = *found.file;
  const HttpSelection selection = select(request, file.validators());
  std::array<char, 1024> text;
  const auto end = fmt::format_to_n(text.data(), text.size(), "HTTP/1.1 {}\r\n{}Server: tern\r\n{}{}{}\r\n",
                                    status_of(selection.outcome), date(socket.now()), file.fields,
                                    framing(selection, file.size), kPersistence[persistence(request)]);
  packet.append(reinterpret_cast<const uint8_t*>(text.data()), static_cast<uint32_t>(end.size));
  socket.send(packet);
  progress.closing = !request.persistent;
  const bool whole_or_part =
      selection.outcome == HttpOutcome::kWhole || selection.outcome == HttpOutcome::kPart;
  if (request.method == HttpMethod::kGet && whole_or_part) {
    progress.remaining = selection.length;
    progress.from_file = 1;
    transfers_[socket.index()] = {found.number, selection.first + selection.length};
  }
  return true;
}

// Queues as much of a file as there is room for; false when that was not all.
bool Http::send_file(stack::Socket& socket, Progress& progress) {
  const Transfer transfer = transfers_[socket.index()];
  const SiteFile& file = site_->file(transfer.file);
  while (progress.remaining != 0) {
    const uint32_t room = socket.send_room();
    if (room == 0) return socket.want_room(), false;
    const uint32_t position = transfer.end - progress.remaining;
    net::dpdk::StaticPayload& block = *file.blocks[position / kSiteBlock];
    const uint32_t offset = position % kSiteBlock;
    const uint32_t length = std::min({room, progress.remaining, block.size() - offset});
    net::Packet packet = socket.slice(block, offset, length);
    if (!packet) return false;
    socket.send(packet);
    progress.remaining -= length;
  }
  progress.from_file = 0;
  return true;
}

}  // namespace tern::app
