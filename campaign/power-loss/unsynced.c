/* Loaded before the C library (LD_PRELOAD), this keeps a second copy of what a process has synced below UNSYNCED_DIRECTORY, in UNSYNCED_MIRROR:
 *   ID.bytes   what a file held when it was last synced
 *   ID.names   the names of a directory when it was last synced: `f|d MODE ID NAME` a line
 * ID says which file, not which name: inode and time of birth, as an inode is used again. Only fsync and fdatasync change the copy, so
 * whatever else a process does to its files (write, map, rename, link, remove) is unsynced without being listed here. O_SYNC,
 * sync_file_range, sync and syncfs do not count: who relied on them would be shown a loss that is none, never the other way round.
 * UNSYNCED_IGNORE: a pattern of paths below the directory whose syncs are forgotten; those of directories end in `/`. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { piece_bytes = 65536 };

static const char *directory, *mirror, *ignored, *preload;
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_execvp)(const char *, char *const[]);
/* Two syncs of one file are copied one after the other: the older must not overwrite the newer. No two processes write one file. */
static pthread_mutex_t copying = PTHREAD_MUTEX_INITIALIZER;

static void fail(const char *what) {
  perror(what);
  abort();
}

__attribute__((constructor)) static void begin(void) {
  directory = getenv("UNSYNCED_DIRECTORY");
  mirror = getenv("UNSYNCED_MIRROR");
  ignored = getenv("UNSYNCED_IGNORE");
  real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  real_execvp = (int (*)(const char *, char *const[]))dlsym(RTLD_NEXT, "execvp");
  if (real_fsync == NULL || real_fdatasync == NULL || real_execvp == NULL) fail("unsynced: dlsym");
  preload = getenv("LD_PRELOAD");
}

static void path_in_mirror(char *path, int at, const char *name, const char *ending) {
  struct statx status;
  if (statx(at, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) != 0) fail("unsynced: statx");
  snprintf(path, PATH_MAX, "%s/%llu-%lld%09u%s", mirror, (unsigned long long)status.stx_ino,
           (long long)status.stx_btime.tv_sec, status.stx_btime.tv_nsec, ending);
}

/* In place and from the start: killed half-way, it leaves what a disk may hold that loses power in a sync. */
static void copy_bytes(int file) {
  static char now[piece_bytes], before[piece_bytes];
  char path[PATH_MAX], link[64];
  path_in_mirror(path, file, "", ".bytes");
  int source = file;
  /* A second descriptor only where it must be: closing it would take this process's locks of the file away. */
  if ((fcntl(file, F_GETFL) & O_ACCMODE) == O_WRONLY) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    source = open(link, O_RDONLY | O_CLOEXEC);
  }
  int copy = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (source < 0 || copy < 0) fail("unsynced: open");
  off_t at = 0;
  for (ssize_t bytes; (bytes = pread(source, now, piece_bytes, at)) != 0; at += bytes) {
    if (bytes < 0) fail("unsynced: pread");
    if (pread(copy, before, bytes, at) == bytes && memcmp(now, before, bytes) == 0) continue;
    if (pwrite(copy, now, bytes, at) != bytes) fail("unsynced: pwrite");
  }
  if (ftruncate(copy, at) != 0) fail("unsynced: ftruncate");
  close(copy);
  if (source != file) close(source);
}

static void copy_names(int file) {
  char path[PATH_MAX], draft[PATH_MAX + 8], link[64], id[PATH_MAX];
  path_in_mirror(path, file, "", ".names");
  snprintf(draft, sizeof draft, "%s.new", path);
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  DIR *names = opendir(link);
  FILE *copy = fopen(draft, "we");
  if (names == NULL || copy == NULL) fail("unsynced: directory");
  for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
    struct stat status;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(file, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue; /* just removed */
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) continue;
    path_in_mirror(id, file, entry->d_name, "");
    fprintf(copy, "%c %o %s %s\n", S_ISDIR(status.st_mode) ? 'd' : 'f', status.st_mode & 07777, strrchr(id, '/') + 1,
            entry->d_name);
  }
  closedir(names);
  if (fclose(copy) != 0 || rename(draft, path) != 0) fail("unsynced: names");
}

static void copy_if_below(int file) {
  char link[64], path[PATH_MAX];
  if (directory == NULL || mirror == NULL) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 2);
  if (length < 0) return;
  path[length] = 0;
  size_t above = strlen(directory);
  if (strncmp(path, directory, above) != 0 || (path[above] != '/' && path[above] != 0)) return;
  struct stat status;
  if (fstat(file, &status) != 0) fail("unsynced: fstat");
  if (S_ISDIR(status.st_mode)) strcpy(path + length, "/");
  if (ignored != NULL && path[above] == '/' && fnmatch(ignored, path + above + 1, 0) == 0) return;
  pthread_mutex_lock(&copying);
  if (S_ISDIR(status.st_mode)) copy_names(file);
  else if (S_ISREG(status.st_mode)) copy_bytes(file);
  pthread_mutex_unlock(&copying);
}

int fsync(int file) {
  int result = real_fsync(file);
  if (result == 0) copy_if_below(file);
  return result;
}

int fdatasync(int file) {
  int result = real_fdatasync(file);
  if (result == 0) copy_if_below(file);
  return result;
}

/* A child whose environment is made anew syncs as its parent does. libuv calls this one. */
int execvp(const char *file, char *const arguments[]) {
  if (preload != NULL) setenv("LD_PRELOAD", preload, 1);
  if (directory != NULL) setenv("UNSYNCED_DIRECTORY", directory, 1);
  if (mirror != NULL) setenv("UNSYNCED_MIRROR", mirror, 1);
  if (ignored != NULL) setenv("UNSYNCED_IGNORE", ignored, 1);
  setenv("UV_USE_IO_URING", "0", 1); /* or syncs could pass the C library by */
  return real_execvp(file, arguments);
}
