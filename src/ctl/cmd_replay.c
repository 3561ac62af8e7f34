/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl replay: an inspector over captured connections. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/replay.h"
#include "zonegate/config.h"

struct arguments {
	const char *file, *inspector_name;
	const struct zg_inspector *inspector;
	bool json, no_checksum;
	char **settings; /* "key=value" */
	size_t n_settings;
};

enum { OPT_JSON = 0x100, OPT_INSPECTOR, OPT_NO_CHECKSUM };

/* --- settings of the inspector ------------------------------------------------------------------ */

static const struct zg_item *item_named(const struct zg_inspector *inspector, const char *key, size_t len)
{
	for (size_t i = 0; i < inspector->n_items; i++)
		if (strlen(inspector->items[i].key) == len && memcmp(inspector->items[i].key, key, len) == 0)
			return &inspector->items[i];
	return NULL;
}

static bool word_index(const char *const *words, const char *word, size_t len, uint32_t *ret_index)
{
	for (uint32_t i = 0; words[i] != NULL; i++) {
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

static bool parse_flags(const struct zg_item *item, const char *value, uint32_t *ret_flags)
{
	uint32_t flags = 0, index;

	for (;;) {
		const size_t len = strcspn(value, ",");
		if (!word_index(item->words, value, len, &index))
			return false;
		flags |= 1u << index;
		if (value[len] == '\0')
			break;
		value += len + 1;
	}
	*ret_flags = flags;
	return true;
}

static bool parse_value(const struct zg_item *item, const char *value, uint32_t *ret_value)
{
	static const char *const bools[] = { "false", "true", NULL };
	char *end;

	switch (item->type) {
	case ZG_ITEM_BOOL:
		return word_index(bools, value, strlen(value), ret_value);
	case ZG_ITEM_ENUM:
		return word_index(item->words, value, strlen(value), ret_value);
	case ZG_ITEM_FLAGS:
		return parse_flags(item, value, ret_value);
	case ZG_ITEM_STRINGS:
		return false; /* set_strings() */
	case ZG_ITEM_INT:
		break;
	}
	if (value[0] < '0' || value[0] > '9')
		return false;
	unsigned long long number = strtoull(value, &end, 10);
	if (*end != '\0' || strlen(value) > 10 || number < item->min || number > item->max)
		return false;
	*ret_value = (uint32_t)number;
	return true;
}

static void wanted(const struct zg_item *item)
{
	if (item->type == ZG_ITEM_INT)
		fprintf(stderr, ": wanted is a number from %u to %u\n", item->min, item->max);
	else if (item->type == ZG_ITEM_BOOL)
		fputs(": wanted is true or false\n", stderr);
	else if (item->type == ZG_ITEM_STRINGS)
		fprintf(stderr, ": wanted is a list, with commas, of at most %u: %s\n", item->max, item->help);
	else {
		fputs(item->type == ZG_ITEM_FLAGS ? ": wanted is a list, with commas, of" : ": wanted is one of", stderr);
		for (size_t i = 0; item->words[i] != NULL; i++)
			fprintf(stderr, " %s", item->words[i]);
		fputc('\n', stderr);
	}
}

/* "a,b,c" as a list, which must not be there yet. */
static bool set_strings(const struct zg_item *item, const char *value, struct zg_config *config)
{
	char text[ZG_STRING_MAX + 1];
	struct zg_item_list strings;

	memcpy(&strings, config->bytes + item->offset, sizeof strings);
	for (uint32_t n = strings.n;; n++) {
		const size_t len = strcspn(value, ",");
		if (strings.n > 0 || len == 0 || len > ZG_STRING_MAX || n >= item->max)
			return false;
		memcpy(text, value, len);
		text[len] = '\0';
		if ((item->check != NULL && item->check(text) != NULL) || zg_config_add(config, item, text) != ZG_OK)
			return false;
		if (value[len] == '\0')
			return true;
		value += len + 1;
	}
}

/* One "key=value" into the inspector's configuration. */
static bool set(const struct zg_inspector *inspector, const char *setting, struct zg_config *config)
{
	const size_t len = strcspn(setting, "=");
	const struct zg_item *item = item_named(inspector, setting, len);
	uint32_t value = 0;

	if (item == NULL || setting[len] != '=') {
		fputs("zonegatectl replay: not KEY=VALUE with a key of this inspector: ", stderr);
		zg_term_safe(stderr, setting);
		fputs("\n  keys:", stderr);
		for (size_t i = 0; i < inspector->n_items; i++)
			fprintf(stderr, " %s", inspector->items[i].key);
		fputc('\n', stderr);
		return false;
	}
	const bool strings = item->type == ZG_ITEM_STRINGS;
	if (!(strings ? set_strings(item, setting + len + 1, config) : parse_value(item, setting + len + 1, &value))) {
		fputs("zonegatectl replay: ", stderr);
		zg_term_safe(stderr, setting);
		wanted(item);
		return false;
	}
	if (item->type == ZG_ITEM_BOOL)
		config->bytes[item->offset] = (uint8_t)value;
	else if (!strings)
		memcpy(config->bytes + item->offset, &value, sizeof value);
	return true;
}

/* --- output ------------------------------------------------------------------------------------------ */

static const char *const verdict_words[] = {
	[ZG_REPLAY_ACCEPT] = "accept",
	[ZG_REPLAY_DENY] = "deny",
	[ZG_REPLAY_INCOMPLETE] = "incomplete",
};

static json_t *dropped_json(const uint64_t *dropped)
{
	json_t *object = json_object();
	for (int r = 0; r < ZG_REASON_COUNT; r++)
		if (dropped[r] > 0)
			json_object_set_new(object, zg_reason_name((enum zg_reason)r), json_integer((json_int_t)dropped[r]));
	return object;
}

static json_t *released_json(const struct zg_replay_flow *flow, enum zg_dir dir)
{
	return json_pack("{s:I, s:s}", "bytes", (json_int_t)flow->bytes[dir], "sha256", flow->sha256[dir]);
}

static const char *proto_word(const struct arguments *a)
{
	return a->inspector->transport == ZG_UDP ? "udp" : "tcp";
}

struct output {
	const struct arguments *arguments;
	bool failed;
};

static void print_json(void *ctx, const struct zg_replay_flow *flow)
{
	struct output *out = ctx;
	char client[ZG_ADDRSTR_MAX], server[ZG_ADDRSTR_MAX];
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:{s:o, s:o}, s:o, s:I, s:o, s:i}", "proto", proto_word(out->arguments), "client",
		zg_endpoint_str(&flow->tuple.client, flow->tuple.client_port, client), "server",
		zg_endpoint_str(&flow->tuple.server, flow->tuple.server_port, server), "inspector",
		out->arguments->inspector->name, "verdict", verdict_words[flow->verdict], "reason",
		flow->reason != ZG_R_NONE ? json_string(zg_reason_name(flow->reason)) : json_null(), "released", "client",
		released_json(flow, ZG_CLIENT), "server", released_json(flow, ZG_SERVER), "denied_by",
		flow->denied_in_flow ? json_string(flow->denied_dir == ZG_CLIENT ? "client" : "server") : json_null(),
		"packets", (json_int_t)flow->packets, "dropped", dropped_json(flow->dropped), "schema", ZG_JSON_SCHEMA);

	if (!zg_json_print(stdout, object))
		out->failed = true;
}

static void print_text(void *ctx, const struct zg_replay_flow *flow)
{
	static const char *const paints[] = {
		[ZG_REPLAY_ACCEPT] = "\033[32m",
		[ZG_REPLAY_DENY] = "\033[1;31m",
		[ZG_REPLAY_INCOMPLETE] = "\033[33m",
	};
	const bool color = zg_term_color(stdout);
	char client[ZG_ADDRSTR_MAX], server[ZG_ADDRSTR_MAX];
	uint64_t dropped = 0;
	(void)ctx;

	printf("%s%-10s%s %s > %s  client %llu, server %llu bytes", color ? paints[flow->verdict] : "",
	       verdict_words[flow->verdict], color ? "\033[0m" : "",
	       zg_endpoint_str(&flow->tuple.client, flow->tuple.client_port, client),
	       zg_endpoint_str(&flow->tuple.server, flow->tuple.server_port, server),
	       (unsigned long long)flow->bytes[ZG_CLIENT], (unsigned long long)flow->bytes[ZG_SERVER]);
	if (flow->reason != ZG_R_NONE)
		printf("; %s: %s", zg_reason_name(flow->reason), zg_reason_text(flow->reason));
	for (int r = 0; r < ZG_REASON_COUNT; r++)
		dropped += flow->dropped[r];
	if (dropped > 0) {
		printf("; %llu of %llu packets dropped:", (unsigned long long)dropped, (unsigned long long)flow->packets);
		for (int r = 0; r < ZG_REASON_COUNT; r++)
			if (flow->dropped[r] > 0)
				printf(" %s %llu", zg_reason_name((enum zg_reason)r),
				       (unsigned long long)flow->dropped[r]);
	}
	putchar('\n');
}

/* What is not in the list of connections; on standard error, so that the list can be read by programs. */
static void print_rest(const struct arguments *a, const struct zg_replay_rest *rest)
{
	if (!a->json) {
		fprintf(stderr, "%llu packets, %llu of them not %s over IP: ignored\n", (unsigned long long)rest->packets,
			(unsigned long long)rest->other, a->inspector->transport == ZG_UDP ? "UDP" : "TCP");
		for (int r = 0; r < ZG_REASON_COUNT; r++)
			if (rest->dropped[r] > 0)
				fprintf(stderr, "%llu packets of no connection dropped: %s: %s\n",
					(unsigned long long)rest->dropped[r], zg_reason_name((enum zg_reason)r),
					zg_reason_text((enum zg_reason)r));
	}
	if (rest->unfilled > 0)
		fprintf(stderr, "zonegatectl replay: %llu packets were captured before their checksum was filled in: it was not "
				"checked\n", (unsigned long long)rest->unfilled);
	if (rest->checksum > 0 && !a->no_checksum)
		fprintf(stderr, "zonegatectl replay: %llu packets have a bad checksum; if the capture was taken on the host that "
				"sent them, try --no-checksum\n", (unsigned long long)rest->checksum);
}

/* --- the command ------------------------------------------------------------------------------------ */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_INSPECTOR:
		a->inspector_name = arg;
		return 0;
	case OPT_NO_CHECKSUM:
		a->no_checksum = true;
		return 0;
	case 'o':
		a->settings[a->n_settings++] = arg; /* as many places as arguments */
		return 0;
	case ARGP_KEY_ARG:
		if (a->file != NULL)
			argp_usage(state);
		a->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->file == NULL)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool choose_inspector(struct arguments *a)
{
	if (a->inspector_name != NULL)
		a->inspector = zg_inspector_by_name(a->inspector_name);
	if (a->inspector != NULL)
		return true;
	if (a->inspector_name == NULL) {
		fputs("zonegatectl replay: --inspector=NAME is missing", stderr);
	} else {
		fputs("zonegatectl replay: no such inspector: ", stderr);
		zg_term_safe(stderr, a->inspector_name);
	}
	fputs("\n  inspectors:", stderr);
	const struct zg_inspector *inspector;
	for (uint32_t i = 1; (inspector = zg_inspector_by_index(i)) != NULL; i++)
		fprintf(stderr, " %s", inspector->name);
	fputc('\n', stderr);
	return false;
}

/* libpcap names the file in some of its messages and not in others. */
static void complain(const char *file, const char *what)
{
	const size_t len = strlen(file);
	if (strncmp(what, file, len) == 0 && strncmp(what + len, ": ", 2) == 0)
		what += len + 2;
	fputs("zonegatectl replay: ", stderr);
	zg_term_safe(stderr, file);
	fputs(": ", stderr);
	zg_term_safe(stderr, what);
	fputc('\n', stderr);
}

static int replay(const struct arguments *a, const void *config)
{
	const struct zg_replay_config replay_config = { a->inspector, config, a->no_checksum };
	struct output out = { a, false };
	struct zg_capture *capture = NULL;
	struct zg_capture_packet packet;
	struct zg_replay_rest rest;
	struct zg_replay *r = NULL;
	char error[ZG_CAPTURE_ERROR_MAX] = "";
	int status = ZG_EXIT_FAILED;

	if (zg_capture_open(a->file, &capture, error) != ZG_OK) {
		complain(a->file, error);
		return ZG_EXIT_FAILED;
	}
	enum zg_err err = zg_replay_new(&replay_config, &r);
	if (err == ZG_OK) {
		while ((err = zg_capture_next(capture, &packet, error)) == ZG_OK)
			if ((err = zg_replay_packet(r, &packet)) != ZG_OK)
				break;
		/* what was read until then is said all the same */
		zg_replay_finish(r, a->json ? print_json : print_text, &out, &rest);
		print_rest(a, &rest);
	}
	if (err != ZG_ENOENT)
		complain(a->file, err == ZG_ESHORT ? error : zg_strerror(err));
	else if (out.failed)
		fputs("zonegatectl replay: could not write the result\n", stderr);
	else
		status = ZG_EXIT_OK;
	zg_replay_free(r);
	zg_capture_close(capture);
	return status;
}

int zg_cmd_replay(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "inspector", OPT_INSPECTOR, "NAME", 0, "inspector to use", 0 },
		{ "option", 'o', "KEY=VALUE", 0, "a setting of the inspector, as in the configuration", 0 },
		{ "no-checksum", OPT_NO_CHECKSUM, NULL, 0, "ignore checksums: the capture was taken where hardware fills them in",
		  0 },
		{ "json", OPT_JSON, NULL, 0, "one JSON object per connection", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		options, parse, "CAPTURE", "Run an inspector over the TCP connections or UDP flows of a capture file (pcap, pcapng).\v"
		"Each connection gets its verdict: accept (closed properly, nothing denied), deny, or incomplete (the capture "
		"ends before the connection); of UDP, accept means that every request was answered.  Exit status: 0 the capture was read, whatever the verdicts; 1 it could not be "
		"read to its end; 2 usage.", NULL, NULL, NULL
	};
	struct arguments a = { 0 };
	struct zg_config config = { 0 };
	int status = ZG_EXIT_USAGE;

	a.settings = calloc((size_t)argc + 1, sizeof *a.settings);
	if (a.settings == NULL)
		return ZG_EXIT_FAILED;
	argp_err_exit_status = ZG_EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0 || !choose_inspector(&a))
		goto out;
	if (zg_config_init(a.inspector, &config) != ZG_OK) {
		status = ZG_EXIT_FAILED;
		goto out;
	}
	for (size_t i = 0; i < a.n_settings; i++)
		if (!set(a.inspector, a.settings[i], &config))
			goto out;
	status = replay(&a, config.bytes);
out:
	free(config.bytes);
	free(a.settings);
	return status;
}
