/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files: kernel modules and bare programs. Nothing in the file is believed. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim.h"

#ifndef EM_RISCV
#define EM_RISCV 243
#endif
#define MAX_FILE    (1ull << 30)
#define MAX_MEMORY  (1ull << 36)
#define MAX_KERNARG 4096

static bool in_file(const struct elf *elf, uint64_t offset, uint64_t bytes)
{
	return offset <= elf->bytes && bytes <= elf->bytes - offset;
}

static void read_file(struct elf *elf)
{
	struct stat st;
	FILE *file = fopen(elf->path, "rb");

	if (!file || fstat(fileno(file), &st))
		input_error("%s: %s", elf->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		input_error("%s: not a file", elf->path);
	if ((uint64_t)st.st_size > MAX_FILE)
		input_error("%s: %lld bytes are too many for a program", elf->path,
			    (long long)st.st_size);
	elf->bytes = (size_t)st.st_size;
	elf->file = must(calloc(1, elf->bytes + 1));
	if (fread(elf->file, 1, elf->bytes, file) != elf->bytes)
		input_error("%s: cannot be read: %s", elf->path, strerror(errno));
	fclose(file);
}

static void read_header(struct elf *elf, Elf64_Ehdr *h)
{
	if (elf->bytes < sizeof(*h) || memcmp(elf->file, ELFMAG, SELFMAG))
		input_error("%s: not an ELF file: make one from C with tools/dsacc", elf->path);
	memcpy(h, elf->file, sizeof(*h));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		input_error("%s: not a 64-bit little-endian ELF file", elf->path);
	if (h->e_machine != EM_RISCV)
		input_error("%s: for machine %u, not RISC-V (%u): compile it with tools/dsacc",
			    elf->path, h->e_machine, EM_RISCV);
	if (h->e_type != ET_DYN && h->e_type != ET_EXEC)
		input_error("%s: ELF type %u is not linked: link it with tools/dsacc", elf->path,
			    h->e_type);
	if (h->e_phentsize != sizeof(Elf64_Phdr) ||
	    !in_file(elf, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)))
		input_error("%s: damaged: its program headers are not in the file", elf->path);
	elf->entry = h->e_entry;
}

static void read_segments(struct elf *elf, const Elf64_Ehdr *h)
{
	uint64_t total = 0;
	Elf64_Phdr p;

	elf->segments = must(calloc(h->e_phnum + 1u, sizeof(*elf->segments)));
	for (unsigned int i = 0; i < h->e_phnum; i++) {
		memcpy(&p, elf->file + h->e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_INTERP)
			input_error("%s: wants a program interpreter: link it statically",
				    elf->path);
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		if (p.p_filesz > p.p_memsz || !in_file(elf, p.p_offset, p.p_filesz))
			input_error("%s: damaged: segment %u reaches beyond the file's end",
				    elf->path, i);
		if (p.p_memsz > MAX_MEMORY || p.p_vaddr >= VA_SYSTEM / 2 ||
		    (total += p.p_memsz) > MAX_MEMORY)
			input_error("%s: segment %u, 0x%llx bytes at 0x%llx, is out of range",
				    elf->path, i, (unsigned long long)p.p_memsz,
				    (unsigned long long)p.p_vaddr);
		elf->segments[elf->segment_count++] = (struct elf_segment){
			.va = p.p_vaddr,
			.file_bytes = p.p_filesz,
			.bytes = p.p_memsz,
			.flags = p.p_flags,
			.data = elf->file + p.p_offset,
		};
	}
	if (!elf->segment_count)
		input_error("%s: nothing to load", elf->path);
}

static int by_address(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static void read_table(struct elf *elf, const Elf64_Shdr *t, const Elf64_Shdr *strings)
{
	uint64_t count = t->sh_size / sizeof(Elf64_Sym);
	Elf64_Sym sym;

	elf->symbols = must(calloc(count + 1, sizeof(*elf->symbols)));
	for (uint64_t i = 0; i < count; i++) {
		const char *name;

		memcpy(&sym, elf->file + t->sh_offset + i * sizeof(sym), sizeof(sym));
		if (sym.st_shndx == SHN_UNDEF || sym.st_name >= strings->sh_size)
			continue;
		name = (const char *)elf->file + strings->sh_offset + sym.st_name;
		/* Mapping symbols, sections and files have no use here. */
		if (!*name || *name == '$' || ELF64_ST_TYPE(sym.st_info) > STT_FUNC)
			continue;
		elf->symbols[elf->symbol_count++] = (struct elf_symbol){
			.name = name,
			.value = sym.st_value,
			.size = sym.st_size,
			.function = ELF64_ST_TYPE(sym.st_info) == STT_FUNC,
		};
	}
	qsort(elf->symbols, elf->symbol_count, sizeof(*elf->symbols), by_address);
}

static Elf64_Shdr section(const struct elf *elf, const Elf64_Ehdr *h, unsigned int i)
{
	Elf64_Shdr s;

	memcpy(&s, elf->file + h->e_shoff + i * sizeof(s), sizeof(s));
	return s;
}

static void read_symbols(struct elf *elf, const Elf64_Ehdr *h)
{
	Elf64_Shdr table = { 0 }, strings;

	if (h->e_shentsize != sizeof(Elf64_Shdr) ||
	    !in_file(elf, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return;
	for (unsigned int i = 0; i < h->e_shnum; i++) {
		Elf64_Shdr s = section(elf, h, i);

		if (s.sh_type == SHT_SYMTAB || (s.sh_type == SHT_DYNSYM && !table.sh_type))
			table = s;
	}
	if (!table.sh_type || table.sh_link >= h->e_shnum)
		return;
	strings = section(elf, h, table.sh_link);
	if (!in_file(elf, table.sh_offset, table.sh_size) || !strings.sh_size ||
	    !in_file(elf, strings.sh_offset, strings.sh_size) ||
	    elf->file[strings.sh_offset + strings.sh_size - 1])
		input_error("%s: damaged: its symbol table is not in the file", elf->path);
	read_table(elf, &table, &strings);
}

void elf_load(struct elf *elf, const char *path)
{
	Elf64_Ehdr h;

	*elf = (struct elf){ .path = path };
	read_file(elf);
	read_header(elf, &h);
	read_segments(elf, &h);
	read_symbols(elf, &h);
}

void elf_free(struct elf *elf)
{
	free(elf->file);
	free(elf->segments);
	free(elf->symbols);
	memset(elf, 0, sizeof(*elf));
}

const struct elf_symbol *elf_symbol(const struct elf *elf, const char *name)
{
	for (size_t i = 0; i < elf->symbol_count; i++)
		if (!strcmp(elf->symbols[i].name, name))
			return &elf->symbols[i];
	return NULL;
}

static const struct elf_segment *segment_at(const struct elf *elf, uint64_t addr)
{
	for (unsigned int i = 0; i < elf->segment_count; i++)
		if (addr - elf->segments[i].va < elf->segments[i].bytes)
			return &elf->segments[i];
	return NULL;
}

/* Symbols without size, as in assembly, reach to the next one or the segment's end. */
const struct elf_symbol *elf_function_at(const struct elf *elf, uint64_t addr)
{
	const struct elf_segment *segment = segment_at(elf, addr);
	const struct elf_symbol *best = NULL;

	for (size_t i = 0; i < elf->symbol_count && elf->symbols[i].value <= addr; i++) {
		const struct elf_symbol *s = &elf->symbols[i];

		if (s->size ? s->function && addr - s->value < s->size :
			      segment && s->value >= segment->va)
			best = s;
	}
	return best;
}

bool elf_read(const struct elf *elf, uint64_t addr, void *buf, size_t bytes)
{
	for (unsigned int i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *s = &elf->segments[i];

		if (addr >= s->va && addr - s->va <= s->file_bytes &&
		    bytes <= s->file_bytes - (addr - s->va)) {
			memcpy(buf, s->data + (addr - s->va), bytes);
			return true;
		}
	}
	return false;
}

/* ---- kernels ---- */

static const char *kernel_name(const struct elf_symbol *s)
{
	size_t prefix = strlen(DSA_KERNEL_META_PREFIX);

	return strncmp(s->name, DSA_KERNEL_META_PREFIX, prefix) ? NULL : s->name + prefix;
}

unsigned int elf_kernel_count(const struct elf *elf)
{
	unsigned int n = 0;

	for (size_t i = 0; i < elf->symbol_count; i++)
		n += kernel_name(&elf->symbols[i]) != NULL;
	return n;
}

const char *elf_kernel_name(const struct elf *elf, unsigned int i)
{
	for (size_t k = 0; k < elf->symbol_count; k++) {
		const char *name = kernel_name(&elf->symbols[k]);

		if (name && !i--)
			return name;
	}
	return NULL;
}

static void no_kernel(const struct elf *elf, const char *name)
{
	char list[512] = "";
	size_t used = 0;

	for (unsigned int i = 0; elf_kernel_name(elf, i) && used < sizeof(list) - 1; i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 elf_kernel_name(elf, i));
	input_error("%s has no kernel '%s'; it has: %s", elf->path, name, list);
}

static void check_meta(const struct elf *elf, const char *name, const struct dsa_kernel_meta *m)
{
	if (m->magic != DSA_KERNEL_META_MAGIC || m->version != 1)
		input_error("%s: kernel %s has metadata of unknown version %u (magic 0x%x): "
			    "compile it with this tree's dsacc",
			    elf->path, name, m->version, m->magic);
	if (m->arg_count > DSA_KERNEL_MAX_ARGS || m->kernarg_bytes > MAX_KERNARG)
		input_error("%s: kernel %s: %u arguments in %u bytes are too many", elf->path, name,
			    m->arg_count, m->kernarg_bytes);
	for (unsigned int i = 0; i < m->arg_count; i++)
		if (m->args[i].offset + m->args[i].size > m->kernarg_bytes)
			input_error("%s: kernel %s: argument %u lies outside the arguments",
				    elf->path, name, i);
	if (m->stack_bytes % 16)
		input_error("%s: kernel %s: stack of %u bytes is not a multiple of 16", elf->path,
			    name, m->stack_bytes);
}

void elf_kernel(const struct elf *elf, const char *name, struct dsa_kernel_meta *meta,
		uint64_t *entry)
{
	const struct elf_symbol *s, *code;
	char full[256];

	if ((size_t)snprintf(full, sizeof(full), "%s%s", DSA_KERNEL_META_PREFIX, name) >=
	    sizeof(full))
		no_kernel(elf, name);
	s = elf_symbol(elf, full);
	code = elf_symbol(elf, name);
	if (!s || !code || !code->function)
		no_kernel(elf, name);
	if (!elf_read(elf, s->value, meta, sizeof(*meta)))
		input_error("%s: damaged: kernel %s's metadata is not in the file", elf->path,
			    name);
	check_meta(elf, name, meta);
	*entry = code->value;
}
