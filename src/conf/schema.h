/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading groups by tables of keys, values by type. */
#ifndef ZONEGATE_CONF_SCHEMA_H
#define ZONEGATE_CONF_SCHEMA_H

#include "conf/conf.h"

struct reader {
	struct zg_diags *diags;
	struct conf_draft *draft;
	enum zg_err err; /* ZG_ENOMEM; mistakes go to diags */
	size_t skipped;	 /* values that shape.c had reported already */
};

struct key {
	const char *name;
	const char *missing; /* hint when it is missing; NULL = the key may be left out */
	void (*read)(struct reader *r, const config_setting_t *value, void *object);
};

struct group {
	const char *what;	/* "zone" */
	const struct key *keys; /* read in this order */
	size_t n_keys;
	/* A key that is not in the table; false = unknown. May be NULL. */
	bool (*other)(struct reader *r, const config_setting_t *value, void *object);
};

/* False if something required is missing or something was reported. */
bool read_group(struct reader *r, const config_setting_t *setting, const struct group *group, void *object);

const struct conf_place *place_of(const config_setting_t *setting);
/* The key, or for an element of a list the key of the list. */
const char *key_of(const config_setting_t *setting);
/* Reports that the value is not what it must be: "a string". */
void wrong_type(struct reader *r, const config_setting_t *value, const char *wanted);

/* True for what is fit to be read on: nothing was reported about it. Outputs untouched on failure. */
bool take_string(struct reader *r, const config_setting_t *value, size_t max, char **ret_string); /* malloc'd */
bool take_int(struct reader *r, const config_setting_t *value, uint32_t min, uint32_t max, uint32_t *ret_int);
bool take_bool(struct reader *r, const config_setting_t *value, bool *ret_bool);
bool take_word(struct reader *r, const config_setting_t *value, const char *const *words, size_t n,
	       uint32_t *ret_index);
bool take_name(struct reader *r, const config_setting_t *value, char **ret_name); /* malloc'd */
bool take_range(struct reader *r, const config_setting_t *value, struct zg_range *ret_range);
bool take_mac(struct reader *r, const config_setting_t *value, struct zg_mac *ret_mac);
/* A text value without a copy; NULL = reported. Lives as long as the tree. */
const char *text_of(struct reader *r, const config_setting_t *value);

/* A value that may stand alone or in a list or an array: how many, and each. 0 = reported. */
size_t count_of(struct reader *r, const config_setting_t *value, size_t max);
const config_setting_t *element_of(const config_setting_t *value, size_t index);

/* calloc() that remembers its failure in r. */
void *reader_alloc(struct reader *r, size_t n, size_t size);

/* One element of zones and flows into the draft; zone.c, flow.c, items.c. */
bool read_zone(struct reader *r, const config_setting_t *setting, size_t index);
void read_flow(struct reader *r, const config_setting_t *setting, size_t index);
/* The lists schedules, holidays and specific; schedule.c, specific.c. */
void read_schedules(struct reader *r, const config_setting_t *value, void *object);
void read_holidays(struct reader *r, const config_setting_t *value, void *object);
void read_specifics(struct reader *r, const config_setting_t *value, void *object);
/* What is watched and refused besides the flows, monitor.c; behind the zones that they name. */
void read_blocklists(struct reader *r, const config_setting_t *value, void *object);
/* The group router, after the zones; router.c. */
void read_router(struct reader *r, const config_setting_t *setting, void *object);
/* Values that flows and the router share; flow.c. A zone's index, SIZE_MAX = reported. */
size_t read_zone_name(struct reader *r, const config_setting_t *value);
void read_ranges(struct reader *r, const config_setting_t *value, struct zg_range **ranges, struct conf_at **ats,
		 size_t *n_ranges);
bool take_ports(struct reader *r, const config_setting_t *value, struct zg_ports *ret_ports);
/* The items of an inspector from its group into config. */
void read_inspector_items(struct reader *r, const config_setting_t *group, const struct zg_inspector *inspector,
			  void *config);

#endif
