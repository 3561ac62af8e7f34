/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of every part, as one JSON object. */
#include "ctl/cmd.h"
#include "main/supervisor.h"
#include "sys/sysctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *child_json(const struct zg_supervisor *s, const struct zg_child *c)
{
	const struct zg_engine_stats *st = &c->stats.engine;
	json_t *o = json_pack("{s:s,s:i,s:i,s:b,s:i}", "role", zg_role_name(c->role), "index", (int)c->index, "pid", (int)c->pid,
			      "running", c->pid > 0, "restarts", (int)c->restarts);
	if (c->role != ZG_ROLE_INSPECTOR)
		return o;
	json_t *dropped = json_object();
	for (uint32_t r = 0; r < ZG_REASON_COUNT; r++)
		if (st->dropped_by[r] > 0)
			json_object_set_new(dropped, zg_reason_name((enum zg_reason)r), json_integer((json_int_t)st->dropped_by[r]));
	json_t *more = json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:I,s:I,s:o}", "queue", (int)(s->queue_base + c->index), "packets",
				 (json_int_t)st->packets, "accepted", (json_int_t)st->accepted, "dropped", (json_int_t)st->dropped,
				 "rewritten", (json_int_t)st->rewritten, "sent_again", (json_int_t)st->again, "flows_opened", (json_int_t)st->flows_opened, "flows_denied",
				 (json_int_t)st->flows_denied, "half_open_evicted", (json_int_t)st->evicted, "flows", (int)st->flows, "held", (int)st->held, "buffer_bytes",
				 (json_int_t)st->bytes, "queue_gaps", (json_int_t)c->stats.queue_gaps, "dropped_by", dropped);
	json_object_update(o, more);
	json_decref(more);
	return o;
}

static json_t *processes_json(const struct zg_supervisor *s)
{
	json_t *list = json_array();
	json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:b,s:i}", "role", "supervisor", "index", 0, "pid", (int)getpid(), "running", 1,
					      "restarts", 0));
	json_array_append_new(list, child_json(s, &s->gate));
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		json_array_append_new(list, child_json(s, &s->inspectors[i]));
	json_array_append_new(list, child_json(s, &s->watch));
	return list;
}

static json_t *policy_json(const struct zg_supervisor *s)
{
	char hex[65] = "";
	if (s->policy == NULL)
		return json_null();
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", s->policy->sha256[i]);
	return json_pack("{s:i,s:s,s:s,s:i,s:i}", "generation", (int)s->policy->generation, "sha256", hex, "file", s->policy->file, "zones",
			 (int)s->policy->n_zones, "flows", (int)s->policy->n_flows);
}

static json_t *strange_json(const struct zg_supervisor *s)
{
	json_t *list = json_array();
	for (size_t i = 0; i < s->strange.n; i++)
		json_array_append_new(list, json_string(s->strange.names[i]));
	return list;
}

static json_t *counters_json(struct zg_supervisor *s)
{
	json_t *list = json_array();
	struct zg_nft_counter *c;
	size_t n;
	if (zg_nft_counters(s->nft, false, &c, &n) != ZG_OK)
		return list;
	for (size_t i = 0; i < n; i++) {
		char name[ZG_COUNTER_NAME_MAX];
		json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I}", "table", c[i].table, "name", zg_counter_name(s, &c[i], name),
						      "packets", (json_int_t)c[i].packets, "bytes", (json_int_t)c[i].bytes));
	}
	free(c);
	return list;
}

/* Has the administrator edited the file, or one that it includes, without applying it? Unreadable counts as unknown. */
static json_t *edited_json(const struct zg_supervisor *s)
{
	struct zg_diags diags;
	char *text = NULL;
	size_t len = 0;
	json_t *edited = json_null();

	if (s->policy == NULL)
		return edited;
	zg_diags_init(&diags);
	if (zg_conf_gather(s->options.config, &diags, &text, &len) == ZG_OK)
		edited = json_boolean(len != s->policy->text_len || memcmp(text, s->policy->text, len) != 0);
	zg_diags_free(&diags);
	free(text);
	return edited;
}

json_t *zg_status_json(struct zg_supervisor *s)
{
	struct zg_diags diags;
	struct zg_plan *backstop = NULL;

	zg_diags_init(&diags);
	bool backstop_ok = zg_plan_backstop(&backstop) == ZG_OK && zg_nft_verify(s->nft, backstop, &diags) == ZG_OK;
	zg_plan_free(backstop);
	zg_diags_free(&diags);
	return json_pack("{s:i,s:b,s:s,s:s,s:I,s:o,s:o,s:s,s:o,s:o,s:s,s:b,s:s,s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:o}", "schema", ZG_JSON_SCHEMA, "ok", 1, "state",
			 s->closed ? "closed" : zg_children_healthy(s) && s->watch.pid > 0 ? "running" : "degraded", "version", ZG_VERSION, "uptime_s",
			 (json_int_t)((zg_now_ms() - s->started_ms) / 1000), "policy", policy_json(s), "trial",
			 zg_history_trial(s), "config", s->options.config,
			 "config_differs", edited_json(s), "strange_interfaces", strange_json(s), "queue", s->queue_kind == ZG_QUEUE_NATIVE ? "native" : "target", "forwarding",
			 zg_forwarding_get(), "backstop", backstop_ok ? "present" : "missing or changed", "router",
			 s->drift.router_differs ? "missing or changed" : s->policy != NULL && !s->policy->has_router ? "closed" : "present", "journal",
			 s->log == ZG_LOG_JOURNAL, "processes", processes_json(s), "counters", counters_json(s), "isolated",
			 zg_isolation_json(&s->isolation, s->policy), "settings", zg_switches_json(s), "foreign",
			 zg_drift_json(s), "blocklists", zg_lists_json(&s->lists));
}
