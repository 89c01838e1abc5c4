// RTLD_NEXT (dlsym(3)).
#define _GNU_SOURCE
#include "CMicrohttpd.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>

typedef enum MHD_Result (*queue_function)(struct MHD_Connection *, unsigned int, struct MHD_Response *);

static struct MHD_Response *(*own_error)(struct MHD_Connection *connection, unsigned int status);

enum MHD_Result mhd_queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
  static queue_function next;
  if (next == NULL) next = (queue_function)dlsym(RTLD_NEXT, "MHD_queue_response");
  return next == NULL ? MHD_NO : next(connection, status, response);
}

// Errors in a request's framing that MHD 0.9.75 finds before it calls us (a header line without a colon, a chunk without
// a size) it answers with a page of HTML, and offers no way to have another. It queues that page by its public function
// (transmit_error_response_len in connection.c), and calls it as any program would, so that this definition takes
// precedence (ld.so(8): the program's symbols come before its libraries'). Where a build of the library binds its own
// calls, its pages are what clients get.
enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
                                   struct MHD_Response *response) {
  struct MHD_Response *ours = own_error == NULL ? NULL : own_error(connection, status);
  enum MHD_Result queued = mhd_queue(connection, status, ours == NULL ? response : ours);
  if (ours != NULL) MHD_destroy_response(ours);
  return queued;
}

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
  // TLS 1.2 and 1.3, with forward secrecy and without ciphers below 128 bits
  // (https://gnutls.org/manual/html_node/Priority-Strings.html).
  char *priorities = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE";
  struct MHD_OptionItem tls[] = {
      {MHD_OPTION_HTTPS_MEM_CERT, 0, (char *)options->tls_certificate},
      {MHD_OPTION_HTTPS_MEM_KEY, 0, (char *)options->tls_key},
      {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
      {MHD_OPTION_END, 0, NULL},
  };
  if (options->tls_certificate == NULL) {
    tls[0] = tls[3];
  } else {
    flags |= MHD_USE_TLS;
  }
  own_error = options->own_error;
  return MHD_start_daemon(flags, 0, NULL, NULL, options->handle, options->context,
                          MHD_OPTION_ARRAY, tls,
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

void mhd_tls_send_last(struct MHD_Connection *connection, const void *bytes, size_t count) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (info == NULL || info->tls_session == NULL) return;
  gnutls_session_t session = info->tls_session;
  const char *next = bytes;
  while (count > 0) {
    ssize_t sent = gnutls_record_send(session, next, count);
    if (sent <= 0) break;
    next += sent;
    count -= (size_t)sent;
  }
  gnutls_bye(session, GNUTLS_SHUT_WR);
  shutdown(mhd_connection_descriptor(connection), SHUT_WR);
}

int mhd_tls_check(const void *certificate, size_t certificate_count, const void *key, size_t key_count) {
  gnutls_certificate_credentials_t credentials;
  int code = gnutls_certificate_allocate_credentials(&credentials);
  if (code < 0) return code;
  gnutls_datum_t chain = {(unsigned char *)certificate, (unsigned int)certificate_count};
  gnutls_datum_t secret = {(unsigned char *)key, (unsigned int)key_count};
  code = gnutls_certificate_set_x509_key_mem(credentials, &chain, &secret, GNUTLS_X509_FMT_PEM);
  gnutls_certificate_free_credentials(credentials);
  return code < 0 ? code : 0;
}

int mhd_tls_is_mismatch(int code) { return code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH; }

const char *mhd_tls_error(int code) { return gnutls_strerror(code); }
