/* Disks and name servers that are ill, for tests: loaded into a process before its libc (LD_PRELOAD).

   HANGING_FOLDERS: "/a:/b". What touches a file in or below /a does as the first letter of the file /a.ill says:
   h: it hangs until that file is gone or says another thing; f: the disk is full; r: it is read-only.
   HANGING_NAMES: a file; while it is there, a name that must be looked up hangs. Addresses and localhost do not.
   Only calls that give the GIL up in Python, and those of SQLite, are here. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 5000000
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void wait_a_little(void) {
    struct timespec pause = {0, LOOK_NS};
    syscall(SYS_nanosleep, &pause, NULL);
}

/* What the flag file says; 0: there is none. */
static char illness(const char *flag) {
    char said = 0;
    long fd = syscall(SYS_openat, AT_FDCWD, flag, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    if (syscall(SYS_read, fd, &said, 1) != 1) said = 0;
    syscall(SYS_close, fd);
    return said;
}

static int is_below(const char *path, const char *folder, size_t length) {
    return strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* Where a path or a descriptor leads, as text; NULL: nowhere that we know. */
static const char *absolute(int at, const char *path, char *room) {
    char link[64], folder[PATH_MAX];
    ssize_t length;
    if (path != NULL && path[0] == '/') return path;
    if (at == AT_FDCWD) strcpy(link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    length = syscall(SYS_readlinkat, AT_FDCWD, link, folder, sizeof folder - 1);
    if (length < 0) return NULL;
    folder[length] = 0;
    snprintf(room, PATH_MAX, path == NULL || path[0] == 0 ? "%s" : "%s/%s", folder, path);
    return room;
}

/* Hang while the disk does; then what else ails it, 0 for nothing. */
static char touch(int at, const char *path) {
    const char *folders = getenv("HANGING_FOLDERS"), *where = NULL;
    char room[PATH_MAX + 2], flag[PATH_MAX], said;
    int kept = errno;
    while (folders != NULL && *folders != 0) {
        size_t length = strcspn(folders, ":");
        snprintf(flag, sizeof flag, "%.*s.ill", (int)length, folders);
        /* A process that starts looks for thousands of files elsewhere: for them no flag is read. */
        int elsewhere = path != NULL && path[0] == '/' && !is_below(path, folders, length);
        if (!elsewhere && (said = illness(flag)) != 0) {
            if (where == NULL) where = absolute(at, path, room);
            if (where != NULL && is_below(where, folders, length)) {
                while (said == 'h') { wait_a_little(); said = illness(flag); }
                errno = kept;
                return said;
            }
        }
        folders += length + (folders[length] == ':');
    }
    errno = kept;
    return 0;
}

#define REFUSE(number) do { errno = number; return -1; } while (0)
#define WRITES(flags) (((flags) & O_ACCMODE) != O_RDONLY || ((flags) & (O_CREAT | O_TRUNC)))
#define MODE(flags) \
    mode_t mode = 0; \
    if (__OPEN_NEEDS_MODE(flags)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags) \
        if (touch(AT_FDCWD, path) == 'r' && WRITES(flags)) REFUSE(EROFS); \
        return REAL(name)(path, flags, mode); \
    }
#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        MODE(flags) \
        if (touch(at, path) == 'r' && WRITES(flags)) REFUSE(EROFS); \
        return REAL(name)(at, path, flags, mode); \
    }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

/* A call that is given a descriptor, and one that is given a path: what it changes the disk may refuse. */
#define BY_FD(type, name, given, passed) \
    type name given { touch(fd, NULL); return REAL(name) passed; }
#define BY_PATH(type, name, at, given, passed) \
    type name given { touch(at, path); return REAL(name) passed; }
#define WRITTEN_BY_FD(type, name, given, passed) \
    type name given { if (touch(fd, NULL) == 'f') REFUSE(ENOSPC); return REAL(name) passed; }
#define CHANGED_BY_PATH(type, name, at, given, passed) \
    type name given { if (touch(at, path) == 'r') REFUSE(EROFS); return REAL(name) passed; }

BY_FD(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size))
BY_FD(ssize_t, pread, (int fd, void *to, size_t size, off_t from), (fd, to, size, from))
BY_FD(ssize_t, pread64, (int fd, void *to, size_t size, off64_t from), (fd, to, size, from))
BY_FD(int, fsync, (int fd), (fd))
BY_FD(int, fdatasync, (int fd), (fd))
BY_FD(int, ftruncate, (int fd, off_t size), (fd, size))
BY_FD(int, ftruncate64, (int fd, off64_t size), (fd, size))
BY_FD(int, fchmod, (int fd, mode_t mode), (fd, mode))
BY_FD(int, flock, (int fd, int how), (fd, how))
BY_FD(int, futimens, (int fd, const struct timespec times[2]), (fd, times))
BY_FD(int, fstat, (int fd, struct stat *told), (fd, told))
BY_FD(int, fstat64, (int fd, struct stat64 *told), (fd, told))
WRITTEN_BY_FD(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))
WRITTEN_BY_FD(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t to), (fd, from, size, to))
WRITTEN_BY_FD(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t to), (fd, from, size, to))
WRITTEN_BY_FD(ssize_t, writev, (int fd, const struct iovec *from, int count), (fd, from, count))
BY_PATH(int, stat, AT_FDCWD, (const char *path, struct stat *told), (path, told))
BY_PATH(int, stat64, AT_FDCWD, (const char *path, struct stat64 *told), (path, told))
BY_PATH(int, lstat, AT_FDCWD, (const char *path, struct stat *told), (path, told))
BY_PATH(int, lstat64, AT_FDCWD, (const char *path, struct stat64 *told), (path, told))
BY_PATH(int, fstatat, at, (int at, const char *path, struct stat *told, int how), (at, path, told, how))
BY_PATH(int, fstatat64, at, (int at, const char *path, struct stat64 *told, int how), (at, path, told, how))
BY_PATH(int, access, AT_FDCWD, (const char *path, int how), (path, how))
BY_PATH(DIR *, opendir, AT_FDCWD, (const char *path), (path))
CHANGED_BY_PATH(int, unlink, AT_FDCWD, (const char *path), (path))
CHANGED_BY_PATH(int, rename, AT_FDCWD, (const char *path, const char *to), (path, to))
CHANGED_BY_PATH(int, mkdir, AT_FDCWD, (const char *path, mode_t mode), (path, mode))
CHANGED_BY_PATH(int, chmod, AT_FDCWD, (const char *path, mode_t mode), (path, mode))

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    const char *flag = getenv("HANGING_NAMES");
    unsigned char address[16];
    int is_name = name != NULL && strcmp(name, "localhost") != 0 && inet_pton(AF_INET, name, address) != 1 &&
                  inet_pton(AF_INET6, name, address) != 1 &&
                  (hints == NULL || !(hints->ai_flags & AI_NUMERICHOST));
    while (flag != NULL && is_name && illness(flag) == 'h') wait_a_little();
    return REAL(getaddrinfo)(name, service, hints, found);
}
