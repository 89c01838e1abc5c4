// libmicrohttpd, and shims for what Swift cannot say: its variadic functions, and strings that must outlive a call.
#pragma once
#include <microhttpd.h>

// Casts in macros are not imported: MHD_CONTENT_READER_END_OF_STREAM, MHD_CONTENT_READER_END_WITH_ERROR, MHD_SIZE_UNKNOWN.
static const ssize_t mhd_end_of_stream = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t mhd_end_with_error = MHD_CONTENT_READER_END_WITH_ERROR;
static const uint64_t mhd_size_unknown = MHD_SIZE_UNKNOWN;

// What one daemon is started with. Every callback gets `context`.
struct mhd_start_options {
  void *context;
  size_t connection_memory_bytes;
  unsigned int connection_limit;
  MHD_AccessHandlerCallback handle;
  void *(*begin)(void *context, const char *uri, struct MHD_Connection *connection);
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback connection_changed;
  // What to answer in place of MHD's own HTML page for an error that MHD finds by itself. The response is destroyed once
  // it is queued; NULL: MHD's page. The same for all daemons of a process.
  struct MHD_Response *(*own_error)(struct MHD_Connection *connection, unsigned int status);
  // PEM texts, which stay the caller's until the daemon is stopped. NULL: the daemon's connections are not encrypted.
  const char *tls_certificate;
  const char *tls_key;
};

// MHD_start_daemon is variadic. The daemon is in external mode with its own epoll set, without a listening socket, and
// without timeouts; it neither decodes nor splits targets. NULL and errno when it cannot be started.
struct MHD_Daemon *mhd_start(const struct mhd_start_options *options);

// MHD_get_daemon_info is variadic. The daemon keeps owning its epoll descriptor. -1 when there is none.
int mhd_epoll_descriptor(struct MHD_Daemon *daemon);

// MHD_get_connection_info is variadic.
int mhd_connection_descriptor(struct MHD_Connection *connection);
void *mhd_connection_context(struct MHD_Connection *connection);
// Bytes of the request's head as received, its empty line included; 0 before the head is complete.
size_t mhd_request_head_bytes(struct MHD_Connection *connection);

// MHD_set_connection_option is variadic. Ends the connection once it was inactive for so many seconds from now on.
void mhd_end_after(struct MHD_Connection *connection, unsigned int seconds);

// Makes the reply to the present request carry `Connection: close`, whatever response object is queued: MHD closes when
// the request asks for it, and keeps pointers to the strings it is given here. MHD_NO when its memory is used up.
enum MHD_Result mhd_close_after_reply(struct MHD_Connection *connection);

// MHD_set_response_options is variadic. The reply carries neither a length nor chunks, and the connection ends after it.
enum MHD_Result mhd_response_without_length(struct MHD_Response *response);

// Takes the query away from a target that MHD is about to parse (it would make a record of each parameter, from the
// connection's small memory). `uri` is MHD's own, writable buffer, const only in the callback's type: in 0.9.75
// parse_initial_message_line() looks at the bytes after '?' only after its log callback returned.
void mhd_hide_query(const char *uri, size_t question_mark);

// MHD_queue_response for our own responses; under its own name it is what MHD calls for its error pages, see the .c file.
enum MHD_Result mhd_queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response);

// Encrypts and writes to a connection past MHD, without waiting, and ends the sending side. Between requests or while one
// is read only, when MHD has nothing under way to send.
void mhd_tls_send_last(struct MHD_Connection *connection, const void *bytes, size_t count);

// Whether a certificate chain and its key (PEM) can be used together: 0, or GnuTLS's code for mhd_tls_error().
int mhd_tls_check(const void *certificate, size_t certificate_count, const void *key, size_t key_count);
int mhd_tls_is_mismatch(int code);
const char *mhd_tls_error(int code);
