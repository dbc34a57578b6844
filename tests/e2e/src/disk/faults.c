/*
 * A disk that fails when a test says so: loaded into the server with LD_PRELOAD.
 *
 * The file GREENROOM_FAULTS has at most one line: `CALLS ERRNO PART`. CALLS is `sync` (fsync and fdatasync) or `write`
 * (write and pwrite), PART is a part of the path of the file that is meant. With ERRNO 0 the call waits until the file
 * says something else, and then works. Without the line every call works.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The error of this call, 0 to wait, -1 for none. */
static int fault_of(const char *calls, int fd) {
  const char *control = getenv("GREENROOM_FAULTS");
  if (control == NULL) return -1;
  int file = open(control, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char line[256];
  ssize_t length = read(file, line, sizeof line - 1);
  close(file);
  if (length <= 0) return -1;
  line[length] = 0;
  char meant[16], part[200];
  int error;
  if (sscanf(line, "%15s %d %199s", meant, &error, part) != 3 || strcmp(meant, calls) != 0) return -1;
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(name, path, sizeof path - 1);
  if (size < 0) return -1;
  path[size] = 0;
  return strstr(path, part) == NULL ? -1 : error;
}

/* Waits while the test wants it to. True if the call is to fail, with errno set. */
static int fails(const char *calls, int fd) {
  int error;
  while ((error = fault_of(calls, fd)) == 0) {
    struct timespec pause = {0, 5000000};
    nanosleep(&pause, NULL);
  }
  if (error > 0) errno = error;
  return error > 0;
}

int fsync(int fd) { return fails("sync", fd) ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails("sync", fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }

ssize_t write(int fd, const void *bytes, size_t count) {
  return fails("write", fd) ? -1 : syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  return fails("write", fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, count, at);
}
