/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened: one schema for journal, text, JSON and observers. */
#ifndef ZONEGATE_EVENT_EVENT_H
#define ZONEGATE_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "zonegate/addr.h"
#include "zonegate/err.h"

/* E(identifier, "name", syslog priority, "MESSAGE_ID"): a kind never changes its id. Each has an entry in both
 * catalogs (systemd/). */
#define ZG_EVENTS(E) \
	E(DAEMON_STARTED, "daemon-started", 5, "5b947dd0e3934e059ecb25ca5509875e") \
	E(DAEMON_STOPPED, "daemon-stopped", 2, "156c82b388ac49f59ebfb2c392dc6452") \
	E(DAEMON_FAILED, "daemon-failed", 2, "36febd5f29044daaa3362d21180712d8") \
	E(POLICY_APPLIED, "policy-applied", 5, "1a4b078071144b2a800c2aec7da81b28") \
	E(POLICY_REFUSED, "policy-refused", 4, "a599c3f97896466082bafd5fbbf9c8ee") \
	E(POLICY_ROLLED_BACK, "policy-rolled-back", 2, "2ffbb39fc8ec4985a55d9c0bd84e1cfc") \
	E(POLICY_ON_TRIAL, "policy-on-trial", 4, "bd7b5ee0bfd94866aaef5939734166d0") \
	E(POLICY_CONFIRMED, "policy-confirmed", 5, "56f9f4c00c454637bf6eb94f4f3d7ce5") \
	E(POLICY_RETURNED, "policy-returned", 2, "e10d9acc35c94c40bc8b6a1667c60b7f") \
	E(POLICY_DAMAGED, "policy-damaged", 2, "c2f9b2e0899c46428f1244cad3b3179a") \
	E(CONNECTIONS_CUT, "connections-cut", 5, "361b9889c4a742a795655511bae61be2") \
	E(FLOW_OPENED, "flow-opened", 6, "3f360999502a4d37ade06975e105f5a8") \
	E(FLOW_CLOSED, "flow-closed", 6, "58262f22aa0b4d08b30615af66e07c42") \
	E(CONTENT_DENIED, "content-denied", 4, "391567a57a7244c08aeefa5b328b8c15") \
	E(CONTENT_CHANGED, "content-changed", 6, "2f0c4de15a7b49a6b6f30e5d81c97a4b") \
	E(PACKET_DENIED, "packet-denied", 5, "a874df022f7044069ab9f8cec5d7d933") \
	E(INSPECTOR_STARTED, "inspector-started", 5, "782294c13e484b949ced9af4485fff7a") \
	E(INSPECTOR_DIED, "inspector-died", 3, "8966dc1422ae4fbeb8f29220e8dac86a") \
	E(QUEUE_LOSS, "queue-loss", 4, "2c417fb860624f6d86dc981a19925b5e") \
	E(RECORD_LOST, "record-lost", 2, "fd1d62348f994f86a6d3807cbe2e28c1") \
	E(COUNTERS, "counters", 6, "9726192bc3f04710bc5fed49a1c034c9") \
	E(BACKSTOP_RESTORED, "backstop-restored", 2, "32672f8c24d5410a872973561d814a83") \
	E(LIMIT_REACHED, "limit-reached", 4, "0f7d2b1c5a6e4c0f8a3b9d4e6f107c52") \
	E(BOUNDARY_CLOSED, "boundary-closed", 2, "5d1f0c6a3e8b4f0f9a53c1d07be2f816") \
	E(BLOCKLIST_LOADED, "blocklist-loaded", 5, "92fc9f1d3d494f518aed5368733c9a87") \
	E(BLOCKLIST_BROKEN, "blocklist-broken", 3, "84b87f11a1714676b1cf9e7f9ef5593e") \
	E(BLOCKLIST_SPARED, "blocklist-spared", 4, "c94b1dce3e534ae8a8e2b078ff134381") \
	E(BLOCKLIST_MATCHED, "blocklist-matched", 5, "f56570496db3416db33ea204c6bca12b") \
	E(CONNECTION_RATE, "connection-rate", 4, "d2923fd761bf4348baf661266acbd4b3") \
	E(SCAN, "scan", 4, "6be43cceeac64d4da9c3ff11c30067cc") \
	E(FLOOD, "flood", 4, "ea1f829f7c6a4c8eb222956d3ffba4d2") \
	E(FLOOD_TARGET, "flood-target", 4, "a34a4a4e672a4a58b048bee9cb393f23") \
	E(SOURCE_BLOCKED, "source-blocked", 5, "f9c81e85cc874ccb8bc5ac6fad47b1d4") \
	E(DESTINATION_FIRST_SEEN, "destination-first-seen", 5, "7962110bec3b40bda38f3b95815fdf18") \
	E(FLOW_EXPIRES, "flow-expires", 4, "f446944967284fcbb5b733448f193600") \
	E(SCHEDULE, "schedule", 5, "6de9447277b4492fbb0264bb1c9b0dbe") \
	E(CLOCK_SET, "clock-set", 4, "6dde3c5740c74e458a5d4f99ce617892") \
	E(CLOCK_UNSET, "clock-unset", 3, "e34b03f4dfee40238c093bef4ddd65e4") \
	E(ZONE_ISOLATED, "zone-isolated", 2, "b0a3d1f2c7e94c5f8d6ea9b1427f3c05") \
	E(ZONE_RESTORED, "zone-restored", 2, "4e7c19a8d2b34f61a05c8b9e6f3d7a12") \
	E(ISOLATION_DAMAGED, "isolation-damaged", 2, "c91d5e7a3f084b26b8e4d07a9c6f1b53") \
	E(SETTING_CHANGED, "setting-changed", 2, "7f2b4c90d6e84a13b5a7c3e1f90d2864") \
	E(FOREIGN_RULES, "foreign-rules", 4, "a6d0f83b1c2e47958e3b0d7c94f1a25e") \
	E(INTERFACE_STRANGE, "interface-strange", 2, "8c41d7e0b95f4a2f9e6d03a7c1582b64") \
	E(INTERFACE_WELL, "interface-well", 2, "b7209f5e34c84d1a8f50e6b2d9ac7138") \
	E(ROUTER_OPENED, "router-opened", 6, "8e2b7f5d91c04a6fb3d8617a0c94e25b") \
	E(ROUTER_RESTORED, "router-restored", 2, "c47a0e93b6584d1f8f2d5b19e6a3740d")

enum zg_event_kind {
#define ZG_EVENT_ENUM(id, name, priority, message_id) ZG_E_##id,
	ZG_EVENTS(ZG_EVENT_ENUM)
#undef ZG_EVENT_ENUM
	ZG_EVENT_COUNT
};

/* F(identifier, "json name", "JOURNAL_FIELD", is a number) */
#define ZG_FIELDS(F) \
	F(SRC_ZONE, "src_zone", "ZG_SRC_ZONE", false) \
	F(DST_ZONE, "dst_zone", "ZG_DST_ZONE", false) \
	F(ZONE, "zone", "ZG_ZONE", false) \
	F(FLOW, "flow", "ZG_FLOW", false) \
	F(INSPECTOR, "inspector", "ZG_INSPECTOR", false) \
	F(CONFIG_LINE, "config_line", "ZG_CONFIG_LINE", true) \
	F(TICKET, "ticket", "ZG_TICKET", false) \
	F(APPROVER, "approver", "ZG_APPROVER", false) \
	F(CLAUSE, "clause", "ZG_CLAUSE", false) \
	F(VERDICT, "verdict", "ZG_VERDICT", false) \
	F(REASON, "reason", "ZG_REASON", false) \
	F(REASON_TEXT, "reason_text", "ZG_REASON_TEXT", false) \
	F(RULE, "rule", "ZG_RULE", false) \
	F(DENIED_BY, "denied_by", "ZG_DENIED_BY", false) \
	F(SRC_IP, "src_ip", "SRC_IP", false) \
	F(SRC_PORT, "src_port", "SRC_PORT", true) \
	F(DST_IP, "dst_ip", "DST_IP", false) \
	F(DST_PORT, "dst_port", "DST_PORT", true) \
	F(PROTO, "proto", "PROTO", false) \
	F(IFACE_IN, "iface_in", "ZG_IFACE_IN", false) \
	F(IFACE_OUT, "iface_out", "ZG_IFACE_OUT", false) \
	F(ROUTER, "router", "ZG_ROUTER", false) \
	F(PACKETS, "packets", "ZG_PACKETS", true) \
	F(CONNECTIONS, "connections", "ZG_CONNECTIONS", true) \
	F(SUPPRESSED, "suppressed", "ZG_SUPPRESSED", true) \
	F(BYTES_CLIENT, "bytes_client", "ZG_BYTES_CLIENT", true) \
	F(BYTES_SERVER, "bytes_server", "ZG_BYTES_SERVER", true) \
	F(MAIL_ID, "mail_id", "ZG_MAIL_ID", false) \
	F(MAIL_PARTS, "mail_parts", "ZG_MAIL_PARTS", false) \
	F(MAIL_BYTES, "mail_bytes", "ZG_MAIL_BYTES", true) \
	F(MAILS, "mails", "ZG_MAILS", true) \
	F(SHA256_CLIENT, "sha256_client", "ZG_SHA256_CLIENT", false) \
	F(SHA256_SERVER, "sha256_server", "ZG_SHA256_SERVER", false) \
	F(DURATION_MS, "duration_ms", "ZG_DURATION_MS", true) \
	F(GENERATION, "generation", "ZG_GENERATION", true) \
	F(SHA256, "sha256", "ZG_SHA256", false) \
	F(FILE, "file", "ZG_FILE", false) \
	F(WHO, "who", "ZG_WHO", false) \
	F(COMMENT, "comment", "ZG_COMMENT", false) \
	F(QUEUE, "queue", "ZG_QUEUE", false) \
	F(ROLE, "role", "ZG_ROLE", false) \
	F(INDEX, "index", "ZG_INDEX", true) \
	F(CHILD_PID, "child_pid", "ZG_CHILD_PID", true) \
	F(STATUS, "status", "ZG_STATUS", false) \
	F(COUNTER, "counter", "ZG_COUNTER", false) \
	F(TOTAL, "total", "ZG_TOTAL", true) \
	F(LOST, "lost", "ZG_LOST", true) \
	F(LIST, "list", "ZG_LIST", false) \
	F(LIST_LINE, "list_line", "ZG_LIST_LINE", true) \
	F(ENTRIES, "entries", "ZG_ENTRIES", true) \
	F(LIMIT, "limit", "ZG_LIMIT", true) \
	F(SECONDS, "seconds", "ZG_SECONDS", true) \
	F(BLOCK_S, "block_s", "ZG_BLOCK_S", true) \
	F(EXPIRES, "expires", "ZG_EXPIRES", false) \
	F(SCHEDULE, "schedule", "ZG_SCHEDULE", false) \
	F(PROCESS, "process", "ZG_PROCESS", false) \
	F(SETTING, "setting", "ZG_SETTING", false) \
	F(WANTED, "wanted", "ZG_WANTED", false) \
	F(FOUND, "found", "ZG_FOUND", false) \
	F(DETAIL, "detail", "ZG_DETAIL", false)

enum zg_field {
#define ZG_FIELD_ENUM(id, json, journal, number) ZG_F_##id,
	ZG_FIELDS(ZG_FIELD_ENUM)
#undef ZG_FIELD_ENUM
	ZG_FIELD_COUNT
};

struct zg_event {
	enum zg_event_kind kind;
	struct timespec when; /* realtime */
	char message[512];    /* one line for people; UTF-8 */
	const char *fields[ZG_FIELD_COUNT]; /* NULL = absent; into text */
	size_t used;
	char text[3072];
	bool truncated; /* a field did not fit; said in the record */
};

void zg_event_init(struct zg_event *e, enum zg_event_kind kind);
/* Absent if value is NULL. Control characters are replaced: a record is one line everywhere. */
void zg_event_str(struct zg_event *e, enum zg_field field, const char *value);
void zg_event_u64(struct zg_event *e, enum zg_field field, uint64_t value);
void zg_event_addr(struct zg_event *e, enum zg_field field, const struct zg_addr *addr);
void zg_event_message(struct zg_event *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *zg_event_name(enum zg_event_kind kind);
const char *zg_event_message_id(enum zg_event_kind kind);
int zg_event_priority(enum zg_event_kind kind);
const char *zg_priority_name(int priority); /* "critical", "warning", "notice" ... */

/* One line of JSON without the newline; malloc'd; NULL on out of memory. */
char *zg_event_json(const struct zg_event *e);

/* --- sinks --- */
enum zg_log { ZG_LOG_AUTO, ZG_LOG_JOURNAL, ZG_LOG_JSON, ZG_LOG_TEXT };
/* AUTO: the journal where its socket is, else text on standard error. */
enum zg_log zg_log_choose(enum zg_log wanted);
/* Writes one event; ZG_ESYS when the sink did not take it. */
enum zg_err zg_log_write(enum zg_log sink, const struct zg_event *e, FILE *err);

#endif
