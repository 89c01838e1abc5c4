// accept4(2) is GNU's.
#define _GNU_SOURCE

#include "acceptor.h"

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reply.h"

struct reply {
  struct MHD_Response *response;
  unsigned int status;
};

struct replies {
  struct reply get, post;
};

static enum MHD_Result answer(
    void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_bytes, void **request) {
  (void)url, (void)version, (void)upload;
  const struct replies *replies = context;
  // The first call comes before the body; a response queued in it would close the connection (MHD_AccessHandlerCallback
  // in microhttpd.h).
  if (*request == NULL) {
    *request = context;
    return MHD_YES;
  }
  if (*upload_bytes > 0) {
    *upload_bytes = 0;
    return MHD_YES;
  }
  const struct reply *reply = strcmp(method, MHD_HTTP_METHOD_POST) == 0 ? &replies->post : &replies->get;
  return MHD_queue_response(connection, reply->status, reply->response);
}

static void watch(int poller, int operation, int descriptor, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = descriptor};
  if (epoll_ctl(poller, operation, descriptor, &event) != 0) err(1, "epoll_ctl");
}

// Returns whether there was a connection to take.
static int accept_one(struct MHD_Daemon *daemon, int listener) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  int connection = accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection < 0) {
    // accept(2): these are the connection's troubles, not the listener's.
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EPROTO) return 0;
    err(1, "accept4");
  }
  if (MHD_add_connection(daemon, connection, (struct sockaddr *)&address, length) != MHD_YES) {
    errx(1, "MHD_add_connection");
  }
  return 1;
}

// EPOLLEXCLUSIVE and one accept a wake-up are not enough: while a burst lasts, the process that is awake sees the
// listener readable again and again before another one has woken; of 64 connections it was seen to take all. So only
// the process whose turn it is watches the listener.
static void begin_turn(int poller, int listener, int my_turn) {
  uint64_t turns;
  if (read(my_turn, &turns, sizeof turns) != sizeof turns) err(1, "read of an eventfd");
  watch(poller, EPOLL_CTL_ADD, listener, EPOLLIN);
}

static void pass_turn_on(int poller, int listener, int next_turn) {
  watch(poller, EPOLL_CTL_DEL, listener, 0);
  uint64_t one = 1;
  if (write(next_turn, &one, sizeof one) != sizeof one) err(1, "write to an eventfd");
}

static struct MHD_Daemon *start_daemon(struct replies *replies) {
  // No thread of its own: the loop below drives it, which lets it accept fairly and costs nothing.
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, answer, replies, MHD_OPTION_CONNECTION_LIMIT, 20000u,
      MHD_OPTION_END);
  if (daemon == NULL) errx(1, "MHD_start_daemon");
  return daemon;
}

static int wait_milliseconds(struct MHD_Daemon *daemon) {
  unsigned long long milliseconds;
  if (MHD_get_timeout(daemon, &milliseconds) != MHD_YES) return -1;
  return milliseconds > 1000 ? 1000 : (int)milliseconds;
}

_Noreturn void acceptor_serve(
    int listener, int my_turn, int next_turn, const char *get_reply_path, const char *post_reply_path) {
  struct replies replies;
  replies.get.response = reply_load(get_reply_path, &replies.get.status);
  replies.post.response = reply_load(post_reply_path, &replies.post.status);
  struct MHD_Daemon *daemon = start_daemon(&replies);
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (info == NULL) errx(1, "MHD_get_daemon_info");

  int poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) err(1, "epoll_create1");
  watch(poller, EPOLL_CTL_ADD, info->epoll_fd, EPOLLIN);
  watch(poller, EPOLL_CTL_ADD, my_turn, EPOLLIN);

  for (;;) {
    struct epoll_event events[3];
    int count = epoll_wait(poller, events, 3, wait_milliseconds(daemon));
    if (count < 0 && errno != EINTR) err(1, "epoll_wait");
    for (int index = 0; index < count; index++) {
      if (events[index].data.fd == my_turn) begin_turn(poller, listener, my_turn);
      if (events[index].data.fd == listener && accept_one(daemon, listener)) pass_turn_on(poller, listener, next_turn);
    }
    if (MHD_run(daemon) != MHD_YES) errx(1, "MHD_run");
  }
}
