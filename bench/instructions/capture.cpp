// SPDX-License-Identifier: BSD-3-Clause
// Captures: draft-ietf-opsawg-pcap, in the byte order of this machine.
#include "instructions/capture.hpp"

#include <fstream>
#include <stdexcept>

namespace tern::bench {

namespace {

constexpr int64_t kSecond = 1'000'000'000;

struct FileHeader {
  uint32_t magic = 0xa1b23c4d;  // times in nanoseconds
  uint16_t major = 2, minor = 4;
  uint32_t reserved[2] = {};
  uint32_t longest = 65'535;
  uint32_t link_type = 1;  // Ethernet
};

struct FrameHeader {
  uint32_t seconds, nanoseconds;
  uint32_t captured, length;
};

}  // namespace

void write_capture(const std::string& path, const std::vector<CapturedFrame>& frames) {
  std::ofstream file(path, std::ios::binary);
  const auto write = [&](const void* bytes, size_t size) {
    file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  };
  const FileHeader header;
  write(&header, sizeof header);
  for (const CapturedFrame& frame : frames) {
    const auto size = static_cast<uint32_t>(frame.bytes.size());
    const FrameHeader about{static_cast<uint32_t>(frame.at.ns / kSecond),
                            static_cast<uint32_t>(frame.at.ns % kSecond), size, size};
    write(&about, sizeof about);
    write(frame.bytes.data(), size);
  }
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

std::vector<CapturedFrame> read_capture(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const auto read = [&](void* bytes, size_t size) {
    return bool(file.read(static_cast<char*>(bytes), static_cast<std::streamsize>(size)));
  };
  FileHeader header;
  if (!read(&header, sizeof header) || header.magic != FileHeader{}.magic)
    throw std::runtime_error(path + ": not a capture of ours");
  std::vector<CapturedFrame> frames;
  FrameHeader about;
  while (read(&about, sizeof about)) {
    CapturedFrame& frame = frames.emplace_back();
    frame.at = {about.seconds * kSecond + about.nanoseconds};
    frame.bytes.resize(about.captured);
    if (!read(frame.bytes.data(), about.captured)) throw std::runtime_error(path + ": ends within a frame");
  }
  return frames;
}

}  // namespace tern::bench
