// Linux calls that Swift cannot say: variadic functions, macros that build control messages, and system calls that
// glibc 2.36 has no (visible) wrapper for. Every function returns what the call returns: -1 and errno, or its value.
#pragma once

#include <stdint.h>

#include "ChildProcesses.h"
#include "SharedObjects.h"
// Headers that Swift's Glibc module leaves out; what imports CLinux sees their functions and constants.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

// prctl(2) is variadic.
int linux_set_parent_death_signal(int signal);
int linux_set_process_name(const char *name);
int linux_set_no_new_privileges(void);
// Lets the kernel account children that outlive their parent to this process, so that none becomes an orphan.
int linux_set_child_subreaper(void);

// pidfd_open(2), pidfd_send_signal(2): wrapped by glibc from 2.36 on, in a header that Swift's module map leaves out.
// The descriptor is close-on-exec.
int linux_pidfd_open(pid_t pid);
int linux_pidfd_send_signal(int pidfd, int signal);

// wait4(2) with WNOHANG|__WALL choice left to the caller; glibc declares it only under _DEFAULT_SOURCE.
pid_t linux_wait4(pid_t pid, int *status, int options, struct rusage *usage);

// The W… macros of wait(2).
int linux_status_exited(int status);
int linux_status_exit_code(int status);
int linux_status_signaled(int status);
int linux_status_signal(int status);

// memfd_create(2) with MFD_CLOEXEC|MFD_ALLOW_SEALING, and fcntl(F_ADD_SEALS) (variadic).
int linux_memfd_create(const char *name);
// Adds F_SEAL_WRITE|F_SEAL_GROW|F_SEAL_SHRINK|F_SEAL_SEAL: what a receiver may trust never to change again.
int linux_memfd_seal(int fd);
// The seals of a memfd, as F_GET_SEALS returns them.
int linux_memfd_seals(int fd);
// Whether it is a memfd that nobody can cut short any more, and nobody change, unless by a mapping from before: mapped, it
// never gives its reader SIGBUS.
int linux_memfd_is_fixed(int fd);

// fcntl(F_GETFD/F_SETFD/F_GETFL/F_SETFL) (variadic).
int linux_set_close_on_exec(int fd, int on);
int linux_set_nonblocking(int fd, int on);

// sendmsg(2)/recvmsg(2) with SCM_RIGHTS: the CMSG_ macros have no Swift counterpart. At most LINUX_MAX_FDS descriptors.
#define LINUX_MAX_FDS 20
ssize_t linux_send_with_fds(int socket, const void *bytes, size_t count, const int *fds, int fd_count, int flags);
// Two parts in one message (a header and a payload that need not be copied together).
ssize_t linux_send2_with_fds(int socket, const void *head, size_t head_count, const void *body, size_t body_count,
                             const int *fds, int fd_count, int flags);
// Descriptors arrive close-on-exec, owned by the caller; *fd_count is in: room, out: received. `*truncated` is set when
// the message or its descriptors did not fit (MSG_TRUNC, MSG_CTRUNC); what did arrive is still the caller's to close.
ssize_t linux_receive_with_fds(int socket, void *bytes, size_t capacity, int *fds, int *fd_count, int *truncated,
                               int flags);

// Credentials of a Unix-socket peer (SO_PEERCRED): its pid, or -1.
pid_t linux_peer_pid(int socket);

// open(2) is variadic when it creates.
int linux_open(const char *path, int flags, mode_t mode);

// sched_getaffinity(2) needs _GNU_SOURCE, and CPU_COUNT is a macro. The processors that this process may run on; -1 on
// machines with more of them than a cpu_set_t has bits.
int linux_affinity_count(void);
// close_range(2): glibc declares it only under _GNU_SOURCE, which Swift's module map does not set.
int linux_close_range(unsigned first, unsigned last);

// Gives the calling thread short turns on its processor, so that the scheduler lets it run soon after it is woken, before
// those who compute (sched_setattr(2), which glibc does not wrap; sched_runtime of SCHED_OTHER is a slice since Linux 6.12 and
// is ignored before). Threads and processes that it makes have ordinary ones. A thread with another policy keeps that.
// 0, or -1 and errno.
int linux_take_short_turns(uint64_t nanoseconds);

// sigabbrev_np(3), likewise: "TERM" for 15, or NULL. Static memory.
const char *linux_signal_abbreviation(int signal);
// accept4(2), which glibc declares only under _GNU_SOURCE, with SOCK_NONBLOCK|SOCK_CLOEXEC.
int linux_accept_nonblocking(int listener, struct sockaddr_storage *peer, unsigned int *peer_size);
