/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults: orders are parsed into a table, points of the device ask it whether
 * their event is to go wrong. The n-th event that a fault looks at is decided
 * by its seed and n alone.
 */
#define _GNU_SOURCE /* strsep */
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core_int.h"

/* What a largest value depends on the device for. */
enum limit { LIMIT_FIXED, LIMIT_CORES, LIMIT_ENGINES, LIMIT_HBM };

struct fault_key {
	const char *name;
	enum limit limit;
	uint64_t min, max; /* max: FIXED only */
	uint64_t def;      /* FAULT_ANY: "any" is possible, and the default */
	bool needed;
};

struct fault_desc {
	const char *name;
	struct fault_key key[FAULT_ARGS];
	uint64_t count;     /* by default */
	bool state;         /* lasts until healed: has no events to count */
	unsigned int match; /* how many of the arguments say which events */
};

static const struct fault_desc descs[FAULT_KINDS] = {
	[FAULT_CORE_HANG] = { .name = "core-hang",
			      .key = { { "core", LIMIT_CORES, .def = FAULT_ANY } },
			      .count = 1,
			      .match = 1 },
	[FAULT_QUEUE_HANG] = { .name = "queue-hang",
			       .key = { { "queue", .max = DSA_NUM_QUEUES - 1, .def = FAULT_ANY },
					{ "report", .max = 3600000 } },
			       .count = 1,
			       .match = 1 },
	[FAULT_COPY_HANG] = { .name = "copy-hang",
			      .key = { { "engine", LIMIT_ENGINES, .def = FAULT_ANY } },
			      .count = 1,
			      .match = 1 },
	[FAULT_COPY_SLOW] = { .name = "copy-slow",
			      .key = { { "engine", LIMIT_ENGINES, .def = FAULT_ANY },
				       { "factor", .min = 1, .max = 1000000, .def = 10 },
				       { "ms", .max = 60000 } },
			      .count = FAULT_ANY,
			      .match = 1 },
	[FAULT_IRQ_LOST] = { .name = "irq-lost",
			     .key = { { "vector", .max = DSA_NUM_VECTORS - 1, .def = FAULT_ANY } },
			     .count = 1,
			     .match = 1 },
	[FAULT_IRQ_DUPLICATE] = { .name = "irq-duplicate",
				  .key = { { "vector", .max = DSA_NUM_VECTORS - 1,
					     .def = FAULT_ANY } },
				  .count = 1,
				  .match = 1 },
	[FAULT_IRQ_SPURIOUS] = { .name = "irq-spurious",
				 .key = { { "vector", .max = DSA_NUM_VECTORS - 1 } },
				 .count = 1 },
	[FAULT_ECC_CORRECTED] = { .name = "ecc-corrected",
				  .key = { { "addr", LIMIT_HBM, .needed = true } },
				  .count = 1 },
	[FAULT_ECC_UNCORRECTED] = { .name = "ecc-uncorrected",
				    .key = { { "addr", LIMIT_HBM, .needed = true } },
				    .count = FAULT_ANY },
	[FAULT_RING_CORRUPT] = { .name = "ring-corrupt",
				 .key = { { "queue", .max = DSA_NUM_QUEUES - 1, .def = FAULT_ANY },
					  { "bit", .max = 8 * DSA_RING_PACKET_SIZE - 1,
					    .def = FAULT_ANY } },
				 .count = 1,
				 .match = 1 },
	[FAULT_PTE_CORRUPT] = { .name = "pte-corrupt",
				.key = { { "asid", .max = DSA_NUM_ASIDS - 1, .def = FAULT_ANY },
					 { "level", .max = DSA_PT_LEVELS - 1, .def = FAULT_ANY },
					 { "bit", .max = 63, .def = FAULT_ANY } },
				.count = 1,
				.match = 2 },
	[FAULT_THERMAL] = { .name = "thermal",
			    .key = { { "celsius", .min = 1, .max = 150, .def = 105 },
				     { "clock", .min = 1, .max = 100, .def = 50 } },
			    .count = FAULT_ANY,
			    .state = true },
	[FAULT_BOOT_FAIL] = { .name = "boot-fail",
			      .key = { { "fatal", .max = 1, .def = 1 } },
			      .count = 1 },
	[FAULT_LINK_DOWN] = { .name = "link-down", .count = FAULT_ANY, .state = true },
};

/* ---- the table ---- */

static bool spent(const struct fault *f)
{
	return f->healed || f->fired >= f->count;
}

static void update_armed(struct dsa_core *core)
{
	uint32_t armed = 0;

	for (unsigned int i = 0; i < FAULT_SLOTS; i++)
		if (core->fault[i].used && !spent(&core->fault[i]))
			armed |= FAULT_BIT(core->fault[i].kind);
	__atomic_store_n(&core->faults_armed, armed, __ATOMIC_RELAXED);
}

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
	v = (v ^ v >> 27) * 0x94d049bb133111ebull;
	return v ^ v >> 31;
}

/* An event for @f: does it go wrong? */
static bool hits(struct fault *f)
{
	uint64_t r = mix(f->seed + ++f->seen * 0x9e3779b97f4a7c15ull);

	if (r >> 32 >= f->prob)
		return false;
	f->draw = mix(r);
	f->fired++;
	return true;
}

static bool concerns(const struct fault *f, uint64_t a, uint64_t b)
{
	unsigned int match = descs[f->kind].match;

	return (match < 1 || f->arg[0] == FAULT_ANY || f->arg[0] == a) &&
	       (match < 2 || f->arg[1] == FAULT_ANY || f->arg[1] == b);
}

/* Mutex. The fault that an event of @kind at @a, @b meets, or NULL. */
static const struct fault *meets(struct dsa_core *core, enum fault_kind kind, uint64_t a,
				 uint64_t b)
{
	for (unsigned int i = 0; i < FAULT_SLOTS; i++) {
		struct fault *f = &core->fault[i];

		if (!f->used || f->kind != kind || spent(f) || !concerns(f, a, b) || !hits(f))
			continue;
		update_armed(core);
		return f;
	}
	return NULL;
}

static const struct fault *first(const struct dsa_core *core, enum fault_kind kind)
{
	for (unsigned int i = 0; i < FAULT_SLOTS; i++)
		if (core->fault[i].used && core->fault[i].kind == kind && !spent(&core->fault[i]))
			return &core->fault[i];
	return NULL;
}

void faults_forget(struct dsa_core *core)
{
	memset(core->fault, 0, sizeof(core->fault));
	update_armed(core);
}

/* ---- the points ---- */

bool fault_core_hangs(struct dsa_core *core, struct dsa_unit *u)
{
	core_lock(core);
	u->stuck = meets(core, FAULT_CORE_HANG, u->index, 0);
	core_unlock(core);
	return u->stuck;
}

bool fault_queue_hangs(struct dsa_core *core, struct dsa_queue *q)
{
	const struct fault *f;

	core_lock(core);
	f = meets(core, FAULT_QUEUE_HANG, q->index, 0);
	if (f) {
		q->phase = DSA_PH_HUNG;
		q->held_until = f->arg[1] ? now_ns(core) + f->arg[1] * 1000000 : UINT64_MAX;
		core->holds = true;
	}
	core_unlock(core);
	return f;
}

bool fault_copy_hangs(struct dsa_core *core, struct dsa_queue *q)
{
	core_lock(core);
	q->stuck = meets(core, FAULT_COPY_HANG, q->copy_engine, 0);
	core_unlock(core);
	return q->stuck;
}

void fault_copy_slows(struct dsa_core *core, struct dsa_queue *q, uint64_t *cost)
{
	const struct fault *f;

	core_lock(core);
	f = meets(core, FAULT_COPY_SLOW, q->copy_engine, 0);
	if (f && __builtin_mul_overflow(*cost, f->arg[1], cost))
		*cost = UINT64_MAX >> 8;
	if (f && f->arg[2]) {
		q->held_until = now_ns(core) + f->arg[2] * 1000000;
		core->holds = true;
	}
	core_unlock(core);
}

unsigned int fault_irq(struct dsa_core *core, unsigned int vector, int *extra)
{
	const struct fault *f;
	unsigned int times = 1;

	*extra = -1;
	core_lock(core);
	f = meets(core, FAULT_IRQ_SPURIOUS, vector, 0);
	if (f)
		*extra = f->arg[0];
	if (meets(core, FAULT_IRQ_DUPLICATE, vector, 0))
		times = 2;
	if (meets(core, FAULT_IRQ_LOST, vector, 0))
		times = 0;
	if (first(core, FAULT_LINK_DOWN)) {
		times = 0;
		*extra = -1;
	}
	core_unlock(core);
	return times;
}

/* By default in a reserved word, where the device is sure to notice. */
void fault_ring(struct dsa_core *core, unsigned int queue, struct dsa_ring_packet *pkt)
{
	const struct fault *f;
	uint64_t bit;

	core_lock(core);
	f = meets(core, FAULT_RING_CORRUPT, queue, 0);
	if (f) {
		bit = f->arg[1] != FAULT_ANY ? f->arg[1] :
					       offsetof(struct dsa_ring_packet, reserved) * 8 +
						       f->draw % (8 * sizeof(pkt->reserved));
		((uint8_t *)pkt)[bit / 8] ^= 1u << bit % 8;
	}
	core_unlock(core);
}

void fault_pte(struct dsa_core *core, uint32_t asid, unsigned int level, uint64_t *pte)
{
	const struct fault *f;

	core_lock(core);
	f = meets(core, FAULT_PTE_CORRUPT, asid, level);
	if (f)
		*pte ^= 1ull << (f->arg[2] != FAULT_ANY ? f->arg[2] : 52 + f->draw % 12);
	core_unlock(core);
}

/* ---- ECC ---- */

static uint64_t *ecc_word(const struct dsa_core *core, const struct fault *f)
{
	return (uint64_t *)(core->cfg.hbm + f->arg[0]);
}

static bool is_ecc(const struct fault *f)
{
	return f->used && FAULT_BIT(f->kind) & FAULTS_ECC && !spent(f);
}

static bool overlaps(const struct fault *f, uint64_t offset, uint64_t len)
{
	return f->arg[0] < offset + len && offset < f->arg[0] + sizeof(uint64_t);
}

/* Whoever wrote the word has healed it: then something else is there. */
static bool ecc_healed(struct dsa_core *core, struct fault *f)
{
	f->healed = __atomic_load_n(ecc_word(core, f), __ATOMIC_RELAXED) != f->word;
	if (f->healed)
		update_armed(core);
	return f->healed;
}

static uint32_t ecc_hit(struct dsa_core *core, struct fault *f)
{
	bool bad = f->kind == FAULT_ECC_UNCORRECTED;

	if (!hits(f))
		return 0;
	update_armed(core);
	if (bad)
		core->ecc_uncorrected += core->ecc_uncorrected != UINT32_MAX;
	else
		core->ecc_corrected += core->ecc_corrected != UINT32_MAX;
	core->ecc_addr = f->arg[0];
	core->causes |= DSA_INT_ECC;
	sched_wake(core);
	return bad ? DSA_ERR_ECC : 0;
}

uint32_t fault_ecc(struct dsa_core *core, uint64_t offset, uint64_t len)
{
	uint32_t err = 0;

	core_lock(core);
	for (unsigned int i = 0; i < FAULT_SLOTS && !err; i++) {
		struct fault *f = &core->fault[i];

		if (is_ecc(f) && overlaps(f, offset, len) && !ecc_healed(core, f))
			err = ecc_hit(core, f);
	}
	core_unlock(core);
	return err;
}

bool fault_ecc_within(struct dsa_core *core, uint64_t offset, uint64_t len)
{
	bool found = false;

	core_lock(core);
	for (unsigned int i = 0; i < FAULT_SLOTS && !found; i++)
		found = is_ecc(&core->fault[i]) && overlaps(&core->fault[i], offset, len);
	core_unlock(core);
	return found;
}

/* ---- states ---- */

void fault_boot(struct dsa_core *core)
{
	const struct fault *f = meets(core, FAULT_BOOT_FAIL, 0, 0);

	core->boot_failed = f ? 1 + f->arg[0] : 0;
}

bool fault_temperature(const struct dsa_core *core, int32_t *millicelsius)
{
	const struct fault *f = first(core, FAULT_THERMAL);

	if (f)
		*millicelsius = f->arg[0] * 1000;
	return f;
}

uint32_t fault_clock_khz(const struct dsa_core *core)
{
	const struct fault *f = first(core, FAULT_THERMAL);
	uint64_t khz = core->cfg.core_clock_khz;

	if (f)
		khz = khz * f->arg[1] / 100;
	return khz ? khz : 1;
}

bool dsa_core_link_down(struct dsa_core *core)
{
	return faults_armed(core) & FAULT_BIT(FAULT_LINK_DOWN);
}

/* ---- orders ---- */

struct order {
	struct dsa_core *core;
	char *error;
	size_t size;
	struct fault f;
	uint32_t given; /* bitmap of keys */
	bool spurious;  /* an interrupt to send, which is no event for other faults */
};

#define REFUSE(o, ...) (snprintf((o)->error, (o)->size, __VA_ARGS__), false)

static void list_kinds(char *text, size_t size)
{
	size_t n = 0;

	for (unsigned int k = 0; k < FAULT_KINDS && n < size; k++)
		n += snprintf(text + n, size - n, "%s%s", k ? ", " : "", descs[k].name);
}

static void list_keys(const struct fault_desc *d, char *text, size_t size)
{
	const char *more = d->state ? "" : "count, prob, seed";
	size_t n = 0;

	for (unsigned int i = 0; i < FAULT_ARGS && d->key[i].name && n < size; i++)
		n += snprintf(text + n, size - n, "%s%s", i ? ", " : "", d->key[i].name);
	if (n < size)
		snprintf(text + n, size - n, "%s%s", n && *more ? ", " : "",
			 n || *more ? more : "nothing");
}

static uint64_t key_max(const struct dsa_core *core, const struct fault_key *key)
{
	switch (key->limit) {
	case LIMIT_CORES:
		return core->cfg.cores - 1;
	case LIMIT_ENGINES:
		return core->cfg.copy_engines - 1;
	case LIMIT_HBM:
		return core->cfg.hbm_size - sizeof(uint64_t);
	default:
		return key->max;
	}
}

static bool arg_ok(const struct dsa_core *core, const struct fault_key *key, uint64_t v)
{
	if (v == FAULT_ANY)
		return key->def == FAULT_ANY;
	return v >= key->min && v <= key_max(core, key) && !(key->limit == LIMIT_HBM && v % 8);
}

static bool number(const char *text, uint64_t *v)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*v = strtoull(text, &end, 0);
	return !errno && !*end;
}

static bool set_arg(struct order *o, unsigned int i, const char *value)
{
	const struct fault_key *key = &descs[o->f.kind].key[i];
	bool any = key->def == FAULT_ANY;
	uint64_t v = FAULT_ANY;

	if ((any && !strcmp(value, "any")) ||
	    (number(value, &v) && v != FAULT_ANY && arg_ok(o->core, key, v))) {
		o->f.arg[i] = v;
		o->given |= 1u << i;
		return true;
	}
	return REFUSE(o, "%s=%s is not possible: it must be %s%llu to %llu%s", key->name, value,
		      key->limit == LIMIT_HBM ? "a multiple of 8 from " : "",
		      (unsigned long long)key->min, (unsigned long long)key_max(o->core, key),
		      any ? ", or any" : "");
}

static bool set_prob(struct order *o, const char *value)
{
	char *end;
	double p = strtod(value, &end);

	if (*value < '0' || *value > '9' || *end || !(p >= 0 && p <= 1))
		return REFUSE(o, "prob=%s is not possible: it must be 0 to 1", value);
	o->f.prob = (uint64_t)(p * FAULT_ONE);
	return true;
}

static bool set_key(struct order *o, const char *name, const char *value)
{
	const struct fault_desc *d = &descs[o->f.kind];
	char keys[128];

	for (unsigned int i = 0; i < FAULT_ARGS && d->key[i].name; i++)
		if (!strcmp(name, d->key[i].name))
			return set_arg(o, i, value);
	if (!d->state && !strcmp(name, "count")) {
		if (!strcmp(value, "forever"))
			o->f.count = FAULT_ANY;
		else if (!number(value, &o->f.count) || !o->f.count || o->f.count == FAULT_ANY)
			return REFUSE(o,
				      "count=%s is not possible: it must be 1 or more, or forever",
				      value);
		return true;
	}
	if (!d->state && !strcmp(name, "prob"))
		return set_prob(o, value);
	if (!d->state && !strcmp(name, "seed"))
		return number(value, &o->f.seed) ||
		       REFUSE(o, "seed=%s is not possible: it must be a number below 2^64", value);
	list_keys(d, keys, sizeof(keys));
	return REFUSE(o, "%s has no '%s': it takes %s", d->name, name, keys);
}

static int kind_of(const char *name)
{
	for (unsigned int k = 0; k < FAULT_KINDS; k++)
		if (!strcmp(name, descs[k].name))
			return k;
	return -1;
}

static bool no_kind(struct order *o, const char *name)
{
	char kinds[256];

	list_kinds(kinds, sizeof(kinds));
	return REFUSE(o, "there is no fault '%s': there are %s; heal[=FAULT] ends them", name,
		      kinds);
}

/* "KIND[,KEY=VALUE...]"; writes over @text. */
static bool parse(struct order *o, char *text)
{
	char *rest = text, *word = strsep(&rest, ",");
	const struct fault_desc *d;
	int kind = kind_of(word);

	if (kind < 0)
		return no_kind(o, word);
	d = &descs[kind];
	o->f = (struct fault){ .used = true, .kind = kind, .count = d->count, .prob = FAULT_ONE };
	for (unsigned int i = 0; i < FAULT_ARGS; i++)
		o->f.arg[i] = d->key[i].def;
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (!value)
			return REFUSE(o, "'%s' is no KEY=VALUE", word);
		*value++ = 0;
		if (!set_key(o, word, value))
			return false;
	}
	for (unsigned int i = 0; i < FAULT_ARGS; i++)
		if (d->key[i].needed && !(o->given & 1u << i))
			return REFUSE(o, "%s needs %s=...", d->name, d->key[i].name);
	return true;
}

/* A free slot, or that of the first which is spent. */
static struct fault *take_slot(struct dsa_core *core)
{
	struct fault *old = NULL;

	for (unsigned int i = 0; i < FAULT_SLOTS; i++) {
		struct fault *f = &core->fault[i];

		if (!f->used)
			return f;
		if (!old && spent(f))
			old = f;
	}
	return old;
}

static bool arm(struct order *o, struct dsa_irqs *irqs)
{
	struct dsa_core *core = o->core;
	struct fault *f = take_slot(core);
	uint64_t *word;

	if (!f)
		return REFUSE(o, "%d faults are armed already: heal some", FAULT_SLOTS);
	*f = o->f;
	if (is_ecc(f)) {
		word = ecc_word(core, f);
		f->word = *word;
		if (f->kind == FAULT_ECC_UNCORRECTED)
			f->word ^= mix(f->seed) | 1; /* what was there is lost */
		__atomic_store_n(word, f->word, __ATOMIC_RELAXED);
	}
	if (f->kind == FAULT_THERMAL)
		irq_device(core, irqs, DSA_INT_THERMAL);
	if (f->kind == FAULT_IRQ_SPURIOUS && hits(f))
		o->spurious = true;
	update_armed(core);
	/* What engines hold of translations must be looked up again, to meet the fault. */
	if (FAULT_BIT(f->kind) & (FAULTS_ECC | FAULT_BIT(FAULT_PTE_CORRUPT)))
		mmu_invalidate(core, DSA_MMU_INV_ALL, 0);
	return true;
}

/* All, or those of @kind. */
static void heal(struct dsa_core *core, int kind, struct dsa_irqs *irqs)
{
	bool hot = first(core, FAULT_THERMAL);

	for (unsigned int i = 0; i < FAULT_SLOTS; i++)
		if (kind < 0 || core->fault[i].kind == (uint32_t)kind)
			core->fault[i].used = false;
	if (hot && !first(core, FAULT_THERMAL))
		irq_device(core, irqs, DSA_INT_THERMAL);
	update_armed(core);
}

static bool obey(struct order *o, char *text, struct dsa_irqs *irqs)
{
	int kind = -1;

	if (!strncmp(text, "heal", 4) && (!text[4] || text[4] == '=')) {
		if (text[4])
			kind = kind_of(text + 5);
		if (text[4] && kind < 0)
			return no_kind(o, text + 5);
		heal(o->core, kind, irqs);
		return true;
	}
	return parse(o, text) && arm(o, irqs);
}

int dsa_core_fault(struct dsa_core *core, const char *text, char *error, size_t size)
{
	struct order o = { .core = core, .error = error, .size = size };
	struct dsa_irqs irqs = { 0 };
	char copy[256];
	bool done;

	if (strlen(text) >= sizeof(copy)) {
		snprintf(error, size, "a fault's order has at most %zu characters",
			 sizeof(copy) - 1);
		return -EINVAL;
	}
	strcpy(copy, text);
	core_lock(core);
	done = obey(&o, copy, &irqs);
	sched_wake(core);
	core_unlock(core);
	irq_send(core, &irqs);
	if (o.spurious && !dsa_core_link_down(core))
		core->ops->raise(core->host, o.f.arg[0]);
	if (done && o.f.kind == FAULT_ECC_UNCORRECTED && o.f.used)
		core->ops->hbm_dirty(core->host, o.f.arg[0], sizeof(uint64_t));
	return done ? 0 : -EINVAL;
}

/* ---- what there is ---- */

struct text {
	char *buf;
	size_t size, n;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	size_t room = t->n < t->size ? t->size - t->n : 0;
	va_list ap;

	va_start(ap, fmt);
	t->n += vsnprintf(room ? t->buf + t->n : NULL, room, fmt, ap);
	va_end(ap);
}

static void put_number(struct text *t, const char *name, uint64_t v, const char *any)
{
	if (v == FAULT_ANY)
		put(t, ",%s=%s", name, any);
	else
		put(t, v > 65536 ? ",%s=0x%llx" : ",%s=%llu", name, (unsigned long long)v);
}

static void put_fault(struct text *t, const struct fault *f)
{
	const struct fault_desc *d = &descs[f->kind];

	put(t, "%s", d->name);
	for (unsigned int i = 0; i < FAULT_ARGS && d->key[i].name; i++)
		put_number(t, d->key[i].name, f->arg[i], "any");
	if (d->state) {
		put(t, "\n");
		return;
	}
	put_number(t, "count", f->count, "forever");
	put(t, ",prob=%.9g,seed=%llu: fired %llu of %llu%s\n", (double)f->prob / FAULT_ONE,
	    (unsigned long long)f->seed, (unsigned long long)f->fired, (unsigned long long)f->seen,
	    f->healed ? ", healed by a write" :
	    spent(f)  ? ", spent" :
			"");
}

size_t dsa_core_faults(struct dsa_core *core, char *buf, size_t size)
{
	struct text t = { buf, size, 0 };

	if (size)
		buf[0] = 0;
	core_lock(core);
	for (unsigned int i = 0; i < FAULT_SLOTS; i++) {
		if (core->fault[i].used && is_ecc(&core->fault[i]))
			ecc_healed(core, &core->fault[i]);
		if (core->fault[i].used)
			put_fault(&t, &core->fault[i]);
	}
	core_unlock(core);
	return t.n;
}

static bool fault_ok(const struct dsa_core *core, const struct fault *f)
{
	const struct fault_desc *d;

	if (f->kind >= FAULT_KINDS || f->prob > FAULT_ONE || !f->count)
		return false;
	d = &descs[f->kind];
	for (unsigned int i = 0; i < FAULT_ARGS && d->key[i].name; i++)
		if (!arg_ok(core, &d->key[i], f->arg[i]))
			return false;
	return true;
}

const char *faults_check(struct dsa_core *core)
{
	for (unsigned int i = 0; i < FAULT_SLOTS; i++)
		if (core->fault[i].used && !fault_ok(core, &core->fault[i]))
			return "an armed fault is out of range";
	update_armed(core);
	return NULL;
}
