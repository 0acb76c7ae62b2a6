// SPDX-License-Identifier: MIT
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* Exactly what our cores have: an extension more would hide illegal encodings. */
#define CPU                                                                              \
	"rv64i,m=true,a=true,f=true,d=true,c=true,zicsr=true,zifencei=true,zicntr=true," \
	"zba=true,zbb=true,zbs=true,zfh=true,zfa=true,zfbfmin=true,"
#define VECTORS "v=true,vlen=%u,elen=64,vext_spec=v1.0,zvfh=true,zvfbfmin=true,zvfbfwma=true"

bool ref_start(struct reference *ref, const char *guest, uint32_t mode, unsigned int vlen)
{
	const char *qemu = getenv("QEMU_RISCV64") ? getenv("QEMU_RISCV64") : QEMU_RISCV64;
	char cpu[400];
	int in[2], out[2];

	if (vlen)
		snprintf(cpu, sizeof(cpu), CPU VECTORS, vlen);
	else
		snprintf(cpu, sizeof(cpu), CPU "v=false");

	signal(SIGPIPE, SIG_IGN);
	if (pipe(in) || pipe(out)) {
		tap_diag("pipe: %s", strerror(errno));
		return false;
	}
	fflush(stdout);
	ref->pid = fork();
	if (ref->pid < 0) {
		tap_diag("fork: %s", strerror(errno));
		return false;
	}
	if (!ref->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execlp(qemu, qemu, "-cpu", cpu, guest, (char *)NULL);
		fprintf(stderr, "# cannot run %s: %s (make fetches it)\n", qemu, strerror(errno));
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	ref->to = in[1];
	ref->from = out[0];
	return ref_write(ref, &mode, sizeof(mode));
}

bool ref_write(struct reference *ref, const void *buf, size_t size)
{
	while (size) {
		ssize_t n = write(ref->to, buf, size);

		if (n <= 0) {
			tap_diag("the reference does not read: %s", strerror(errno));
			return false;
		}
		buf = (const char *)buf + n;
		size -= (size_t)n;
	}
	return true;
}

bool ref_read(struct reference *ref, void *buf, size_t size)
{
	while (size) {
		ssize_t n = read(ref->from, buf, size);

		if (n <= 0) {
			tap_diag("the reference ended early");
			return false;
		}
		buf = (char *)buf + n;
		size -= (size_t)n;
	}
	return true;
}

bool ref_end(struct reference *ref)
{
	int status;

	close(ref->to);
	close(ref->from);
	if (waitpid(ref->pid, &status, 0) != ref->pid)
		return false;
	if (WIFSIGNALED(status))
		tap_diag("the reference died of signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		tap_diag("the reference exited with status %d", WEXITSTATUS(status));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	void *p = NULL;
	long n;

	if (!f) {
		tap_diag("%s: %s", path, strerror(errno));
		return NULL;
	}
	if (!fseek(f, 0, SEEK_END) && (n = ftell(f)) > 0 && (p = malloc((size_t)n))) {
		rewind(f);
		*size = fread(p, 1, (size_t)n, f);
	}
	fclose(f);
	return p;
}

bool load_elf(struct machine *m, const char *path)
{
	uint64_t lo = UINT64_MAX, hi = 0;
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	size_t size = 0;
	char *file = read_file(path, &size);
	int i;

	if (!file)
		return false;
	eh = (const Elf64_Ehdr *)file;
	if (size < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_machine != EM_RISCV) {
		tap_diag("%s: not a RISC-V ELF", path);
		free(file);
		return false;
	}
	ph = (const Elf64_Phdr *)(file + eh->e_phoff);
	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		lo = ph[i].p_vaddr < lo ? ph[i].p_vaddr : lo;
		hi = ph[i].p_vaddr + ph[i].p_memsz > hi ? ph[i].p_vaddr + ph[i].p_memsz : hi;
	}
	lo &= ~(uint64_t)(RV_PAGE_SIZE - 1);
	m_map(m, lo, hi - lo, RV_READ | RV_WRITE | RV_EXEC);
	for (i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			memcpy(m_host(m, ph[i].p_vaddr), file + ph[i].p_offset, ph[i].p_filesz);
	free(file);
	return true;
}
