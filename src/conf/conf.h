/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps from configuration text to policy, in order:
 *   gather  the files into one text (if there are files)
 *   guard   the bytes: size, encoding, characters that deceive
 *   shape   the tokens: grammar, place of every setting, what libconfig would misread
 *   load    libconfig, and its tree joined with the places; of the longest lists, some hundred elements at a time
 *   schema  known keys, types, values -> draft
 *   check   what must hold between zones and flows -> the draft's policy is frozen
 * Each step reports all it finds. What guard and shape object to is repaired in the working copy of the text, so that
 * the later steps can look at the rest; with an error reported, no policy comes out in the end.
 */
#ifndef ZONEGATE_CONF_CONF_H
#define ZONEGATE_CONF_CONF_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/files.h"
#include "zonegate/policy.h"

#define CONF_DEPTH_MAX 8 /* levels of { ( [ : the deepest legal one is 4 */
#define CONF_SETTINGS_MAX                                                                                              \
	6000000u /* settings and elements: ZG_FLOWS_MAX flows with thirty each; libconfig takes 200 bytes for one */
#define CONF_BATCH    512 /* elements of a long list that libconfig is given at once: their tree, 2 MB, stays in the cache */
#define CONF_KEYS_MAX 64 /* keys in one group: the richest legal one has a third of that */

/* Stands in the working copy for every byte that guard objected to: blank, and spoils a string that it is in. */
#define CONF_REPAIRED '\001'

/* Line and column, both 1-based, column in bytes. */
struct conf_at {
	uint32_t line, column;
};

/* Where a setting stands; an element of a list has no key and both are the same. */
struct conf_place {
	struct conf_at key, value;
	uint32_t key_off, value_off; /* the same as offsets into the text */
	uint8_t type;		     /* CONFIG_TYPE_* that the value must have in the tree */
	bool bad;		     /* already reported: the value in the tree means nothing */
};

/* Places of settings in document order, as a tree has them. */
struct conf_places {
	struct conf_place *v; /* owned */
	size_t n, cap;
};

/* Some elements of a long list: of all of them at once the tree would be ten times the text. */
struct conf_batch {
	size_t begin, end; /* their text: from behind the "(" or the comma in front to the next comma or the ")" */
	uint32_t line;	   /* in which it begins */
	size_t n;
	struct conf_places places; /* freed when they have been read */
};

/* A long list of the outermost level, as "flows"; in the tree of its file it is empty. */
struct conf_list {
	size_t place; /* its own */
	size_t first_batch, n_batches, n;
	size_t begin, end; /* between its brackets */
	uint32_t lines;	   /* newlines there */
};

/* The working copy of the text. */
struct conf_source {
	char *text; /* owned, len bytes, the last one is a newline, and a NUL behind */
	size_t len;
	const struct zg_files *files; /* borrowed */
	size_t *first_places;	      /* owned; of each file, and the end of the last */
	struct conf_places places;    /* of all settings but elements of long lists */
	struct conf_list *lists;      /* owned; in document order */
	struct conf_batch *batches;   /* owned; in document order */
	size_t n_lists, n_batches;
};

enum zg_err conf_source_init(struct conf_source *source, const char *text, size_t len, const struct zg_files *files);
/* Where a file ends: before the line that begins the next one. */
size_t conf_source_end(const struct conf_source *source, size_t file);
void conf_source_free(struct conf_source *source);

/* Reports and repairs; reports nothing about a text that is as it should be. */
void conf_guard(struct conf_source *source, struct zg_diags *diags);
/* ZG_ECONF: a syntax error, the rest was not looked at. ZG_OK with errors reported: repaired. */
enum zg_err conf_shape(struct conf_source *source, struct zg_diags *diags);
/* One file into tree (initialised by the caller); every setting's hook is its const struct conf_place. */
enum zg_err conf_load_tree(struct conf_source *source, size_t file, struct zg_diags *diags, config_t *tree);
/* The same with a batch of the long list called name: the one setting of the tree. */
enum zg_err conf_load_batch(struct conf_source *source, const struct conf_batch *batch, const char *name, struct zg_diags *diags,
			    config_t *tree);
/* The long list that has this place, or NULL. */
const struct conf_list *conf_source_list(const struct conf_source *source, const struct conf_place *place);
void conf_places_free(struct conf_places *places);
/* At "@include": is it alone on the rest of its line, with a path? */
bool conf_include_path(const char *p, const char **ret_path, size_t *ret_len);

/* Names and the number that each stands for, hashed. The names themselves are borrowed. */
struct conf_names {
	const char **words;
	uint32_t *values, *slots;
	size_t n, n_slots;
};
/* ret_twin: the number of the same name that is there already and stays, else UINT32_MAX. */
enum zg_err conf_names_add(struct conf_names *names, const char *name, uint32_t value, uint32_t *ret_twin);
bool conf_names_find(const struct conf_names *names, const char *name, uint32_t *ret_value);
void conf_names_free(struct conf_names *names);

enum conf_object_state { CONF_OBJECT_READ, CONF_OBJECT_OPEN, CONF_OBJECT_READY, CONF_OBJECT_BROKEN };

/* A policy being made, and where its parts were written. */
struct draft_object {
	struct conf_at at;
	struct conf_at *ranges;		 /* of a host: parallel to its ranges */
	const config_setting_t *members; /* of a group */
	enum conf_object_state state;	 /* of a group: its addresses are looked up when they are asked for */
	unsigned depth;			 /* of a group: levels of groups below it, itself included */
	bool used;
};

struct draft_service {
	struct conf_at at, protocol;
	struct conf_at *ports; /* parallel to its ports */
	bool broken, used;
};

struct draft_zone {
	struct conf_at at, kind;
	struct conf_at *ifaces, *ranges, *stations; /* parallel to the zone's arrays */
};

struct draft_flow {
	struct conf_at at, from, to, inspector, protocol, expires, ticket, approver;
	struct conf_at source, destination, port, service; /* the values as a whole */
	struct conf_at *sources, *destinations, *ports;
	struct zg_mac macs[2]; /* 特定通信: of the client, of the server */
	struct conf_at mac_at[2];
	bool broken; /* something is missing or wrong: cross rules would only repeat it */
};

struct draft_router_rule {
	struct conf_at at;
	struct conf_at *peers; /* parallel to the rule's */
};

struct conf_draft {
	struct zg_policy *policy;
	struct zg_arena arena; /* places of addresses and ports */
	struct draft_router_rule *router;
	struct draft_zone *zones;
	struct draft_flow *flows;
	struct conf_at *schedules; /* parallel to the policy's */
	struct conf_at holidays;
	enum zg_conf_purpose purpose;
	struct draft_object *objects;
	struct draft_service *services;
	struct conf_names object_names, service_names;
	struct conf_names stations; /* "zone address card" of each, once there are 特定通信 */
	size_t nameless;   /* objects and services whose name could not be read: an unknown one may be meant */
	size_t n_expanded; /* addresses that came of names so far, against ZG_ADDRESSES_MAX */
	const struct zg_files *files;
	time_t now;
	bool zones_broken; /* a zone has unusable addresses: what lies in which zone cannot be said */
};

void conf_draft_free(struct conf_draft *draft); /* not the policy */

/* " (group "x", line 3)" behind an address that came of a name (1 + its index), else "". Returns buf. */
#define CONF_VIA_MAX 320
const char *conf_via(const struct conf_draft *draft, uint32_t object, char buf[static CONF_VIA_MAX]);

/* trees: of the source's files. */
enum zg_err conf_schema(struct conf_source *source, const config_t *trees, struct zg_diags *diags, struct conf_draft *draft);

/* Address space cut into pieces that belong to one zone each; sorted, disjoint. */
struct conf_piece {
	struct zg_range range;
	size_t zone;
};
struct conf_space {
	struct conf_piece *pieces;
	size_t n;
};
/* Reports zones whose ranges collide. */
enum zg_err conf_space_build(const struct conf_draft *draft, struct zg_diags *diags, struct conf_space *ret_space);
void conf_space_free(struct conf_space *space);
/* The part of range that is not zone's, if there is one: the first such part, and whose it is (SIZE_MAX = nobody's). */
bool conf_space_foreign(const struct conf_space *space, const struct zg_range *range, size_t zone,
			struct zg_range *ret_part, size_t *ret_owner);
/* The next part of range that is zone's own, in order; *cursor is 0 at first. False = there is no more. */
bool conf_space_own(const struct conf_space *space, const struct zg_range *range, size_t zone, size_t *cursor,
		    struct zg_range *ret_part);

enum zg_err conf_check(const struct conf_draft *draft, struct zg_diags *diags);
/* Flows of which one packet could belong to two. */
enum zg_err conf_check_overlap(const struct conf_draft *draft, struct zg_diags *diags);

/* Schedules that never open or that nobody uses, and a list of holidays that ends. */
enum zg_err conf_check_times(const struct conf_draft *draft, struct zg_diags *diags);

/* The word of words (n of them) that was probably meant, or NULL. */
const char *conf_suggest(const char *word, const char *const *words, size_t n);

#define CONF_ERROR(diags, at_, hint, ...)                                                                              \
	zg_diag_add((diags), ZG_DIAG_ERROR, (at_).line, (at_).column, (hint), __VA_ARGS__)
#define CONF_WARNING(diags, at_, hint, ...)                                                                            \
	zg_diag_add((diags), ZG_DIAG_WARNING, (at_).line, (at_).column, (hint), __VA_ARGS__)

#endif
