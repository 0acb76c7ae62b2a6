/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers: from files into HBM, and back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim.h"

#define GUARD (2ull << 20) /* between buffers: what runs over an end faults */

static int number_of(const struct options *o, const struct buffer *b)
{
	return (int)(b - o->buffers);
}

/* Whole, of whatever kind the file is. */
static void read_input(struct options *o, struct buffer *b)
{
	FILE *file = fopen(b->in, "rb");
	size_t room = 0, n = 0, got;
	struct stat st;

	if (!file || fstat(fileno(file), &st))
		input_error("buffer %d (%s): %s: %s", number_of(o, b), b->text, b->in,
			    strerror(errno));
	if (S_ISDIR(st.st_mode))
		input_error("buffer %d (%s): %s: is a directory", number_of(o, b), b->text, b->in);
	do {
		if (n == room) {
			room = room ? 2 * room : (size_t)st.st_size + 4096;
			if (room > o->cfg.hbm_size + 4096)
				input_error("buffer %d (%s): %s is larger than the HBM: "
					    "use --hbm-size",
					    number_of(o, b), b->text, b->in);
			b->data = must(realloc(b->data, room));
		}
		got = fread(b->data + n, 1, room - n, file);
		n += got;
	} while (got);
	if (ferror(file))
		input_error("buffer %d (%s): reading %s: %s", number_of(o, b), b->text, b->in,
			    strerror(errno));
	fclose(file);
	if (!n)
		input_error("buffer %d (%s): %s is empty", number_of(o, b), b->text, b->in);
	b->bytes = n;
}

void buffers_read(struct options *o)
{
	for (unsigned int i = 0; i < o->buffer_count; i++)
		if (o->buffers[i].in)
			read_input(o, &o->buffers[i]);
}

/* Before the run, so that nothing is computed for a file that cannot be written. */
void buffers_open_outputs(struct options *o)
{
	for (unsigned int i = 0; i < o->buffer_count; i++) {
		struct buffer *b = &o->buffers[i];

		if (!b->out)
			continue;
		b->fd = open(b->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		b->created = b->fd >= 0;
		if (b->fd < 0 && errno == EEXIST)
			b->fd = open(b->out, O_WRONLY | O_CLOEXEC);
		if (b->fd < 0)
			input_error("buffer %u (%s): cannot write %s: %s", i, b->text, b->out,
				    strerror(errno));
	}
}

void buffers_remove_outputs(struct options *o)
{
	for (unsigned int i = 0; i < o->buffer_count; i++) {
		if (o->buffers[i].created)
			unlink(o->buffers[i].out);
		o->buffers[i].created = false;
	}
}

void buffers_place(struct sim *s)
{
	struct options *o = s->o;

	for (unsigned int i = 0; i < o->buffer_count; i++) {
		struct buffer *b = &o->buffers[i];
		uint64_t rights = b->kind == BUFFER_IN ? DSA_PTE_R : DSA_PTE_R | DSA_PTE_W;
		char what[200];

		snprintf(what, sizeof(what), "buffer %u (%s)", i, b->text);
		b->va = s->next_va;
		b->hbm = memory_new(s, b->va, b->bytes, rights, what);
		s->next_va = ALIGN_UP(b->va + b->bytes, GUARD) + GUARD;
		if (b->data)
			memcpy(s->hbm + b->hbm, b->data, b->bytes);
		free(b->data);
		b->data = NULL;
	}
}

static bool write_all(int fd, const uint8_t *p, uint64_t bytes)
{
	while (bytes) {
		ssize_t n = write(fd, p, bytes < 1u << 30 ? bytes : 1u << 30);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		bytes -= (uint64_t)n;
	}
	return true;
}

void buffers_write(struct sim *s)
{
	for (unsigned int i = 0; i < s->o->buffer_count; i++) {
		struct buffer *b = &s->o->buffers[i];

		if (b->fd < 0)
			continue;
		/* Pipes and devices have no length to set. */
		if ((ftruncate(b->fd, 0) && errno != EINVAL) ||
		    !write_all(b->fd, s->hbm + b->hbm, b->bytes) || close(b->fd))
			run_error("buffer %u (%s): writing %s: %s", i, b->text, b->out,
				  strerror(errno));
		b->fd = -1;
		b->created = false;
	}
}

/* The buffer at an address or, for one that runs over, the one just before it. */
const struct buffer *buffer_at(const struct options *o, uint64_t va)
{
	for (unsigned int i = 0; i < o->buffer_count; i++) {
		const struct buffer *b = &o->buffers[i];

		if (va >= b->va && va - b->va < b->bytes + GUARD / 2)
			return b;
	}
	return NULL;
}
