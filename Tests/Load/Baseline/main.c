// LoadBaseline: the least that a prefork HTTP server on libmicrohttpd can do, and so the most that one in front of a
// job store can reach. Processes share one listening socket and answer every GET and every POST with bytes from memory.
//
//   LoadBaseline PORT PROCESSES GET-REPLY-FILE POST-REPLY-FILE
//
// prints `listening on 127.0.0.1:PORT` (port 0 takes a free one), and ends on TERM, on INT, and when its parent dies.
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acceptor.h"

enum { PROCESS_LIMIT = 64 };

static int parse_number(const char *text, const char *name, int low, int high) {
  char *end;
  long number = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || number < low || number > high) {
    errx(64, "%s is not a number from %d to %d: %s", name, low, high, text);
  }
  return (int)number;
}

// The signal comes at the parent's death; a parent that died before the prctl is seen by its pid having changed.
static void end_with_parent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) err(1, "prctl");
  if (getppid() != parent) _exit(1);
}

static int listen_on_loopback(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) err(69, "socket");
  int on = 1;
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) err(69, "setsockopt");
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) != 0) err(69, "bind");
  if (listen(listener, SOMAXCONN) != 0) err(69, "listen");
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) err(69, "getsockname");
  printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  // Before the fork, or each child would print it once more.
  fflush(stdout);
  return listener;
}

int main(int count, char **arguments) {
  pid_t parent = getppid();
  if (count != 5) errx(64, "usage: LoadBaseline PORT PROCESSES GET-REPLY-FILE POST-REPLY-FILE");
  int port = parse_number(arguments[1], "PORT", 0, 65535);
  int processes = parse_number(arguments[2], "PROCESSES", 1, PROCESS_LIMIT);
  end_with_parent(parent);

  // Blocked before the first fork, so that no death is missed; sigwaitinfo(2) takes them one by one.
  sigset_t awaited, before;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGTERM);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &awaited, &before) != 0) err(1, "sigprocmask");

  int listener = listen_on_loopback(port);
  // Shared by the processes on purpose: by these they hand on the turn to accept, which the first one has.
  int turns[PROCESS_LIMIT];
  for (int index = 0; index < processes; index++) {
    turns[index] = eventfd(index == 0 ? 1 : 0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (turns[index] < 0) err(1, "eventfd");
  }
  pid_t master = getpid();
  pid_t children[PROCESS_LIMIT];
  for (int index = 0; index < processes; index++) {
    children[index] = fork();
    if (children[index] < 0) err(1, "fork");
    if (children[index] == 0) {
      end_with_parent(master);
      if (sigprocmask(SIG_SETMASK, &before, NULL) != 0) err(1, "sigprocmask");
      acceptor_serve(listener, turns[index], turns[(index + 1) % processes], arguments[3], arguments[4]);
    }
  }

  int signal = sigwaitinfo(&awaited, NULL);
  for (int index = 0; index < processes; index++) kill(children[index], SIGTERM);
  while (wait(NULL) > 0) continue;
  // A child never ends by itself: when one did, what was measured was not the baseline.
  if (signal == SIGCHLD) errx(1, "a serving process ended");
  return 0;
}
