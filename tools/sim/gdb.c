/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gdb remote protocol for one program. The server runs in the hook, on
 * the device's only thread: while gdb thinks, the device stands still.
 *
 * Breakpoints are in memory only while the program runs on, so gdb never
 * sees them there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim.h"

#define PACKET     16384
#define MAX_BREAKS 256
#define MAX_WATCH  16
#define WATCH_MAX  64 /* bytes */

#define SIG_INT  2
#define SIG_ILL  4
#define SIG_TRAP 5
#define SIG_BUS  10 /* gdb's numbers */
#define SIG_SEGV 11

enum mode {
	MODE_BEFORE, /* the chosen program has not begun */
	MODE_RUN,    /* until a breakpoint or an interrupt */
	MODE_STEP,   /* while the pc is in [low, high) */
	MODE_GONE,   /* program over, or debugger detached */
};

struct breakpoint {
	uint64_t addr;
	unsigned int bytes; /* 2 or 4 */
	bool planted;
	uint8_t saved[4];
};

/* For writes that change something. While there is one the program is stepped. */
struct watch {
	uint64_t addr;
	unsigned int bytes;
	uint8_t value[WATCH_MAX];
};

struct gdb {
	int fd;
	enum mode mode;
	bool acks;
	bool moved; /* did the program run since it was resumed? */
	uint64_t low, high;
	int signal;          /* why it stopped last */
	char reason[40];     /* more of that, for the stop reply */
	uint32_t program[3]; /* the one under the debugger */
	struct breakpoint breaks[MAX_BREAKS];
	unsigned int break_count;
	struct watch watches[MAX_WATCH];
	unsigned int watch_count;
	char in[PACKET + 1];
	size_t in_len;
	uint8_t buf[4096]; /* received, not yet used */
	size_t buf_at, buf_len;
};

/* ---- connection ---- */

static int listen_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		input_error("--gdb %s: the path is too long for a socket", path);
	strcpy(addr.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1))
		input_error("--gdb %s: cannot make the socket: %s", path, strerror(errno));
	say("for gdb: target remote %s", path);
	return fd;
}

static int listen_tcp(const char *text)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	socklen_t len = sizeof(addr);
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (!*text || *end || port > 65535)
		usage_error("--gdb %s: neither a port from 0 to 65535 nor a path with a '/'", text);
	addr.sin_port = htons((uint16_t)port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		input_error("--gdb %s: cannot listen on that port of localhost: %s", text,
			    strerror(errno));
	say("for gdb: target remote localhost:%u", ntohs(addr.sin_port));
	return fd;
}

void gdb_open(struct sim *s)
{
	const char *where = s->o->gdb;
	bool path = strchr(where, '/');
	int fd = path ? listen_unix(where) : listen_tcp(where), one = 1;

	s->gdb = must(calloc(1, sizeof(*s->gdb)));
	memcpy(s->gdb->program, s->o->program, sizeof(s->gdb->program));
	s->gdb->acks = true;
	s->gdb->fd = accept(fd, NULL, NULL);
	if (s->gdb->fd < 0)
		run_error("--gdb %s: no connection: %s", where, strerror(errno));
	if (!path)
		setsockopt(s->gdb->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(fd);
	if (path)
		unlink(where);
}

/* Closed at once, what was sent last might be lost with what was not read. */
static void linger(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char rest[256];

	shutdown(fd, SHUT_WR);
	while (poll(&p, 1, 1000) > 0 && recv(fd, rest, sizeof(rest), 0) > 0)
		;
}

static void hang_up(struct gdb *g)
{
	if (g->fd >= 0) {
		linger(g->fd);
		close(g->fd);
	}
	g->fd = -1;
	g->mode = MODE_GONE;
}

void gdb_close(struct sim *s)
{
	if (!s->gdb)
		return;
	hang_up(s->gdb);
	free(s->gdb);
	s->gdb = NULL;
}

/* ---- packets ---- */

/* -1: the debugger is gone. */
static int get_byte(struct gdb *g)
{
	if (g->buf_at == g->buf_len) {
		ssize_t n;

		do
			n = recv(g->fd, g->buf, sizeof(g->buf), 0);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return -1;
		g->buf_at = 0;
		g->buf_len = (size_t)n;
	}
	return g->buf[g->buf_at++];
}

static bool send_all(struct gdb *g, const char *p, size_t n)
{
	while (n) {
		ssize_t done = send(g->fd, p, n, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A packet into g->in. False: the debugger is gone. An interrupt is nothing while stopped. */
static bool get_packet(struct gdb *g)
{
	for (;;) {
		uint8_t sum = 0;
		int c, hi, lo;

		do {
			c = get_byte(g);
			if (c < 0)
				return false;
		} while (c != '$');
		g->in_len = 0;
		while ((c = get_byte(g)) >= 0 && c != '#') {
			sum += (uint8_t)c;
			if (g->in_len < PACKET)
				g->in[g->in_len++] = (char)c;
		}
		g->in[g->in_len] = '\0';
		hi = hex_digit(get_byte(g));
		lo = hex_digit(get_byte(g));
		if (c < 0)
			return false;
		if (!g->acks)
			return true;
		if (hi >= 0 && lo >= 0 && sum == (hi << 4 | lo))
			return send_all(g, "+", 1);
		if (!send_all(g, "-", 1))
			return false;
	}
}

static void reply(struct gdb *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void reply(struct gdb *g, const char *fmt, ...)
{
	static char out[2 * PACKET + 8]; /* one server, one thread */
	uint8_t sum = 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out + 1, 2 * PACKET, fmt, ap);
	va_end(ap);
	if (n > 2 * PACKET - 1)
		n = 2 * PACKET - 1;
	out[0] = '$';
	for (int i = 1; i <= n; i++)
		sum += (uint8_t)out[i];
	snprintf(out + 1 + n, 4, "#%02x", sum);
	send_all(g, out, (size_t)n + 4);
}

static void stop_reply(struct gdb *g)
{
	reply(g, "T%02x%sthread:1;", (unsigned int)g->signal, g->reason);
}

static size_t put_hex(char *to, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		sprintf(to + 2 * i, "%02x", p[i]);
	return 2 * n;
}

/* Bytes read; stops at what is no hex. */
static size_t get_hex(const char *p, void *to, size_t max)
{
	uint8_t *out = to;
	size_t n = 0;

	while (n < max && hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0) {
		out[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
		p += 2;
	}
	return n;
}

/* ---- registers: x0-x31, pc, f0-f31, fflags, frm, fcsr ---- */

#define REG_PC     32
#define REG_F      33
#define REG_FFLAGS 65
#define REG_FRM    66
#define REG_FCSR   67
#define REGS       68

static unsigned int reg_size(unsigned int reg)
{
	return reg < REG_FFLAGS ? 8 : 4;
}

static uint64_t get_reg(const struct rv_arch *a, unsigned int reg)
{
	if (reg < REG_PC)
		return reg ? a->x[reg] : 0;
	if (reg == REG_PC)
		return a->pc;
	if (reg < REG_FFLAGS)
		return a->f[reg - REG_F];
	return reg == REG_FFLAGS ? a->fcsr & 0x1f : reg == REG_FRM ? a->fcsr >> 5 & 7 : a->fcsr;
}

static void set_reg(struct rv_arch *a, unsigned int reg, uint64_t v)
{
	if (reg < REG_PC)
		a->x[reg] = reg ? v : 0;
	else if (reg == REG_PC)
		a->pc = v & ~1ull;
	else if (reg < REG_FFLAGS)
		a->f[reg - REG_F] = v;
	else if (reg == REG_FFLAGS)
		a->fcsr = (a->fcsr & ~0x1fu) | (v & 0x1f);
	else if (reg == REG_FRM)
		a->fcsr = (a->fcsr & ~0xe0u) | (v & 7) << 5;
	else
		a->fcsr = v & 0xff;
}

static void describe_regs(char *xml, size_t size)
{
	static const char *const fcsr[] = { "fflags", "frm", "fcsr" };
	FILE *f = fmemopen(xml, size, "w");

	fprintf(f, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
		   "<target version=\"1.0\"><architecture>riscv:rv64</architecture>"
		   "<feature name=\"org.gnu.gdb.riscv.cpu\">");
	for (int i = 0; i < 32; i++)
		fprintf(f, "<reg name=\"%s\" bitsize=\"64\" type=\"%s\" regnum=\"%d\"/>",
			rv_reg_name(i),
			i == 1           ? "code_ptr" :
			i >= 2 && i <= 4 ? "data_ptr" :
					   "int",
			i);
	fprintf(f,
		"<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\" regnum=\"%d\"/></feature>"
		"<feature name=\"org.gnu.gdb.riscv.fpu\"><union id=\"riscv_double\">"
		"<field name=\"float\" type=\"ieee_single\"/>"
		"<field name=\"double\" type=\"ieee_double\"/></union>",
		REG_PC);
	for (int i = 0; i < 32; i++)
		fprintf(f, "<reg name=\"%s\" bitsize=\"64\" type=\"riscv_double\" regnum=\"%d\"/>",
			rv_reg_name(32 + i), REG_F + i);
	for (int i = 0; i < 3; i++)
		fprintf(f, "<reg name=\"%s\" bitsize=\"32\" type=\"int\" regnum=\"%d\"/>", fcsr[i],
			REG_FFLAGS + i);
	fprintf(f, "</feature></target>");
	fclose(f);
}

static void send_features(struct gdb *g, const char *range)
{
	static char xml[PACKET];
	unsigned long at, n, len;

	if (!*xml)
		describe_regs(xml, sizeof(xml));
	len = strlen(xml);
	if (sscanf(range, "%lx,%lx", &at, &n) != 2 || at > len) {
		reply(g, "E01");
		return;
	}
	if (n > PACKET / 2)
		n = PACKET / 2;
	/* No character of the text needs an escape. */
	reply(g, "%c%.*s", at + n < len ? 'm' : 'l', (int)n, xml + at);
}

static void read_regs(struct gdb *g, const struct rv_arch *a)
{
	char text[2 * 8 * REGS + 1], *p = text;

	for (unsigned int i = 0; i < REGS; i++) {
		uint64_t v = get_reg(a, i);

		p += put_hex(p, &v, reg_size(i));
	}
	reply(g, "%s", text);
}

static void write_regs(struct gdb *g, struct rv_arch *a)
{
	const char *p = g->in + 1;

	for (unsigned int i = 0; i < REGS; i++) {
		uint64_t v = 0;

		if (get_hex(p, &v, reg_size(i)) != reg_size(i))
			break;
		set_reg(a, i, v);
		p += 2 * reg_size(i);
	}
	reply(g, "OK");
}

static void one_reg(struct gdb *g, struct rv_arch *a)
{
	char *end, text[17];
	unsigned long reg = strtoul(g->in + 1, &end, 16);
	uint64_t v = 0;

	if (reg >= REGS || end == g->in + 1) {
		reply(g, "E01");
	} else if (g->in[0] == 'p') {
		v = get_reg(a, (unsigned int)reg);
		put_hex(text, &v, reg_size((unsigned int)reg));
		reply(g, "%s", text);
	} else if (*end == '=' && get_hex(end + 1, &v, 8) == reg_size((unsigned int)reg)) {
		set_reg(a, (unsigned int)reg, v);
		reply(g, "OK");
	} else {
		reply(g, "E01");
	}
}

/* ---- memory ---- */

static void read_memory(struct sim *s, const struct dsa_debug *at)
{
	static uint8_t bytes[PACKET / 2];
	static char text[PACKET + 1];
	unsigned long long addr, n;

	if (sscanf(s->gdb->in + 1, "%llx,%llx", &addr, &n) != 2) {
		reply(s->gdb, "E01");
		return;
	}
	if (n > sizeof(bytes))
		n = sizeof(bytes);
	/* As much as there is: what lies behind the end of a page may be nothing. */
	while (n && dsa_core_debug_read(s->core, at, addr, bytes, n))
		n = (addr + n - 1) % DSA_PAGE_SIZE + 1 < n ?
			    n - ((addr + n - 1) % DSA_PAGE_SIZE + 1) :
			    0;
	if (!n) {
		reply(s->gdb, "E14");
		return;
	}
	put_hex(text, bytes, n);
	reply(s->gdb, "%s", text);
}

static void write_memory(struct sim *s, const struct dsa_debug *at)
{
	static uint8_t bytes[PACKET / 2];
	const char *data = strchr(s->gdb->in, ':');
	unsigned long long addr, n;

	if (!data || sscanf(s->gdb->in + 1, "%llx,%llx:", &addr, &n) != 2 || n > sizeof(bytes) ||
	    get_hex(data + 1, bytes, n) != n)
		reply(s->gdb, "E01");
	else if (dsa_core_debug_write(s->core, at, addr, bytes, n))
		reply(s->gdb, "E14");
	else
		reply(s->gdb, "OK");
}

/* ---- breakpoints ---- */

static struct breakpoint *break_at(struct gdb *g, uint64_t addr)
{
	for (unsigned int i = 0; i < g->break_count; i++)
		if (g->breaks[i].addr == addr)
			return &g->breaks[i];
	return NULL;
}

static void plant(struct sim *s, const struct dsa_debug *at)
{
	static const uint8_t ebreak[4] = { 0x73, 0x00, 0x10, 0x00 }, c_ebreak[2] = { 0x02, 0x90 };
	struct gdb *g = s->gdb;

	for (unsigned int i = 0; i < g->break_count; i++) {
		struct breakpoint *b = &g->breaks[i];

		if (b->planted || dsa_core_debug_read(s->core, at, b->addr, b->saved, b->bytes))
			continue;
		b->planted = !dsa_core_debug_write(s->core, at, b->addr,
						   b->bytes == 2 ? c_ebreak : ebreak, b->bytes);
	}
}

static void unplant(struct sim *s, const struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	for (unsigned int i = 0; i < g->break_count; i++) {
		struct breakpoint *b = &g->breaks[i];

		if (b->planted)
			dsa_core_debug_write(s->core, at, b->addr, b->saved, b->bytes);
		b->planted = false;
	}
}

static void change_watch(struct sim *s, const struct dsa_debug *at, uint64_t addr,
			 unsigned int bytes)
{
	struct gdb *g = s->gdb;
	unsigned int i = 0;

	while (i < g->watch_count && (g->watches[i].addr != addr || g->watches[i].bytes != bytes))
		i++;
	if (g->in[0] == 'z') {
		if (i < g->watch_count)
			g->watches[i] = g->watches[--g->watch_count];
	} else if (i == g->watch_count) {
		struct watch *w = &g->watches[i];

		if (i == MAX_WATCH || bytes > WATCH_MAX ||
		    dsa_core_debug_read(s->core, at, addr, w->value, bytes)) {
			reply(g, "E14");
			return;
		}
		w->addr = addr;
		w->bytes = bytes;
		g->watch_count++;
	}
	reply(g, "OK");
}

/* The one whose bytes are others than they were, or NULL. */
static struct watch *watch_hit(struct sim *s, const struct dsa_debug *at)
{
	struct watch *hit = NULL;
	uint8_t now[WATCH_MAX];

	for (unsigned int i = 0; i < s->gdb->watch_count; i++) {
		struct watch *w = &s->gdb->watches[i];

		if (dsa_core_debug_read(s->core, at, w->addr, now, w->bytes) ||
		    !memcmp(now, w->value, w->bytes))
			continue;
		memcpy(w->value, now, w->bytes);
		hit = w;
	}
	return hit;
}

static void change_break(struct sim *s, const struct dsa_debug *at, uint64_t addr,
			 unsigned int bytes)
{
	struct gdb *g = s->gdb;
	struct breakpoint *b = break_at(g, addr);
	uint32_t probe;

	if (g->in[0] == 'z') {
		if (b)
			*b = g->breaks[--g->break_count];
	} else if (!b && addr != DSA_CORE_EXIT_ADDR) { /* where a kernel returns to: no memory */
		bytes = bytes == 2 ? 2 : 4;
		if (g->break_count == MAX_BREAKS ||
		    dsa_core_debug_read(s->core, at, addr, &probe, bytes)) {
			reply(g, "E14");
			return;
		}
		g->breaks[g->break_count++] = (struct breakpoint){ .addr = addr, .bytes = bytes };
	}
	reply(g, "OK");
}

/* Z and z. The program stands, so no breakpoint is planted. */
static void change_point(struct sim *s, const struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	unsigned long long addr;
	unsigned int bytes;

	if (!g->in[1] || sscanf(g->in + 2, ",%llx,%x", &addr, &bytes) != 2)
		reply(g, "E01");
	else if (g->in[1] == '0' || g->in[1] == '1')
		change_break(s, at, addr, bytes);
	else if (g->in[1] == '2')
		change_watch(s, at, addr, bytes);
	else
		reply(g, "%s", "");
}

/* ---- queries ---- */

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static void thread_info(struct gdb *g, const struct dsa_debug *at)
{
	char text[96], hex[200];
	int n = snprintf(text, sizeof(text), "program %u,%u,%u on core %u", at->program[0],
			 at->program[1], at->program[2], at->core);

	put_hex(hex, text, (size_t)n);
	reply(g, "%s", hex);
}

static void query(struct sim *s, const struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	const char *q = g->in;

	if (starts(q, "qSupported"))
		reply(g,
		      "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
		      "swbreak+;hwbreak+",
		      PACKET);
	else if (starts(q, "qXfer:features:read:target.xml:"))
		send_features(g, q + strlen("qXfer:features:read:target.xml:"));
	else if (starts(q, "QStartNoAckMode")) {
		reply(g, "OK");
		g->acks = false;
	} else if (starts(q, "qOffsets"))
		reply(g, "Text=%llx;Data=%llx;Bss=%llx", (unsigned long long)s->elf.bias,
		      (unsigned long long)s->elf.bias, (unsigned long long)s->elf.bias);
	else if (starts(q, "qfThreadInfo"))
		reply(g, "m1");
	else if (starts(q, "qsThreadInfo"))
		reply(g, "l");
	else if (starts(q, "qThreadExtraInfo"))
		thread_info(g, at);
	else if (starts(q, "qAttached"))
		reply(g, "1"); /* quitting gdb lets the run go on */
	else if (starts(q, "qC"))
		reply(g, "QC1");
	else if (starts(q, "qSymbol"))
		reply(g, "OK");
	else
		reply(g, "%s", "");
}

/* ---- stopping and going on ---- */

static void resume_step(struct gdb *g, uint64_t low, uint64_t high)
{
	g->mode = MODE_STEP;
	g->low = low;
	g->high = high;
}

/* vCont;ACTION[:THREAD]...: the first action is the one thread's. */
static bool vcont(struct gdb *g)
{
	unsigned long long low, high;

	switch (g->in[6]) {
	case 'c':
	case 'C':
		g->mode = MODE_RUN;
		return true;
	case 's':
	case 'S':
		resume_step(g, 0, 0);
		return true;
	case 'r':
		if (sscanf(g->in + 7, "%llx,%llx", &low, &high) != 2)
			break;
		resume_step(g, low, high);
		return true;
	}
	reply(g, "E01");
	return false;
}

static bool resume(struct gdb *g, struct rv_arch *a)
{
	char *end;
	unsigned long long pc = strtoull(g->in + 1, &end, 16);

	if (end != g->in + 1)
		a->pc = pc;
	if (g->in[0] == 'c')
		g->mode = MODE_RUN;
	else
		resume_step(g, 0, 0);
	return true;
}

static void kill_run(struct sim *s)
{
	s->killed = true;
	hang_up(s->gdb);
	reg_write(s, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_KILL);
}

static void detach(struct gdb *g)
{
	reply(g, "OK");
	hang_up(g);
}

/* One packet. True: the program goes on. */
static bool serve(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	struct rv_arch *a = &at->hart->arch;

	switch (g->in[0]) {
	case '?':
		stop_reply(g);
		return false;
	case 'g':
		read_regs(g, a);
		return false;
	case 'G':
		write_regs(g, a);
		return false;
	case 'p':
	case 'P':
		one_reg(g, a);
		return false;
	case 'm':
		read_memory(s, at);
		return false;
	case 'M':
		write_memory(s, at);
		return false;
	case 'Z':
	case 'z':
		change_point(s, at);
		return false;
	case 'q':
	case 'Q':
		query(s, at);
		return false;
	case 'H':
	case 'T':
		reply(g, "OK");
		return false;
	case 'c':
	case 's':
		return resume(g, a);
	case 'C':
	case 'S':
		/* Programs have no signals to be given. */
		g->mode = MODE_RUN;
		if (g->in[0] == 'S')
			resume_step(g, 0, 0);
		return true;
	case 'D':
		detach(g);
		return true;
	case 'k':
		kill_run(s);
		return true;
	case 'v':
		if (starts(g->in, "vCont?"))
			reply(g, "vCont;c;C;s;S;r");
		else if (starts(g->in, "vCont;"))
			return vcont(g);
		else if (starts(g->in, "vKill")) {
			reply(g, "OK");
			kill_run(s);
			return true;
		} else
			reply(g, "%s", "");
		return false;
	default:
		reply(g, "%s", "");
		return false;
	}
}

/* Returns when the program is to go on, or the debugger is gone. */
static void stop(struct sim *s, struct dsa_debug *at, int signal, const char *reason)
{
	struct gdb *g = s->gdb;
	bool first = g->mode == MODE_BEFORE;

	unplant(s, at);
	g->signal = signal;
	snprintf(g->reason, sizeof(g->reason), "%s", reason);
	if (!first)
		stop_reply(g);
	do {
		if (!get_packet(g)) {
			say("gdb has gone; the run goes on");
			hang_up(g);
			return;
		}
	} while (!serve(s, at));
	watch_hit(s, at); /* what the debugger wrote is no hit */
	g->moved = false;
}

static bool interrupted(struct gdb *g)
{
	struct pollfd p = { .fd = g->fd, .events = POLLIN };
	int c;

	if (g->buf_at == g->buf_len && poll(&p, 1, 0) <= 0)
		return false;
	c = get_byte(g);
	if (c < 0) {
		say("gdb has gone; the run goes on");
		hang_up(g);
	}
	return c == 3;
}

/* How many instructions may run now. */
static uint64_t proceed(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	if (g->mode == MODE_GONE)
		return UINT64_MAX;
	/* Off the breakpoint it stands on, before that is planted. */
	if (g->mode == MODE_STEP || g->watch_count ||
	    (!g->moved && break_at(g, at->hart->arch.pc))) {
		g->moved = true;
		return 1;
	}
	g->moved = true;
	plant(s, at);
	return UINT64_MAX;
}

/* Did an instruction bring the program where it is to stop? */
static void look(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	uint64_t pc = at->hart->arch.pc;
	struct watch *w = watch_hit(s, at);
	char reason[sizeof(g->reason)];

	if (w) {
		snprintf(reason, sizeof(reason), "watch:%llx;", (unsigned long long)w->addr);
		stop(s, at, SIG_TRAP, reason);
	} else if (break_at(g, pc)) {
		stop(s, at, SIG_TRAP, "swbreak:;");
	} else if (g->mode == MODE_STEP && (pc < g->low || pc >= g->high)) {
		stop(s, at, SIG_TRAP, "");
	} else if (interrupted(g)) {
		stop(s, at, SIG_INT, "");
	}
}

static uint64_t on_run(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	if (g->mode == MODE_BEFORE)
		stop(s, at, SIG_TRAP, "");
	else if (g->moved)
		look(s, at);
	return proceed(s, at);
}

static int signal_of(const struct rv_fault *f)
{
	switch (f->cause) {
	case RV_CAUSE_ILLEGAL:
		return SIG_ILL;
	case RV_CAUSE_EBREAK:
	case RV_CAUSE_ECALL:
		return SIG_TRAP;
	case RV_CAUSE_FETCH_MISALIGNED:
	case RV_CAUSE_LOAD_MISALIGNED:
	case RV_CAUSE_STORE_MISALIGNED:
		return SIG_BUS;
	default:
		return SIG_SEGV;
	}
}

/* Not 0: goes on. */
static uint64_t on_fault(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;
	uint64_t pc = at->hart->arch.pc;
	struct breakpoint *b = break_at(g, pc);
	int signal = signal_of(&at->hart->fault);

	if (at->hart->fault.cause == RV_CAUSE_EBREAK && b && b->planted) {
		stop(s, at, SIG_TRAP, "swbreak:;");
		return 1;
	}
	stop(s, at, signal, "");
	/* A debugger that has moved the pc has mended it. */
	if (g->mode == MODE_GONE || at->hart->arch.pc != pc)
		return at->hart->arch.pc != pc;
	reply(g, "X%02x", (unsigned int)signal);
	hang_up(g);
	return 0;
}

uint64_t gdb_event(struct sim *s, struct dsa_debug *at)
{
	struct gdb *g = s->gdb;

	if (g->mode == MODE_GONE)
		return at->event == DSA_DEBUG_RUN ? UINT64_MAX : 0;
	/* Others get by: breakpoints are the chosen program's only. */
	if (memcmp(at->program, g->program, sizeof(g->program))) {
		unplant(s, at);
		return at->event == DSA_DEBUG_RUN ? UINT64_MAX : 0;
	}
	switch (at->event) {
	case DSA_DEBUG_RUN:
		return on_run(s, at);
	case DSA_DEBUG_FAULT:
		return on_fault(s, at);
	case DSA_DEBUG_END:
		unplant(s, at);
		reply(g, "W00");
		hang_up(g);
		break;
	case DSA_DEBUG_WAIT:
		break;
	}
	return 0;
}
