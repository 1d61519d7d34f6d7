// SPDX-License-Identifier: BSD-3-Clause
// The table of functions that packetdrill fills through packetdrill_interface_init() and then calls in place
// of the kernel's. Declared from its documented layout: the order and the types are the interface.
//
// Each function takes userdata first and otherwise answers as the system call of its name does, errno
// included.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

extern "C" {

struct PacketdrillInterface {
  void* userdata;
  void (*free)(void*);
  int (*socket)(void*, int domain, int type, int protocol);
  int (*bind)(void*, int fd, const sockaddr*, socklen_t);
  int (*listen)(void*, int fd, int backlog);
  int (*accept)(void*, int fd, sockaddr*, socklen_t*);
  int (*connect)(void*, int fd, const sockaddr*, socklen_t);
  ssize_t (*read)(void*, int fd, void*, size_t);
  ssize_t (*readv)(void*, int fd, const iovec*, int);
  ssize_t (*recv)(void*, int fd, void*, size_t, int flags);
  ssize_t (*recvfrom)(void*, int fd, void*, size_t, int flags, sockaddr*, socklen_t*);
  ssize_t (*recvmsg)(void*, int fd, msghdr*, int flags);
  ssize_t (*write)(void*, int fd, const void*, size_t);
  ssize_t (*writev)(void*, int fd, const iovec*, int);
  ssize_t (*send)(void*, int fd, const void*, size_t, int flags);
  ssize_t (*sendto)(void*, int fd, const void*, size_t, int flags, const sockaddr*, socklen_t);
  ssize_t (*sendmsg)(void*, int fd, const msghdr*, int flags);
  int (*fcntl)(void*, int fd, int command, ...);
  int (*ioctl)(void*, int fd, unsigned long request, ...);
  int (*close)(void*, int fd);
  int (*shutdown)(void*, int fd, int how);
  int (*getsockopt)(void*, int fd, int level, int name, void*, socklen_t*);
  int (*setsockopt)(void*, int fd, int level, int name, const void*, socklen_t);
  int (*poll)(void*, pollfd*, nfds_t, int timeout_ms);
  // A whole IP packet to the stack.
  int (*netdev_send)(void*, const void*, size_t);
  // The next IP packet that the stack sent, and when. size: room, then length; 0 when there is none.
  int (*netdev_receive)(void*, void*, size_t* size, long long* time_us);
  int (*usleep)(void*, useconds_t);
  int (*gettimeofday)(void*, struct timeval*, struct timezone*);
  int (*epoll_create)(void*, int size);
  int (*epoll_ctl)(void*, int epoll, int operation, int fd, epoll_event*);
  int (*epoll_wait)(void*, int epoll, epoll_event*, int most, int timeout_ms);
  int (*pipe)(void*, int fds[2]);
  int (*splice)(void*, int from, loff_t*, int to, loff_t*, size_t, unsigned flags);
};

// flags: what --so_flags= says, or null. Not used: settings come from a file, see settings.hpp.
__attribute__((visibility("default"))) void packetdrill_interface_init(const char* flags,
                                                                       PacketdrillInterface* interface);
}
