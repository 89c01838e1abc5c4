#define _GNU_SOURCE
#include "SharedObjects.h"

#include <fcntl.h>
#include <sys/mman.h>

int linux_memfd_seal_size(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL); }

int linux_memfd_seal_against_others(int fd) {
  return fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

int linux_memfd_has_fixed_size(int fd) {
  int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

int linux_mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *monotonic) {
  return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, monotonic);
}
