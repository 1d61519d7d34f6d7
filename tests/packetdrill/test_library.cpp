// SPDX-License-Identifier: BSD-3-Clause
// The library that packetdrill loads, driven through its functions alone, as packetdrill drives it. The first
// argument is the library's path.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/ipv4.hpp"
#include "packetdrill/interface.hpp"
#include "tcp/header.hpp"

namespace {

using namespace tern;
using namespace tern::tcp;

const char* library_path = nullptr;

constexpr net::Ipv4Address kPeer{0xc0000201};
constexpr net::Ipv4Address kOurs{0xc0a80007};
constexpr uint16_t kPeerPort = 40'001;
constexpr uint16_t kOurPort = 8080;

// As packetdrill finds out whether a call blocks.
bool sleeps(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return line.find(") S ") != std::string::npos;
}

class Library : public testing::Test {
 protected:
  void SetUp() override {
    handle_ = dlopen(library_path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | RTLD_DEEPBIND);
    ASSERT_NE(handle_, nullptr) << dlerror();
    const auto init = reinterpret_cast<void (*)(const char*, PacketdrillInterface*)>(
        dlsym(handle_, "packetdrill_interface_init"));
    ASSERT_NE(init, nullptr);
    init(nullptr, &ifc);
  }
  void TearDown() override { ifc.free(ifc.userdata); }

  int64_t clock_us() {
    timeval time{};
    ifc.gettimeofday(ifc.userdata, &time, nullptr);
    return time.tv_sec * 1'000'000 + time.tv_usec;
  }

  void inject(uint32_t seq, uint32_t ack, uint8_t flags, const std::string& text = "") {
    SegmentHeader header;
    header.seq = Seq{seq};
    header.ack = Seq{ack};
    header.flags = flags;
    header.wnd = 60'000;
    std::vector<uint8_t> bytes(net::ipv4::kHeaderLength + header.length());
    write_header(header, {kPeerPort, kOurPort}, bytes.data() + net::ipv4::kHeaderLength);
    bytes.insert(bytes.end(), text.begin(), text.end());
    const std::span segment = std::span(bytes).subspan(net::ipv4::kHeaderLength);
    net::ChecksumSum sum = net::pseudo_header(kPeer, kOurs, 6, static_cast<uint16_t>(segment.size()));
    sum.add(segment);
    net::store_be16(segment.data() + 16, sum.finish());
    net::Ipv4Fields ip;
    ip.total_length = static_cast<uint16_t>(bytes.size());
    ip.protocol = 6;
    ip.source = kPeer;
    ip.destination = kOurs;
    net::write_ipv4_header(bytes.data(), ip);
    EXPECT_EQ(ifc.netdev_send(ifc.userdata, bytes.data(), bytes.size()), 0);
  }

  struct Out {
    Segment segment;
    std::string text;
    long long time_us = 0;
    bool any = false;
  };
  Out next() {
    Out out;
    std::vector<uint8_t> bytes(2000);
    size_t size = bytes.size();
    EXPECT_EQ(ifc.netdev_receive(ifc.userdata, bytes.data(), &size, &out.time_us), 0);
    net::Ipv4Header ip;
    if (size == 0) return out;
    bytes.resize(size);
    out.any = true;
    EXPECT_EQ(net::parse_ipv4_header(bytes, false, ip), net::Drop::kNone);
    uint32_t offset = 0;
    const std::span segment = std::span(bytes).subspan(ip.header_length);
    EXPECT_EQ(parse_segment(segment, out.segment, offset), net::Drop::kNone);
    out.text.assign(segment.begin() + offset, segment.end());
    return out;
  }

  int listener() {
    const int fd = ifc.socket(ifc.userdata, AF_INET, SOCK_STREAM, 0);
    EXPECT_GE(fd, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kOurPort);
    address.sin_addr.s_addr = htonl(kOurs.value);
    EXPECT_EQ(ifc.bind(ifc.userdata, fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(ifc.listen(ifc.userdata, fd, 1), 0);
    return fd;
  }

  // To the third segment; returns our initial sequence number.
  uint32_t shake_hands() {
    inject(1000, 0, kSyn);
    const Out syn_ack = next();
    EXPECT_EQ(syn_ack.segment.flags, kSyn | kAck);
    EXPECT_EQ(syn_ack.segment.ack, Seq{1001});
    inject(1001, syn_ack.segment.seq.value + 1, kAck);
    return syn_ack.segment.seq.value;
  }

  int accept(int fd) { return ifc.accept(ifc.userdata, fd, nullptr, nullptr); }

  PacketdrillInterface ifc{};

 private:
  void* handle_ = nullptr;
};

TEST_F(Library, EveryPointerIsFilled) {
  const auto* words = reinterpret_cast<void* const*>(&ifc);
  for (size_t i = 0; i < sizeof ifc / sizeof(void*); ++i) EXPECT_NE(words[i], nullptr) << i;
}

TEST_F(Library, ClockAdvancesByItselfAndWhenItIsTold) {
  const int64_t first = clock_us();
  EXPECT_EQ(clock_us(), first + 1);
  ifc.usleep(ifc.userdata, 500);
  EXPECT_EQ(clock_us(), first + 502);
}

TEST_F(Library, HandshakeAndEcho) {
  const int fd = listener();
  const uint32_t iss = shake_hands();
  const int child = accept(fd);
  ASSERT_GE(child, 0);
  inject(1001, iss + 1, kAck | kPsh, "hello");
  EXPECT_EQ(next().segment.ack, Seq{1006});  // the first text is acknowledged at once
  char bytes[16];
  ASSERT_EQ(ifc.read(ifc.userdata, child, bytes, sizeof bytes), 5);
  EXPECT_EQ(ifc.write(ifc.userdata, child, bytes, 5), 5);
  const Out echo = next();
  EXPECT_EQ(echo.text, "hello");
  EXPECT_EQ(echo.segment.seq, Seq{iss + 1});
  EXPECT_EQ(echo.segment.ack, Seq{1006});
  EXPECT_EQ(echo.segment.flags, kAck | kPsh);
  inject(1006, iss + 6, kAck);
  EXPECT_EQ(ifc.close(ifc.userdata, child), 0);
  EXPECT_EQ(next().segment.flags, kAck | kFin);
  inject(1006, iss + 7, kAck | kFin);
  EXPECT_EQ(next().segment.ack, Seq{1007});
  EXPECT_FALSE(next().any);
}

TEST_F(Library, WaitingForAPacketGoesFromTimerToTimer) {
  listener();
  inject(1000, 0, kSyn);
  const Out first = next();
  const Out again = next();
  EXPECT_EQ(again.segment.seq, first.segment.seq);
  EXPECT_NEAR(static_cast<double>(again.time_us - first.time_us), 1e6, 3000);
  EXPECT_GE(clock_us(), again.time_us);
}

TEST_F(Library, NonBlockingCallsDoNotWait) {
  const int fd = listener();
  EXPECT_EQ(ifc.fcntl(ifc.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
  EXPECT_EQ(accept(fd), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(Library, BlockingCallSleepsUntilAPacketAnswersIt) {
  const int fd = listener();
  int64_t ended_us = 0;
  int child = -1;
  std::atomic<pid_t> thread{0};
  std::thread caller([&] {
    thread = gettid();
    child = accept(fd);
    ended_us = clock_us();
  });
  while (thread == 0 || !sleeps(thread)) std::this_thread::yield();
  shake_hands();
  const int64_t answered_us = clock_us();
  ifc.usleep(ifc.userdata, 1'000'000);
  caller.join();
  EXPECT_GE(child, 0);
  EXPECT_LE(ended_us, answered_us);  // as its thread sees it, though the clock has moved on
}

TEST_F(Library, DescriptorsAreTheKernelsToo) {
  const int fd = listener();
  EXPECT_GE(::fcntl(fd, F_GETFL), 0);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 2;
  library_path = argv[1];
  return RUN_ALL_TESTS();
}
