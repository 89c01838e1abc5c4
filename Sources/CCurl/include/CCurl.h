// libcurl. Its set-option and get-info functions are variadic, which Swift cannot call: one shim for each type of value.
// All return what libcurl returns.
#pragma once
#include <curl/curl.h>
#include "CCurlEasy.h"

// libcurl copies strings. It keeps pointers and lists: they must outlive the transfer.
CURLcode curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode curl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode curl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value);
// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
CURLcode curl_set_data_callback(CURL *easy, CURLoption option,
                                size_t (*callback)(char *bytes, size_t size, size_t count, void *context));
CURLcode curl_set_open_socket_callback(CURL *easy, curl_opensocket_callback callback);
CURLcode curl_set_prerequest_callback(CURL *easy, curl_prereq_callback callback);

CURLcode curl_get_long(CURL *easy, CURLINFO info, long *value);
CURLcode curl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value);
// The string belongs to the handle.
CURLcode curl_get_string(CURL *easy, CURLINFO info, const char **value);
CURLcode curl_get_pointer(CURL *easy, CURLINFO info, void **value);

CURLMcode curl_multi_set_long(CURLM *multi, CURLMoption option, long value);
CURLMcode curl_multi_set_pointer(CURLM *multi, CURLMoption option, void *value);
CURLMcode curl_multi_set_socket_callback(CURLM *multi, curl_socket_callback callback);
CURLMcode curl_multi_set_timer_callback(CURLM *multi, curl_multi_timer_callback callback);

// These flags are macros with casts in them.
extern const long curl_global_default_flags;
