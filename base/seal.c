/* SPDX-License-Identifier: ISC */
#include "base/seal.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { ALL_SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL };

int
seal_bytes(const char *name, const void *bytes, size_t size, struct err *err)
{
	cleanup_fd int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_errno(err, "memfd %s", name);
	for (size_t done = 0; done < size;) {
		const ssize_t n =
			write(fd, (const char *)bytes + done, size - done);

		if (n < 0 && errno != EINTR)
			return err_errno(err, "memfd %s", name);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0)
		return err_errno(err, "seal memfd %s", name);
	return fd_take(&fd);
}

char *
seal_read(int fd, struct arena *arena, size_t *size, struct err *err)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	char *bytes;

	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS) {
		(void)err_set(err, ERR_UNSAFE, "not a sealed memfd");
		return NULL;
	}
	if (fstat(fd, &st) < 0) {
		(void)err_errno(err, "sealed memfd");
		return NULL;
	}
	if (st.st_size > SEAL_MAX_BYTES) {
		(void)err_set(err, ERR_UNSAFE, "sealed memfd: %lld bytes",
			      (long long)st.st_size);
		return NULL;
	}
	*size = (size_t)st.st_size;
	bytes = arena_alloc(arena, *size + 1, err);
	for (size_t done = 0; bytes != NULL && done < *size;) {
		const ssize_t n =
			pread(fd, bytes + done, *size - done, (off_t)done);

		if (n == 0 || (n < 0 && errno != EINTR)) {
			(void)err_errno(err, "read sealed memfd");
			return NULL;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return bytes;
}
