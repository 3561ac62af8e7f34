/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch process: reads what the policy table refused and logged (NFLOG), so that every refusal is explained, and which
 * opaque connections it let begin. Of what was refused, the
 * kernel has dropped the packet already: a lost or malformed record costs detail, never safety, and the kernel's own
 * counters still hold the sum. */
#include "inspect/worker.h"
#include "event/aggregate.h"
#include "inspect/peek.h"
#include "sys/sandbox.h"
#include "zonegate/mark.h"
#include "zonegate/msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WATCH_BUF (256u * 1024)

struct watch {
	int chan, log;
	struct zg_aggregate *refused;
	struct zg_msg_stats stats;
	uint8_t *buf;
};

static int parse_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	if (mnl_attr_type_valid(attr, NFULA_MAX) > 0)
		tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

/* The interface's index as text: a name needs a system call that this process may not make; the supervisor knows
 * the names. */
static void index_text(const struct nlattr *attr, char ret_text[static 16])
{
	if (attr != NULL && mnl_attr_get_payload_len(attr) >= 4)
		snprintf(ret_text, 16, "%u", ntohl(mnl_attr_get_u32(attr)));
}

/* What a meter tells is about one end; packets that differ in the rest are one group, or a scan would be as many as it has
 * destinations. */
static void reduce(struct zg_msg_event *e)
{
	static const struct {
		const char *prefix;
		bool source; /* else the destination */
	} about[] = {
		{ "zg:conn-rate", true }, { "zg:scan", true }, { "zg:flood", true }, { "zg:blocked", true }, { "zg:target", false },
	};
	struct zg_tuple *t = &e->flow.tuple;
	for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
		if (strcmp(about[i].prefix, e->prefix) != 0)
			continue;
		memset(about[i].source ? t->server.b : t->client.b, 0, sizeof t->client.b);
		t->client_port = t->server_port = 0;
		e->iface_out[0] = '\0';
		/* the /64 is one source, as it is to the kernel's meters */
		if (about[i].source && t->client.family == ZG_IPV6)
			memset(t->client.b + 8, 0, 8);
	}
}

static int on_record(const struct nlmsghdr *nlh, void *data)
{
	struct watch *w = data;
	const struct nlattr *tb[NFULA_MAX + 1] = { NULL };
	struct zg_msg_event e;

	if (nlh->nlmsg_type != ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET) ||
	    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), parse_attr, tb) < 0)
		return MNL_CB_OK;
	memset(&e, 0, sizeof e);
	e.flow.kind = ZG_PACKET_DENIED;
	e.flow.reason = ZG_R_NONE;
	index_text(tb[NFULA_IFINDEX_INDEV], e.iface_in);
	index_text(tb[NFULA_IFINDEX_OUTDEV], e.iface_out);
	if (tb[NFULA_PREFIX] != NULL)
		snprintf(e.prefix, sizeof e.prefix, "%.*s", (int)mnl_attr_get_payload_len(tb[NFULA_PREFIX]),
			 mnl_attr_get_str(tb[NFULA_PREFIX]));
	if (tb[NFULA_PAYLOAD] != NULL)
		zg_peek_tuple(mnl_attr_get_payload(tb[NFULA_PAYLOAD]), mnl_attr_get_payload_len(tb[NFULA_PAYLOAD]),
			      &e.flow.tuple);
	reduce(&e);
	if (tb[NFULA_MARK] != NULL && mnl_attr_get_payload_len(tb[NFULA_MARK]) >= 4)
		e.flow.mark = ntohl(mnl_attr_get_u32(tb[NFULA_MARK]));
	if (strcmp(e.prefix, ZG_LOG_OPENED) == 0)
		e.flow.kind = ZG_FLOW_OPENED;
	zg_aggregate_add(w->refused, &e);
	return MNL_CB_OK;
}

static bool event_emit(void *ctx, const struct zg_msg_event *event)
{
	struct watch *w = ctx;
	return zg_chan_send(w->chan, ZG_MSG_EVENT, 0, event, sizeof *event, NULL, 0) == ZG_OK;
}

static bool on_log(struct watch *w)
{
	ssize_t n = recv(w->log, w->buf, WATCH_BUF, MSG_DONTWAIT);
	if (n < 0) {
		if (errno == ENOBUFS)
			w->stats.queue_overrun++;
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
	}
	(void)mnl_cb_run(w->buf, (size_t)n, 0, 0, on_record, w);
	return true;
}

static void report(struct watch *w)
{
	zg_aggregate_flush(w->refused, event_emit, w);
	(void)zg_chan_send(w->chan, ZG_MSG_STATS, 0, &w->stats, sizeof w->stats, NULL, 0);
}

static void loop(struct watch *w)
{
	struct pollfd fds[2] = { { .fd = w->chan, .events = POLLIN }, { .fd = w->log, .events = POLLIN } };
	time_t flushed = 0;

	for (;;) {
		int n = poll(fds, 2, 1000);
		if (n < 0 && errno != EINTR)
			return;
		/* the supervisor never writes to the watch: anything there is its end */
		if (n > 0 && fds[0].revents != 0)
			return;
		if (n > 0 && fds[1].revents != 0 && !on_log(w))
			return;
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec != flushed) {
			report(w);
			flushed = now.tv_sec;
		}
	}
}

int zg_watch_run(int chan, int log)
{
	struct watch w = { .chan = chan, .log = log };
	const char *what = "";
	int status = EXIT_FAILURE;

	w.buf = malloc(WATCH_BUF);
	if (w.buf == NULL || zg_aggregate_new(&w.refused) != ZG_OK)
		goto out;
	if (zg_sandbox_enter(ZG_SANDBOX_PARSER, &what) != ZG_OK) {
		fprintf(stderr, "zonegated watch: sandbox: %s: %s\n", what, strerror(errno));
		goto out;
	}
	loop(&w);
	/* the supervisor listens until we are gone */
	while (recv(w.log, w.buf, 1, MSG_DONTWAIT | MSG_PEEK) > 0 && on_log(&w))
		continue;
	report(&w);
	status = EXIT_SUCCESS;
out:
	zg_aggregate_free(w.refused);
	free(w.buf);
	return status;
}
