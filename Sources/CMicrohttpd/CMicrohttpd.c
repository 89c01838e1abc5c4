#include "CMicrohttpd.h"

// Percent-decoding is the caller's, on the raw target: MHD's would cut a path at %00.
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

struct MHD_Daemon *mhd_start(const struct mhd_start_options *options) {
  // MHD_USE_TURBO: a connection is handed over when its first request is there, so it is read at once, without a round
  // through epoll; and sockets are closed without a shutdown before, which the caller does where it matters.
  unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO;
  return MHD_start_daemon(flags, 0, NULL, NULL, options->handle, options->context,
                          MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->connection_memory_bytes,
                          MHD_OPTION_CONNECTION_LIMIT, options->connection_limit,
                          MHD_OPTION_CONNECTION_TIMEOUT, 0U,
                          MHD_OPTION_URI_LOG_CALLBACK, options->begin, options->context,
                          MHD_OPTION_UNESCAPE_CALLBACK, &leave_escaped, NULL,
                          MHD_OPTION_NOTIFY_COMPLETED, options->completed, options->context,
                          MHD_OPTION_NOTIFY_CONNECTION, options->connection_changed, options->context,
                          MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                          MHD_OPTION_END);
}

int mhd_epoll_descriptor(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info == NULL ? -1 : info->epoll_fd;
}

int mhd_connection_descriptor(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == NULL ? -1 : info->connect_fd;
}

void *mhd_connection_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == NULL ? NULL : info->socket_context;
}

size_t mhd_request_head_bytes(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info == NULL ? 0 : info->header_size;
}

void mhd_end_after(struct MHD_Connection *connection, unsigned int seconds) {
  MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

enum MHD_Result mhd_close_after_reply(struct MHD_Connection *connection) {
  return MHD_set_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONNECTION, "close");
}

enum MHD_Result mhd_response_without_length(struct MHD_Response *response) {
  return MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

void mhd_hide_query(const char *uri, size_t question_mark) { ((char *)uri)[question_mark + 1] = '\0'; }
