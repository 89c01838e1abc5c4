#define _GNU_SOURCE
#include "ChildProcesses.h"
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

// The signals Swift's runtime catches for its backtraces (stdlib/public/runtime/CrashHandlerLinux.cpp).
static const int crash_signals[] = {SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
enum { crash_signal_count = sizeof crash_signals / sizeof crash_signals[0] };

static int crash_index(int signal) {
  for (int i = 0; i < crash_signal_count; i++)
    if (crash_signals[i] == signal) return i;
  return -1;
}

void linux_reset_signals(void) {
  struct sigaction normal = {.sa_handler = SIG_DFL};
  // Fails with EINVAL for SIGKILL, SIGSTOP and the two glibc keeps for its threads: those have no disposition to reset.
  for (int number = 1; number <= SIGRTMAX; number++)
    if (crash_index(number) < 0) (void)sigaction(number, &normal, NULL);
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void drop(int signal) { (void)signal; }

int linux_drop_signal(int signal) {
  struct sigaction action = {.sa_handler = drop, .sa_flags = SA_RESTART};
  return sigaction(signal, &action, NULL);
}

int linux_close_all_but(const int *keep, int count) {
  unsigned int next = 3;
  for (;;) {
    // The lowest one to keep at or above `next`; a handful, so no need to sort.
    int lowest = -1;
    for (int i = 0; i < count; i++)
      if (keep[i] >= (int)next && (lowest < 0 || keep[i] < lowest)) lowest = keep[i];
    if (lowest < 0) return close_range(next, ~0U, 0);
    if ((unsigned int)lowest > next && close_range(next, (unsigned int)lowest - 1, 0) != 0) return -1;
    next = (unsigned int)lowest + 1;
  }
}

int linux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int linux_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

pid_t linux_ended_child(void) {
  siginfo_t information;
  memset(&information, 0, sizeof information);
  while (waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) != 0)
    if (errno != EINTR) return -1;
  return information.si_pid;
}

static atomic_int cancel_requested;
static int cancel_wake = -1;

static void note_cancel(int signal) {
  (void)signal;
  int saved = errno;
  atomic_store(&cancel_requested, 1);
  uint64_t one = 1;
  // EAGAIN means that the counter is full, so the loop is about to wake anyway.
  ssize_t written = write(cancel_wake, &one, sizeof one);
  (void)written;
  errno = saved;
}

int linux_install_cancel_handler(int wake) {
  cancel_wake = wake;
  struct sigaction action = {.sa_handler = note_cancel, .sa_flags = SA_RESTART};
  return sigaction(SIGUSR1, &action, NULL);
}

int linux_cancel_requested(void) { return atomic_load_explicit(&cancel_requested, memory_order_relaxed); }

int linux_limit_data(uint64_t bytes) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return -1;
  limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
  return setrlimit(RLIMIT_DATA, &limit);
}

void linux_buffer_output_by_line(void) { (void)setvbuf(stdout, NULL, _IOLBF, 0); }
// Fails only if the output is gone, which is for its writer to find out.
void linux_flush_output(void) { (void)fflush(stdout); }

static struct sigaction earlier_actions[crash_signal_count];
static int crash_socket = -1;
static uint32_t crash_kind;
static const uint64_t *crash_call;
static atomic_flag crash_noticed = ATOMIC_FLAG_INIT;

static uint64_t cpu_nanoseconds(const struct rusage *usage) {
  return ((uint64_t)usage->ru_utime.tv_sec + (uint64_t)usage->ru_stime.tv_sec) * 1000000000u +
         ((uint64_t)usage->ru_utime.tv_usec + (uint64_t)usage->ru_stime.tv_usec) * 1000u;
}

static void send_crash_notice(int signal) {
  struct rusage own, children;
  memset(&own, 0, sizeof own);
  memset(&children, 0, sizeof children);
  (void)getrusage(RUSAGE_SELF, &own);
  (void)getrusage(RUSAGE_CHILDREN, &children);
  struct linux_crash_notice notice = {
      .kind = crash_kind,
      .signal = signal,
      .call = *crash_call,
      .cpu_ns = cpu_nanoseconds(&own) + cpu_nanoseconds(&children),
      .peak_rss_bytes = (uint64_t)own.ru_maxrss * 1024u,
  };
  int ends[2];
  int piped = pipe2(ends, O_CLOEXEC) == 0;
  // Without a pipe (no descriptor left) the notice goes alone, and the backtrace ends up in the log.
  (void)linux_send_with_fds(crash_socket, &notice, sizeof notice, ends, piped ? 1 : 0, MSG_DONTWAIT);
  if (piped) {
    (void)dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
  }
}

static void report_crash(int signal, siginfo_t *information, void *context) {
  int index = crash_index(signal);
  struct sigaction earlier = earlier_actions[index];
  for (int i = 0; i < crash_signal_count; i++) (void)sigaction(crash_signals[i], &earlier_actions[i], NULL);
  (void)linux_limit_data(UINT64_MAX);
  if (!atomic_flag_test_and_set(&crash_noticed)) send_crash_notice(signal);

  // Called directly and not by returning into the fault: abort(3) would put the default back first.
  if ((earlier.sa_flags & SA_SIGINFO) && earlier.sa_sigaction != NULL) {
    earlier.sa_sigaction(signal, information, context);
  } else if (!(earlier.sa_flags & SA_SIGINFO) && earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
    earlier.sa_handler(signal);
  }
  // A fault happens again on return and finds the default; a signal that was sent (si_code <= 0) would be forgotten.
  struct sigaction normal = {.sa_handler = SIG_DFL};
  (void)sigaction(signal, &normal, NULL);
  if (information->si_code <= 0) (void)raise(signal);
}

int linux_install_crash_reporter(int socket, uint32_t kind, const uint64_t *call) {
  crash_socket = socket;
  crash_kind = kind;
  crash_call = call;
  for (int i = 0; i < crash_signal_count; i++) {
    struct sigaction action = {.sa_sigaction = report_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (sigaction(crash_signals[i], NULL, &earlier_actions[i]) != 0) return -1;
    if (sigaction(crash_signals[i], &action, NULL) != 0) return -1;
  }
  return 0;
}
