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
#define ZG_METER_SOURCES	65536u /* sources (an IPv6 /64 is one) or targets that one meter tells apart, 10 MiB; of further ones nothing is counted until others are forgotten */
#define ZG_METER_PAIRS		131072u /* pairs of source and destination that a scan meter remembers for its time, 20 MiB; the same */
#define ZG_METER_BLOCKED	65536u /* sources blocked at once per zone */
#define ZG_METER_LIMIT_MAX	1000000u /* per time: more than a gigabit brings */
#define ZG_METER_SECONDS_MAX	3600u /* s: slower than this nobody is told apart from use */
#define ZG_METER_BLOCK_MAX	604800u /* s: a week; for longer there are blocklists */
#define ZG_SEEN_MAX		65536u /* destinations known per zone, 8 MiB; further ones are not told until others are forgotten */
#define ZG_SEEN_S		(30u * 24 * 3600) /* s without use until a destination is forgotten */
#define ZG_BLOCKLISTS_MAX	16   /* lists of refused addresses: each that names zones costs a packet two look-ups */
#define ZG_BLOCKLIST_BYTES_MAX	(16u * 1024 * 1024) /* bytes of one such file: the entries below with a comment of a line each */
#define ZG_BLOCKLIST_LINE_MAX	255u /* bytes of one line of it, without the line end */
#define ZG_BLOCKLIST_ENTRIES_MAX 200000u /* entries of one file: twice the largest that is in use; 9 MiB here, 40 MiB in the kernel */
#define ZG_BLOCK_BROADEST4	8u   /* prefix length: what is broader than 10.0.0.0/8 is the Internet, nobody's own network, and no entry of a list */
#define ZG_BLOCK_BROADEST6	16u  /* the same of IPv6: 2002::/16 (RFC 3056) is the broadest that a list has reason to name */
#define ZG_OBJECTS_MAX		200000u /* hosts and groups together: one for each flow */
#define ZG_SERVICES_MAX		10000u /* named services: more than registered ports that anybody uses */
#define ZG_GROUP_DEPTH_MAX	8u   /* groups within groups: site, building, floor and as many again; a bound on recursion */
#define ZG_ADDRESSES_MAX	(2 * ZG_ELEMS_MAX) /* addresses of all groups, and of all uses of names: twice what one policy can hold */
#define ZG_INCLUDE_FILES_MAX	1024u /* files of one configuration: one for each department and office */
#define ZG_INCLUDE_DEPTH_MAX	8u   /* files within files; deeper is a circle or a maze */
#define ZG_ROUTER_RULES_MAX	1024 /* entries of the group router: each names hosts that a person administers */
#define ZG_ROUTER_PING_RATE	10   /* echo requests a second that one entry of ping admits unless configured */
#define ZG_ERRORS_MAX		100  /* diagnostics shown at once: more helps nobody */
#define ZG_INSPECTORS_MAX	64   /* inspector processes */
#define ZG_SCHEDULES_MAX	256  /* schedules: each is looked at whenever one of them opens */
#define ZG_SCHEDULE_HOURS_MAX	8    /* pieces of a day in one schedule */
#define ZG_SCHEDULE_AHEAD	400u /* days: a schedule that does not open within a year and a month never does */
#define ZG_HOLIDAYS_MAX		2048 /* days: twenty in a year, for a hundred years */
#define ZG_HOLIDAYS_SOON	56u  /* days before the list of holidays ends, in which that is a warning: the next year's are published long before */
#define ZG_TERM_DAYS		366u /* days a flow may be approved for unless configured: a year, so that each is looked at once in one */
#define ZG_TERM_DAYS_MAX	3660u /* days that may be configured: ten years are no term any more */
#define ZG_RATE_MAX		1000000u /* new connections per second or minute of one flow: beyond what any kernel takes */
#define ZG_CONNECTIONS_MAX	4096u /* connections at once of one flow that may be configured: the kernel looks along its list of them at each new one */
#define ZG_EXPIRY_SOON		7u   /* days before its end in which a flow is told of daily */
#define ZG_CLOCK_FLOOR		1767225600 /* s, 2026-01-01: older than this program; a clock before it was never set */
#define ZG_CLOCK_STEP_MS	1000 /* ms that the clock on the wall may have moved against the running time before what ends by it is set anew */

/* --- change of the policy ------------------------------------------------------------------ */
#define ZG_HISTORY_MAX		100u /* confirmed policies kept on disk: two changes a week for a year */
#define ZG_HISTORY_BYTES_MAX	(512ull * 1024 * 1024) /* bytes of them; two are kept whatever their size */
#define ZG_CONFIRM_S		60u   /* s to confirm in, unless said */
#define ZG_CONFIRM_S_MAX	3600u /* s: who has not come back within an hour does not watch what he changed */

/* --- packets ------------------------------------------------------------------------------- */
#define ZG_PACKET_MAX		65531u /* bytes: the kernel's largest NFQUEUE copy (0xffff less the attribute header) */
#define ZG_TTL_MIN		4    /* hops: a packet that could expire behind us could be seen here and not there */

/* --- flow table and TCP stream (per inspector process) --------------------------------------- */
#define ZG_FLOWTAB_MAX		131072u /* flows known at once; a new one beyond is refused */
#define ZG_FLOWTAB_SYN_MAX	8192u /* flows whose handshake is not complete: a SYN flood must not take the table */
#define ZG_FLOWTAB_SYN_SOURCE_MAX 1024u /* the same of one source address; beyond, its own oldest is forgotten: what it has begun and not completed is its own affair */
#define ZG_FLOWTAB_CLOSED_MAX	4096u /* ended connections remembered for late segments; beyond, the oldest is forgotten: at 10,000 a second still twice Linux's shortest retransmission timeout */
#define ZG_FLOWTAB_REFUSED_MAX	8192u /* clients that are still being told of their refusal; beyond, the oldest is forgotten, and reset when it goes on */
#define ZG_FLOWTAB_DEAD_MAX	16384u /* denied connections told apart from unknown ones */
#define ZG_STREAM_BUF_MAX	(16u * 1024 * 1024) /* bytes released and not yet acknowledged per direction: half of the largest window that Linux opens by itself (tcp_rmem); beyond, drop: the sender slows down */
#define ZG_STREAM_BUF_SHARE	8u /* of the memory that is left one direction may have this part of: a hundred that take all they can leave 20 MiB for the rest */
#define ZG_STREAM_HOLD_BYTES	(2u * 1024 * 1024) /* bytes out of order or held per direction: 32 of the largest packets behind one lost */
#define ZG_HELD_REWRITE		32u  /* held bytes that an inspector can still overwrite: a word in its longest encoding */
#define ZG_STREAM_HOLD_PKTS	256u /* packets out of order or held per direction */
#define ZG_QUEUE_PACKETS	4096u /* packets that wait in the kernel for one inspector, those that it holds included: at 64 KiB each a burst of a second, not the whole memory */
#define ZG_ENGINE_EARLY_PKTS	(ZG_QUEUE_PACKETS / 2) /* packets out of order over all flows: a queue full of them would take no other */
#define ZG_ENGINE_HELD_PKTS	(ZG_QUEUE_PACKETS / 4 * 3) /* packets out of order or held over all flows, for the same reason */
#define ZG_ENGINE_HELD_SHARE	4u /* of the places that are left one direction may have this part of: fifty that leave holes on purpose, or a hello unfinished, leave a hundred and fifty for the rest */
#define ZG_ENGINE_BYTES_MAX	(512u * 1024 * 1024) /* bytes of all flows of one inspector: reserved as addresses at the start, used as needed */
#define ZG_LENT_BYTES_MAX	(ZG_ENGINE_BYTES_MAX / 4 * 3) /* bytes taken up to which an inspector may borrow more: two thousand connections that decompress six streams each leave a quarter to all others */
#define ZG_SYN_MS		30000u /* ms a handshake may take */
#define ZG_IDLE_MS		(11u * 60 * 1000) /* ms without a packet: above the 10 min an SMTP client waits after its end of data (RFC 5321 4.5.3.2.6) */
#define ZG_IDLE_LONG_MS		(124u * 60 * 1000) /* ms without a packet where people look at a screen that stands still: the longest that a keep-alive waits (RFC 5382 REQ-5) */
#define ZG_HALF_CLOSED_MS	(4u * 60 * 1000) /* ms without a packet once one end has ended (RFC 5382 REQ-5) */
#define ZG_AGAIN_MS		200u /* ms without an acknowledgement until bytes that we vouched for are sent again */
#define ZG_AGAIN_ACK_MS		20u /* ms between two times for one place while acknowledgements say that it is missing */
#define ZG_AGAIN_TRIES		5u /* times without an acknowledgement; then the sender's own timer is left to it */
#define ZG_AGAIN_FRESH_MS	1200u /* ms since the kernel let a packet of the connection through */
#define ZG_AGAIN_AT_ONCE	256u /* connections helped in one round of timers */
#define ZG_INJECT_AGAIN_MAX	1428u /* bytes: with IPv6 and timestamps in 1500 */
#define ZG_HOLD_MS		30000u /* ms a packet may wait out of order before it is dropped */
#define ZG_CLOSED_MS		60000u /* ms a closed flow still answers late segments (RFC 9293 TIME-WAIT, shortened) */
#define ZG_DEAD_MS		120000u /* ms a denied connection's segments are told apart from unknown ones */
#define ZG_DEAD_SYN_MS		2000u /* ms of these in which no new one may begin there: what was under way has arrived; a client's second repeated SYN comes later */
#define ZG_DRAIN_BYTES		(64u * 1024 * 1024) /* bytes swallowed from a refused client so that it reads its refusal */
#define ZG_DRAIN_MS		(5u * 60 * 1000) /* ms for the same */

/* --- UDP (per inspector process; its own, so that no flood of datagrams takes anything from TCP) --------------- */
#define ZG_UDP_FLOWS_MAX	32768u /* flows known at once; of those that wait for nothing the oldest makes place for a new one */
#define ZG_UDP_WAITING_MAX	32768u /* requests without an answer, in all: with ZG_UDP_STATE_MAX at most 36 MiB */
#define ZG_UDP_WAITING_SOURCE	2048u /* of one source address: twice what a resolver has open (BIND 9, recursive-clients) */
#define ZG_UDP_WAITING_FLOW	64u  /* between one pair of ports: each answer is offered to all of them */
#define ZG_UDP_ANSWER_MS	10000u /* ms a request waits; an answer later is refused. Resolvers give up then, and the kernel forgets after 30 s */
#define ZG_UDP_IDLE_MS		30000u /* ms a flow that waits for nothing is kept: as the kernel's own (nf_conntrack_udp_timeout) */
#define ZG_UDP_STATE_MAX	1024 /* bytes of an inspector's state per transaction: a DNS name and what belongs to it, threefold */

/* --- ICMP errors of inspected flows ----------------------------------------------------------- */
#define ZG_ICMP_MTU4_MIN	576  /* bytes: what every host takes (RFC 791 3.1). RFC 1191's 68 would cut a stream into crumbs */
#define ZG_ICMP_MTU6_MIN	1280 /* bytes: RFC 8200 5, and RFC 8201 4 for what is less */
#define ZG_ICMP_MTU_MAX		65535 /* bytes: no packet here is larger */
#define ZG_ICMP_MS		100u /* ms between two errors of a class that one end of a flow is told: the first says it all */

/* --- SMTP (RFC 5321 4.5.3.1) ------------------------------------------------------------------ */
#define ZG_SMTP_COMMAND_MAX	512  /* octets with CRLF, 4.5.3.1.4 */
#define ZG_SMTP_REPLY_MAX	512  /* octets with CRLF, 4.5.3.1.5 */
#define ZG_SMTP_TEXT_MAX	1000 /* octets with CRLF, 4.5.3.1.6 */
#define ZG_SMTP_PIPELINE_MAX	256  /* commands without their reply */
#define ZG_SMTP_HEADER_MAX	(64u * 1024) /* octets of one message's header: a thousand Received lines never met */
#define ZG_SMTP_FIELD_MAX	1024 /* octets of one unfolded header field that has to be understood; each connection keeps one */
#define ZG_SMTP_DOMAINS_MAX	256  /* domains in one list: each address is compared with all of them */
#define ZG_SUBJECT_TAG_MAX	31   /* characters of the tag of sanitised mail: "[Sanitized by ...]"; more leaves no subject in a list of mails */
#define ZG_NOTE_ID_MAX		127  /* characters of a Message-ID in a record: twice the longest that mailers in use write */
#define ZG_NOTE_PARTS_MAX	12   /* parts of a message that a record lists; what was done to the others it adds up */
#define ZG_FILE_NAME_SHOWN	40   /* characters of the name of a file that stays where the file was: with what stands around it a line of base64 */
#define ZG_SMTP_DEPTH_MAX	8    /* multiparts within each other: the configuration's bound; each connection keeps so many boundaries */
#define ZG_SMTP_PARTS_MAX	1000u /* parts of one message: readers that list them take their time */
#define ZG_SMTP_MESSAGE_MAX	(25u * 1024 * 1024) /* octets of one message unless configured */

/* --- TLS -------------------------------------------------------------------------------------- */
#define ZG_TLS_PLAIN_MAX	16384u /* octets of one record in the clear, RFC 8446 5.1 */
#define ZG_TLS_PROTECTED_MAX	(16384u + 256) /* ... of a protected one, 1.3: RFC 8446 5.2 */
#define ZG_TLS_PROTECTED12_MAX	(16384u + 2048) /* ... 1.2: RFC 5246 6.2.3 */
#define ZG_TLS_PROTECTED_MIN	9u   /* octets: the content type and the shortest tag (CCM_8) */
#define ZG_TLS_PROTECTED12_MIN	16u  /* octets: the shortest MAC, or nonce and tag */
#define ZG_TLS_FINISHED_MAX	512u /* octets of a protected Finished in 1.2: 16, MAC and padding at their longest are below 400 */
#define ZG_TLS_HELLO_MAX	16384u /* octets of one ClientHello or ServerHello: five of the largest met, post-quantum shares included; the ClientHello is held until it is whole */
#define ZG_TLS_MESSAGE_MAX	(128u * 1024) /* octets of another handshake message in the clear, 1.2: what OpenSSL takes of a certificate chain (100 kB) */
#define ZG_TLS_NAMES_MAX	1024u /* names of one flow: a large cloud service asks for 200; each ClientHello is compared with all of them */
#define ZG_TLS_ALPN_MAX		32u  /* protocols of one flow: bits of a word */
#define ZG_TLS_CERTIFICATES_MAX 64u /* certificates of one flow: some servers, each with its next one */
#define ZG_RDP_REQUEST_MAX	259u /* octets of a connection request or its confirmation: the length of X.224 is one octet, and TPKT's header */
#define ZG_TLS_NAME_MAX		253u /* octets of a server's name (RFC 1035 2.3.4, without the last dot) */
#define ZG_TLS_SUITES_MAX	192u /* cipher suites that a client may offer: all that OpenSSL can do are 160 */
#define ZG_TLS_EXTENSIONS_MAX	63u  /* extensions of one hello: bits of a word; browsers have 20 */
#define ZG_TLS_CCS_MAX		2u   /* ChangeCipherSpec records that say nothing in 1.3 (RFC 8446 D.4), per direction: none sends more */
#define ZG_TLS_ALERTS_MAX	2u   /* alerts per direction: a warning, and the end */

/* --- RFB (RFC 6143) --------------------------------------------------------------------------- */
#define ZG_RFB_SIDE_MAX		16384u /* pixels: width or height of a framebuffer, four 4K screens side by side */
#define ZG_RFB_PIXELS_MAX	(36u * 1024 * 1024) /* pixels of it: four 4K screens, or one of 8K; an update of a few KiB can hold them all */
#define ZG_RFB_CURSOR_MAX	256u /* pixels: width or height of a cursor; twice what screens of 300 dpi use */
#define ZG_RFB_SCREENS_MAX	16u  /* screens of one framebuffer */
#define ZG_RFB_TEXT_MAX		1024u /* bytes of a name or of a reason: a title */
#define ZG_RFB_CUT_MAX		(1024u * 1024) /* bytes of clipboard text, which passes as blanks: a copied file is more than anybody reads */
#define ZG_RFB_ENCODINGS_MAX	256u /* codes of one SetEncodings: five times what any viewer names */
#define ZG_RFB_TYPES_MAX	(ZG_HELD_REWRITE - 1) /* security types: the list is held with its length, and overwritten */
#define ZG_RFB_EMPTY_BLOCKS	4u   /* deflate blocks without content in one rectangle: a flush makes one, a change of level another */
#define ZG_RFB_EMPTY_BYTES	8u   /* bytes of such a block: a stored one has five */

/* --- records (per inspector process) ----------------------------------------------------------- */
#define ZG_RECORDS_BURST	2000u /* records of connections told one by one at once ... */
#define ZG_RECORDS_PER_S	200u /* ... and from then on; beyond, equal ones are told together each second: journald takes about 10,000 a second and is not ours alone */

#define ZG_MESSAGES_PER_S	4096u /* messages that the supervisor takes of one process that parses: five times what the two above and the groups are; room for records that are told one by one for their digest */

#define ZG_MMAP_BYTES		(128 * 1024) /* bytes from which malloc() takes pages that go back when they are freed: left alone it takes the largest that was freed, a configuration of 20 MB for one */

/* --- processes and messages ------------------------------------------------------------------- */
#define ZG_MSG_MAX		(192u * 1024) /* bytes of one message between our processes: a largest packet and its header fit */
#define ZG_CTL_REQUEST_MAX	(ZG_CONF_BYTES_MAX + 64u * 1024) /* bytes of one control request */
#define ZG_CTL_CLIENTS_MAX	32   /* control connections at once */
#define ZG_ISOLATED_MAX		(2 * ZG_ZONES_MAX) /* zones cut off at once: every zone, and as many that are no longer in the policy */
#define ZG_ISOLATE_REASON_MAX	400  /* bytes of the reason for cutting off a zone: fits the record */
#define ZG_FOREIGN_MAX		128u /* findings in tables of others that are listed */
#define ZG_FOREIGN_LOOKED	8192u /* chains and rules of others that are looked at in one go: some hundredths of a second */
#define ZG_SETTINGS_AT_ONCE	4096u /* settings looked at in one go: 200 interfaces at once, each of them within seconds if there are more */
#define ZG_EVENT_RING		4096u /* events kept for observe --since */

#endif
