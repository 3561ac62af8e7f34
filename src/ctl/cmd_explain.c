/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl explain: why a packet would pass or not, from the configuration alone. */
#include <argp.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/conf_arg.h"
#include "ctl/explain.h"
#include "ctl/json.h"

struct arguments {
	const char *file, *from, *mac, *socket;
	const char *isolated; /* as if this zone were cut off; NULL = ask the daemon */
	bool json;
	char *words[4];
	unsigned n_words;
};

enum { OPT_FROM = 0x100, OPT_MAC, OPT_CONFIG, OPT_ISOLATED };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'j':
		a->json = true;
		return 0;
	case OPT_FROM:
		a->from = arg;
		return 0;
	case OPT_MAC:
		a->mac = arg;
		return 0;
	case OPT_CONFIG:
		a->file = arg;
		return 0;
	case OPT_ISOLATED:
		a->isolated = arg;
		return 0;
	case 'S':
		a->socket = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->n_words == 4)
			argp_usage(state);
		a->words[a->n_words++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->n_words < 3)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "zonegatectl explain: %s: ", what);
	zg_term_safe(stderr, value);
	fputc('\n', stderr);
	return ZG_EXIT_USAGE;
}

static bool parse_protocol(const char *word, enum zg_asked *ret_protocol)
{
	static const struct {
		const char *word;
		enum zg_asked protocol;
	} words[] = {
		{ "tcp", ZG_ASKED_TCP }, { "udp", ZG_ASKED_UDP }, { "icmp", ZG_ASKED_ICMP }, { "icmpv6", ZG_ASKED_ICMP }
	};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].word, word) == 0) {
			*ret_protocol = words[i].protocol;
			return true;
		}
	}
	return false;
}

/* Address with port, or with ICMP without. */
static bool parse_end(const char *text, enum zg_asked protocol, struct zg_addr *ret_addr, uint16_t *ret_port)
{
	if (protocol == ZG_ASKED_ICMP)
		return zg_addr_parse(text, ret_addr) == ZG_OK;
	return zg_endpoint_parse(text, ret_addr, ret_port) == ZG_OK;
}

/* words: protocol, source, destination */
static int parse_question(char *const *words, const struct arguments *a, struct zg_mac *mac, struct zg_question *ret_q)
{
	if (!parse_protocol(words[0], &ret_q->protocol))
		return usage_error("not tcp, udp or icmp", words[0]);
	const char *wanted = ret_q->protocol == ZG_ASKED_ICMP ? "not an address (with icmp without port)"
							      : "not ADDRESS:PORT or [ADDRESS]:PORT";
	if (!parse_end(words[1], ret_q->protocol, &ret_q->source, &ret_q->source_port))
		return usage_error(wanted, words[1]);
	if (!parse_end(words[2], ret_q->protocol, &ret_q->destination, &ret_q->destination_port))
		return usage_error(wanted, words[2]);
	if (a->mac != NULL) {
		if (zg_mac_parse(a->mac, mac) != ZG_OK)
			return usage_error("not a station's MAC address", a->mac);
		ret_q->mac = mac;
	}
	return ZG_EXIT_OK;
}

static const char *const result_words[] = { [ZG_STEP_OK] = "ok", [ZG_STEP_NOTE] = "note", [ZG_STEP_DENY] = "deny" };

/* Why it is denied; NULL = it is not. */
static const char *reason_of(const struct zg_explanation *answer)
{
	for (size_t i = 0; i < answer->n_steps; i++) {
		if (answer->steps[i].result == ZG_STEP_DENY)
			return answer->steps[i].text;
	}
	return NULL;
}

static const char *verdict_word(const struct zg_explanation *answer)
{
	if (!answer->inspect)
		return answer->pass ? "pass" : "deny";
	return answer->flow->inspector != NULL ? "inspect" : "opaque";
}

/* "conf.d/mail.conf:12" for a line of the whole text. */
static void print_place(const struct zg_policy *policy, unsigned line)
{
	const struct zg_file *file = zg_files_at(&policy->files, line, &line);
	zg_term_safe(stdout, file->name);
	printf(":%u", line);
}

static json_t *line_json(const struct zg_policy *policy, unsigned line)
{
	if (line == 0)
		return json_null();
	zg_files_at(&policy->files, line, &line);
	return json_integer(line);
}

static json_t *file_json(const struct zg_policy *policy, unsigned line)
{
	return line == 0 ? json_null() : zg_json_text(zg_files_at(&policy->files, line, &line)->name);
}

static bool print_json(const struct zg_policy *policy, char *const *words, const struct zg_explanation *answer)
{
	json_t *steps = json_array();
	const struct zg_flow *flow = answer->flow;
	for (size_t i = 0; i < answer->n_steps; i++) {
		const struct zg_step *s = &answer->steps[i];
		json_array_append_new(steps, json_pack("{s:s, s:s, s:o, s:o, s:o}", "step", s->name, "result",
						       result_words[s->result], "text", zg_json_text(s->text), "line",
						       line_json(policy, s->line), "file", file_json(policy, s->line)));
	}
	return zg_json_print(stdout, json_pack("{s:i, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
					       "schema", ZG_JSON_SCHEMA, "file", zg_json_text(policy->file), "protocol",
					       zg_json_text(words[0]), "source", zg_json_text(words[1]), "destination",
					       zg_json_text(words[2]), "verdict", verdict_word(answer),
					       "reason", zg_json_text(reason_of(answer)), "steps", steps, "flow",
					       zg_json_text(flow ? flow->name : NULL), "line",
					       line_json(policy, flow ? flow->line : 0), "flow_file", file_json(policy, flow ? flow->line : 0), "ticket",
					       zg_json_text(flow ? flow->ticket : NULL), "approver",
					       zg_json_text(flow ? flow->approver : NULL), "clause",
					       zg_json_text(answer->clause), "inspector",
					       zg_json_text(flow ? zg_flow_inspector(flow) : NULL)));
}

static void print_steps(const struct zg_policy *policy, const struct zg_explanation *answer)
{
	static const char *const paints[] = {
		[ZG_STEP_OK] = "\033[32m", [ZG_STEP_NOTE] = "\033[33m", [ZG_STEP_DENY] = "\033[1;31m"
	};
	bool color = zg_term_color(stdout);
	for (size_t i = 0; i < answer->n_steps; i++) {
		const struct zg_step *s = &answer->steps[i];
		fputs("  ", stdout);
		zg_term_pad(stdout, s->name, 17);
		printf("%s%-5s%s ", color ? paints[s->result] : "", result_words[s->result], color ? "\033[0m" : "");
		zg_term_safe(stdout, s->text);
		if (s->line > 0) {
			fputs(" [", stdout);
			print_place(policy, s->line);
			putchar(']');
		}
		putchar('\n');
	}
}

static void print_text(const struct zg_policy *policy, char *const *words, const struct zg_explanation *answer)
{
	printf("%s %s to %s\n", words[0], words[1], words[2]);
	print_steps(policy, answer);
	printf("verdict: %s", verdict_word(answer));
	if (answer->inspect && answer->flow->inspector != NULL)
		printf(", by %s", zg_flow_inspector(answer->flow));
	if (reason_of(answer) != NULL) {
		fputs(": ", stdout);
		zg_term_safe(stdout, reason_of(answer));
	}
	if (answer->flow != NULL) {
		printf("; flow %s, ", answer->flow->name);
		print_place(policy, answer->flow->line);
		fputs(", ticket ", stdout);
		zg_term_safe(stdout, answer->flow->ticket);
	}
	if (answer->clause != NULL) {
		fputs("; clause ", stdout);
		zg_term_safe(stdout, answer->clause);
	}
	putchar('\n');
}

/* With the zones that are cut off, as the option or else the daemon says. */
static void explain_isolated(const struct arguments *a, const struct zg_policy *policy, const struct zg_question *question,
			     struct zg_explanation *ret_answer)
{
	json_t *told = a->isolated != NULL ? NULL : zg_client_quietly(a->socket, "isolated");
	const json_t *cuts = json_object_get(told, "isolated"), *cut;
	const char *names[ZG_ISOLATED_MAX] = { a->isolated };
	struct zg_question q = *question;
	size_t i;

	q.isolated = names;
	q.n_isolated = a->isolated != NULL;
	json_array_foreach(cuts, i, cut)
	{
		const char *name = json_string_value(json_object_get(cut, "zone"));
		if (name != NULL && q.n_isolated < ZG_ISOLATED_MAX)
			names[q.n_isolated++] = name;
	}
	zg_explain(policy, &q, ret_answer);
	json_decref(told);
}

static int explain(const struct arguments *a, const struct zg_policy *policy, char *const *words, struct zg_question *q)
{
	struct zg_explanation answer;
	if (a->from != NULL) {
		q->from = zg_policy_zone(policy, a->from);
		if (q->from == NULL)
			return usage_error("no zone of this name in the configuration", a->from);
	}
	explain_isolated(a, policy, q, &answer);
	if (!a->json)
		print_text(policy, words, &answer);
	else if (!print_json(policy, words, &answer))
		return ZG_EXIT_FAILED;
	return ZG_EXIT_OK;
}

int zg_cmd_explain(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "config", OPT_CONFIG, "FILE", 0, "Read this configuration (" ZG_CONF_FILE ")", 0 },
		{ "from", OPT_FROM, "ZONE", 0, "It arrives on an interface of this zone", 0 },
		{ "mac", OPT_MAC, "MAC", 0, "It comes from this MAC address", 0 },
		{ "isolated", OPT_ISOLATED, "ZONE", 0, "As if this zone were cut off, and no other; * is every zone", 0 },
		{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
		ZG_CLIENT_OPTION,
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		"[FILE] tcp|udp SOURCE:PORT DESTINATION:PORT\n"
		"[FILE] icmp SOURCE DESTINATION",
		"Say step by step what the rules do with the first packet of a connection. "
		"This is what the configuration says; a running daemon is only asked which zones are cut off.\v"
		"IPv6 addresses with a port are written in brackets: [2001:db8::1]:25. The exit "
		"status is 0 whatever the verdict.",
		NULL,
		NULL,
		NULL
	};
	struct arguments a = { .file = ZG_CONF_FILE };
	struct zg_question question = { .now = time(NULL) };
	struct zg_policy *policy = NULL;
	struct zg_diags diags;
	struct zg_mac mac;
	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.n_words == 4)
		a.file = a.words[0];
	char *const *words = a.words + (a.n_words - 3);

	int status = parse_question(words, &a, &mac, &question);
	if (status != ZG_EXIT_OK)
		return status;
	status = zg_ctl_load(ZG_CONF_KNOWN, a.file, a.json, &diags, &policy);
	if (status == ZG_EXIT_OK)
		status = explain(&a, policy, words, &question);
	zg_policy_free(policy);
	zg_diags_free(&diags);
	return status;
}
