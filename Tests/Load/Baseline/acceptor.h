// One process of the baseline: a loop that accepts, and libmicrohttpd that answers.
#pragma once

// Serves on a listening, non-blocking socket that other processes may share, for ever: GET is answered with the bytes
// of one file, POST (after its body was read) with those of the other. Ends the process when the kernel says no.
_Noreturn void acceptor_serve(int listener, const char *get_reply_path, const char *post_reply_path);
