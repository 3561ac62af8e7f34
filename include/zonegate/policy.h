/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy: one immutable value. Made by zg_conf_load() only; after that nobody writes to it.
 */
#ifndef ZONEGATE_POLICY_H
#define ZONEGATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "zonegate/addr.h"
#include "zonegate/arena.h"
#include "zonegate/calendar.h"
#include "zonegate/config.h"
#include "zonegate/diag.h"
#include "zonegate/err.h"
#include "zonegate/files.h"
#include "zonegate/inspector.h"
#include "zonegate/limits.h"
#include "zonegate/text.h"

enum zg_kind { ZG_KIND_MYNUMBER, ZG_KIND_LGWAN, ZG_KIND_INTERNET, ZG_KIND_UPLINK, ZG_KIND_MANAGEMENT, ZG_KIND_COUNT };
enum zg_model { ZG_MODEL_ALPHA, ZG_MODEL_ALPHA_PRIME, ZG_MODEL_BETA, ZG_MODEL_BETA_PRIME, ZG_MODEL_COUNT };

/* "mynumber" ... / "alpha", "alpha-prime" ... ; never NULL. */
const char *zg_kind_name(enum zg_kind kind);
const char *zg_model_name(enum zg_model model);

/* What the policy (clause 2.6(3)) says about two kinds of zones, in either direction. */
enum zg_relation {
	ZG_RELATION_ORDINARY,  /* only inspected flows */
	ZG_RELATION_SANITISED, /* only flows with an inspector that sanitises, or that the model names */
	ZG_RELATION_SPECIFIC,  /* a flow only as 特定通信: single hosts with their MAC addresses, single ports */
	ZG_RELATION_FORBIDDEN, /* no flow, no override */
};
enum zg_relation zg_kind_relation(enum zg_kind a, enum zg_kind b);

/* What a network model says about a flow from one kind of zone to another, by the name of its inspector. */
enum zg_model_says {
	ZG_MODEL_NOTHING,     /* it does not speak of such a flow */
	ZG_MODEL_EXPECTED,    /* a part of this model */
	ZG_MODEL_CONTRADICTS, /* a part of other models, and not of this one */
};
/* *ret_other: with ZG_MODEL_CONTRADICTS the first model that has such flows. */
enum zg_model_says zg_model_says(enum zg_model model, enum zg_kind from, enum zg_kind to, const char *inspector,
				 enum zg_model *ret_other);

/* A known station: its address belongs to this MAC on this zone's interfaces, and to no other. */
struct zg_station {
	struct zg_addr addr;
	struct zg_mac mac;
	unsigned line;
};

/* A name for addresses: a host, or a group of hosts, groups and addresses. */
struct zg_object {
	char *name;
	bool group;
	struct zg_range *ranges; /* single addresses of a host; of a group those of all members, sorted, none inside another */
	size_t n_ranges;
	bool has_mac; /* of a host: its addresses are stations of their zones */
	struct zg_mac mac;
	char **members; /* of a group, as written */
	size_t n_members;
	unsigned line;
};

/* A name for what a flow says behind the addresses. */
struct zg_service {
	char *name;
	enum zg_transport transport;
	struct zg_ports *ports;
	size_t n_ports;
	const struct zg_inspector *inspector;
	struct zg_config config; /* of the inspector */
	unsigned line;
};

struct zg_zone {
	char *name;
	enum zg_kind kind;
	char *label; /* free text, UTF-8; the name if not given */
	char **ifaces;
	struct zg_mac *iface_macs; /* parallel to ifaces: the card's own address; all zero = any card */
	size_t n_ifaces;
	bool within; /* packets may pass from one of its interfaces to another, uninspected */
	struct zg_range *ranges; /* addresses of the zone as written; the narrowest zone wins where they nest */
	uint32_t *range_objects; /* parallel to ranges: 1 + index of the object that stands there, 0 = an address */
	size_t n_ranges;
	struct zg_station *stations;
	size_t n_stations;
	unsigned line;
};

/* What is recorded of a flow; refusals always are. */
enum zg_flow_log { ZG_FLOW_LOG_ALL, ZG_FLOW_LOG_REFUSED, ZG_FLOW_LOG_COUNT };

/* So many in so many seconds, and as many at once; 0 = without limit. */
struct zg_rate {
	uint32_t count, seconds;
};

struct zg_flow {
	char *name;
	size_t from, to; /* indices into zones; from = who opens the connection */
	struct zg_range *sources;
	uint32_t *source_objects; /* as range_objects of a zone */
	size_t n_sources;
	struct zg_range *destinations;
	uint32_t *destination_objects;
	size_t n_destinations;
	uint32_t service; /* 1 + index of the service that said what follows, 0 = the flow itself */
	enum zg_transport transport;
	struct zg_ports *ports; /* destination ports */
	size_t n_ports;
	const struct zg_inspector *inspector; /* NULL = opaque: passes uninspected, a 特定通信 only */
	struct zg_config config; /* of the inspector; with a service, the service's own; what is the same may be one */
	char *purpose, *ticket, *approver, *clause; /* NULL if not given */
	time_t expires; /* 0 = never; the end of the day named, local time */
	size_t schedule; /* index into schedules; ZG_SCHEDULE_ALWAYS = at all times */
	bool specific;	 /* 特定通信: one client, one server, single ports */
	enum zg_flow_log log;
	struct zg_rate rate;  /* of new connections */
	uint32_t connections; /* at once; 0 = without limit */
	uint32_t mark; /* of its packets, see zonegate/mark.h: index + 1 until zg_marks_give() */
	unsigned line;
};

#define ZG_SCHEDULE_ALWAYS SIZE_MAX
/* A file of addresses with which nobody speaks. */
struct zg_blocklist_conf {
	char *name;
	char *file;    /* its name in the directory of the lists, without a slash */
	size_t *zones; /* indices; none: whatever crosses */
	size_t n_zones;
	bool own_networks; /* it may name addresses of the zones' own networks */
	unsigned line;
};

/* What is counted of the new connections that come out of a zone. */
enum zg_meter_kind {
	ZG_METER_CONNECTIONS, /* connections of one source */
	ZG_METER_SCAN,	      /* different destinations (address and port) of one source */
	ZG_METER_FLOOD,	      /* packets without an answer (SYN, UDP, ICMP) of one source, each protocol by itself */
	ZG_METER_TARGET,      /* the same towards one destination */
	ZG_METER_COUNT,
};
/* "connections", "scan", "flood", "target"; never NULL. Also the key in the configuration. */
const char *zg_meter_name(enum zg_meter_kind kind);

/* A bucket of burst, filled by limit every so many seconds; what finds it empty is too much. */
struct zg_meter {
	uint32_t limit; /* 0 = nothing is counted */
	uint32_t seconds, burst;
	uint32_t block; /* seconds for which the source may open nothing any more; 0 = it is only told */
};

struct zg_monitor {
	size_t zone;
	struct zg_meter meters[ZG_METER_COUNT];
	bool first_seen; /* tell when the zone speaks to a destination for the first time */
	unsigned line;
};

/* What the router itself may be told, or may say: group router of the configuration. One end is always the router. */
struct zg_router_rule {
	const char *key; /* of the group router: "manage", "ntp" ...; static */
	char *name;	 /* "ssh", "ntp", "vrrp" ...; the key if not given */
	bool out;   /* the router opens it; else one of the peers */
	size_t zone;	  /* index into zones */
	char *iface;	  /* of a neighbour; NULL = every interface of the zone */
	uint8_t protocol; /* IP protocol number; ZG_ROUTER_ICMP: an echo request, in both families */
	struct zg_range *peers;
	uint32_t *peer_objects; /* parallel: 1 + index of the object that an address came of, 0 = none */
	size_t n_peers;
	struct zg_ports *ports; /* destination ports; none of them with a protocol that has none */
	size_t n_ports;
	bool group;    /* the peers are multicast groups, to which the router itself speaks */
	uint32_t rate; /* packets a second, with ZG_ROUTER_ICMP; 0 = not limited */
	unsigned line;
};

#define ZG_ROUTER_ICMP 1 /* ICMP's number stands for ICMPv6 too */

struct zg_policy {
	uint32_t generation; /* given by who puts it in force; 0 = not in force */
	uint8_t sha256[32];  /* of the configuration text */
	struct zg_text *source; /* held */
	const char *text;	/* its bytes, so that the last confirmed one can be saved */
	size_t text_len;
	struct zg_arena arena; /* what is not freed by itself: names and texts, addresses, ports */
	char *file; /* the name it was read from */
	struct zg_files files; /* of the text; every line number here counts from its beginning */
	enum zg_model model;
	char *body; /* name of the municipality, may be NULL */
	struct zg_object *objects;
	size_t n_objects;
	struct zg_service *services;
	size_t n_services;
	struct zg_zone *zones;
	size_t n_zones;
	struct zg_flow *flows;
	size_t n_flows;
	struct zg_monitor *monitors;
	size_t n_monitors;
	struct zg_schedule *schedules;
	size_t n_schedules;
	zg_day *holidays; /* in order */
	size_t n_holidays;
	uint32_t max_term;   /* days until a flow's expiry, at most */
	struct zg_blocklist_conf *blocklists;
	size_t n_blocklists;
	struct zg_router_rule *router;
	size_t n_router;
	bool has_router;     /* the group is there; without it the router answers nobody */
	uint32_t *by_mark;	/* indices of flows in the order of their marks; NULL until zg_marks_give() */
	uint32_t inspectors; /* processes = queues */
	uint16_t queue_base; /* first NFQUEUE number */
	bool flow_digest;    /* the end of a connection is recorded with SHA-256 of what was released */
};

void zg_policy_free(struct zg_policy *policy);

/* What a text is read for. */
enum zg_conf_purpose {
	/* To be put in force: an expiry that has passed, or is beyond the permitted term, is an error. */
	ZG_CONF_CHANGE,
	/* It was in force before (boot, rollback), or is only looked at: what has expired since passes nothing, and that is a
	 * warning. The clock may not be set yet. */
	ZG_CONF_KNOWN,
};

/*
 * Configuration text -> frozen policy: guard, load, schema, cross checks, freeze. All errors at once in diags
 * (initialised by the caller, source set here). Warnings may be there on success too. ZG_ECONF if there was an
 * error; the caller frees the policy with zg_policy_free(). now: 0 = the present.
 */
enum zg_err zg_conf_parse_for(enum zg_conf_purpose purpose, time_t now, const char *file, const char *text, size_t len,
			      struct zg_diags *diags, struct zg_policy **ret_policy);
/* The same without a copy of the text, which is only held on to. */
enum zg_err zg_conf_parse_text(enum zg_conf_purpose purpose, time_t now, const char *file, struct zg_text *text, struct zg_diags *diags,
			       struct zg_policy **ret_policy);
/* A file ("-" = standard input) and all that it includes, as one text (zonegate/files.h); malloc'd. ZG_ECONF: it cannot be
 * read. Mistakes of what it includes are diagnostics, and a text comes nevertheless, to be looked at for more. */
enum zg_err zg_conf_gather(const char *file, struct zg_diags *diags, char **ret_text, size_t *ret_len);
/* The two together, at present: an unreadable or oversized file is a diagnostic too. */
enum zg_err zg_conf_load_for(enum zg_conf_purpose purpose, const char *file, struct zg_diags *diags,
			     struct zg_policy **ret_policy);

/* Both, at present, for a change. */
static inline enum zg_err zg_conf_parse(const char *file, const char *text, size_t len, struct zg_diags *diags,
					struct zg_policy **ret_policy)
{
	return zg_conf_parse_for(ZG_CONF_CHANGE, 0, file, text, len, diags, ret_policy);
}
static inline enum zg_err zg_conf_load(const char *file, struct zg_diags *diags, struct zg_policy **ret_policy)
{
	return zg_conf_load_for(ZG_CONF_CHANGE, file, diags, ret_policy);
}

/* When a flow passes: now, if begin is past; else from begin on. end = ZG_NEVER: without end. False: never (again). */
bool zg_flow_window(const struct zg_policy *policy, const struct zg_flow *flow, time_t now, struct zg_window *ret_window);
/* "opaque" for none. */
const char *zg_flow_inspector(const struct zg_flow *flow);

/* The zone of an address that arrived on nothing in particular: the narrowest range that holds it; NULL = none. */
const struct zg_zone *zg_policy_zone_of(const struct zg_policy *policy, const struct zg_addr *addr);
const struct zg_zone *zg_policy_zone(const struct zg_policy *policy, const char *name);
const struct zg_zone *zg_policy_zone_of_iface(const struct zg_policy *policy, const char *iface);
/* The rule by which the router may open a connection to peer (out), or peer one to the router; NULL = none. iface: of the zone,
 * NULL = any. port: the destination's, 0 with a protocol that has none. */
const struct zg_router_rule *zg_policy_router_rule(const struct zg_policy *policy, bool out, const char *iface,
						   const struct zg_addr *peer, uint8_t protocol, uint16_t port);

#endif
