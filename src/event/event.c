/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/event.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

static const struct {
	const char *name, *message_id;
	int priority;
} kinds[ZG_EVENT_COUNT] = {
#define ZG_EVENT_ROW(id, name, priority, message_id) [ZG_E_##id] = { name, message_id, priority },
	ZG_EVENTS(ZG_EVENT_ROW)
#undef ZG_EVENT_ROW
};

static const struct {
	const char *json;
	bool number;
} fields[ZG_FIELD_COUNT] = {
#define ZG_FIELD_ROW(id, json, journal, number) [ZG_F_##id] = { json, number },
	ZG_FIELDS(ZG_FIELD_ROW)
#undef ZG_FIELD_ROW
};

void zg_event_init(struct zg_event *e, enum zg_event_kind kind)
{
	memset(e, 0, offsetof(struct zg_event, text));
	e->kind = kind;
	e->truncated = false;
	clock_gettime(CLOCK_REALTIME, &e->when);
}

static void one_line(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void zg_event_str(struct zg_event *e, enum zg_field field, const char *value)
{
	if (value == NULL)
		return;
	size_t len = strlen(value) + 1;
	if (len > sizeof e->text - e->used) {
		e->truncated = true;
		return;
	}
	memcpy(e->text + e->used, value, len);
	one_line(e->text + e->used);
	e->fields[field] = e->text + e->used;
	e->used += len;
}

void zg_event_u64(struct zg_event *e, enum zg_field field, uint64_t value)
{
	char buf[24];
	snprintf(buf, sizeof buf, "%" PRIu64, value);
	zg_event_str(e, field, buf);
}

void zg_event_addr(struct zg_event *e, enum zg_field field, const struct zg_addr *addr)
{
	char buf[ZG_ADDRSTR_MAX];
	if (addr->family != 0)
		zg_event_str(e, field, zg_addr_str(addr, buf));
}

void zg_event_message(struct zg_event *e, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vsnprintf(e->message, sizeof e->message, format, ap);
	va_end(ap);
	one_line(e->message);
}

const char *zg_event_name(enum zg_event_kind kind)
{
	return (unsigned)kind < ZG_EVENT_COUNT ? kinds[kind].name : "unknown";
}

const char *zg_event_message_id(enum zg_event_kind kind)
{
	return (unsigned)kind < ZG_EVENT_COUNT ? kinds[kind].message_id : "";
}

int zg_event_priority(enum zg_event_kind kind)
{
	return (unsigned)kind < ZG_EVENT_COUNT ? kinds[kind].priority : 3;
}

const char *zg_priority_name(int priority)
{
	static const char *const names[] = { "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug" };
	return priority >= 0 && priority < 8 ? names[priority] : "unknown";
}

char *zg_event_json(const struct zg_event *e)
{
	char when[64], stamp[32];
	struct tm tm;
	json_t *o = json_object();

	gmtime_r(&e->when.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when, sizeof when, "%s.%06ldZ", stamp, e->when.tv_nsec / 1000);
	json_object_set_new(o, "schema", json_integer(1));
	json_object_set_new(o, "time", json_string(when));
	json_object_set_new(o, "event", json_string(zg_event_name(e->kind)));
	json_object_set_new(o, "severity", json_string(zg_priority_name(zg_event_priority(e->kind))));
	/* a message cut inside a character is not UTF-8 any more: say so rather than lose the record */
	json_t *message = json_string(e->message);
	json_object_set_new(o, "message", message != NULL ? message : json_string("(unprintable message)"));
	for (size_t i = 0; i < ZG_FIELD_COUNT; i++) {
		if (e->fields[i] == NULL)
			continue;
		json_t *v = fields[i].number ? json_integer((json_int_t)strtoull(e->fields[i], NULL, 10)) :
					       json_string(e->fields[i]);
		json_object_set_new(o, fields[i].json, v != NULL ? v : json_string("(not UTF-8)"));
	}
	if (e->truncated)
		json_object_set_new(o, "truncated", json_true());
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}
