// zlib. deflateInit and inflateInit are macros that add the version and the size of z_stream, so that the library can
// refuse a caller that was compiled against another layout; Swift sees no such macros.
#pragma once
#include <zlib.h>

// The caller ends the stream with deflateEnd. Returns Z_OK or zlib's error.
int zlib_deflate_init(z_stream *stream, int level);

// The caller ends the stream with inflateEnd. Returns Z_OK or zlib's error.
int zlib_inflate_init(z_stream *stream);
