#include "reply.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REPLY_LIMIT_BYTES = 1 << 20 };

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) err(66, "%s", path);
  char *bytes = malloc(REPLY_LIMIT_BYTES + 1);
  if (bytes == NULL) err(1, "malloc");
  *length = fread(bytes, 1, REPLY_LIMIT_BYTES, file);
  if (ferror(file)) errx(66, "%s: cannot be read", path);
  if (*length == REPLY_LIMIT_BYTES) errx(66, "%s: longer than %d bytes", path, REPLY_LIMIT_BYTES);
  fclose(file);
  bytes[*length] = '\0';
  return bytes;
}

// Cuts the next line off `*rest`, without its LF or CRLF; NULL when there is none.
static char *next_line(char **rest) {
  char *line = *rest;
  char *end = strchr(line, '\n');
  if (end == NULL) return NULL;
  *rest = end + 1;
  if (end > line && end[-1] == '\r') end--;
  *end = '\0';
  return line;
}

static int written_by_the_library(const char *name) {
  return strcasecmp(name, "Date") == 0 || strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Connection") == 0
      || strcasecmp(name, "Keep-Alive") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
}

struct MHD_Response *reply_load(const char *path, unsigned int *status) {
  size_t length;
  char *bytes = read_file(path, &length);
  char *body = strstr(bytes, "\r\n\r\n");
  if (body != NULL) body += 4;
  if (body == NULL && (body = strstr(bytes, "\n\n")) != NULL) body += 2;
  if (body == NULL) errx(66, "%s: no empty line after the headers", path);

  char *rest = bytes;
  char *line = next_line(&rest);
  if (sscanf(line, "HTTP/1.1 %3u", status) != 1) errx(66, "%s: does not begin with a status line", path);

  // The body stays where it was read to, for as long as the process lives.
  struct MHD_Response *response =
      MHD_create_response_from_buffer((size_t)(bytes + length - body), body, MHD_RESPMEM_PERSISTENT);
  if (response == NULL) errx(1, "MHD_create_response_from_buffer");
  while ((line = next_line(&rest)) != NULL && *line != '\0') {
    char *value = strchr(line, ':');
    if (value == NULL) errx(66, "%s: no header line: %s", path, line);
    *value++ = '\0';
    value += strspn(value, " \t");
    if (written_by_the_library(line)) continue;
    if (MHD_add_response_header(response, line, value) != MHD_YES) errx(66, "%s: bad header: %s", path, line);
  }
  return response;
}
