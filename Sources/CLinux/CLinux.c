#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int linux_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0, 0, 0); }
int linux_set_process_name(const char *name) { return prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0); }
int linux_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
int linux_set_child_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int linux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
int linux_pidfd_send_signal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

pid_t linux_wait4(pid_t pid, int *status, int options, struct rusage *usage) {
  return wait4(pid, status, options, usage);
}

int linux_status_exited(int status) { return WIFEXITED(status); }
int linux_status_exit_code(int status) { return WEXITSTATUS(status); }
int linux_status_signaled(int status) { return WIFSIGNALED(status); }
int linux_status_signal(int status) { return WTERMSIG(status); }

int linux_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }
int linux_memfd_seal(int fd) {
  return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}
int linux_memfd_seals(int fd) { return fcntl(fd, F_GET_SEALS); }
int linux_memfd_is_fixed(int fd) {
  int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) && (seals & F_SEAL_SHRINK);
}

int linux_set_close_on_exec(int fd, int on) {
  int flags = fcntl(fd, F_GETFD);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
}
int linux_set_nonblocking(int fd, int on) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

ssize_t linux_send2_with_fds(int socket, const void *head, size_t head_count, const void *body, size_t body_count,
                             const int *fds, int fd_count, int flags) {
  if (fd_count < 0 || fd_count > LINUX_MAX_FDS) {
    errno = EINVAL;
    return -1;
  }
  // The common case is the quickest of calls.
  if (fd_count == 0 && body_count == 0) return send(socket, head, head_count, flags | MSG_NOSIGNAL);
  struct iovec parts[2] = {{(void *)head, head_count}, {(void *)body, body_count}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = body_count > 0 ? 2 : 1};
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int) * LINUX_MAX_FDS)];
  } control;
  if (fd_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.room;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
    memcpy(CMSG_DATA(part), fds, sizeof(int) * (size_t)fd_count);
  }
  return sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

ssize_t linux_send_with_fds(int socket, const void *bytes, size_t count, const int *fds, int fd_count, int flags) {
  return linux_send2_with_fds(socket, bytes, count, NULL, 0, fds, fd_count, flags);
}

ssize_t linux_receive_with_fds(int socket, void *bytes, size_t capacity, int *fds, int *fd_count, int *truncated,
                               int flags) {
  int room = *fd_count;
  *fd_count = 0;
  *truncated = 0;
  if (room < 0 || room > LINUX_MAX_FDS) {
    errno = EINVAL;
    return -1;
  }
  struct iovec part = {bytes, capacity};
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int) * LINUX_MAX_FDS)];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (room > 0) {
    message.msg_control = control.room;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)room);
  }
  ssize_t count = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (count < 0) return count;
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) *truncated = 1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    int arrived = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    const int *data = (const int *)CMSG_DATA(c);
    for (int i = 0; i < arrived; i++) {
      int fd;
      memcpy(&fd, data + i, sizeof fd);
      if (*fd_count < room) {
        fds[(*fd_count)++] = fd;
      } else {
        close(fd);
        *truncated = 1;
      }
    }
  }
  return count;
}

pid_t linux_peer_pid(int socket) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return -1;
  return credentials.pid;
}

int linux_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

// The first version of the kernel's struct (include/uapi/linux/sched/types.h), whose header would clash with <sched.h>.
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

int linux_take_short_turns(uint64_t nanoseconds) {
  struct scheduling scheduling = {.size = sizeof scheduling};
  if (syscall(SYS_sched_getattr, 0, &scheduling, sizeof scheduling, 0) != 0) return -1;
  if (scheduling.policy != SCHED_OTHER) return 0;
  const uint64_t reset_on_fork = 1;
  scheduling.flags |= reset_on_fork;
  scheduling.runtime = nanoseconds;
  return (int)syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

int linux_affinity_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
  return CPU_COUNT(&set);
}
int linux_close_range(unsigned first, unsigned last) { return close_range(first, last, 0); }
const char *linux_signal_abbreviation(int signal) { return sigabbrev_np(signal); }
int linux_accept_nonblocking(int listener, struct sockaddr_storage *peer, unsigned int *peer_size) {
  return accept4(listener, (struct sockaddr *)peer, peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
