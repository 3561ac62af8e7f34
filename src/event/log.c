/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where events are written: the journal's native protocol, JSON lines, or text. */
#include "event/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static const char *const journal_names[ZG_FIELD_COUNT] = {
#define ZG_FIELD_ROW(id, json, journal, number) [ZG_F_##id] = journal,
	ZG_FIELDS(ZG_FIELD_ROW)
#undef ZG_FIELD_ROW
};

enum zg_log zg_log_choose(enum zg_log wanted)
{
	if (wanted != ZG_LOG_AUTO)
		return wanted;
	return access(JOURNAL_SOCKET, F_OK) == 0 ? ZG_LOG_JOURNAL : ZG_LOG_TEXT;
}

/* One "NAME=value" per field; the strings live in one buffer. */
struct entry {
	size_t n, used;
	struct iovec iov[ZG_FIELD_COUNT + 8];
	char buf[8192];
};

static void put(struct entry *j, const char *name, const char *value)
{
	size_t room = sizeof j->buf - j->used;
	int len = snprintf(j->buf + j->used, room, "%s=%s", name, value);
	if (len < 0 || (size_t)len >= room)
		return;
	j->iov[j->n].iov_base = j->buf + j->used;
	j->iov[j->n++].iov_len = (size_t)len;
	j->used += (size_t)len + 1;
}

static enum zg_err write_journal(const struct zg_event *e)
{
	struct entry j;
	char priority[4];

	/* sd_journal_sendv() answers 0 without a journal: ask first */
	if (access(JOURNAL_SOCKET, F_OK) != 0)
		return ZG_ESYS;
	j.n = j.used = 0;
	snprintf(priority, sizeof priority, "%d", zg_event_priority(e->kind) & 7);
	put(&j, "MESSAGE", e->message);
	put(&j, "MESSAGE_ID", zg_event_message_id(e->kind));
	put(&j, "PRIORITY", priority);
	put(&j, "SYSLOG_IDENTIFIER", "zonegated");
	put(&j, "ZG_EVENT", zg_event_name(e->kind));
	for (size_t i = 0; i < ZG_FIELD_COUNT; i++)
		if (e->fields[i] != NULL)
			put(&j, journal_names[i], e->fields[i]);
	if (e->truncated)
		put(&j, "ZG_TRUNCATED", "1");
	return sd_journal_sendv(j.iov, (int)j.n) == 0 ? ZG_OK : ZG_ESYS;
}

static enum zg_err write_json(const struct zg_event *e, FILE *err)
{
	char *line = zg_event_json(e);
	if (line == NULL)
		return ZG_ENOMEM;
	int rc = fprintf(err, "%s\n", line);
	free(line);
	return rc < 0 || fflush(err) != 0 ? ZG_ESYS : ZG_OK;
}

static enum zg_err write_text(const struct zg_event *e, FILE *err)
{
	char stamp[32];
	struct tm tm;

	localtime_r(&e->when.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &tm);
	int rc = fprintf(err, "%s %-8s %-16s %s\n", stamp, zg_priority_name(zg_event_priority(e->kind)),
			 zg_event_name(e->kind), e->message);
	return rc < 0 || fflush(err) != 0 ? ZG_ESYS : ZG_OK;
}

enum zg_err zg_log_write(enum zg_log sink, const struct zg_event *e, FILE *err)
{
	switch (sink) {
	case ZG_LOG_JOURNAL:
		return write_journal(e);
	case ZG_LOG_JSON:
		return write_json(e, err);
	case ZG_LOG_AUTO:
	case ZG_LOG_TEXT:
		break;
	}
	return write_text(e, err);
}
