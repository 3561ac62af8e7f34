/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every bound on hostile or careless input: a name, a value, a unit, a reason. */
#ifndef ZONEGATE_LIMITS_H
#define ZONEGATE_LIMITS_H

/* --- configuration ------------------------------------------------------------------------- */
#define ZG_CONF_BYTES_MAX	(64u * 1024 * 1024) /* bytes: 100,000 flows with tickets fit; a slip with /dev/zero does not */
#define ZG_NAME_MAX		31   /* bytes without NUL: names become nftables set and chain names with a suffix */
#define ZG_LABEL_MAX		255  /* bytes of UTF-8: fits one journal line */
#define ZG_ZONES_MAX		64   /* zones: five kinds with branch offices; pairs stay in the thousands */
#define ZG_ZONE_IFACES_MAX	64   /* interfaces per zone */
#define ZG_FLOWS_MAX		200000u /* flows: the number shares 32 mark bits with the generation */
#define ZG_ELEMS_MAX		1000000u /* map elements (source x destination x port) in one policy */
#define ZG_ERRORS_MAX		100  /* diagnostics shown at once: more helps nobody */
#define ZG_INSPECTORS_MAX	64   /* inspector processes */

/* --- packets ------------------------------------------------------------------------------- */
#define ZG_PACKET_MAX		65531u /* bytes: the kernel's largest NFQUEUE copy (0xffff less the attribute header) */
#define ZG_TTL_MIN		4    /* hops: a packet that could expire behind us could be seen here and not there */

/* --- flow table and TCP stream (per inspector process) --------------------------------------- */
#define ZG_FLOWTAB_MAX		65536u /* flows known at once; a new one beyond is refused */
#define ZG_FLOWTAB_SYN_MAX	8192u /* flows whose handshake is not complete: a SYN flood must not take the table */
#define ZG_STREAM_BUF_MAX	(1024u * 1024) /* bytes released and not yet acknowledged per direction: beyond, drop: the sender slows down */
#define ZG_STREAM_HOLD_BYTES	(256u * 1024) /* bytes out of order or held per direction */
#define ZG_STREAM_HOLD_PKTS	64u  /* packets out of order or held per direction */
#define ZG_QUEUE_PACKETS	4096u /* packets that wait in the kernel for one inspector, those that it holds included: at 64 KiB each a burst of a second, not the whole memory */
#define ZG_ENGINE_EARLY_PKTS	(ZG_QUEUE_PACKETS / 2) /* packets out of order over all flows: a queue full of them would take no other */
#define ZG_ENGINE_HELD_PKTS	(ZG_QUEUE_PACKETS / 4 * 3) /* packets out of order or held over all flows, for the same reason */
#define ZG_ENGINE_BYTES_MAX	(512u * 1024 * 1024) /* bytes of stream buffers over all flows of one inspector */
#define ZG_SYN_MS		30000u /* ms a handshake may take */
#define ZG_IDLE_MS		(11u * 60 * 1000) /* ms without a packet: above the 10 min an SMTP client waits after its end of data (RFC 5321 4.5.3.2.6) */
#define ZG_HOLD_MS		30000u /* ms a packet may wait out of order before it is dropped */
#define ZG_CLOSED_MS		60000u /* ms a closed flow still answers late segments (RFC 9293 TIME-WAIT, shortened) */
#define ZG_DEAD_MS		120000u /* ms a denied connection's segments are told apart from unknown ones */
#define ZG_DEAD_SYN_MS		2000u /* ms of these in which no new one may begin there: what was under way has arrived; a client's second repeated SYN comes later */
#define ZG_DRAIN_BYTES		(64u * 1024 * 1024) /* bytes swallowed from a refused client so that it reads its refusal */
#define ZG_DRAIN_MS		(5u * 60 * 1000) /* ms for the same */

/* --- SMTP (RFC 5321 4.5.3.1) ------------------------------------------------------------------ */
#define ZG_SMTP_COMMAND_MAX	512  /* octets with CRLF, 4.5.3.1.4 */
#define ZG_SMTP_REPLY_MAX	512  /* octets with CRLF, 4.5.3.1.5 */
#define ZG_SMTP_TEXT_MAX	1000 /* octets with CRLF, 4.5.3.1.6 */
#define ZG_SMTP_PIPELINE_MAX	256  /* commands without their reply */
#define ZG_SMTP_HEADER_MAX	(64u * 1024) /* octets of one message's header: a thousand Received lines never met */
#define ZG_SMTP_FIELD_MAX	1024 /* octets of one unfolded header field that has to be understood; each connection keeps one */
#define ZG_SMTP_MESSAGE_MAX	(25u * 1024 * 1024) /* octets of one message unless configured */

/* --- processes and messages ------------------------------------------------------------------- */
#define ZG_MSG_MAX		(192u * 1024) /* bytes of one message between our processes: a largest packet and its header fit */
#define ZG_CTL_REQUEST_MAX	(ZG_CONF_BYTES_MAX + 64u * 1024) /* bytes of one control request */
#define ZG_CTL_CLIENTS_MAX	32   /* control connections at once */
#define ZG_EVENT_RING		4096u /* events kept for observe --since */

#endif
