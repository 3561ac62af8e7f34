/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long lists are given to libconfig in pieces: nobody may see where one piece ends and the next begins. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "unit.h"
#include "zonegate/policy.h"

#define BASE 1767225600 /* 2026-01-01 */

#define HEAD                                                                                                          \
	"version = 1;\n"                                                                                              \
	"zones = ( { name = \"lg\"; kind = \"lgwan\"; interfaces = \"lg0\"; addresses = \"10.0.0.0/8\"; },\n"         \
	"  { name = \"mn\"; kind = \"mynumber\"; interfaces = \"mn0\"; addresses = \"192.168.0.0/16\"; },\n"           \
	"  { name = \"net\"; kind = \"internet\"; interfaces = \"in0\"; addresses = \"172.16.0.0/12\"; } );\n"
#define HEAD_LINES 4

static struct zg_diags diags;
static char *text;
static size_t len;

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void begin(void)
{
	free(text);
	text = NULL;
	len = 0;
}

static void put(const char *format, ...)
{
	char *piece;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&piece, format, args);
	va_end(args);
	ck_assert_int_ge(n, 0);
	text = realloc(text, len + (size_t)n + 1);
	ck_assert_ptr_nonnull(text);
	memcpy(text + len, piece, (size_t)n + 1);
	len += (size_t)n;
	free(piece);
}

/* The flow number i without its brackets' neighbours; more: further keys. */
static void put_flow(unsigned i, const char *more)
{
	put("{ name = \"f%u\"; from = \"net\"; to = \"lg\"; source = \"172.16.%u.%u\"; destination = \"10.0.%u.%u\"; protocol = "
	    "\"tcp\"; port = 25; inspector = \"smtp\"; ticket = \"t%u\"; approver = \"a\"; %s }",
	    i, i / 256, i % 256, i / 256, i % 256, i, more);
}

static struct zg_policy *parse(void)
{
	struct zg_policy *policy = NULL;
	zg_diags_free(&diags);
	zg_diags_init(&diags);
	enum zg_err err = zg_conf_parse_for(ZG_CONF_CHANGE, BASE, "test.conf", text, len, &diags, &policy);
	ck_assert(err == ZG_OK || err == ZG_ECONF);
	return policy;
}

static struct zg_policy *good(void)
{
	struct zg_policy *policy = parse();
	ck_assert_msg(policy != NULL, "%s", zg_diags_text(&diags, false));
	return policy;
}

/* The only thing reported. */
static void bad(unsigned line, unsigned column, const char *words)
{
	ck_assert_ptr_null(parse());
	ck_assert_msg(diags.errors == 1, "%s", zg_diags_text(&diags, false));
	ck_assert_msg(strstr(diags.items[0].message, words) != NULL, "%s", diags.items[0].message);
	ck_assert_uint_eq(diags.items[0].line, line);
	ck_assert_uint_eq(diags.items[0].column, column);
}

/* Every flow is there, in order, and knows its line: the first stands on line first, each on its own. */
static void all_there(const struct zg_policy *policy, unsigned n, unsigned first)
{
	char name[32];
	ck_assert_uint_eq(policy->n_flows, n);
	for (unsigned i = 0; i < n; i++) {
		const struct zg_flow *flow = &policy->flows[i];
		snprintf(name, sizeof name, "f%u", i);
		ck_assert_str_eq(flow->name, name);
		name[0] = 't';
		ck_assert_str_eq(flow->ticket, name);
		ck_assert_uint_eq(flow->line, first + i);
		ck_assert_uint_eq(flow->sources[0].lo.b[2], i / 256);
		ck_assert_uint_eq(flow->sources[0].lo.b[3], i % 256);
	}
}

/* Numbers of elements around each border. */
START_TEST(every_number)
{
	static const unsigned numbers[] = { 0, 1, 2, CONF_BATCH - 1, CONF_BATCH, CONF_BATCH + 1, 2 * CONF_BATCH, 2 * CONF_BATCH + 1, 3 * CONF_BATCH - 1 };
	for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
		begin();
		put(HEAD "flows = (");
		for (unsigned i = 0; i < numbers[k]; i++) {
			put("%s\n", i > 0 ? "," : "");
			put_flow(i, "");
		}
		put("\n);\n");
		struct zg_policy *policy = good();
		all_there(policy, numbers[k], HEAD_LINES + 2);
		zg_policy_free(policy);
	}
}
END_TEST

/* What looks like an end, a comma or a beginning to who does not read strings and comments. */
START_TEST(tricks_at_the_border)
{
	static const char *const between[] = {
		" , # ), { name = \"x\"; }\n", " /* ) */ ,\n", "\n", ", // \" )\n", " , /* { \" */ \n", "/**/,/**//* , ) ; */\n",
		"/* \n flows = ( { } ); \n */,", ", # )\n # }\n\n",
	};
	static const char *const inside[] = {
		"purpose = \"} , ) ; { ( \\\" , \\\\\";", "purpose = \"/* \"; clause = \"*/\";", "purpose = \"# ),\"; ", "purpose = \"// ,{\";",
		"/* } */ purpose = \"p\"; # }\n", "\n\n",
	};
	const size_t n_between = sizeof between / sizeof between[0], n_inside = sizeof inside / sizeof inside[0];
	for (size_t k = 0; k < n_between * n_inside; k++) {
		const char *comma = between[k % n_between];
		begin();
		put(HEAD "flows /* ( */ = # (\n ( /* { } , */");
		for (unsigned i = 0; i < CONF_BATCH + 3; i++) {
			if (i > 0)
				put("%s%s", comma, strchr(comma, ',') == NULL || strcmp(comma, "\n") == 0 ? "," : "");
			put_flow(i, inside[k / n_between]);
		}
		put(" /* , */ ) ; # )\n");
		struct zg_policy *policy = good();
		ck_assert_uint_eq(policy->n_flows, CONF_BATCH + 3);
		ck_assert_str_eq(policy->flows[CONF_BATCH].name, "f512");
		zg_policy_free(policy);
	}
}
END_TEST

START_TEST(a_mistake_has_its_place)
{
	static const unsigned where[] = { 0, CONF_BATCH - 1, CONF_BATCH, CONF_BATCH + 1, 4999 };
	for (size_t k = 0; k < sizeof where / sizeof where[0]; k++) {
		const unsigned n = where[k] + 3;
		begin();
		put(HEAD "flows = (\n");
		for (unsigned i = 0; i < n; i++) {
			put_flow(i, i == where[k] ? "\n\n  clause = \"c\"; colour = 1;" : i == where[k] + 1 ? "/* \n */" : "");
			put(i + 1 < n ? ",\n" : "\n");
		}
		put(");\n");
		bad(HEAD_LINES + 2 + where[k] + 2, 17, "unknown key \"colour\" in flow");
	}
}
END_TEST

/* Repairs at the border: the mistake is told once, and the rest is still looked at. */
START_TEST(commas_at_the_border)
{
	for (unsigned gap = CONF_BATCH - 1; gap <= CONF_BATCH + 1; gap++) {
		begin();
		put(HEAD "flows = (\n");
		for (unsigned i = 0; i < CONF_BATCH + 5; i++) {
			put(i == gap ? "  " : i > 0 ? ", " : "  ");
			put_flow(i, i == CONF_BATCH + 4 ? "colour = 1;" : "");
			put("\n");
		}
		put(");\n");
		ck_assert_ptr_null(parse());
		ck_assert_msg(diags.errors == 2, "%s", zg_diags_text(&diags, false));
		ck_assert_uint_eq(diags.items[0].line, HEAD_LINES + 2 + gap);
		ck_assert_uint_eq(diags.items[0].column, 3);
		ck_assert_ptr_nonnull(strstr(diags.items[0].message, "expected \",\" or \")\""));
		ck_assert_ptr_nonnull(strstr(diags.items[1].message, "unknown key \"colour\""));
	}
	for (unsigned n = CONF_BATCH - 1; n <= CONF_BATCH + 1; n++) {
		begin();
		put(HEAD "flows = (");
		for (unsigned i = 0; i < n; i++) {
			put("\n");
			put_flow(i, "");
			put(",");
		}
		put(");\n");
		ck_assert_ptr_null(parse());
		ck_assert_uint_eq(diags.errors, 1);
		ck_assert_str_eq(diags.items[0].message, "comma after the last element");
		ck_assert_uint_eq(diags.items[0].line, HEAD_LINES + 1 + n);
	}
}
END_TEST

/* Elements that are no flows, one of them at the border. */
START_TEST(other_elements)
{
	static const struct {
		const char *text, *words;
	} others[] = {
		{ "5", "an element of \"flows\" must be a group { ... }, not a number" },
		{ "\"},{\"", "an element of \"flows\" must be a group { ... }, not a string" },
		{ "( )", "an element of \"flows\" must be a group { ... }, not a list ( ... )" },
		{ "[ \"}\", \")\" ]", "an element of \"flows\" must be a group { ... }, not an array [ ... ]" },
		{ "00", "number with a leading zero: 00" },
		{ "[ 1, \"2\" ]", "numbers and strings are mixed in one array" },
	};
	for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
		begin();
		put(HEAD "flows = (\n");
		for (unsigned i = 0; i <= CONF_BATCH; i++) {
			if (i == CONF_BATCH - 1)
				put("%s", others[k].text);
			else
				put_flow(i, "");
			put(i < CONF_BATCH ? ",\n" : "\n");
		}
		put(");\n");
		bad(HEAD_LINES + 2 + CONF_BATCH - 1, k == 5 ? 6 : 1, others[k].words);
	}
}
END_TEST

/* A list that stands twice is taken out with all its pieces, and the error that stands behind it keeps its place. */
START_TEST(twice)
{
	begin();
	put(HEAD "flows = (\n");
	for (unsigned i = 0; i < CONF_BATCH + 1; i++) {
		put_flow(i, "");
		put(i < CONF_BATCH ? ",\n" : "\n");
	}
	put(");\nflows = (\n");
	for (unsigned i = 0; i < CONF_BATCH + 1; i++) {
		put_flow(i, "");
		put(i < CONF_BATCH ? ",\n" : "\n");
	}
	put(");\nhosts = ( { name = \"h\"; address = \"10.0.0.0/8\"; } );\n");
	ck_assert_ptr_null(parse());
	ck_assert_msg(diags.errors == 2, "%s", zg_diags_text(&diags, false));
	ck_assert_uint_eq(diags.items[0].line, HEAD_LINES + CONF_BATCH + 4);
	ck_assert_ptr_nonnull(strstr(diags.items[0].message, "key \"flows\" stands twice here: also in line 5"));
	ck_assert_uint_eq(diags.items[1].line, HEAD_LINES + 2 * CONF_BATCH + 7);
	ck_assert_uint_eq(diags.items[1].column, 35);
}
END_TEST

/* A list in several files, each part longer than a piece, in front of the zones and with other long lists around it. */
START_TEST(files_between)
{
	begin();
	put("@include \"a.conf\"\n@include \"b.conf\"\n");
	put("hosts = (\n");
	for (unsigned i = 0; i < CONF_BATCH + 1; i++)
		put("{ name = \"h%u\"; address = \"10.9.%u.%u\"; }%s\n", i, i / 256, i % 256, i < CONF_BATCH ? "," : "");
	put(");\n#zonegate-include \"a.conf\"\nflows = (\n");
	for (unsigned i = 0; i < CONF_BATCH + 1; i++) {
		put_flow(i, "");
		put(i < CONF_BATCH ? ",\n" : "\n");
	}
	put(");\ngroups = ( { name = \"all\"; members = (");
	for (unsigned i = 0; i < CONF_BATCH + 1; i++)
		put("%s\"h%u\"", i > 0 ? ", " : "", i);
	put("); } );\n#zonegate-include \"b.conf\"\nflows = (\n");
	for (unsigned i = CONF_BATCH + 1; i < 2 * CONF_BATCH + 2; i++) {
		put_flow(i, "");
		put(",\n");
	}
	put("{ name = \"last\"; from = \"net\"; to = \"lg\"; source = \"172.20.0.1\"; destination = \"all\"; protocol = \"tcp\"; port = 25; "
	    "inspector = \"smtp\"; ticket = \"t\"; approver = \"a\"; }\n);\n" HEAD);
	struct zg_policy *policy = good();
	ck_assert_uint_eq(policy->n_flows, 2 * CONF_BATCH + 3);
	ck_assert_uint_eq(policy->n_objects, CONF_BATCH + 2);
	ck_assert_str_eq(policy->flows[CONF_BATCH].name, "f512");
	ck_assert_str_eq(policy->flows[CONF_BATCH + 1].name, "f513");
	ck_assert_uint_eq(policy->flows[2 * CONF_BATCH + 2].n_destinations, CONF_BATCH + 1);
	unsigned line;
	ck_assert_str_eq(zg_files_at(&policy->files, policy->flows[2 * CONF_BATCH + 2].line, &line)->name, "b.conf");
	ck_assert_uint_eq(line, CONF_BATCH + 3);
	zg_policy_free(policy);
}
END_TEST

START_TEST(specific)
{
	begin();
	put(HEAD "specific = (\n");
	for (unsigned i = 0; i < CONF_BATCH + 2; i++)
		put("%s{ name = \"f%u\"; from = \"mn\"; to = \"lg\"; client = \"192.168.%u.%u\"; client_mac = \"00:53:00:%02x:%02x:01\"; server = "
		    "\"10.0.0.1\"; server_mac = \"00:53:00:01:00:01\"; protocol = \"tcp\"; port = 443; opaque = true; ticket = \"t%u\"; approver = "
		    "\"a\"; purpose = \"p\"; expires = \"2026-03-31\"; }\n",
		    i > 0 ? "," : "", i, i / 256, i % 256, i / 256, i % 256, i);
	put(");\n");
	struct zg_policy *policy = good();
	all_there(policy, CONF_BATCH + 2, HEAD_LINES + 2);
	ck_assert_uint_eq(policy->zones[1].n_stations, CONF_BATCH + 2);
	ck_assert_uint_eq(policy->zones[0].n_stations, 1); /* the server of all of them */
	zg_policy_free(policy);
}
END_TEST

/* A text that ends in the middle, at each byte around the border: an error, and nothing worse. */
START_TEST(cut_off)
{
	begin();
	put(HEAD "flows = (\n");
	size_t border = 0;
	for (unsigned i = 0; i < CONF_BATCH + 1; i++) {
		if (i == CONF_BATCH)
			border = len;
		put_flow(i, "");
		put(i < CONF_BATCH ? " ,\n" : "\n");
	}
	put(");\n");
	const size_t whole = len;
	for (size_t end = border - 60; end < border + 60; end++) {
		len = end;
		ck_assert_ptr_null(parse());
		ck_assert_uint_ge(diags.errors, 1);
	}
	len = whole;
	zg_policy_free(good());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_batch");
	TCase *tc = tcase_create("conf_batch");
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, every_number);
	tcase_add_test(tc, tricks_at_the_border);
	tcase_add_test(tc, a_mistake_has_its_place);
	tcase_add_test(tc, commas_at_the_border);
	tcase_add_test(tc, other_elements);
	tcase_add_test(tc, twice);
	tcase_add_test(tc, files_between);
	tcase_add_test(tc, specific);
	tcase_add_test(tc, cut_off);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
