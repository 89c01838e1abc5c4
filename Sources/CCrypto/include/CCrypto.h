// OpenSSL's digests and HMAC. No shim is needed: these functions are plain C.
#pragma once
#include <openssl/evp.h>
#include <openssl/hmac.h>
