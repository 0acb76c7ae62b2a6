/* SPDX-License-Identifier: MIT */
/*
 * Device ELF files: checked from end to end, then unpacked.
 *
 * The file comes from anywhere. Nothing in it is believed: each offset is
 * checked against the file's length before use, each address against the
 * image, and every number is copied out once.
 */
#include "internal.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef EM_RISCV
#define EM_RISCV 243
#endif

#define MAX_SEGMENTS 64
#define MAX_SYMBOLS  (1u << 20)
#define MAX_KERNARG  4096

struct parser {
	const uint8_t *file;
	size_t bytes;
	Elf64_Ehdr header;
	struct elf_module *module;
};

static bool bad(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool bad(struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->module->error, sizeof(p->module->error), format, args);
	va_end(args);
	return false;
}

static bool in_file(const struct parser *p, uint64_t offset, uint64_t size)
{
	return offset <= p->bytes && size <= p->bytes - offset;
}

static bool read_at(const struct parser *p, uint64_t offset, void *to, size_t size)
{
	if (!in_file(p, offset, size))
		return false;
	memcpy(to, p->file + offset, size);
	return true;
}

static bool check_header(struct parser *p)
{
	const Elf64_Ehdr *h = &p->header;

	if (!read_at(p, 0, &p->header, sizeof(p->header)))
		return bad(p, "%zu bytes are too few for an ELF header", p->bytes);
	if (memcmp(h->e_ident, ELFMAG, SELFMAG))
		return bad(p, "no ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_ident[EI_VERSION] != EV_CURRENT)
		return bad(p, "not a 64-bit little-endian ELF file");
	if (h->e_machine != EM_RISCV)
		return bad(p, "for machine %u, not RISC-V (%u): compile it with dsacc",
			   h->e_machine, EM_RISCV);
	if (h->e_type != ET_DYN && h->e_type != ET_EXEC)
		return bad(p, "ELF type %u is not linked: link it with dsacc", h->e_type);
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phnum > 1024)
		return bad(p, "%u program headers of %u bytes", h->e_phnum, h->e_phentsize);
	if (!in_file(p, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)))
		return bad(p, "program headers reach beyond the file's end");
	if (h->e_shnum && h->e_shentsize != sizeof(Elf64_Shdr))
		return bad(p, "section headers of %u bytes", h->e_shentsize);
	if (h->e_shnum && !in_file(p, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return bad(p, "section headers reach beyond the file's end");
	return true;
}

static Elf64_Phdr program_header(const struct parser *p, unsigned int i)
{
	Elf64_Phdr h;

	read_at(p, p->header.e_phoff + i * sizeof(h), &h, sizeof(h));
	return h;
}

static Elf64_Shdr section_header(const struct parser *p, unsigned int i)
{
	Elf64_Shdr h;

	read_at(p, p->header.e_shoff + i * sizeof(h), &h, sizeof(h));
	return h;
}

static uint32_t bind_flags(uint32_t elf_flags)
{
	uint32_t flags = DRM_DSA_BIND_READ;

	if (elf_flags & PF_W)
		flags |= DRM_DSA_BIND_WRITE;
	if (elf_flags & PF_X)
		flags |= DRM_DSA_BIND_EXEC;
	return flags;
}

static bool add_segment(struct parser *p, const Elf64_Phdr *h, unsigned int i)
{
	struct elf_module *m = p->module;
	uint64_t start, end;

	if (h->p_filesz > h->p_memsz)
		return bad(p, "segment %u has more bytes in the file than in memory", i);
	if (!in_file(p, h->p_offset, h->p_filesz))
		return bad(p, "segment %u reaches beyond the file's end", i);
	if (h->p_vaddr > ELF_MAX_SPAN || h->p_memsz > ELF_MAX_SPAN - h->p_vaddr)
		return bad(p, "segment %u ends beyond %llu MiB", i,
			   (unsigned long long)(ELF_MAX_SPAN / MIB));
	if ((h->p_flags & PF_W) && (h->p_flags & PF_X))
		return bad(p, "segment %u is both writable and executable", i);
	if (!h->p_memsz)
		return true;
	if (m->segment_count == MAX_SEGMENTS)
		return bad(p, "more than %u segments", MAX_SEGMENTS);
	start = h->p_vaddr & ~(PAGE - 1);
	end = ALIGN_UP(h->p_vaddr + h->p_memsz, PAGE);
	for (unsigned int k = 0; k < m->segment_count; k++) {
		const struct elf_segment *s = &m->segments[k];

		if (start < s->va + s->size && s->va < end)
			return bad(p, "segment %u shares a page with another", i);
	}
	m->segments[m->segment_count++] = (struct elf_segment){
		.va = start,
		.size = end - start,
		.bind_flags = bind_flags(h->p_flags),
	};
	if (end > m->span)
		m->span = end;
	return true;
}

static bool check_dynamic(struct parser *p, const Elf64_Phdr *h)
{
	Elf64_Dyn dyn;

	if (!in_file(p, h->p_offset, h->p_filesz))
		return bad(p, "the dynamic section reaches beyond the file's end");
	for (uint64_t at = 0; at + sizeof(dyn) <= h->p_filesz; at += sizeof(dyn)) {
		read_at(p, h->p_offset + at, &dyn, sizeof(dyn));
		if (dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag == DT_NEEDED)
			return bad(p, "needs a shared library");
		if ((dyn.d_tag == DT_RELASZ || dyn.d_tag == DT_RELSZ || dyn.d_tag == DT_PLTRELSZ ||
		     dyn.d_tag == 35 /* DT_RELRSZ */) &&
		    dyn.d_un.d_val)
			return bad(p, "has dynamic relocations: an initialiser holds an address");
	}
	return true;
}

static bool read_segments(struct parser *p)
{
	struct elf_module *m = p->module;
	bool ok = true;

	m->segments = calloc(MAX_SEGMENTS, sizeof(*m->segments));
	if (!m->segments)
		return bad(p, "out of host memory");
	for (unsigned int i = 0; i < p->header.e_phnum && ok; i++) {
		Elf64_Phdr h = program_header(p, i);

		if (h.p_type == PT_LOAD)
			ok = add_segment(p, &h, i);
		else if (h.p_type == PT_DYNAMIC)
			ok = check_dynamic(p, &h);
		else if (h.p_type == PT_INTERP || h.p_type == PT_TLS)
			ok = bad(p, "%s: not for a device",
				 h.p_type == PT_TLS ? "has thread-local variables" :
						      "wants a program interpreter");
	}
	if (ok && !m->span)
		return bad(p, "nothing to load");
	return ok;
}

static bool build_image(struct parser *p)
{
	struct elf_module *m = p->module;

	m->image = calloc(1, m->span);
	if (!m->image)
		return bad(p, "out of host memory for %llu bytes", (unsigned long long)m->span);
	for (unsigned int i = 0; i < p->header.e_phnum; i++) {
		Elf64_Phdr h = program_header(p, i);

		/* The bounds were checked on the same bytes, which nobody else writes. */
		if (h.p_type == PT_LOAD && h.p_filesz)
			memcpy(m->image + h.p_vaddr, p->file + h.p_offset, h.p_filesz);
	}
	return true;
}

/* Is [@va, @va + @size) inside one segment with the rights in @flags? */
static bool inside(const struct elf_module *m, uint64_t va, uint64_t size, uint32_t flags)
{
	for (unsigned int i = 0; i < m->segment_count; i++) {
		const struct elf_segment *s = &m->segments[i];

		if ((s->bind_flags & flags) == flags && va >= s->va && va - s->va <= s->size &&
		    size <= s->size - (va - s->va))
			return true;
	}
	return false;
}

/* A symbol table with its strings. */
struct symbols {
	uint64_t offset, count;
	const char *strings;
	uint64_t strings_size;
};

static bool find_symbols(struct parser *p, struct symbols *out)
{
	Elf64_Shdr table = { 0 }, strings;

	for (unsigned int i = 0; i < p->header.e_shnum; i++) {
		Elf64_Shdr h = section_header(p, i);

		if (h.sh_type == SHT_SYMTAB || (h.sh_type == SHT_DYNSYM && !table.sh_type))
			table = h;
	}
	if (!table.sh_type)
		return bad(p, "no symbol table: it was stripped");
	if (table.sh_entsize != sizeof(Elf64_Sym) || !in_file(p, table.sh_offset, table.sh_size))
		return bad(p, "the symbol table reaches beyond the file's end");
	if (table.sh_size / sizeof(Elf64_Sym) > MAX_SYMBOLS)
		return bad(p, "more than %u symbols", MAX_SYMBOLS);
	if (table.sh_link >= p->header.e_shnum)
		return bad(p, "the symbol table names string section %u of %u", table.sh_link,
			   p->header.e_shnum);
	strings = section_header(p, table.sh_link);
	if (strings.sh_type != SHT_STRTAB || !strings.sh_size ||
	    !in_file(p, strings.sh_offset, strings.sh_size))
		return bad(p, "the symbols' strings reach beyond the file's end");
	out->offset = table.sh_offset;
	out->count = table.sh_size / sizeof(Elf64_Sym);
	out->strings = (const char *)p->file + strings.sh_offset;
	out->strings_size = strings.sh_size;
	if (out->strings[out->strings_size - 1] != '\0')
		return bad(p, "the symbols' strings do not end");
	return true;
}

static const char *symbol_at(const struct parser *p, const struct symbols *s, uint64_t i,
			     Elf64_Sym *sym)
{
	read_at(p, s->offset + i * sizeof(*sym), sym, sizeof(*sym));
	return sym->st_name < s->strings_size ? s->strings + sym->st_name : "";
}

static bool find_entry(const struct parser *p, const struct symbols *s, const char *name,
		       uint64_t *entry)
{
	Elf64_Sym sym;

	for (uint64_t i = 0; i < s->count; i++) {
		const char *found = symbol_at(p, s, i, &sym);

		if (ELF64_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_shndx != SHN_UNDEF &&
		    !strcmp(found, name)) {
			*entry = sym.st_value;
			return true;
		}
	}
	return false;
}

static bool check_meta(struct parser *p, const char *name, const struct dsa_kernel_meta *meta)
{
	if (meta->magic != DSA_KERNEL_META_MAGIC || meta->version != 1)
		return bad(p, "kernel %s: metadata of unknown version %u (magic 0x%x)", name,
			   meta->version, meta->magic);
	if (meta->arg_count > DSA_KERNEL_MAX_ARGS || meta->kernarg_bytes > MAX_KERNARG)
		return bad(p, "kernel %s: %u arguments in %u bytes are too many", name,
			   meta->arg_count, meta->kernarg_bytes);
	for (unsigned int i = 0; i < meta->arg_count; i++)
		if (meta->args[i].offset + meta->args[i].size > meta->kernarg_bytes)
			return bad(p, "kernel %s: argument %u lies outside the arguments", name, i);
	if (meta->stack_bytes % 16)
		return bad(p, "kernel %s: stack of %u bytes is not a multiple of 16", name,
			   meta->stack_bytes);
	return true;
}

static bool add_kernel(struct parser *p, const struct symbols *s, const char *name,
		       const Elf64_Sym *sym)
{
	struct elf_module *m = p->module;
	struct elf_kernel k = { 0 }, *grown;

	if (!*name || strlen(name) > 100)
		return bad(p, "a kernel with a name of %zu characters", strlen(name));
	if (!inside(m, sym->st_value, sizeof(k.meta), DRM_DSA_BIND_READ))
		return bad(p, "kernel %s: metadata outside the image", name);
	memcpy(&k.meta, m->image + sym->st_value, sizeof(k.meta));
	if (!check_meta(p, name, &k.meta))
		return false;
	if (!find_entry(p, s, name, &k.entry))
		return bad(p, "kernel %s: no function of that name", name);
	if (k.entry % 2 || !inside(m, k.entry, 2, DRM_DSA_BIND_EXEC))
		return bad(p, "kernel %s: entry 0x%llx is not in executable memory", name,
			   (unsigned long long)k.entry);
	grown = realloc(m->kernels, (m->kernel_count + 1) * sizeof(*grown));
	if (grown)
		m->kernels = grown;
	k.name = grown ? strdup(name) : NULL;
	if (!k.name)
		return bad(p, "out of host memory");
	m->kernels[m->kernel_count++] = k;
	return true;
}

/* Modules that print say so by a symbol that the device runtime brings along. */
static bool find_printing(struct parser *p, const struct symbols *s)
{
	uint32_t version;
	Elf64_Sym sym;

	for (uint64_t i = 0; i < s->count; i++) {
		if (strcmp(symbol_at(p, s, i, &sym), DSA_PRINT_SYMBOL) || sym.st_shndx == SHN_UNDEF)
			continue;
		if (!inside(p->module, sym.st_value, sizeof(version), DRM_DSA_BIND_READ))
			return bad(p, "%s: outside the image", DSA_PRINT_SYMBOL);
		memcpy(&version, p->module->image + sym.st_value, sizeof(version));
		if (version != DSA_PRINT_VERSION)
			return bad(p, "prints in format %u, this library knows %u: compile it anew",
				   version, DSA_PRINT_VERSION);
		p->module->prints = true;
	}
	return true;
}

static bool read_kernels(struct parser *p)
{
	const size_t prefix = strlen(DSA_KERNEL_META_PREFIX);
	struct symbols s = { 0 };
	Elf64_Sym sym;

	if (!find_symbols(p, &s))
		return false;
	for (uint64_t i = 0; i < s.count; i++) {
		const char *name = symbol_at(p, &s, i, &sym);

		if (strncmp(name, DSA_KERNEL_META_PREFIX, prefix) || sym.st_shndx == SHN_UNDEF)
			continue;
		if (p->module->kernel_count == 4096)
			return bad(p, "more than 4096 kernels");
		if (!add_kernel(p, &s, name + prefix, &sym))
			return false;
	}
	if (!p->module->kernel_count)
		return bad(p, "no kernel in it: write one with DSA_KERNEL()");
	return find_printing(p, &s);
}

bool elf_parse(const void *file, size_t bytes, struct elf_module *module)
{
	struct parser p = { .file = file, .bytes = bytes, .module = module };

	memset(module, 0, sizeof(*module));
	if (check_header(&p) && read_segments(&p) && build_image(&p) && read_kernels(&p))
		return true;
	elf_free(module);
	return false;
}

void elf_free(struct elf_module *m)
{
	for (unsigned int i = 0; i < m->kernel_count; i++)
		free(m->kernels[i].name);
	free(m->kernels);
	free(m->segments);
	free(m->image);
	m->kernels = NULL;
	m->segments = NULL;
	m->image = NULL;
	m->kernel_count = m->segment_count = 0;
}

size_t elf_length(const void *file)
{
	uint64_t length = sizeof(Elf64_Ehdr), end;
	Elf64_Ehdr h;
	Elf64_Shdr s;

	memcpy(&h, file, EI_NIDENT);
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) || h.e_ident[EI_CLASS] != ELFCLASS64)
		return 0;
	memcpy(&h, file, sizeof(h));
	end = h.e_shoff + (uint64_t)h.e_shnum * sizeof(s);
	if (end >= h.e_shoff && end > length)
		length = end;
	end = h.e_phoff + (uint64_t)h.e_phnum * sizeof(Elf64_Phdr);
	if (end >= h.e_phoff && end > length)
		length = end;
	/* Linkers put the section headers last, but nothing says they must. */
	for (unsigned int i = 0; i < h.e_shnum && h.e_shentsize == sizeof(s); i++) {
		memcpy(&s, (const uint8_t *)file + h.e_shoff + i * sizeof(s), sizeof(s));
		end = s.sh_offset + s.sh_size;
		if (s.sh_type != SHT_NOBITS && end >= s.sh_offset && end > length)
			length = end;
	}
	return length;
}
