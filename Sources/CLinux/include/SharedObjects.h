// What processes share: memory of a fixed size, and locks in it.
#pragma once

#include <pthread.h>
#include <time.h>

// Adds F_SEAL_GROW|F_SEAL_SHRINK|F_SEAL_SEAL (fcntl(2), variadic): the content may change, the size never again, so a
// mapping of it cannot end in SIGBUS. 0, or -1 and errno.
int linux_memfd_seal_size(int fd);
// Adds F_SEAL_FUTURE_WRITE to those: only mappings made before may still write.
int linux_memfd_seal_against_others(int fd);
// Whether the file is a memfd of which no process can change the size.
int linux_memfd_has_fixed_size(int fd);

// pthread_mutex_clocklock(3) on CLOCK_MONOTONIC, which glibc declares only under _GNU_SOURCE: a limit by the wall clock
// would be wrong whenever somebody sets it. Returns the error.
int linux_mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *monotonic);
