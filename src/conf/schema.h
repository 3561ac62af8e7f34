/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading groups by tables of keys, values by type. */
#ifndef ZONEGATE_CONF_SCHEMA_H
#define ZONEGATE_CONF_SCHEMA_H

#include "conf/conf.h"

struct reader {
	struct zg_diags *diags;
	struct conf_draft *draft;
	struct conf_source *source;
	enum zg_err err; /* ZG_ENOMEM; mistakes go to diags */
	size_t skipped;	 /* values that shape.c had reported already, or somebody else */
	uint32_t open[ZG_GROUP_DEPTH_MAX + 1]; /* object.c: groups whose members are being looked up, outermost first */
	size_t n_open;
	struct zg_config config; /* the last inspector's configuration that was kept */
	unsigned deepest; /* levels of groups met since it was set to zero */
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

/* The same for one group in several files. lists, up to NULL: keys of which each file may have a part; their readers are called
 * for each, and add to what is there. */
bool read_groups(struct reader *r, const config_setting_t *const *settings, size_t n, const struct group *group,
		 const char *const *lists, void *object);

const struct conf_place *place_of(const config_setting_t *setting);
/* The key, or for an element of a list the key of the list. */
const char *key_of(const config_setting_t *setting);
/* Reports that the value is not what it must be: "a string". */
void wrong_type(struct reader *r, const config_setting_t *value, const char *wanted);

/* True for what is fit to be read on: nothing was reported about it. Outputs untouched on failure. */
bool take_string(struct reader *r, const config_setting_t *value, size_t max, char **ret_string); /* the policy's */
bool take_int(struct reader *r, const config_setting_t *value, uint32_t min, uint32_t max, uint32_t *ret_int);
bool take_bool(struct reader *r, const config_setting_t *value, bool *ret_bool);
bool take_word(struct reader *r, const config_setting_t *value, const char *const *words, size_t n,
	       uint32_t *ret_index);
bool take_name(struct reader *r, const config_setting_t *value, char **ret_name); /* the policy's */
bool take_mac(struct reader *r, const config_setting_t *value, struct zg_mac *ret_mac); /* of a station */
bool take_range(struct reader *r, const config_setting_t *value, struct zg_range *ret_range);
bool take_mac(struct reader *r, const config_setting_t *value, struct zg_mac *ret_mac);
/* A text value without a copy; NULL = reported. Lives as long as the tree. */
const char *text_of(struct reader *r, const config_setting_t *value);

/* A value that may stand alone or in a list or an array: how many, and each. 0 = reported. */
size_t count_of(struct reader *r, const config_setting_t *value, size_t max);
const config_setting_t *element_of(const config_setting_t *value, size_t index);

/* Elements of a list on the outermost level, of which there are have so far, in other files. 0 = none, or reported. */
size_t length_of(struct reader *r, const config_setting_t *value, size_t have, size_t max);

/* Each element of such a list, also of a long one, the index of the first is given. A setting lives as long as its reading. */
void read_elements(struct reader *r, const config_setting_t *value, size_t first,
		   void (*read)(struct reader *r, const config_setting_t *setting, size_t index));

/* Zeroed; of the policy's arena, or of the draft's. A failure is remembered in r. */
void *reader_alloc(struct reader *r, size_t n, size_t size);
void *draft_alloc(struct reader *r, size_t n, size_t size);
char *reader_string(struct reader *r, const char *text); /* a copy, the policy's */

/* *array of have elements (the address of the pointer, of whatever type; made by this function only) gets room for more,
 * zeroed. */
bool reader_grow(struct reader *r, void *array, size_t have, size_t more, size_t size);
/* The same by one with a short array, in an arena of the reader's: what it has grown out of stays there. */
bool reader_extend(struct reader *r, struct zg_arena *arena, void *array, size_t have, size_t size);

/* Addresses as they were written or came of names: three arrays of n elements, the places the draft's, the rest the policy's. */
struct addresses {
	struct zg_range *ranges;
	uint32_t *objects; /* 1 + index of the object that stands at the place, 0 = an address */
	struct conf_at *ats;
	size_t n;
};
/* Addresses, and names of hosts and groups; adds what could be read. */
void take_addresses(struct reader *r, const config_setting_t *value, struct addresses *into);
/* Has it the form of a name? Then it is no address. */
bool is_name(const char *text);
/* Reports an unknown name, unless it may be one that could not be read. what: "host or group", where: the hint. */
void unknown_name(struct reader *r, const config_setting_t *value, const struct conf_names *names, const char *what,
		  const char *where);

/* What a flow says behind the addresses, itself or by the name of a service; service.c. */
void take_protocol(struct reader *r, const config_setting_t *value, enum zg_transport *ret_transport);
void take_port_list(struct reader *r, const config_setting_t *value, struct zg_ports **ret_ports, struct conf_at **ret_ats,
		    size_t *ret_n);
void take_inspector(struct reader *r, const config_setting_t *value, const struct zg_inspector **ret_inspector);
/* A key with the name of an inspector: its settings, kept until all keys are read. False = it is none. */
bool take_items(struct reader *r, const config_setting_t *value, const struct zg_inspector *inspector, const char *what,
		const config_setting_t **ret_items);
/* Defaults of the inspector, then items (NULL = none) into config. at: of the inspector's name. False = something was reported. */
bool fill_config(struct reader *r, const struct zg_inspector *inspector, struct conf_at at, const config_setting_t *items,
		 struct zg_config *ret_config);
/* The service of this name, 1 + its index; 0 = reported. */
uint32_t take_service(struct reader *r, const config_setting_t *value);

/* Elements of hosts, groups and services; object.c, service.c. */
void read_host(struct reader *r, const config_setting_t *setting, size_t index);
void read_members(struct reader *r, const config_setting_t *setting, size_t index);
void read_service(struct reader *r, const config_setting_t *setting, size_t index);
/* After all of the files: groups that nobody asked for have their mistakes too. */
void finish_objects(struct reader *r);
void warn_unused(struct reader *r);

/* One element of zones and flows into the draft; zone.c, flow.c, items.c. */
bool read_zone(struct reader *r, const config_setting_t *setting, size_t index);
void read_flow(struct reader *r, const config_setting_t *setting, size_t index);
/* The lists schedules, holidays and specific; schedule.c, specific.c. */
void read_schedules(struct reader *r, const config_setting_t *value, void *object);
void read_holidays(struct reader *r, const config_setting_t *value, void *object);
void read_specifics(struct reader *r, const config_setting_t *value, void *object);
/* What is watched and refused besides the flows, monitor.c; behind the zones that they name. */
void read_monitors(struct reader *r, const config_setting_t *value, void *object);
void read_blocklists(struct reader *r, const config_setting_t *value, void *object);
/* The group router, after the zones; router.c. */
void read_router(struct reader *r, const config_setting_t *setting, void *object);
/* The zone that a value names, its index; SIZE_MAX = reported. flow.c. */
size_t read_zone_name(struct reader *r, const config_setting_t *value);
/* The items of an inspector from its group into config. */
void read_inspector_items(struct reader *r, const config_setting_t *group, const struct zg_inspector *inspector,
			  struct zg_config *config);

#endif
