/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl explain: why a packet would pass or not, from the configuration alone. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/conf_arg.h"
#include "ctl/explain.h"
#include "ctl/json.h"

struct arguments {
	const char *file, *from, *mac, *socket, *state, *in, *out, *lists;
	const char *isolated; /* as if this zone were cut off; NULL = ask the daemon */
	bool json;
	char *words[4];
	unsigned n_words;
};

enum { OPT_FROM = 0x100, OPT_MAC, OPT_CONFIG, OPT_ISOLATED, OPT_STATE, OPT_IN, OPT_OUT, OPT_LISTS };

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
	case OPT_STATE:
		a->state = arg;
		return 0;
	case OPT_IN:
		a->in = arg;
		return 0;
	case OPT_OUT:
		a->out = arg;
		return 0;
	case OPT_LISTS:
		a->lists = arg;
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

/* tcp, udp, icmp, or the number of another protocol. */
static bool parse_protocol(const char *word, uint8_t *ret_protocol)
{
	static const struct {
		const char *word;
		uint8_t protocol;
	} words[] = {
		{ "tcp", ZG_TCP }, { "udp", ZG_UDP }, { "icmp", ZG_ROUTER_ICMP }, { "icmpv6", ZG_ROUTER_ICMP },
	};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].word, word) == 0) {
			*ret_protocol = words[i].protocol;
			return true;
		}
	}
	char *end;
	unsigned long number = strtoul(word, &end, 10);
	if (*word < '1' || *word > '9' || *end != '\0' || number > 255)
		return false;
	*ret_protocol = (uint8_t)number;
	return true;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == ZG_TCP || protocol == ZG_UDP;
}

/* Address with port, or with a protocol that has none without; "router", with or without a port, is the router itself. */
static bool parse_end(const char *text, uint8_t protocol, bool *ret_router, struct zg_addr *ret_addr, uint16_t *ret_port)
{
	static const char router[] = "router";
	const size_t n = sizeof router - 1;
	if (strncmp(text, router, n) == 0 && (text[n] == '\0' || text[n] == ':')) {
		char *end;
		unsigned long port = text[n] == ':' && text[n + 1] >= '1' && text[n + 1] <= '9' ? strtoul(text + n + 1, &end, 10) : 0;
		if (text[n] == ':' && (!has_ports(protocol) || port == 0 || *end != '\0' || port > 65535))
			return false;
		*ret_router = true;
		*ret_port = (uint16_t)port;
		return true;
	}
	if (!has_ports(protocol))
		return zg_addr_parse(text, ret_addr) == ZG_OK;
	return zg_endpoint_parse(text, ret_addr, ret_port) == ZG_OK;
}

static int parse_state(const char *word, struct zg_question *ret_q)
{
	ret_q->reply = strcmp(word, "reply") == 0;
	ret_q->error = strcmp(word, "error") == 0;
	ret_q->invalid = strcmp(word, "invalid") == 0;
	/* an error comes from where the connection leads to */
	ret_q->reply = ret_q->reply || ret_q->error;
	return ret_q->reply || ret_q->invalid || strcmp(word, "new") == 0 ? ZG_EXIT_OK :
									   usage_error("not new, reply, error or invalid", word);
}

/* words: protocol, source, destination */
static int parse_question(char *const *words, const struct arguments *a, struct zg_mac *mac, struct zg_question *ret_q)
{
	if (!parse_protocol(words[0], &ret_q->protocol))
		return usage_error("not tcp, udp, icmp or a protocol's number", words[0]);
	const char *wanted = !has_ports(ret_q->protocol) ? "not an address (with icmp without port) nor \"router\""
							  : "not ADDRESS:PORT, [ADDRESS]:PORT or router:PORT";
	if (!parse_end(words[1], ret_q->protocol, &ret_q->from_router, &ret_q->source, &ret_q->source_port))
		return usage_error(wanted, words[1]);
	if (!parse_end(words[2], ret_q->protocol, &ret_q->to_router, &ret_q->destination, &ret_q->destination_port) ||
	    (ret_q->to_router && has_ports(ret_q->protocol) && ret_q->destination_port == 0))
		return usage_error(wanted, words[2]);
	const struct zg_addr *peer = ret_q->from_router ? &ret_q->destination : &ret_q->source;
	ret_q->icmp_type = peer->family == ZG_IPV6 ? EXPLAIN_ECHO6 : EXPLAIN_ECHO4;
	if (a->state != NULL && parse_state(a->state, ret_q) != ZG_EXIT_OK)
		return ZG_EXIT_USAGE;
	ret_q->iface_in = a->in;
	ret_q->iface_out = a->out;
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
	if (answer->permit)
		return "permit";
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
	const struct zg_router_rule *rule = answer->rule;
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
					       zg_json_text(flow ? flow->name : rule ? rule->name : NULL), "line",
					       line_json(policy, flow ? flow->line : rule ? rule->line : 0), "flow_file",
					       file_json(policy, flow ? flow->line : rule ? rule->line : 0), "ticket",
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
	if (answer->rule != NULL) {
		printf("; entry %s, ", answer->rule->name);
		print_place(policy, answer->rule->line);
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

/* --- blocklists -------------------------------------------------------------------------------------- */

struct known_lists {
	struct zg_blocklist *lists;	   /* one for each of the policy's */
	const struct zg_blocklist **known; /* the same; NULL = its file cannot be read */
};

static bool read_list(const char *dir, const struct zg_policy *policy, const struct zg_blocklist_conf *conf, struct zg_blocklist *ret_list)
{
	struct zg_blocklist raw = { 0 };
	struct zg_blocklist_fault fault = { 0, "" };
	struct zg_blocklist_spared spared;
	struct stat seen;

	const bool good = zg_blocklist_read(dir, conf->file, &raw, &seen, &fault) == ZG_OK;
	if (!good && fault.line > 0)
		fprintf(stderr, "zonegatectl explain: blocklist %s: %s/%s:%u: %s\n", conf->name, dir, conf->file, fault.line, fault.what);
	else if (!good)
		fprintf(stderr, "zonegatectl explain: blocklist %s: %s/%s: %s\n", conf->name, dir, conf->file, fault.what);
	const bool known = good && zg_blocklist_effective(&raw, policy, conf->own_networks, ret_list, &spared) == ZG_OK;
	zg_blocklist_free(&raw);
	return known;
}

static bool read_lists(const char *dir, const struct zg_policy *policy, struct known_lists *ret_lists)
{
	ret_lists->lists = calloc(policy->n_blocklists + 1, sizeof *ret_lists->lists);
	ret_lists->known = calloc(policy->n_blocklists + 1, sizeof *ret_lists->known);
	if (ret_lists->lists == NULL || ret_lists->known == NULL)
		return false;
	for (size_t i = 0; i < policy->n_blocklists; i++)
		if (read_list(dir, policy, &policy->blocklists[i], &ret_lists->lists[i]))
			ret_lists->known[i] = &ret_lists->lists[i];
	return true;
}

static void free_lists(const struct zg_policy *policy, struct known_lists *lists)
{
	for (size_t i = 0; lists->lists != NULL && i < policy->n_blocklists; i++)
		zg_blocklist_free(&lists->lists[i]);
	free(lists->lists);
	free(lists->known);
}

static int explain(const struct arguments *a, const struct zg_policy *policy, char *const *words, struct zg_question *q)
{
	struct zg_explanation answer;
	struct known_lists lists = { 0 };

	if (a->from != NULL) {
		q->from = zg_policy_zone(policy, a->from);
		if (q->from == NULL)
			return usage_error("no zone of this name in the configuration", a->from);
	}
	if (read_lists(a->lists, policy, &lists))
		q->lists = lists.known;
	explain_isolated(a, policy, q, &answer);
	q->lists = NULL;
	free_lists(policy, &lists);
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
		{ "in", OPT_IN, "INTERFACE", 0, "It arrives on this interface", 0 },
		{ "out", OPT_OUT, "INTERFACE", 0, "It leaves by this interface", 0 },
		{ "state", OPT_STATE, "STATE", 0, "Which packet of the connection: new, the first (the default); reply; error, an ICMP error that "
						  "comes back; invalid, one that fits no connection", 0 },
		{ "lists-dir", OPT_LISTS, "DIR", 0, "Where the files of the blocklists are (" ZG_LISTS_DIR ")", 0 },
		{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
		ZG_CLIENT_OPTION,
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		"[FILE] tcp|udp SOURCE:PORT DESTINATION:PORT\n"
		"[FILE] icmp|NUMBER SOURCE DESTINATION",
		"Say step by step what the rules do with a packet of a connection, the first one unless told otherwise. "
		"This is what the configuration says; a running daemon is only asked which zones are cut off.\v"
		"IPv6 addresses with a port are written in brackets: [2001:db8::1]:25. The router itself is written "
		"router:22, or router where there is no port. The exit status is 0 whatever the verdict.",
		NULL,
		NULL,
		NULL
	};
	struct arguments a = { .file = ZG_CONF_FILE, .lists = ZG_LISTS_DIR };
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
