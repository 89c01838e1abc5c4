// What the command line's client needs of libcurl's easy interface: curl_easy_setopt and curl_easy_getinfo are variadic,
// and Swift cannot call those. One function for each type of value; all return a CURLcode.
#pragma once
#include <curl/curl.h>

// Receives or supplies up to size × count bytes; the meaning of the return value is libcurl's (CURLOPT_WRITEFUNCTION,
// CURLOPT_HEADERFUNCTION, CURLOPT_READFUNCTION).
typedef size_t (*ccurl_transfer_function)(char *bytes, size_t size, size_t count, void *context);

CURLcode ccurl_easy_set_long(CURL *handle, CURLoption option, long value);
CURLcode ccurl_easy_set_offset(CURL *handle, CURLoption option, curl_off_t value);
// libcurl copies the string. NULL resets the option.
CURLcode ccurl_easy_set_string(CURL *handle, CURLoption option, const char *value);
// Bytes that stay the caller's, and must live until the transfer ends.
CURLcode ccurl_easy_set_post_bytes(CURL *handle, const void *bytes, curl_off_t count);
// The list stays the caller's, and must live until the transfer ends.
CURLcode ccurl_easy_set_list(CURL *handle, CURLoption option, struct curl_slist *list);
// A function and the context it is called with, for CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and
// CURLOPT_READFUNCTION with their …DATA options.
CURLcode ccurl_easy_set_receiver(CURL *handle, ccurl_transfer_function function, void *context);
CURLcode ccurl_easy_set_header_receiver(CURL *handle, ccurl_transfer_function function, void *context);
CURLcode ccurl_easy_set_sender(CURL *handle, ccurl_transfer_function function, void *context);
// A buffer of CURL_ERROR_SIZE bytes that libcurl fills with what went wrong; it must outlive the handle.
CURLcode ccurl_easy_set_error_buffer(CURL *handle, char *buffer);

// The status of the last reply, 0 if there was none.
long ccurl_easy_status(CURL *handle);
