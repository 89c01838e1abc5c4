// What a process does right after its birth by fork(2), how its parent looks after it, and the signal handlers of a
// worker. In C because it is variadic, a macro, or must be async-signal-safe (signal-safety(7)), which Swift cannot
// promise: its runtime may allocate or take a lock anywhere.
#pragma once

#include <stdint.h>
#include <sys/types.h>

// Puts every signal back to its default and unblocks all, but leaves those that Swift's crash handler caught
// (SIGQUIT SIGABRT SIGBUS SIGFPE SIGILL SIGSEGV SIGTRAP) as they are: it installs itself at start-up only.
void linux_reset_signals(void);

// Catches a signal and does nothing. Unlike an ignored signal, a caught one is back at its default after execve(2), so a
// program started by this process is not deaf.
int linux_drop_signal(int signal);

// Closes every descriptor but 0, 1, 2 and those given, whatever their order (close_range(2)). 0, or -1 and errno.
int linux_close_all_but(const int *keep, int count);

// pipe2(2) with O_CLOEXEC, which Swift's Glibc module leaves out.
int linux_pipe(int ends[2]);

// A non-blocking, close-on-exec signalfd(2) for the signals given, which are blocked as well. Its number, or -1 and errno.
int linux_signal_descriptor(const int *signals, int count);

// The pid of a child that ended and is not reaped yet (waitid(2), WNOWAIT); 0: none has ended; -1: there is no child.
pid_t linux_ended_child(void);

// How a worker hears that it shall stop. SIGUSR1 sets the flag and writes the eventfd `wake`.
int linux_install_cancel_handler(int wake);
int linux_cancel_requested(void);

// Soft limit of RLIMIT_DATA (setrlimit(2)), UINT64_MAX: as far as the hard one allows. 0, or -1 and errno.
int linux_limit_data(uint64_t bytes);

// Lines printed to standard output leave at once even if it is a pipe (setvbuf(3)): a crash loses none.
void linux_buffer_output_by_line(void);
// fflush(3) of standard output, whose name is a variable that Swift takes for shared state. Not of all streams: another thread
// may hold standard input's lock for as long as nobody types.
void linux_flush_output(void);

// What a crashing worker sends over its socket before anything else, with the reading end of a pipe as SCM_RIGHTS. From
// then on its standard error is that pipe, so that a backtrace is not mixed with what the program printed.
struct linux_crash_notice {
  uint32_t kind;    // `kind` as given below
  int32_t signal;
  uint64_t call;    // `*call` as given below, at the time of the crash
  uint64_t cpu_ns;  // user and system time so far, with ended children's (getrusage(2)); a backtracer's is not in it
  uint64_t peak_rss_bytes;
};

// Catches the fatal signals, sends the notice over `socket`, lifts RLIMIT_DATA (a backtracer needs memory), and then hands
// on to whoever caught the signal before (Swift's backtracer) or to the default action. `call` must stay valid for ever.
int linux_install_crash_reporter(int socket, uint32_t kind, const uint64_t *call);
