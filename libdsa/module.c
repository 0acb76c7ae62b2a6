/* SPDX-License-Identifier: MIT */
/* Modules: device ELF files in device memory; functions: their kernels. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1ull << 30)

static void destroy_function(struct object *object)
{
	struct function *f = (struct function *)object;

	object_put(&f->module->object);
	free(f);
}

static void free_module(struct module *m)
{
	elf_free(&m->elf);
	free(m->functions);
	free(m);
}

/* Launches hold a reference: none is beside this, what was launched before is in a queue. */
static void destroy_module(struct object *object)
{
	struct module *m = (struct module *)object;
	struct module **link;

	pthread_mutex_lock(&m->dev->lock);
	for (link = &m->dev->modules; *link != m; link = &(*link)->next)
		;
	*link = m->next;
	pthread_mutex_unlock(&m->dev->lock);
	memory_retire_bo(m->dev, m->va, m->elf.span, m->bo);
	free_module(m);
}

/* Puts the image into a BO and the BO into the address space. dev->lock. */
static int place(struct device *dev, struct module *m)
{
	struct drm_dsa_bind_op ops[64], unmap;
	uint64_t span = ALIGN_UP(m->elf.span, HUGE_PAGE);
	void *map;
	int ret = kmd_bo_create(dev->fd, m->elf.span, 0, &m->bo);

	if (ret)
		return ret;
	map = kmd_bo_map(dev->fd, m->bo, m->elf.span);
	m->va = map ? va_alloc(&dev->va, span, HUGE_PAGE) : 0;
	ret = map ? -ENOMEM : -errno;
	if (m->va) {
		memcpy(map, m->elf.image, m->elf.span);
		for (unsigned int i = 0; i < m->elf.segment_count; i++) {
			const struct elf_segment *s = &m->elf.segments[i];

			ops[i] = (struct drm_dsa_bind_op){
				.op = DRM_DSA_BIND_MAP,
				.flags = s->bind_flags,
				.handle = m->bo,
				.bo_offset = s->va,
				.va = m->va + s->va,
				.range = s->size,
			};
		}
		ret = kmd_bind(dev->fd, dev->vm, ops, m->elf.segment_count);
	}
	if (map)
		munmap(map, m->elf.span);
	if (!ret)
		return 0;
	if (m->va) {
		/* Of several operations the first may have been done. */
		unmap = (struct drm_dsa_bind_op){
			.op = DRM_DSA_BIND_UNMAP,
			.va = m->va,
			.range = m->elf.span,
		};
		kmd_bind(dev->fd, dev->vm, &unmap, 1);
		va_free(&dev->va, m->va, span);
	}
	kmd_bo_close(dev->fd, m->bo);
	return ret;
}

static dsaError_t place_error(int err, uint64_t bytes)
{
	if (err == -ENOSPC)
		return fail(dsaErrorMemoryAllocation,
			    "no room for a module of %llu bytes in device memory",
			    (unsigned long long)bytes);
	return fail_errno(-err, "loading a module");
}

static dsaError_t check_fit(const struct device *dev, const struct elf_module *elf,
			    const char *what)
{
	for (unsigned int i = 0; i < elf->kernel_count; i++) {
		const struct dsa_kernel_meta *meta = &elf->kernels[i].meta;
		uint64_t stack = meta->stack_bytes ? meta->stack_bytes : DSA_DEFAULT_STACK_BYTES;

		if (meta->scratch_bytes + stack > dev->info.scratch_bytes)
			return fail(dsaErrorInvalidKernelImage,
				    "%s: kernel %s wants %llu bytes of scratchpad, a core has %u",
				    what, elf->kernels[i].name,
				    (unsigned long long)(meta->scratch_bytes + stack),
				    dev->info.scratch_bytes);
	}
	return dsaSuccess;
}

/* place(), and into the device's list. */
static int install(struct device *dev, struct module *m)
{
	int ret;

	pthread_mutex_lock(&dev->lock);
	ret = place(dev, m);
	if (!ret) {
		m->loaded = true;
		m->next = dev->modules;
		dev->modules = m;
	}
	pthread_mutex_unlock(&dev->lock);
	return ret;
}

static dsaError_t load(dsaModule_t *out, const void *image, size_t bytes, const char *what)
{
	struct device *dev;
	struct module *m;
	dsaError_t error = device_current(&dev);
	int ret;

	if (error)
		return error;
	m = calloc(1, sizeof(*m));
	if (!m)
		return fail_errno(ENOMEM, what);
	if (!elf_parse(image, bytes, &m->elf)) {
		error = fail(dsaErrorInvalidKernelImage, "%s: %s", what, m->elf.error);
		free(m);
		return error;
	}
	m->functions = calloc(m->elf.kernel_count, sizeof(m->functions[0]));
	error = m->functions ? check_fit(dev, &m->elf, what) : fail_errno(ENOMEM, what);
	if (error) {
		free_module(m);
		return error;
	}
	m->dev = dev;
	do
		ret = install(dev, m);
	while (ret && memory_wait_retired(dev));
	if (ret) {
		error = place_error(ret, m->elf.span);
		free_module(m);
		return error;
	}
	/* The device has it now; the names and metadata stay. */
	free(m->elf.image);
	m->elf.image = NULL;
	error = object_publish(&m->object, OBJECT_MODULE, destroy_module, out);
	if (error)
		destroy_module(&m->object);
	return error;
}

/* A file's bytes; the caller frees them. */
static dsaError_t read_file(const char *path, void **data, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t done = 0;
	ssize_t n = 1;
	uint8_t *buffer = NULL;

	if (fd < 0)
		return fail(dsaErrorFileNotFound, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return fail(dsaErrorFileNotFound, "%s: not a regular file", path);
	}
	if ((uint64_t)st.st_size > MAX_FILE) {
		close(fd);
		return fail(dsaErrorInvalidKernelImage, "%s: %lld bytes is too large for a module",
			    path, (long long)st.st_size);
	}
	buffer = malloc((size_t)st.st_size + 1);
	while (buffer && done < (size_t)st.st_size && n > 0) {
		n = read(fd, buffer + done, (size_t)st.st_size - done);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			done += (size_t)n;
	}
	close(fd);
	if (!buffer)
		return fail_errno(ENOMEM, path);
	if (n < 0) {
		free(buffer);
		return fail(dsaErrorFileNotFound, "%s: %s", path, strerror(errno));
	}
	*data = buffer;
	*size = done;
	return dsaSuccess;
}

DSA_API dsaError_t dsaModuleLoad(dsaModule_t *module, const char *path)
{
	dsaError_t error;
	size_t size = 0;
	void *data = NULL;

	if (!module || !path)
		return fail(dsaErrorInvalidValue, "dsaModuleLoad: %s is NULL",
			    module ? "path" : "module");
	*module = NULL;
	error = devices_init();
	if (!error)
		error = read_file(path, &data, &size);
	if (error)
		return error;
	error = load(module, data, size, path);
	free(data);
	return error;
}

DSA_API dsaError_t dsaModuleLoadDataSize(dsaModule_t *module, const void *image, size_t bytes)
{
	if (!module || !image)
		return fail(dsaErrorInvalidValue, "dsaModuleLoadData: %s is NULL",
			    module ? "image" : "module");
	*module = NULL;
	return load(module, image, bytes, "module image");
}

DSA_API dsaError_t dsaModuleLoadData(dsaModule_t *module, const void *image)
{
	size_t bytes;

	if (!module || !image)
		return fail(dsaErrorInvalidValue, "dsaModuleLoadData: %s is NULL",
			    module ? "image" : "module");
	*module = NULL;
	bytes = elf_length(image);
	if (!bytes)
		return fail(dsaErrorInvalidKernelImage, "module image: no ELF file");
	return load(module, image, bytes, "module image");
}

DSA_API dsaError_t dsaModuleUnload(dsaModule_t module)
{
	dsaError_t error = devices_init();
	struct module *m;

	if (error)
		return error;
	m = object_withdraw(module, OBJECT_MODULE);
	if (!m)
		return dsaErrorInvalidResourceHandle;
	pthread_mutex_lock(&m->dev->lock);
	m->loaded = false; /* gives out no more functions */
	pthread_mutex_unlock(&m->dev->lock);
	for (unsigned int i = 0; i < m->elf.kernel_count; i++) {
		struct function *f = m->functions[i];

		if (f && object_withdraw(f->object.handle, OBJECT_FUNCTION))
			object_put(&f->object);
	}
	object_put(&m->object);
	return dsaSuccess;
}

/* The function of kernel @i, made when first asked for. dev->lock. */
static dsaError_t function_of(struct module *m, unsigned int i, dsaFunction_t *out)
{
	struct function *f = m->functions[i];
	dsaError_t error;

	if (f) {
		*out = f->object.handle;
		return dsaSuccess;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return fail_errno(ENOMEM, "dsaModuleGetFunction");
	f->module = m;
	f->kernel = &m->elf.kernels[i];
	f->entry = m->va + f->kernel->entry;
	error = object_publish(&f->object, OBJECT_FUNCTION, destroy_function, out);
	if (error) {
		free(f);
		return error;
	}
	atomic_fetch_add(&m->object.refs, 1);
	m->functions[i] = f;
	return dsaSuccess;
}

DSA_API dsaError_t dsaModuleGetFunction(dsaFunction_t *function, dsaModule_t module,
					const char *name)
{
	dsaError_t error;
	struct module *m;

	if (!function || !name)
		return fail(dsaErrorInvalidValue, "dsaModuleGetFunction: %s is NULL",
			    function ? "name" : "function");
	*function = NULL;
	error = devices_init();
	if (error)
		return error;
	m = object_get(module, OBJECT_MODULE);
	if (!m)
		return dsaErrorInvalidResourceHandle;
	error = dsaErrorSymbolNotFound;
	pthread_mutex_lock(&m->dev->lock);
	for (unsigned int i = 0; i < m->elf.kernel_count && m->loaded; i++) {
		if (strcmp(m->elf.kernels[i].name, name))
			continue;
		error = function_of(m, i, function);
		break;
	}
	pthread_mutex_unlock(&m->dev->lock);
	if (error == dsaErrorSymbolNotFound)
		fail(error, "no kernel \"%s\" in the module: it has %u, the first is \"%s\"", name,
		     m->elf.kernel_count, m->elf.kernels[0].name);
	object_put(&m->object);
	return error;
}

bool module_find(struct device *dev, uint64_t entry, uint64_t pc, char *name, size_t size,
		 uint64_t *pc_in_module)
{
	bool found = false;

	pthread_mutex_lock(&dev->lock);
	for (struct module *m = dev->modules; m; m = m->next) {
		if (pc >= m->va && pc - m->va < m->elf.span)
			*pc_in_module = pc - m->va;
		for (unsigned int i = 0; i < m->elf.kernel_count; i++) {
			if (m->va + m->elf.kernels[i].entry != entry)
				continue;
			snprintf(name, size, "%s", m->elf.kernels[i].name);
			found = true;
		}
	}
	pthread_mutex_unlock(&dev->lock);
	return found;
}
