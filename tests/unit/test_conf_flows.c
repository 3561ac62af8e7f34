/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a flow may say, at which moment, in which model: terms, schedules, 特定通信, inspectors that do not sanitise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inspector_double.h"
#include "unit.h"
#include "zonegate/policy.h"

#define NOW 1798761600 /* 2027-01-01 00:00 UTC, 9:00 in Tokyo */

#define ZONES                                                                                              \
	"version = 1; %s\n"                                                                                \
	"zones = ( { name = \"mn\"; kind = \"mynumber\"; interfaces = \"mn0\"; addresses = \"10.1.0.0/16\"; },\n" \
	"  { name = \"lg\"; kind = \"lgwan\"; interfaces = \"lg0\"; addresses = \"10.2.0.0/16\"; },\n"         \
	"  { name = \"net\"; kind = \"internet\"; interfaces = \"in0\"; addresses = \"10.3.0.0/16\"; },\n"     \
	"  { name = \"up\"; kind = \"uplink\"; interfaces = \"up0\"; addresses = \"10.4.0.0/16\"; },\n"        \
	"  { name = \"ad\"; kind = \"management\"; interfaces = \"ad0\"; addresses = \"10.5.0.0/16\"; } );\n"

#define FLOW(from, to, source, destination, inspector, more)                                                                  \
	"flows = ( { name = \"f\"; from = \"" from "\"; to = \"" to "\"; source = \"" source "\"; destination = \"" destination \
	"\"; protocol = \"tcp\"; port = 25; inspector = \"" inspector "\"; ticket = \"t\"; approver = \"a\"; " more " } );\n"

#define MAIL(more) FLOW("net", "lg", "10.3.0.1", "10.2.0.1", "smtp", more)

#define SPECIFIC(name, client, client_mac, server, server_mac, more)                                                      \
	"{ name = \"" name "\"; from = \"mn\"; to = \"lg\"; client = \"" client "\"; client_mac = \"" client_mac        \
	"\"; server = \"" server "\"; server_mac = \"" server_mac "\"; protocol = \"tcp\"; ticket = \"t\"; approver = "   \
	"\"a\"; purpose = \"p\"; expires = \"2027-03-31\"; " more " }"

#define M1 "00:53:00:00:00:01"
#define M2 "00:53:00:00:00:02"

static struct zg_diags diags;

static struct zg_policy *parse(enum zg_conf_purpose purpose, time_t now, const char *top, const char *flows)
{
	struct zg_policy *policy = NULL;
	char *text;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	zg_diags_free(&diags);
	zg_diags_init(&diags);
	ck_assert_int_gt(asprintf(&text, ZONES "%s", top, flows), 0);
	enum zg_err err = zg_conf_parse_for(purpose, now, "test.conf", text, strlen(text), &diags, &policy);
	ck_assert(err == ZG_OK || err == ZG_ECONF);
	free(text);
	return policy;
}

static bool said(const char *words)
{
	for (size_t i = 0; i < diags.n; i++) {
		if (strstr(diags.items[i].message, words) != NULL)
			return true;
	}
	return false;
}

#define GOOD(p)                                                                       \
	do {                                                                          \
		struct zg_policy *good_ = (p);                                        \
		ck_assert_msg(good_ != NULL, "%s", zg_diags_text(&diags, false));      \
		zg_policy_free(good_);                                                \
	} while (0)
#define BAD(p, words)                                                                                       \
	do {                                                                                                \
		ck_assert_ptr_null(p);                                                                      \
		ck_assert_uint_eq(diags.errors, 1);                                                         \
		ck_assert_msg(said(words), "%s", zg_diags_text(&diags, false));                              \
	} while (0)

START_TEST(past_expiries)
{
	/* the last second of the day named, and the first that is not it any more */
	const char *flow = MAIL("expires = \"2026-12-31\";");
	const time_t end = 1798729200; /* 2026-12-31 15:00 UTC */
	GOOD(parse(ZG_CONF_CHANGE, end - 1, "", flow));
	BAD(parse(ZG_CONF_CHANGE, end, "", flow), "this flow expired at the end of 2026-12-31");
	/* what was approved once comes up again at boot, and passes nothing */
	struct zg_policy *p = parse(ZG_CONF_KNOWN, end, "", flow);
	struct zg_window w;
	ck_assert_ptr_nonnull(p);
	ck_assert(said("this flow expired at the end of 2026-12-31"));
	ck_assert(!zg_flow_window(p, &p->flows[0], end, &w));
	ck_assert(zg_flow_window(p, &p->flows[0], end - 1, &w));
	ck_assert_int_eq(w.end, end);
	zg_policy_free(p);
}
END_TEST

START_TEST(terms)
{
	/* 366 days from 2027-01-01 on: 2028-01-02 */
	GOOD(parse(ZG_CONF_CHANGE, NOW, "", MAIL("expires = \"2028-01-02\";")));
	BAD(parse(ZG_CONF_CHANGE, NOW, "", MAIL("expires = \"2028-01-03\";")), "more than the 366 days");
	GOOD(parse(ZG_CONF_CHANGE, NOW, "max_term = 367;", MAIL("expires = \"2028-01-03\";")));
	BAD(parse(ZG_CONF_CHANGE, NOW, "max_term = 30;", MAIL("expires = \"2027-02-01\";")), "more than the 30 days");
	GOOD(parse(ZG_CONF_CHANGE, NOW, "max_term = 30;", MAIL("expires = \"2027-01-31\";")));
	/* a clock that is not set yet must not keep a policy from coming up */
	GOOD(parse(ZG_CONF_KNOWN, 1, "", MAIL("expires = \"2028-01-03\";")));
	/* at any hour of the day the same day is the last */
	GOOD(parse(ZG_CONF_CHANGE, NOW + 14 * 3600, "max_term = 30;", MAIL("expires = \"2027-01-31\";")));
	BAD(parse(ZG_CONF_CHANGE, NOW + 15 * 3600 - 1, "max_term = 30;", MAIL("expires = \"2027-02-01\";")), "more than the 30 days");
	GOOD(parse(ZG_CONF_CHANGE, NOW + 15 * 3600, "max_term = 30;", MAIL("expires = \"2027-02-01\";")));
}
END_TEST

#define OFFICE "schedules = ( { name = \"office\"; days = \"mon-fri\"; hours = \"08:30-17:15\"; holidays = false; } );"

START_TEST(schedules)
{
	struct zg_window w;
	struct zg_policy *p = parse(ZG_CONF_CHANGE, NOW, OFFICE "holidays = [ \"2027-12-31\", \"2027-01-01\" ];",
				    MAIL("schedule = \"office\"; expires = \"2027-01-04\"; log = \"refused\";"));
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(diags.n, 0);
	ck_assert_uint_eq(p->n_holidays, 2);
	ck_assert_uint_eq(p->holidays[0], 20270101);
	ck_assert_uint_eq(p->schedules[0].days, 0x3e);
	ck_assert_uint_eq(p->schedules[0].hours[0].begin, 510);
	ck_assert_uint_eq(p->schedules[0].hours[0].end, 1035);
	ck_assert(!p->schedules[0].holidays);
	ck_assert_int_eq(p->flows[0].log, ZG_FLOW_LOG_REFUSED);
	/* New Year, a weekend, Monday, and that is the end of it */
	ck_assert(zg_flow_window(p, &p->flows[0], NOW, &w));
	ck_assert_int_eq(w.begin, 1799019000);
	ck_assert_int_eq(w.end, 1799050500);
	ck_assert(!zg_flow_window(p, &p->flows[0], 1799050500, &w)); /* it opens on Tuesday only, and has expired */
	zg_policy_free(p);
	BAD(parse(ZG_CONF_CHANGE, NOW, OFFICE, MAIL("schedule = \"offise\";")), "there is no schedule \"offise\"");
	BAD(parse(ZG_CONF_CHANGE, NOW, OFFICE, MAIL("log = \"none\";")), "unknown log \"none\"");
}
END_TEST

START_TEST(limits)
{
	struct zg_policy *p = parse(ZG_CONF_CHANGE, NOW, "", MAIL("rate = \"20/min\"; connections = 50;"));
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->flows[0].rate.count, 20);
	ck_assert_uint_eq(p->flows[0].rate.seconds, 60);
	ck_assert_uint_eq(p->flows[0].connections, 50);
	zg_policy_free(p);
	GOOD(parse(ZG_CONF_CHANGE, NOW, "", MAIL("rate = \"1000000/s\"; connections = 4096;")));
	static const char *const bad[] = { "0/s", "1000001/s", "100", "100/", "/s", "100/h", "100/s ", "-1/s", "01/s", "1e3/s", "99999999999999999999/s" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char more[64];
		snprintf(more, sizeof more, "rate = \"%s\";", bad[i]);
		char *flow;
		ck_assert_int_gt(asprintf(&flow, MAIL("%s"), more), 0);
		BAD(parse(ZG_CONF_CHANGE, NOW, "", flow), "is not a rate");
		free(flow);
	}
	BAD(parse(ZG_CONF_CHANGE, NOW, "", MAIL("connections = 0;")), "out of range");
	BAD(parse(ZG_CONF_CHANGE, NOW, "", MAIL("connections = 4097;")), "out of range");
}
END_TEST

START_TEST(holidays)
{
	const char *flow = MAIL("schedule = \"office\";");
	GOOD(parse(ZG_CONF_CHANGE, NOW, OFFICE, flow));
	ck_assert(said("but no holiday is listed"));
	GOOD(parse(ZG_CONF_CHANGE, NOW, OFFICE "holidays = [ \"2026-11-23\" ];", flow));
	ck_assert(said("no holiday of 2027 is listed"));
	GOOD(parse(ZG_CONF_CHANGE, NOW, OFFICE "holidays = [ \"2027-01-11\" ];", flow));
	ck_assert(said("the list of holidays ends on 2027-01-11"));
	GOOD(parse(ZG_CONF_CHANGE, NOW, OFFICE "holidays = [ \"2027-01-11\", \"2027-11-23\" ];", flow));
	ck_assert_uint_eq(diags.n, 0);
	/* whom holidays do not concern is not told of them */
	GOOD(parse(ZG_CONF_CHANGE, NOW, "schedules = ( { name = \"office\"; days = \"mon\"; hours = \"08:30-17:15\"; holidays = true; } );", flow));
	ck_assert_uint_eq(diags.n, 0);
}
END_TEST

START_TEST(unreachable)
{
	GOOD(parse(ZG_CONF_CHANGE, NOW, OFFICE "holidays = [ \"2027-12-01\" ];", MAIL("")));
	ck_assert(said("no flow uses schedule \"office\""));
	/* Saturday and Sunday only */
	GOOD(parse(ZG_CONF_CHANGE, NOW + 2 * 86400, OFFICE "holidays = [ \"2027-12-01\" ];",
		   MAIL("schedule = \"office\"; expires = \"2027-01-03\";")));
	ck_assert(said("the flow expires before its schedule \"office\" opens again"));
}
END_TEST

START_TEST(specific)
{
	struct zg_policy *p = parse(ZG_CONF_CHANGE, NOW, "",
				    "specific = ( " SPECIFIC("a", "10.1.0.5", M1, "10.2.0.5", M2, "port = 443; opaque = true;") ",\n"
				    SPECIFIC("b", "10.1.0.5", M1, "10.2.0.6", M2, "port = [ 25, 587 ]; inspector = \"smtp\"; smtp = { strict = false; };")
				    " );" MAIL(""));
	struct double_config config;
	ck_assert_msg(p != NULL, "%s", zg_diags_text(&diags, false));
	ck_assert_uint_eq(p->n_flows, 3);
	ck_assert(!p->flows[0].specific && p->flows[1].specific && p->flows[2].specific);
	ck_assert_ptr_null(p->flows[1].inspector);
	ck_assert_str_eq(zg_flow_inspector(&p->flows[1]), "opaque");
	ck_assert_ptr_eq(p->flows[2].inspector, &double_inspector);
	memcpy(&config, p->flows[2].config.bytes, sizeof config);
	ck_assert_uint_eq(config.strict, 0);
	ck_assert_uint_eq((uintptr_t)p->flows[2].config.bytes % 8, 0);
	/* one client of both, two servers behind one router */
	ck_assert_uint_eq(p->zones[0].n_stations, 1);
	ck_assert_uint_eq(p->zones[1].n_stations, 2);
	ck_assert_int_eq(p->zones[1].stations[1].mac.b[5], 2);
	zg_policy_free(p);

	BAD(parse(ZG_CONF_CHANGE, NOW, "",
		  "specific = ( " SPECIFIC("a", "10.1.0.5", M1, "10.2.0.5", M2, "port = 443; opaque = true;") ",\n"
		  SPECIFIC("b", "10.1.0.5", M2, "10.2.0.5", M2, "port = 444; opaque = true;") " );"),
	    "station 10.1.0.5 is there already");
	BAD(parse(ZG_CONF_CHANGE, NOW, "",
		  "specific = ( " SPECIFIC("a", "10.1.0.5", M1, "10.2.0.5", M2, "port = 443; opaque = true;") ",\n"
		  SPECIFIC("b", "10.1.0.5", M1, "10.2.0.5", M2, "port = 443; inspector = \"smtp\";") " );"),
	    "overlaps flow \"a\"");
	BAD(parse(ZG_CONF_CHANGE, NOW, "", "specific = ( " SPECIFIC("a", "10.1.0.5", M1, "10.2.0.5", M2, "port = \"1-2\"; opaque = true;") " );"),
	    "a range of ports in a 特定通信");
	BAD(parse(ZG_CONF_CHANGE, NOW, "", "specific = ( " SPECIFIC("a", "10.1.0.5", M1, "10.2.0.5", M2, "port = 443;") " );"),
	    "has neither key \"inspector\" nor \"opaque\"");
	BAD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("mn", "lg", "10.1.0.1", "10.2.0.1", "smtp", "")), "has a form of its own");
	BAD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("ad", "mn", "10.5.0.1", "10.1.0.1", "smtp", "")), "has a form of its own");
	BAD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("mn", "up", "10.1.0.1", "10.4.0.1", "smtp", "")), "is forbidden");
}
END_TEST

START_TEST(sanitised)
{
	BAD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("lg", "net", "10.2.0.1", "10.3.0.1", "count", "")), "\"count\" does not sanitise");
	BAD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("up", "lg", "10.4.0.1", "10.2.0.1", "count", "")), "\"count\" does not sanitise");
	GOOD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("net", "up", "10.3.0.1", "10.4.0.1", "count", "")));
	GOOD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("ad", "lg", "10.5.0.1", "10.2.0.1", "count", "")));
	GOOD(parse(ZG_CONF_CHANGE, NOW, "", FLOW("lg", "net", "10.2.0.1", "10.3.0.1", "smtp", "")));
}
END_TEST

START_TEST(models)
{
	static const char *const out[] = { FLOW("lg", "net", "10.2.0.1", "10.3.0.1", "rfb", ""),
					   FLOW("net", "lg", "10.3.0.1", "10.2.0.1", "rfb", ""),
					   FLOW("lg", "up", "10.2.0.1", "10.4.0.1", "tls", "") };
	/* screen transfer out of LGWAN, screen transfer into it, local breakout; as the manual's table has it */
	static const bool fits[ZG_MODEL_COUNT][3] = { [ZG_MODEL_ALPHA] = { true, false, false },
						      [ZG_MODEL_ALPHA_PRIME] = { true, false, true },
						      [ZG_MODEL_BETA] = { false, true, false },
						      [ZG_MODEL_BETA_PRIME] = { false, true, false } };
	for (int m = 0; m < ZG_MODEL_COUNT; m++) {
		for (int i = 0; i < 3; i++) {
			char top[64];
			snprintf(top, sizeof top, "model = \"%s\";", zg_model_name((enum zg_model)m));
			if (fits[m][i])
				GOOD(parse(ZG_CONF_CHANGE, NOW, top, out[i]));
			else
				BAD(parse(ZG_CONF_CHANGE, NOW, top, out[i]), "contradicts the model");
		}
	}
	/* mail as text is a part of all */
	enum zg_model other;
	for (int m = 0; m < ZG_MODEL_COUNT; m++)
		ck_assert_int_eq(zg_model_says((enum zg_model)m, ZG_KIND_INTERNET, ZG_KIND_LGWAN, "smtp", &other), ZG_MODEL_EXPECTED);
	ck_assert_int_eq(zg_model_says(ZG_MODEL_ALPHA, ZG_KIND_INTERNET, ZG_KIND_UPLINK, "tls", &other), ZG_MODEL_NOTHING);
	ck_assert_int_eq(zg_model_says(ZG_MODEL_ALPHA, ZG_KIND_LGWAN, ZG_KIND_UPLINK, "tls", &other), ZG_MODEL_CONTRADICTS);
	ck_assert_int_eq(other, ZG_MODEL_ALPHA_PRIME);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_flows");
	TCase *tc = tcase_create("conf_flows");
	tcase_add_test(tc, past_expiries);
	tcase_add_test(tc, terms);
	tcase_add_test(tc, schedules);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, holidays);
	tcase_add_test(tc, unreachable);
	tcase_add_test(tc, specific);
	tcase_add_test(tc, sanitised);
	tcase_add_test(tc, models);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
