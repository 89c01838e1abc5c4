// One process of the baseline: a loop that accepts, and libmicrohttpd that answers.
#pragma once

// Serves on a listening, non-blocking socket that other processes share, for ever: GET is answered with the bytes of
// one file, POST (after its body was read) with those of the other. Ends the process when the kernel says no.
//
// The processes take turns at accepting, one connection each. `my_turn` and `next_turn` are the eventfds of this
// process and of the one after it; whose turn it is has one to read.
_Noreturn void acceptor_serve(
    int listener, int my_turn, int next_turn, const char *get_reply_path, const char *post_reply_path);
