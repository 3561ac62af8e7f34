/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frozen policy: made in one go, looked at, freed. */
#include "zonegate/policy.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

const char *zg_kind_name(enum zg_kind kind)
{
	static const char *const names[ZG_KIND_COUNT] = { "mynumber", "lgwan", "internet", "uplink", "management" };
	return (unsigned)kind < ZG_KIND_COUNT ? names[kind] : "unknown";
}

const char *zg_model_name(enum zg_model model)
{
	static const char *const names[ZG_MODEL_COUNT] = { "alpha", "alpha-prime", "beta", "beta-prime" };
	return (unsigned)model < ZG_MODEL_COUNT ? names[model] : "unknown";
}

const char *zg_meter_name(enum zg_meter_kind kind)
{
	static const char *const names[ZG_METER_COUNT] = { "connections", "scan", "flood", "target" };
	return (unsigned)kind < ZG_METER_COUNT ? names[kind] : "unknown";
}

static bool is_outside(enum zg_kind kind)
{
	return kind == ZG_KIND_INTERNET || kind == ZG_KIND_UPLINK;
}

enum zg_relation zg_kind_relation(enum zg_kind a, enum zg_kind b)
{
	if (a != ZG_KIND_MYNUMBER && b != ZG_KIND_MYNUMBER)
		return (a == ZG_KIND_LGWAN && is_outside(b)) || (b == ZG_KIND_LGWAN && is_outside(a)) ? ZG_RELATION_SANITISED
												      : ZG_RELATION_ORDINARY;
	enum zg_kind other = a == ZG_KIND_MYNUMBER ? b : a;
	switch (other) {
	case ZG_KIND_MYNUMBER:
		return ZG_RELATION_ORDINARY; /* two sites of one zone */
	case ZG_KIND_LGWAN:
	case ZG_KIND_MANAGEMENT:
		return ZG_RELATION_SPECIFIC;
	default:
		return ZG_RELATION_FORBIDDEN;
	}
}

const char *zg_flow_inspector(const struct zg_flow *flow)
{
	return flow->inspector != NULL ? flow->inspector->name : "opaque";
}

void zg_policy_free(struct zg_policy *policy)
{
	if (policy == NULL)
		return;
	for (size_t i = 0; i < policy->n_zones; i++)
		free(policy->zones[i].stations);
	free(policy->router);
	free(policy->zones);
	free(policy->flows);
	free(policy->objects);
	free(policy->blocklists);
	free(policy->services);
	free(policy->schedules);
	free(policy->holidays);
	free(policy->by_mark);
	zg_text_drop(policy->source);
	zg_files_free(&policy->files);
	zg_arena_free(&policy->arena);
	free(policy);
}

/* Text, name and digest: the policy says itself what it was made of. */
static enum zg_err keep_text(struct zg_policy *policy, const char *file, struct zg_text *text)
{
	struct sha256_ctx sha;
	policy->file = zg_arena_string(&policy->arena, file);
	if (policy->file == NULL)
		return ZG_ENOMEM;
	policy->source = zg_text_hold(text);
	policy->text = text->bytes;
	policy->text_len = text->len;
	sha256_init(&sha);
	sha256_update(&sha, text->len, (const uint8_t *)text->bytes);
	sha256_digest(&sha, sizeof policy->sha256, policy->sha256);
	return ZG_OK;
}

/* The steps after the text was found fit to be read. trees: one for each file, initialised. */
static enum zg_err make(struct conf_source *source, struct zg_diags *diags, config_t *trees, struct conf_draft *draft)
{
	conf_guard(source, diags);
	enum zg_err err = conf_shape(source, diags);
	for (size_t i = 0; i < source->files->n && err == ZG_OK; i++)
		err = conf_load_tree(source, i, diags, &trees[i]);
	if (err == ZG_OK)
		err = conf_schema(source, trees, diags, draft);
	if (err == ZG_OK)
		err = conf_check(draft, diags);
	return err != ZG_OK ? err : diags->errors > 0 ? ZG_ECONF : ZG_OK;
}

static enum zg_err parse(enum zg_conf_purpose purpose, time_t now, const char *file, struct zg_text *text, struct zg_diags *diags,
			 struct zg_policy **ret_policy)
{
	struct conf_source source = { 0 };
	struct conf_draft draft = { .purpose = purpose, .now = now != 0 ? now : time(NULL) };
	config_t *trees = NULL;
	size_t n_trees = 0;
	enum zg_err err = zg_diags_hold(diags, file, text);
	if (err != ZG_OK)
		return err;
	struct zg_policy *policy = draft.policy = calloc(1, sizeof *policy);
	if (policy == NULL || zg_files_of(file, text->bytes, text->len, &policy->files) != ZG_OK ||
	    (trees = calloc(policy->files.n, sizeof *trees)) == NULL) {
		err = ZG_ENOMEM;
		goto out;
	}
	for (; n_trees < policy->files.n; n_trees++)
		config_init(&trees[n_trees]);
	err = conf_source_init(&source, text->bytes, text->len, &policy->files);
	draft.files = &policy->files;
	if (err == ZG_OK)
		err = make(&source, diags, trees, &draft);
	zg_diags_sort(diags);
	if (err == ZG_OK)
		err = keep_text(policy, file, text);
	if (err != ZG_OK)
		goto out;
	for (size_t i = 0; i < policy->n_flows; i++)
		policy->flows[i].mark = (uint32_t)i + 1;
	*ret_policy = policy;
	policy = NULL;
out:
	while (n_trees > 0)
		config_destroy(&trees[--n_trees]);
	free(trees);
	if (draft.policy != NULL)
		conf_draft_free(&draft);
	zg_policy_free(policy);
	conf_source_free(&source);
	return err;
}

static enum zg_err refuse_size(const char *file, struct zg_diags *diags)
{
	enum zg_err err = zg_diags_source(diags, file, NULL, 0);
	if (err != ZG_OK)
		return err;
	zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "is this really a configuration?", "larger than %u MiB",
		    ZG_CONF_BYTES_MAX / (1024 * 1024));
	return ZG_ECONF;
}

enum zg_err zg_conf_parse_text(enum zg_conf_purpose purpose, time_t now, const char *file, struct zg_text *text, struct zg_diags *diags,
			       struct zg_policy **ret_policy)
{
	if (text == NULL)
		return ZG_ENOMEM;
	return text->len > ZG_CONF_BYTES_MAX ? refuse_size(file, diags) : parse(purpose, now, file, text, diags, ret_policy);
}

enum zg_err zg_conf_parse_for(enum zg_conf_purpose purpose, time_t now, const char *file, const char *text, size_t len,
			      struct zg_diags *diags, struct zg_policy **ret_policy)
{
	struct zg_text *copy = len <= ZG_CONF_BYTES_MAX ? zg_text_copy(text, len) : NULL;
	enum zg_err err = len <= ZG_CONF_BYTES_MAX ? zg_conf_parse_text(purpose, now, file, copy, diags, ret_policy) : refuse_size(file, diags);
	zg_text_drop(copy);
	return err;
}

enum zg_err zg_conf_load_for(enum zg_conf_purpose purpose, const char *file, struct zg_diags *diags,
			     struct zg_policy **ret_policy)
{
	char *bytes = NULL;
	size_t len = 0;
	enum zg_err err = zg_conf_gather(file, diags, &bytes, &len);
	if (err != ZG_OK)
		return err;
	struct zg_text *text = zg_text_of(bytes, len);
	err = zg_conf_parse_text(purpose, 0, strcmp(file, "-") == 0 ? "<stdin>" : file, text, diags, ret_policy);
	zg_text_drop(text);
	return err;
}

const struct zg_zone *zg_policy_zone(const struct zg_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_zones; i++) {
		if (strcmp(policy->zones[i].name, name) == 0)
			return &policy->zones[i];
	}
	return NULL;
}

const struct zg_zone *zg_policy_zone_of_iface(const struct zg_policy *policy, const char *iface)
{
	for (size_t i = 0; i < policy->n_zones; i++) {
		for (size_t k = 0; k < policy->zones[i].n_ifaces; k++) {
			if (strcmp(policy->zones[i].ifaces[k], iface) == 0)
				return &policy->zones[i];
		}
	}
	return NULL;
}

/* Ranges nest, so of two that hold the address the narrower begins later or ends earlier. */
const struct zg_zone *zg_policy_zone_of(const struct zg_policy *policy, const struct zg_addr *addr)
{
	const struct zg_zone *zone = NULL;
	const struct zg_range *narrowest = NULL;
	for (size_t i = 0; i < policy->n_zones; i++) {
		for (size_t k = 0; k < policy->zones[i].n_ranges; k++) {
			const struct zg_range *range = &policy->zones[i].ranges[k];
			if (!zg_range_has(range, addr))
				continue;
			if (narrowest == NULL || zg_addr_cmp(&range->lo, &narrowest->lo) > 0 ||
			    zg_addr_cmp(&range->hi, &narrowest->hi) < 0) {
				narrowest = range;
				zone = &policy->zones[i];
			}
		}
	}
	return zone;
}

/* Is this peer, with this port, one of the rule? */
static bool rule_names(const struct zg_router_rule *rule, const struct zg_addr *peer, uint16_t port)
{
	bool named = false, open = rule->n_ports == 0;
	for (size_t i = 0; i < rule->n_peers && !named; i++)
		named = zg_range_has(&rule->peers[i], peer);
	for (size_t i = 0; i < rule->n_ports && !open; i++)
		open = port >= rule->ports[i].lo && port <= rule->ports[i].hi;
	return named && open;
}

static bool zone_has_iface(const struct zg_zone *zone, const char *iface)
{
	for (size_t i = 0; i < zone->n_ifaces; i++)
		if (strcmp(zone->ifaces[i], iface) == 0)
			return true;
	return false;
}

const struct zg_router_rule *zg_policy_router_rule(const struct zg_policy *policy, bool out, const char *iface,
						   const struct zg_addr *peer, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < policy->n_router; i++) {
		const struct zg_router_rule *rule = &policy->router[i];
		if (rule->out != out || rule->protocol != protocol || !rule_names(rule, peer, port))
			continue;
		if (iface == NULL || (rule->iface != NULL ? strcmp(rule->iface, iface) == 0 :
							    zone_has_iface(&policy->zones[rule->zone], iface)))
			return rule;
	}
	return NULL;
}
