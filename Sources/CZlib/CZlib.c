#include "CZlib.h"

int zlib_deflate_init(z_stream *stream, int level) { return deflateInit(stream, level); }

int zlib_inflate_init(z_stream *stream) { return inflateInit(stream); }
