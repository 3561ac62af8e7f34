/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frozen policy: made in one go, looked at, freed. */
#include "zonegate/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"

/* An inspector's configuration holds 32-bit numbers. */
_Static_assert(offsetof(struct zg_flow, config) % 8 == 0 && sizeof(struct zg_flow) % 8 == 0, "config is aligned to 8");

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

static void free_zone(struct zg_zone *zone)
{
	for (size_t i = 0; i < zone->n_ifaces; i++)
		free(zone->ifaces[i]);
	free(zone->ifaces);
	free(zone->name);
	free(zone->label);
	free(zone->ranges);
	free(zone->stations);
}

static void free_flow(struct zg_flow *flow)
{
	free(flow->name);
	free(flow->sources);
	free(flow->destinations);
	free(flow->ports);
	free(flow->purpose);
	free(flow->ticket);
	free(flow->approver);
	free(flow->clause);
}

static void free_blocklist(struct zg_blocklist_conf *list)
{
	free(list->name);
	free(list->file);
	free(list->zones);
}

void zg_policy_free(struct zg_policy *policy)
{
	if (policy == NULL)
		return;
	for (size_t i = 0; i < policy->n_zones; i++)
		free_zone(&policy->zones[i]);
	for (size_t i = 0; i < policy->n_flows; i++)
		free_flow(&policy->flows[i]);
	for (size_t i = 0; i < policy->n_schedules; i++)
		free(policy->schedules[i].name);
	for (size_t i = 0; i < policy->n_blocklists; i++)
		free_blocklist(&policy->blocklists[i]);
	free(policy->blocklists);
	free(policy->zones);
	free(policy->flows);
	free(policy->schedules);
	free(policy->holidays);
	free(policy->by_mark);
	free(policy->text);
	free(policy->file);
	free(policy->body);
	free(policy);
}

/* Text, name and digest: the policy says itself what it was made of. */
static enum zg_err keep_text(struct zg_policy *policy, const char *file, const char *text, size_t len)
{
	struct sha256_ctx sha;
	policy->file = strdup(file);
	policy->text = malloc(len + 1);
	if (policy->file == NULL || policy->text == NULL)
		return ZG_ENOMEM;
	memcpy(policy->text, text, len);
	policy->text[len] = '\0';
	policy->text_len = len;
	sha256_init(&sha);
	sha256_update(&sha, len, (const uint8_t *)text);
	sha256_digest(&sha, sizeof policy->sha256, policy->sha256);
	return ZG_OK;
}

/* The steps after the text was found fit to be read. */
static enum zg_err make(struct conf_source *source, struct zg_diags *diags, config_t *tree, struct conf_draft *draft)
{
	conf_guard(source, diags);
	enum zg_err err = conf_shape(source, diags);
	if (err == ZG_OK)
		err = conf_load_tree(source, diags, tree);
	if (err == ZG_OK)
		err = conf_schema(tree, diags, draft);
	if (err == ZG_OK)
		err = conf_check(draft, diags);
	return err != ZG_OK ? err : diags->errors > 0 ? ZG_ECONF : ZG_OK;
}

static enum zg_err refuse_size(struct zg_diags *diags)
{
	zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "is this really a configuration?", "larger than %u MiB",
		    ZG_CONF_BYTES_MAX / (1024 * 1024));
	return ZG_ECONF;
}

enum zg_err zg_conf_parse_for(enum zg_conf_purpose purpose, time_t now, const char *file, const char *text, size_t len,
			      struct zg_diags *diags, struct zg_policy **ret_policy)
{
	struct conf_source source = { 0 };
	struct conf_draft draft = { .purpose = purpose, .now = now != 0 ? now : time(NULL) };
	config_t tree;
	enum zg_err err;
	if (len > ZG_CONF_BYTES_MAX) {
		err = zg_diags_source(diags, file, NULL, 0);
		return err != ZG_OK ? err : refuse_size(diags);
	}
	err = zg_diags_source(diags, file, text, len);
	if (err != ZG_OK)
		return err;
	config_init(&tree);
	struct zg_policy *policy = draft.policy = calloc(1, sizeof *policy);
	if (policy == NULL) {
		err = ZG_ENOMEM;
		goto out;
	}
	err = conf_source_init(&source, text, len);
	if (err == ZG_OK)
		err = make(&source, diags, &tree, &draft);
	zg_diags_sort(diags);
	if (err == ZG_OK)
		err = keep_text(policy, file, text, len);
	if (err != ZG_OK)
		goto out;
	for (size_t i = 0; i < policy->n_flows; i++)
		policy->flows[i].mark = (uint32_t)i + 1;
	*ret_policy = policy;
	policy = NULL;
out:
	if (draft.policy != NULL)
		conf_draft_free(&draft);
	zg_policy_free(policy);
	config_destroy(&tree);
	conf_source_free(&source);
	return err;
}

/* All of fd, at most one byte more than permitted; malloc'd. */
static enum zg_err read_all(int fd, char **ret_text, size_t *ret_len)
{
	size_t len = 0, cap = 64 * 1024;
	char *text = malloc(cap);
	while (text != NULL) {
		if (len == cap) {
			cap = 2 * cap > ZG_CONF_BYTES_MAX ? ZG_CONF_BYTES_MAX + 1 : 2 * cap;
			char *grown = realloc(text, cap);
			if (grown == NULL)
				break;
			text = grown;
		}
		ssize_t n = read(fd, text + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return ZG_ESYS;
		}
		len += (size_t)n;
		if (n == 0 || len > ZG_CONF_BYTES_MAX) {
			*ret_text = text;
			*ret_len = len;
			return ZG_OK;
		}
	}
	free(text);
	return ZG_ENOMEM;
}

enum zg_err zg_conf_load_for(enum zg_conf_purpose purpose, const char *file, struct zg_diags *diags,
			     struct zg_policy **ret_policy)
{
	bool standard = strcmp(file, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = NULL;
	size_t len = 0;
	enum zg_err err = fd < 0 ? ZG_ESYS : read_all(fd, &text, &len);
	if (err == ZG_ESYS) {
		int error = errno;
		err = zg_diags_source(diags, file, NULL, 0);
		if (err == ZG_OK) {
			zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "cannot be read: %s", strerror(error));
			err = ZG_ECONF;
		}
	} else if (err == ZG_OK) {
		err = zg_conf_parse_for(purpose, 0, standard ? "<stdin>" : file, text, len, diags, ret_policy);
	}
	if (fd >= 0 && !standard)
		close(fd);
	free(text);
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
