// A reply kept in memory, as libmicrohttpd wants it.
#pragma once

#include <microhttpd.h>

// Reads a reply as `curl -si` saves it (status line, header lines, an empty line, the body) and makes a response of it
// that may be queued any number of times. What libmicrohttpd writes itself (Date, Content-Length, Connection) is left
// out of it. `*status` becomes the number in the status line. Ends the process with a message when the file cannot be
// read or is no such reply.
struct MHD_Response *reply_load(const char *path, unsigned int *status);
