/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/aggregate.h"
#include "event/event.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

START_TEST(json_keeps_types_and_escapes)
{
	struct zg_event e;
	json_error_t error;
	zg_event_init(&e, ZG_E_CONTENT_DENIED);
	zg_event_str(&e, ZG_F_FLOW, "a\n\"b\x1b[31m");
	zg_event_u64(&e, ZG_F_DST_PORT, 25);
	zg_event_message(&e, "denied \xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab\n");
	char *text = zg_event_json(&e);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_null(strchr(text, '\n'));
	json_t *o = json_loads(text, 0, &error);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(json_string_value(json_object_get(o, "event")), "content-denied");
	ck_assert_str_eq(json_string_value(json_object_get(o, "flow")), "a?\"b?[31m");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "dst_port")), 25);
	ck_assert_ptr_null(json_object_get(o, "ticket"));
	json_decref(o);
	free(text);
}
END_TEST

/* A field that is not UTF-8, or more text than fits, must not cost the record. */
START_TEST(a_record_survives_bad_text)
{
	static char big[8000];
	struct zg_event e;
	json_error_t error;
	memset(big, 'x', sizeof big - 1);
	zg_event_init(&e, ZG_E_POLICY_REFUSED);
	zg_event_str(&e, ZG_F_FILE, "\xff\xfe");
	zg_event_str(&e, ZG_F_DETAIL, big);
	zg_event_message(&e, "%s", "\xff");
	char *text = zg_event_json(&e);
	json_t *o = json_loads(text, 0, &error);
	ck_assert_ptr_nonnull(o);
	ck_assert(json_is_true(json_object_get(o, "truncated")));
	ck_assert_ptr_nonnull(json_object_get(o, "file"));
	json_decref(o);
	free(text);
}
END_TEST

START_TEST(every_kind_has_its_own_id)
{
	for (int i = 0; i < ZG_EVENT_COUNT; i++) {
		ck_assert_uint_eq(strspn(zg_event_message_id((enum zg_event_kind)i), "0123456789abcdef"), 32);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(zg_event_message_id((enum zg_event_kind)i), zg_event_message_id((enum zg_event_kind)k));
	}
}
END_TEST

static uint64_t sum;
static size_t groups;
static bool full;

static uint64_t bytes[2];

static bool count(void *ctx, const struct zg_msg_event *event)
{
	(void)ctx;
	if (full)
		return false;
	sum += event->count;
	groups++;
	bytes[ZG_CLIENT] += event->flow.bytes[ZG_CLIENT];
	bytes[ZG_SERVER] += event->flow.bytes[ZG_SERVER];
	return true;
}

START_TEST(aggregation_never_loses_a_packet)
{
	struct zg_aggregate *a;
	struct zg_msg_event e;
	ck_assert_int_eq(zg_aggregate_new(&a), ZG_OK);
	memset(&e, 0, sizeof e);
	e.flow.kind = ZG_PACKET_DENIED;
	e.flow.reason = ZG_R_TCP_UNKNOWN;
	e.flow.tuple.client.family = e.flow.tuple.server.family = ZG_IPV4;
	for (uint16_t i = 0; i < 1000; i++) {
		e.flow.tuple.server_port = i % 500;
		e.flow.tuple.client_port = i;
		zg_aggregate_add(a, &e);
	}
	full = true;
	zg_aggregate_flush(a, count, NULL);
	full = false;
	zg_aggregate_flush(a, count, NULL);
	ck_assert_uint_eq(sum, 1000);
	ck_assert_uint_eq(groups, ZG_AGGREGATE_GROUPS + 1);
	zg_aggregate_flush(a, count, NULL);
	ck_assert_uint_eq(sum, 1000);
	zg_aggregate_free(a);
}
END_TEST

/* Connections that are told together: their number and their bytes add up, kinds and reasons stay apart, and what was told
 * once is not told again. */
START_TEST(aggregation_of_connections)
{
	static const enum zg_flow_event_kind kinds[] = { ZG_FLOW_OPENED, ZG_FLOW_CLOSED, ZG_FLOW_DENIED };
	struct zg_aggregate *a;
	struct zg_msg_event e;
	uint64_t sent[2] = { 0, 0 };

	ck_assert_int_eq(zg_aggregate_new(&a), ZG_OK);
	sum = groups = bytes[0] = bytes[1] = 0;
	memset(&e, 0, sizeof e);
	e.count = 1;
	e.flow.tuple.client.family = e.flow.tuple.server.family = ZG_IPV4;
	for (uint32_t i = 0; i < 9000; i++) {
		e.flow.kind = kinds[i % 3];
		e.flow.reason = e.flow.kind == ZG_FLOW_DENIED ? ZG_R_SMTP_CHARSET : ZG_R_NONE;
		e.flow.tuple.client_port = (uint16_t)i;
		/* more clients than there are groups */
		e.flow.tuple.client.b[2] = (uint8_t)(i % 500 >> 8);
		e.flow.tuple.client.b[3] = (uint8_t)(i % 500);
		e.flow.bytes[ZG_CLIENT] = e.flow.kind == ZG_FLOW_OPENED ? 0 : i;
		e.flow.bytes[ZG_SERVER] = e.flow.kind == ZG_FLOW_OPENED ? 0 : 7;
		sent[ZG_CLIENT] += e.flow.bytes[ZG_CLIENT];
		sent[ZG_SERVER] += e.flow.bytes[ZG_SERVER];
		zg_aggregate_add(a, &e);
	}
	zg_aggregate_flush(a, count, NULL);
	zg_aggregate_flush(a, count, NULL);
	ck_assert_uint_eq(sum, 9000);
	ck_assert_uint_eq(groups, ZG_AGGREGATE_GROUPS + 3);
	ck_assert_uint_eq(bytes[ZG_CLIENT], sent[ZG_CLIENT]);
	ck_assert_uint_eq(bytes[ZG_SERVER], sent[ZG_SERVER]);
	zg_aggregate_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("event");
	TCase *t = tcase_create("event");
	tcase_add_test(t, json_keeps_types_and_escapes);
	tcase_add_test(t, a_record_survives_bad_text);
	tcase_add_test(t, every_kind_has_its_own_id);
	tcase_add_test(t, aggregation_never_loses_a_packet);
	tcase_add_test(t, aggregation_of_connections);
	suite_add_tcase(s, t);
	return unit_main(s);
}
