/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor: the one process that changes the kernel's tables, starts the others and writes the log. One object,
 * three files of steps: children.c (processes), change.c (policies), record.c (events). */
#ifndef ZONEGATE_MAIN_SUPERVISOR_H
#define ZONEGATE_MAIN_SUPERVISOR_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ctl/server.h"
#include "event/event.h"
#include "main/cut.h"
#include "main/isolation.h"
#include "main/lists.h"
#include "main/options.h"
#include "main/trial.h"
#include "nft/nft.h"
#include "sys/clock.h"
#include "sys/settings.h"
#include "zonegate/msg.h"
#include "zonegate/policy.h"

enum zg_role { ZG_ROLE_GATE, ZG_ROLE_INSPECTOR, ZG_ROLE_WATCH };

struct zg_child {
	enum zg_role role;
	uint32_t index;
	pid_t pid;  /* 0 = not running */
	int chan;   /* our end; -1 = none */
	int handed[ZG_QUEUE_FDS]; /* inspector: what the gate handed over for the next start; -1 = none */
	pid_t gate;	     /* inspector: the gate that bound the queue it reads */
	uint32_t acked;      /* generation that it has staged */
	uint32_t restarts;
	uint64_t started_ms, start_at_ms; /* start_at: not before (after a death); 0 = not wanted now */
	struct zg_msg_stats stats;
	uint64_t told_gaps, told_overrun, told_lost, told_evicted; /* of stats: what the log already has */
	uint32_t pong;
	uint32_t heard;	   /* messages taken since heard_ms: so many in a second */
	uint64_t heard_ms;
};

/* Interfaces that are not what the policy expects, by name. */
struct zg_cards {
	char **names;
	size_t n;
};

struct zg_supervisor {
	struct zg_options options;
	enum zg_log log;
	struct zg_nft *nft;
	enum zg_queue_kind queue_kind;
	uint32_t hash_seed;
	struct zg_policy *policy; /* in force; NULL before the first commit */
	struct zg_lists lists;	  /* of that policy */
	struct zg_plan *plan;	  /* that the kernel was found to hold; NULL = not known */
	struct zg_isolation isolation; /* zones that are cut off, whatever the policy says */
	bool doubt;	  /* the kernel may hold something else than plan: the next change replaces the whole */
	uint32_t generation;
	uint32_t next_mark; /* for a new flow; 0 = not known yet */
	struct zg_trial trial; /* of the policy in force, if it is not confirmed */
	uint32_t kept;	       /* generation under which the last confirmed policy is kept; 0 = none is */
	struct zg_cut cut;
	int rtab_fd; /* of the newest staged policy; -1 = none */
	struct zg_child gate, watch, inspectors[ZG_INSPECTORS_MAX];
	uint32_t n_inspectors;
	uint16_t queue_base;
	struct zg_settings *settings; /* of the kernel, that the policy relies on */
	struct zg_ctl *ctl;
	uint64_t records_lost; /* that the sink did not take, not yet told */
	struct zg_nft_counter *counters; /* as of the last record */
	size_t n_counters;
	/* Packets that the policy table queued and that no inspector has seen. */
	struct {
		uint64_t gone;	  /* seen by inspectors that are no more, or before our time */
		uint64_t missing; /* at the last look; some may have been on their way */
		uint64_t look_ms;
		uint64_t told;
		bool begun;
	} queue_loss;
	struct {
		int64_t wall_ms;    /* of the clock on the wall at running time 0, as of the last commit or opening */
		bool due, retry;    /* something has to be opened; the clock was set, and to put all anew failed */
		uint64_t retry_ms;  /* when it failed */
		zg_day expiries_on; /* day on which the coming expiries were told */
		uint32_t generation; /* of the policy whose schedules open tells of */
		bool *open;	    /* per schedule, as last told */
		size_t n_open;
	} timing;
	struct zg_cards strange, compiled; /* kept out by the rules in force / by the plan that was compiled last */
	uint64_t cards_ms;
	uint64_t counters_ms, started_ms, ping_ms, watchdog_ms, restore_ms, lists_ms;
	struct {
		uint64_t look_ms, settings_ms, others_ms;
		struct zg_nft_changes by_backstop, by_others; /* who, since the last look at each */
		struct zg_nft_foreign *others;		      /* found in others' tables, sorted */
		size_t n_others;
		bool others_due, others_partial;
		struct zg_plan *router; /* own table, of the policy with router_generation; NULL = not compiled yet */
		uint32_t router_generation;
		bool router_differs; /* at the last look, and it could not be put right */
	} drift;
	uint32_t ping;
	bool fresh;  /* the processes were just started and have not staged a policy yet */
	bool closed; /* a policy could not be put back in force: forwarding is off until it is */
	bool stopping;
	uint8_t *buf; /* ZG_MSG_MAX */
};

int zg_supervisor_run(const struct zg_options *options);

/* --- children.c --- */
const char *zg_role_name(enum zg_role role);
void zg_children_init(struct zg_supervisor *s);
/* Starts gate, inspectors and watch for queue_base and n_inspectors, and waits until every one has answered. */
enum zg_err zg_children_start(struct zg_supervisor *s, struct zg_diags *diags);
void zg_children_stop(struct zg_supervisor *s);
/* Gives the policy's runtime table to all and waits until all have it. One that hangs is ended: like one that is down, it
 * gets the table when it starts again, and its queue drops until then. Right after their start all have to be there. */
enum zg_err zg_children_stage(struct zg_supervisor *s, const struct zg_policy *policy, struct zg_diags *diags);
/* What was staged is in force: the inspectors end what it does not permit. */
void zg_children_in_force(struct zg_supervisor *s);
/* After SIGCHLD: who died; plans the restart. */
void zg_children_reap(struct zg_supervisor *s);
/* Restarts that are due, pings. */
void zg_children_tick(struct zg_supervisor *s);
/* Every inspector answered the last ping through the gate. */
bool zg_children_healthy(const struct zg_supervisor *s);
/* For the main loop: adds descriptors to poll / handles what came in. */
size_t zg_children_poll(const struct zg_supervisor *s, struct pollfd *fds, size_t max);
void zg_children_ready(struct zg_supervisor *s, int fd);

/* --- change.c --- */
enum zg_change {
	ZG_CHANGE_DONE,
	ZG_CHANGE_INVALID,     /* the configuration has errors; nothing changed */
	ZG_CHANGE_REFUSED,     /* the kernel or a process refused it; nothing changed */
	ZG_CHANGE_ROLLED_BACK, /* it was in force for a moment and has been taken back */
	ZG_CHANGE_CLOSED,      /* refused, and the one before could not be put back: nothing passes */
};
/* What is asked for. */
struct zg_change_request {
	const char *file;
	struct zg_text *text; /* borrowed; who needs it longer holds it */
	const char *who, *comment; /* for the record; comment may be NULL */
	uint32_t confirm_s;	   /* 0 = for good; else it goes again unless it is confirmed within this time */
	enum zg_conf_purpose purpose;
};
/* text -> in force, and confirmed and kept, or on trial; or nothing. */
enum zg_change zg_change_apply(struct zg_supervisor *s, const struct zg_change_request *request, struct zg_diags *diags);
/* The kept policy before the one in force: the last confirmed while another is on trial. ZG_ENOENT: there is none. */
enum zg_err zg_change_before(struct zg_supervisor *s, uint32_t *ret_number);
/* The same with a kept policy; number 0 = the one before the one in force: the last confirmed while another is on trial. Of the
 * request its file and text are not used. */
enum zg_change zg_change_rollback(struct zg_supervisor *s, uint32_t number, const struct zg_change_request *request,
				  struct zg_diags *diags);
/* What is on trial is confirmed and kept; generation 0 = whichever it is. False: nothing is, or another. */
bool zg_change_confirm(struct zg_supervisor *s, uint32_t generation, const char *who, struct zg_diags *diags);
/* For the record: a configuration that could not even be read. */
void zg_change_refused(struct zg_supervisor *s, const char *file, const char *who, const struct zg_diags *diags);
/* At start: the last confirmed policy, or the configuration file if nothing is confirmed yet. Starts the children. */
enum zg_change zg_change_boot(struct zg_supervisor *s, struct zg_diags *diags);

/* Puts a plan in the kernel and, if that worked, keeps it: *plan is NULL then. */
enum zg_err zg_change_commit(struct zg_supervisor *s, struct zg_plan **plan, struct zg_diags *diags);
/* The policy in force, compiled and put in the kernel anew for the present: the clock was set. */
enum zg_err zg_change_again(struct zg_supervisor *s, struct zg_diags *diags);
/* What plans are compiled with now. */
struct zg_plan_env zg_change_env(const struct zg_supervisor *s);

/* --- timing.c --- */
/* Opens windows when they come, puts all that ends by the clock anew when the clock was set, tells of both and, once a day, of
 * the flows that expire within a week; the same when a policy has come into force. */
void zg_timing_tick(struct zg_supervisor *s);

/* What was on trial for its whole time is taken back. While the boundary is closed for want of a policy in force: tries again to
 * put back the last one. */
void zg_change_tick(struct zg_supervisor *s);

/* --- isolate.c --- */
/* The requests isolate and restore; the answer. who is for the record. */
json_t *zg_isolate_request(struct zg_supervisor *s, bool isolating, const json_t *request, const char *who);
/* At start, before any policy: what is kept. False: out of memory. */
bool zg_isolate_boot(struct zg_supervisor *s);
/* Tells of every zone that is still cut off. */
void zg_isolate_kept(struct zg_supervisor *s);
/* The interfaces are not as the rules in force have them: the same policy anew, or closed. */
void zg_change_cards(struct zg_supervisor *s);

/* --- cards.c --- */
enum zg_err zg_cards_look(const struct zg_policy *policy, struct zg_cards *ret_cards);
void zg_cards_free(struct zg_cards *cards);
/* The plan that was compiled last is in force: what changed with it is recorded. */
void zg_cards_adopt(struct zg_supervisor *s, const struct zg_policy *policy);
/* Looks whether the cards are still those. */
void zg_cards_tick(struct zg_supervisor *s);
/* A policy with a radio in a My Number zone may not be applied. True = reported. */
bool zg_cards_refuse(const struct zg_policy *policy, struct zg_diags *diags);

/* --- record.c --- */
void zg_record(struct zg_supervisor *s, struct zg_event *e);
/* A line of the policy in force as that of its file; the file too if there are several. */
void zg_record_add_place(const struct zg_supervisor *s, struct zg_event *e, unsigned line);
/* What the configuration says of a flow: name, line, ticket, zones ... */
void zg_record_add_flow(const struct zg_supervisor *s, struct zg_event *e, const struct zg_flow *flow);
/* An event from a process that parses: checked, completed with names, recorded. */
void zg_record_msg(struct zg_supervisor *s, const struct zg_child *child, const struct zg_msg_event *msg);
/* The flow in force that has this mark; NULL = none. */
const struct zg_flow *zg_record_flow(const struct zg_supervisor *s, uint32_t mark);

/* --- sums.c --- */
/* A child's new numbers, if they can be true; what they tell of losses is recorded. */
void zg_record_stats(struct zg_supervisor *s, struct zg_child *child, const struct zg_msg_stats *stats);
/* A process is no more: what an inspector has seen still counts, and the next one begins at nothing. */
void zg_record_seen(struct zg_supervisor *s, struct zg_child *child);
/* The kernel's sum of what was queued for inspectors, beside theirs of what they have seen. */
void zg_record_queue_loss(struct zg_supervisor *s, uint64_t queued, uint64_t now_ms);
/* What the kernel's counters gained since the last record, one event per counter that moved. */
void zg_record_counters(struct zg_supervisor *s);
/* Flows count from nothing: all elements are new. */
void zg_record_flows_reset(struct zg_supervisor *s);
/* What the flows gained that go with the step from one plan to the other. */
void zg_record_leaving(struct zg_supervisor *s, const struct zg_plan *from, const struct zg_plan *to);
/* For people: that of a flow in force by its name. */
#define ZG_COUNTER_NAME_MAX 64
const char *zg_counter_name(const struct zg_supervisor *s, const struct zg_nft_counter *c, char buf[static ZG_COUNTER_NAME_MAX]);

/* --- switches.c --- */
/* Sets what the policy relies on, for the interfaces of its zones, and opens; or says what cannot be set, and does not. */
enum zg_err zg_switches_open(struct zg_supervisor *s, const struct zg_policy *policy, struct zg_diags *diags);
/* Forwarding off, the rest as before. */
void zg_switches_close(struct zg_supervisor *s);
/* What somebody has changed is put back, and told. */
void zg_switches_look(struct zg_supervisor *s);
json_t *zg_switches_json(const struct zg_supervisor *s);

/* --- drift.c --- */
/* Listens to what others change. */
void zg_drift_start(struct zg_supervisor *s);
void zg_drift_stop(struct zg_supervisor *s);
/* The backstop and the settings are there and unchanged, or are put back and a record says so; what is new in tables of
 * others is told. Within each second, and at once when zg_nft_listen_fd() has something to say. */
void zg_drift_tick(struct zg_supervisor *s);
/* For status: what others' tables could do to packets of the boundary. */
json_t *zg_drift_json(const struct zg_supervisor *s);

/* --- reload.c --- */
/* Reads the files of the blocklists again and fills their sets anew. ZG_OK even if some are broken and keep what they have;
 * else nothing changed, and diags say why. */
enum zg_err zg_lists_reload(struct zg_supervisor *s, struct zg_diags *diags);
/* Tells what is in force of the lists, where it is another than before. */
void zg_lists_record(struct zg_supervisor *s, const struct zg_lists *before);
/* Once a minute: files that have changed are read again. */
void zg_lists_tick(struct zg_supervisor *s);
/* --- history.c --- */
/* The kept policies, and what is on trial. */
json_t *zg_history_json(struct zg_supervisor *s);
/* The text of a policy: number 0 = the one in force; else of a kept one. */
json_t *zg_history_text(struct zg_supervisor *s, uint32_t number);
/* null, or what is on trial: "generation", "seconds_left", "returns_to". */
json_t *zg_history_trial(const struct zg_supervisor *s);

/* --- status.c --- */
json_t *zg_status_json(struct zg_supervisor *s);

#endif
