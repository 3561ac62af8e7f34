/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text to policy. What the diagnostics say is tested in tests/golden/conf; here: what comes out, and that the quick
 * ways of the checks agree with the slow ones. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inspector_double.h"
#include "unit.h"
#include "zonegate/policy.h"

#define ZONES                                                                                                          \
	"version = 1; body = \"見本市\"; model = \"beta-prime\";\n"                                                 \
	"zones = (\n"                                                                                                  \
	"  { name = \"mn\"; kind = \"mynumber\"; interfaces = \"mn0\"; addresses = [ \"10.1.0.0/16\", "                \
	"\"fd00:1::/64\" ];\n"                                                                                         \
	"    stations = ( { address = \"10.1.0.5\"; mac = \"00:53:00:00:00:01\"; } ); },\n"                            \
	"  { name = \"lg\"; kind = \"lgwan\"; label = \"情報系\"; interfaces = [ \"lg0\", \"lg1\" ];\n"             \
	"    addresses = [ \"10.2.0.0/16\", \"10.1.9.0/24\", \"fd00:2::/64\" ];\n"                                     \
	"    stations = ( { address = \"10.2.0.5\"; mac = \"00:53:00:00:00:02\"; } ); },\n"                            \
	"  { name = \"net\"; kind = \"internet\"; interfaces = \"in0\"; addresses = [ \"0.0.0.0/0\", \"::/0\" ]; }\n"  \
	");\n"

#define FLOW_END "protocol = \"tcp\"; inspector = \"smtp\"; ticket = \"t\"; approver = \"a\";"

static struct zg_diags diags;

static struct zg_policy *parse(const char *text)
{
	struct zg_policy *policy = NULL;
	zg_diags_init(&diags);
	enum zg_err err = zg_conf_parse_for(ZG_CONF_KNOWN, 0, "test.conf", text, strlen(text), &diags, &policy);
	if (err != ZG_OK) {
		ck_assert_int_eq(err, ZG_ECONF);
		ck_assert_ptr_null(policy);
		ck_assert_uint_gt(diags.errors, 0);
	} else {
		ck_assert_ptr_nonnull(policy);
		ck_assert_uint_eq(diags.errors, 0);
	}
	return policy;
}

static struct zg_policy *parse_good(const char *text)
{
	struct zg_policy *policy = parse(text);
	if (policy == NULL) {
		char *shown = zg_diags_text(&diags, false);
		ck_abort_msg("%s", shown);
	}
	zg_diags_free(&diags);
	return policy;
}

/* The text is refused, and somewhere it says so with these words at this place. */
static void refused(const char *text, unsigned line, unsigned column, const char *words)
{
	ck_assert_ptr_null(parse(text));
	bool found = false;
	for (size_t i = 0; i < diags.n; i++)
		found = found || (diags.items[i].line == line && diags.items[i].column == column &&
				  strstr(diags.items[i].message, words) != NULL);
	if (!found) {
		char *shown = zg_diags_text(&diags, false);
		ck_abort_msg("not at %u:%u \"%s\":\n%s", line, column, words, shown);
	}
	zg_diags_free(&diags);
}

START_TEST(everything_arrives)
{
	static const char text[] = ZONES
		"flows = ( { name = \"f\"; from = \"net\"; to = \"lg\"; source = [ \"192.0.2.1\", \"2001:db8::/32\" "
		"];\n"
		"  destination = ( \"10.2.0.1-10.2.0.9\", \"fd00:2::1\" ); port = ( 25, \"587\", \"1000-2000\" );\n"
		"  smtp = { mode = \"sanitise\"; charsets = [ \"utf-8\", \"us-ascii\" ]; max_size = 0x10; strict = "
		"false; };\n"
		"  purpose = \"p\"; clause = \"2.6(3)②\"; expires = \"2199-12-31\"; " FLOW_END " } );\n"
		"daemon = { inspectors = 3; queue_base = 200; };\n";
	struct zg_policy *p = parse_good(text);
	char buf[2 * ZG_ADDRSTR_MAX];
	ck_assert_str_eq(p->body, "見本市");
	ck_assert_int_eq(p->model, ZG_MODEL_BETA_PRIME);
	ck_assert_uint_eq(p->inspectors, 3);
	ck_assert_uint_eq(p->queue_base, 200);
	ck_assert_uint_eq(p->generation, 0);
	ck_assert_uint_eq(p->n_zones, 3);
	ck_assert_str_eq(p->zones[0].label, "mn"); /* the name stands in */
	ck_assert_str_eq(p->zones[1].label, "情報系");
	ck_assert_uint_eq(p->zones[1].n_ifaces, 2);
	ck_assert_str_eq(p->zones[1].ifaces[1], "lg1");
	ck_assert_uint_eq(p->zones[0].stations[0].line, 4);
	ck_assert_int_eq(p->zones[0].stations[0].mac.b[1], 0x53);

	const struct zg_flow *f = &p->flows[0];
	ck_assert_uint_eq(p->n_flows, 1);
	ck_assert_uint_eq(f->from, 2);
	ck_assert_uint_eq(f->to, 1);
	ck_assert_uint_eq(f->line, 10);
	ck_assert_str_eq(zg_range_str(&f->sources[1], buf), "2001:db8::/32");
	ck_assert_str_eq(zg_range_str(&f->destinations[0], buf), "10.2.0.1-10.2.0.9");
	ck_assert_uint_eq(f->n_ports, 3);
	ck_assert_uint_eq(f->ports[1].hi, 587);
	ck_assert_uint_eq(f->ports[2].lo, 1000);
	ck_assert_ptr_eq(f->inspector, &double_inspector);
	ck_assert_uint_eq((uintptr_t)f->config.bytes % 8, 0);
	struct double_config config;
	memcpy(&config, f->config.bytes, sizeof config);
	ck_assert_uint_eq(config.mode, 1);
	ck_assert_uint_eq(config.charsets, 5);
	ck_assert_uint_eq(config.max_size, 16);
	ck_assert_uint_eq(config.strict, 0);
	ck_assert_str_eq(f->clause, "2.6(3)②");
	zg_policy_free(p);
}
END_TEST

START_TEST(defaults)
{
	struct zg_policy *p =
		parse_good(ZONES "flows = ( { name = \"f\"; from = \"net\"; to = \"lg\"; source = \"192.0.2.1\"; "
				 "destination = \"10.2.0.1\"; port = 25; " FLOW_END " } );");
	struct double_config config;
	memcpy(&config, p->flows[0].config.bytes, sizeof config);
	ck_assert_uint_eq(config.charsets, 7);
	ck_assert_uint_eq(config.strict, 1);
	ck_assert_int_eq(p->flows[0].expires, 0);
	ck_assert_ptr_null(p->flows[0].purpose);
	ck_assert_uint_eq(p->inspectors, 2);
	ck_assert_uint_eq(p->queue_base, 100);
	zg_policy_free(p);
	p = parse_good(ZONES); /* no flows: nothing passes */
	ck_assert_uint_eq(p->n_flows, 0);
	zg_policy_free(p);
}
END_TEST

START_TEST(text_and_digest_are_kept)
{
	/* of the same text, by sha256sum(1) */
	static const uint8_t expected[32] = { 0x5a, 0x21, 0x74, 0x31, 0x79, 0x7f, 0xd2, 0x8e, 0x87, 0xa3, 0xf6,
					      0x5c, 0xb7, 0x6c, 0x08, 0xc2, 0xbd, 0xe1, 0xe1, 0x24, 0xfd, 0x33,
					      0x44, 0xbe, 0x59, 0x86, 0xf4, 0xb4, 0x37, 0x98, 0x2a, 0x48 };
	char text[] = ZONES "# no newline at the end";
	struct zg_policy *p = parse_good(text);
	ck_assert_uint_eq(p->text_len, strlen(text));
	ck_assert_str_eq(p->text, text);
	ck_assert_str_eq(p->file, "test.conf");
	ck_assert_mem_eq(p->sha256, expected, 32);
	struct zg_policy *q = parse_good(text);
	ck_assert_mem_eq(p->sha256, q->sha256, 32);
	zg_policy_free(q);
	text[strlen(text) - 1] = 'D';
	q = parse_good(text);
	ck_assert_mem_ne(p->sha256, q->sha256, 32);
	zg_policy_free(q);
	zg_policy_free(p);
}
END_TEST

START_TEST(expiry_is_the_end_of_the_day_in_local_time)
{
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	struct zg_policy *p =
		parse_good(ZONES "flows = ( { name = \"f\"; from = \"net\"; to = \"lg\"; source = \"192.0.2.1\"; "
				 "destination = \"10.2.0.1\"; port = 25; expires = \"2100-02-28\"; " FLOW_END " } );");
	ck_assert_int_eq(p->flows[0].expires, 4107510000); /* 2100-02-28 15:00 UTC; 2100 is no leap year */
	zg_policy_free(p);
}
END_TEST

START_TEST(narrowest_zone_wins)
{
	struct zg_policy *p = parse_good(ZONES);
	static const char *const cases[][2] = { { "10.1.0.1", "mn" },  { "10.1.9.1", "lg" },
						{ "10.1.10.0", "mn" }, { "10.2.0.1", "lg" },
						{ "8.8.8.8", "net" },  { "255.255.255.255", "net" },
						{ "fd00:1::1", "mn" }, { "fd00:3::1", "net" } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct zg_addr a;
		zg_addr_parse(cases[i][0], &a);
		ck_assert_str_eq(zg_policy_zone_of(p, &a)->name, cases[i][1]);
	}
	ck_assert_ptr_eq(zg_policy_zone(p, "lg"), &p->zones[1]);
	ck_assert_ptr_null(zg_policy_zone(p, "none"));
	ck_assert_ptr_eq(zg_policy_zone_of_iface(p, "lg1"), &p->zones[1]);
	ck_assert_ptr_null(zg_policy_zone_of_iface(p, "lo"));
	zg_policy_free(p);
}
END_TEST

START_TEST(relations)
{
	for (int a = 0; a < ZG_KIND_COUNT; a++) {
		for (int b = 0; b < ZG_KIND_COUNT; b++)
			ck_assert_int_eq(zg_kind_relation((enum zg_kind)a, (enum zg_kind)b),
					 zg_kind_relation((enum zg_kind)b, (enum zg_kind)a));
	}
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_MYNUMBER, ZG_KIND_INTERNET), ZG_RELATION_FORBIDDEN);
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_UPLINK, ZG_KIND_MYNUMBER), ZG_RELATION_FORBIDDEN);
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_MYNUMBER, ZG_KIND_LGWAN), ZG_RELATION_SPECIFIC);
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_MANAGEMENT, ZG_KIND_MYNUMBER), ZG_RELATION_SPECIFIC);
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_INTERNET, ZG_KIND_LGWAN), ZG_RELATION_SANITISED);
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_UPLINK, ZG_KIND_LGWAN), ZG_RELATION_SANITISED);
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_UPLINK, ZG_KIND_INTERNET), ZG_RELATION_ORDINARY);
	ck_assert_int_eq(zg_kind_relation(ZG_KIND_LGWAN, ZG_KIND_LGWAN), ZG_RELATION_ORDINARY);
}
END_TEST

/* libconfig keeps the line in 16 bits. */
START_TEST(places_far_down)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	fputs(ZONES, out);
	for (int i = 10; i < 200000; i++)
		fputc('\n', out);
	fputs("  bod = 1;\n", out);
	fclose(out);
	refused(text, 200000, 3, "unknown key \"bod\"");
	free(text);
}
END_TEST

START_TEST(files)
{
	struct zg_policy *policy = NULL;
	char name[] = "/tmp/zonegate-test-XXXXXX";
	int fd = mkstemp(name);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, ZONES, strlen(ZONES)), (ssize_t)strlen(ZONES));
	close(fd);
	zg_diags_init(&diags);
	ck_assert_int_eq(zg_conf_load(name, &diags, &policy), ZG_OK);
	ck_assert_str_eq(policy->file, name);
	zg_policy_free(policy);
	zg_diags_free(&diags);
	unlink(name);

	static const char *const bad[] = { "/nonexistent/zonegate.conf", "/tmp", "/dev/zero" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		policy = NULL;
		ck_assert_int_eq(zg_conf_load(bad[i], &diags, &policy), ZG_ECONF);
		ck_assert_ptr_null(policy);
		ck_assert_uint_eq(diags.errors, 1);
		ck_assert_str_eq(diags.file, bad[i]);
		zg_diags_free(&diags);
	}
}
END_TEST

/* --- overlapping flows: the search by halving against comparing each with each --------------------- */

static unsigned next_random(unsigned *state, unsigned below)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) % below;
}

struct cuboid {
	unsigned s[2], d[2], p[2];
};

static bool cuboids_meet(const struct cuboid *a, const struct cuboid *b)
{
	return a->s[0] <= b->s[1] && b->s[0] <= a->s[1] && a->d[0] <= b->d[1] && b->d[0] <= a->d[1] &&
	       a->p[0] <= b->p[1] && b->p[0] <= a->p[1];
}

static void random_span(unsigned *state, unsigned span[2], unsigned space, unsigned longest)
{
	span[0] = next_random(state, space) + 1;
	span[1] = span[0] + next_random(state, longest);
}

/* Adds cuboids while they are disjoint, then perhaps one that meets another; the parser must say the same. */
static void overlap_round(unsigned seed)
{
	static struct cuboid cuboids[400];
	unsigned state = seed, longest[3];
	size_t n = 0;
	for (int i = 0; i < 3; i++)
		longest[i] = next_random(&state, 3) == 0 ? 1 : 1 + next_random(&state, 2000);
	bool meet = false, want_meet = seed % 2 == 1;
	for (int tries = 0; tries < 1500 && n < 400 && !meet; tries++) {
		struct cuboid *c = &cuboids[n];
		random_span(&state, c->s, 20000, longest[0]);
		random_span(&state, c->d, 20000, longest[1]);
		random_span(&state, c->p, 5000, longest[2]);
		bool hits = false;
		for (size_t i = 0; i < n; i++)
			hits = hits || cuboids_meet(&cuboids[i], c);
		if (!hits)
			n++;
		else if (want_meet && n > 100) {
			n++;
			meet = true;
		}
	}
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	fputs(ZONES "flows = (", out);
	for (size_t i = 0; i < n; i++) {
		const struct cuboid *c = &cuboids[i];
		fprintf(out,
			"%s{ name = \"f%zu\"; from = \"net\"; to = \"lg\"; source = \"20.0.%u.%u-20.0.%u.%u\"; "
			"destination = \"10.2.%u.%u-10.2.%u.%u\"; port = \"%u-%u\"; " FLOW_END " }\n",
			i > 0 ? "," : "", i, c->s[0] >> 8, c->s[0] & 255, c->s[1] >> 8, c->s[1] & 255, c->d[0] >> 8,
			c->d[0] & 255, c->d[1] >> 8, c->d[1] & 255, c->p[0], c->p[1]);
	}
	fputs(");\n", out);
	fclose(out);
	struct zg_policy *policy = parse(text);
	ck_assert_msg((policy == NULL) == meet, "seed %u: %zu cuboids, meet %d", seed, n, meet);
	if (policy == NULL)
		ck_assert_ptr_nonnull(strstr(diags.items[0].message, "overlaps flow"));
	zg_policy_free(policy);
	zg_diags_free(&diags);
	free(text);
}

START_TEST(overlap_agrees_with_brute_force)
{
	for (unsigned seed = 1; seed <= 60; seed++)
		overlap_round(seed);
}
END_TEST

START_TEST(too_many_combinations)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	fputs(ZONES "flows = ( { name = \"f\"; from = \"net\"; to = \"lg\"; port = 25; " FLOW_END "\nsource = [", out);
	for (unsigned i = 0; i < 1001; i++)
		fprintf(out, "%s\"20.0.%u.%u\"", i > 0 ? "," : "", i >> 8, i & 255);
	fputs("];\ndestination = [", out);
	for (unsigned i = 0; i < 1001; i++)
		fprintf(out, "%s\"10.2.%u.%u\"", i > 0 ? "," : "", i >> 8, i & 255);
	fputs("]; } );", out);
	fclose(out);
	refused(text, 10, 20, "more than 1000000 combinations");
	free(text);
}
END_TEST

/* --- what libconfig would read differently from a person ------------------------------------------- */

START_TEST(readings)
{
	static const struct {
		const char *text;
		unsigned column; /* of line 9 */
		const char *words;
	} cases[] = {
		{ "body = \"a\" \"b\";", 12, "side by side" },
		{ "daemon = { inspectors = 4294967298; };", 25, "out of range" },
		{ "daemon = { inspectors = -4294967294; };", 25, "out of range" },
		{ "daemon = { inspectors = 0x100000002; };", 25, "out of range" },
		{ "daemon = { inspectors = 2L; };", 25, "suffix L" },
		{ "daemon = { inspectors = 0x2LL; };", 25, "suffix L" },
		{ "daemon = { inspectors = 010; };", 25, "leading zero" },
		{ "daemon = { inspectors = 2.; };", 25, "neither a number" },
		{ "daemon = { inspectors = +2e0; };", 25, "neither a number" },
		{ "daemon = { inspectors = true; };", 25, "must be a whole number" },
		{ "daemon = { inspectors = 2abc = 1; };", 25, "neither a number" },
		{ "daemon = { inspectors = 2 3; };", 27, "expected a key" },
		{ "daemon = { inspectors = 2; inspectors = 3; };", 28, "stands twice" },
		{ "daemon = { Inspectors = 2; };", 12, "unknown key" },
		{ "daemon = { inspectors = 2; } ; ; ", 32, "nothing before" },
		{ "daemon { inspectors = 2; };", 8, "expected \"=\"" },
		{ "daemon == { inspectors = 2; };", 9, "expected a value" },
		{ "a.b = 1;", 1, "expected a key" },
		{ "true = 1;", 1, "expected a key" },
		{ "body = \"a\nb\";", 8, "never closed" },
		{ "body = \"\\x41\";", 9, "escape" },
		{ "body = \"\\q\";", 9, "escape" },
		{ "/* a /* b */ c */ body = \"x\";", 16, "expected \"=\"" },
		{ "body = \"a\"; */", 14, "expected \"=\"" },
		{ "   @include \"x\"", 4, "@include" },
		{ "body = \"x\"; @include \"x\"", 13, "@include" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[2048];
		snprintf(text, sizeof text, "version = 1; zones = (\n\n\n\n\n\n\n);\n%s\n", cases[i].text);
		refused(text, 9, cases[i].column, cases[i].words);
	}
}
END_TEST

START_TEST(comments_and_line_ends)
{
	static const char *const tails[] = { "# x",
					     "// x",
					     "/* x */",
					     "/**/",
					     "/* \" */",
					     "# /* x",
					     "# \"",
					     "#",
					     "\r\n# x\r\n",
					     "// \\",
					     "daemon : { inspectors : 2 queue_base : 5 }",
					     "daemon = { },",
					     "body2 = 1;" };
	char text[4096];
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		snprintf(text, sizeof text, "%s%s", strchr(ZONES, 'z'), tails[i]);
		memmove(text + 13, text, strlen(text) + 1);
		memcpy(text, "version = 1; ", 13);
		struct zg_policy *p = parse(text);
		ck_assert_msg((p != NULL) == (i + 1 < sizeof tails / sizeof tails[0]), "%s", tails[i]);
		zg_policy_free(p);
		zg_diags_free(&diags);
	}
	refused("version = 1; # x\rzones = ();\n", 1, 17, "carriage return");
}
END_TEST

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static char *gather(const char *file, size_t *ret_len, size_t errors)
{
	char *text = NULL;
	struct zg_diags found;
	zg_diags_init(&found);
	ck_assert_int_eq(zg_conf_gather(file, &found, &text, ret_len), ZG_OK);
	ck_assert_uint_eq(found.errors, errors);
	zg_diags_free(&found);
	return text;
}

/* One text holds all files, whatever the first was called; it alone makes the same policy; and an edit anywhere changes it. */
START_TEST(included_files_are_one_text)
{
	static const char want[] = "version = 1;\n@include \"d\"\n#zonegate-include \"d\"\n"
				   "#zonegate-file \"d/a.conf\"\n# a\n#zonegate-file \"d/b.conf\"\n@include \"../zones\"\n"
				   "#zonegate-include \"d/../zones\"\n";
	char dir[] = "/tmp/zg-conf-XXXXXX", path[256], sub[256], here[512];
	size_t len, again_len;
	unsigned line;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sub, sizeof sub, "%s/d", dir);
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	snprintf(path, sizeof path, "%s/main", dir);
	write_file(dir, "main", "version = 1;\n@include \"d\"");
	write_file(sub, "b.conf", "@include \"../zones\"");
	write_file(sub, "a.conf", "# a\n");
	write_file(sub, "c.conf~", "not read");
	write_file(dir, "zones", strchr(ZONES, 'z'));

	char *text = gather(path, &len, 0);
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_int_eq(strncmp(text, want, strlen(want)), 0);
	ck_assert_str_eq(text + strlen(want), strchr(ZONES, 'z'));
	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	ck_assert_int_eq(chdir(dir), 0);
	char *again = gather("main", &again_len, 0);
	ck_assert_int_eq(chdir(here), 0);
	ck_assert_str_eq(text, again);
	free(again);

	struct zg_policy *loaded = NULL;
	zg_diags_init(&diags);
	ck_assert_int_eq(zg_conf_load(path, &diags, &loaded), ZG_OK);
	zg_diags_free(&diags);
	struct zg_policy *sent = parse_good(text);
	ck_assert_str_eq(loaded->text, text);
	ck_assert_mem_eq(loaded->sha256, sent->sha256, sizeof sent->sha256);
	ck_assert_uint_eq(sent->n_zones, loaded->n_zones);
	ck_assert_str_eq(zg_files_at(&sent->files, sent->zones[0].line, &line)->name, "d/../zones");
	ck_assert_uint_eq(line, 2);
	zg_policy_free(loaded);
	zg_policy_free(sent);

	write_file(sub, "a.conf", "# A\n");
	again = gather(path, &again_len, 0);
	ck_assert_uint_eq(again_len, len);
	ck_assert_str_ne(text, again);
	free(again);
	free(text);

	/* a part of what was approved is not what was approved */
	refused("version = 1;\n@include \"d\"\nzones = ( { name = \"z\"; kind = \"lgwan\"; interfaces = \"a\"; addresses = \"10.0.0.0/8\"; } );\n",
		2, 1, "1 @include lines and 0");
	refused("version = 1;\nzones = ( { name = \"z\"; kind = \"lgwan\"; interfaces = \"a\"; addresses = \"10.0.0.0/8\"; } );\n"
		"#zonegate-include \"d\"\n",
		3, 1, "0 @include lines and 1");
	write_file(dir, "main", "version = 1;\n@include \"gone\"\n");
	free(gather(path, &len, 1));
	char command[300];
	snprintf(command, sizeof command, "rm -r '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tc = tcase_create("conf");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, everything_arrives);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, text_and_digest_are_kept);
	tcase_add_test(tc, expiry_is_the_end_of_the_day_in_local_time);
	tcase_add_test(tc, narrowest_zone_wins);
	tcase_add_test(tc, relations);
	tcase_add_test(tc, places_far_down);
	tcase_add_test(tc, files);
	tcase_add_test(tc, overlap_agrees_with_brute_force);
	tcase_add_test(tc, too_many_combinations);
	tcase_add_test(tc, readings);
	tcase_add_test(tc, comments_and_line_ends);
	tcase_add_test(tc, included_files_are_one_text);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
