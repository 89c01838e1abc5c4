// OpenSSL's digests. No shim is needed: the EVP_ functions are plain C.
#pragma once
#include <openssl/evp.h>
