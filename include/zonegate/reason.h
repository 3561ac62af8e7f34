/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why something was refused. One list for all layers: the name goes to the journal (ZG_REASON) and to
 * replay, the text to people and into SMTP replies (ASCII, at most 100 bytes), the source names the rule.
 *
 * Z(identifier, "name", "text", "source"). Append at the end of a section; names never change meaning.
 */
#ifndef ZONEGATE_REASON_H
#define ZONEGATE_REASON_H

#define ZG_REASONS_PACKET(Z) \
	Z(PKT_TRUNCATED, "packet-truncated", "the kernel handed over less than the packet", "zonegate-inspectors(7)") \
	Z(PKT_LENGTH, "packet-length", "IP, TCP or UDP lengths disagree with the packet", "RFC 791 3.1, RFC 8200 3, RFC 9293 3.1, RFC 768") \
	Z(PKT_CHECKSUM, "packet-checksum", "bad checksum", "RFC 1071") \
	Z(PKT_OPTIONS, "packet-ip-options", "IPv4 options", "RFC 7126") \
	Z(PKT_FRAGMENT, "packet-fragment", "a fragment that was not reassembled", "RFC 1858") \
	Z(PKT_EXTENSION, "packet-extension-header", "IPv6 extension header", "RFC 8200 4") \
	Z(PKT_TTL, "packet-ttl", "TTL or hop limit below the floor", "limit ZG_TTL_MIN") \
	Z(PKT_PROTOCOL, "packet-protocol", "not a transport that an inspector handles", "policy") \
	Z(PKT_NO_FLOW, "packet-no-flow", "the packet belongs to no flow of the policy in force", "policy") \
	Z(PKT_ADDRESS, "packet-address", "source or destination that no host can have", "RFC 1122 3.2.1.3, RFC 4291 2")

#define ZG_REASONS_TCP(Z) \
	Z(TCP_UNKNOWN, "tcp-unknown", "segment of a connection whose start was not seen", "zonegate-inspectors(7)") \
	Z(TCP_DEAD, "tcp-dead", "segment of a connection that was refused", "zonegate-inspectors(7)") \
	Z(TCP_FLAGS, "tcp-flags", "flag combination outside the allow-list", "RFC 9293 3.1") \
	Z(TCP_URGENT, "tcp-urgent", "urgent data", "RFC 6093") \
	Z(TCP_OPTION, "tcp-option", "TCP option outside the allow-list or malformed", "RFC 9293 3.2") \
	Z(TCP_TIMESTAMP, "tcp-timestamp", "timestamp went back or vanished", "RFC 7323 5") \
	Z(TCP_SYN_DATA, "tcp-syn-data", "data on a SYN", "RFC 7413 is not permitted") \
	Z(TCP_SYN_AGAIN, "tcp-syn-again", "a second SYN with another sequence number", "RFC 9293 3.10") \
	Z(TCP_HANDSHAKE, "tcp-handshake", "segment that does not fit the handshake", "RFC 9293 3.5") \
	Z(TCP_BEFORE_ISN, "tcp-before-isn", "bytes before the initial sequence number", "RFC 9293 3.4") \
	Z(TCP_ACK, "tcp-ack", "acknowledgement outside what was sent", "RFC 5961 5") \
	Z(TCP_WINDOW, "tcp-window", "data beyond the advertised window", "RFC 9293 3.4") \
	Z(TCP_RST, "tcp-rst", "reset without the exact sequence number", "RFC 5961 3") \
	Z(TCP_FIN, "tcp-fin", "FIN that is not at the edge of the stream", "RFC 9293 3.6") \
	Z(TCP_AFTER_FIN, "tcp-after-fin", "bytes after FIN", "RFC 9293 3.6") \
	Z(TCP_OVERLAP, "tcp-overlap", "retransmission differs from what was sent first", "RFC 9293 3.10.7.4") \
	Z(TCP_HOLD, "tcp-hold-limit", "too much out of order or held", "limit ZG_STREAM_HOLD_BYTES") \
	Z(TCP_TABLE_FULL, "tcp-table-full", "too many connections at once", "limit ZG_FLOWTAB_MAX") \
	Z(TCP_MEMORY, "tcp-memory", "stream memory exhausted", "limit ZG_ENGINE_BYTES_MAX") \
	Z(TCP_IDLE, "tcp-idle", "the connection was silent for too long", "limit ZG_IDLE_MS") \
	Z(TCP_POLICY, "tcp-policy-changed", "the policy no longer permits this connection", "policy") \
	Z(TCP_REPEAT, "tcp-repeat", "repeats what was acknowledged or is held already: not forwarded", "RFC 9293 3.10.7.4") \
	Z(TCP_CLOSED, "tcp-closed", "segment of a connection that was reset", "RFC 9293 3.10.7.1")

#define ZG_REASONS_UDP(Z) \
	Z(UDP_UNASKED, "udp-unasked", "answers no request that waits: unasked, late or a second answer", "zonegate-inspectors(7)") \
	Z(UDP_UNANSWERED, "udp-unanswered", "a request was not answered in time", "limit ZG_UDP_ANSWER_MS") \
	Z(UDP_SIZE, "udp-size", "datagram shorter or longer than its inspector permits", "zonegate-inspectors(7)") \
	Z(UDP_UNREAD, "udp-unread", "the inspector did not read the datagram to its end", "zonegate-inspectors(7)") \
	Z(UDP_MERGED, "udp-merged", "several datagrams in one packet, to be cut apart behind us", "udp(7), UDP_SEGMENT") \
	Z(UDP_FLOW_LIMIT, "udp-flow-limit", "too many requests without an answer between two ports", "limit ZG_UDP_WAITING_FLOW") \
	Z(UDP_SOURCE_LIMIT, "udp-source-limit", "too many requests without an answer of one source", "limit ZG_UDP_WAITING_SOURCE") \
	Z(UDP_TABLE_FULL, "udp-table-full", "too many requests without an answer at once", "limit ZG_UDP_WAITING_MAX") \
	Z(UDP_MEMORY, "udp-memory", "no memory for the request", "limit ZG_UDP_STATE_MAX") \
	Z(UDP_POLICY, "udp-policy-changed", "the policy no longer permits this flow", "policy")

#define ZG_REASONS_ICMP(Z) \
	Z(ICMP_TYPE, "icmp-type", "not one of the errors that may pass", "RFC 792, RFC 4443") \
	Z(ICMP_QUOTE, "icmp-quote", "the quoted packet is malformed, or was not sent by whom the error goes to", "RFC 5927 4") \
	Z(ICMP_UNKNOWN, "icmp-unknown", "the quoted packet is of no flow that is under way", "RFC 5927 4") \
	Z(ICMP_SEQ, "icmp-seq", "the quoted sequence number is not outstanding", "RFC 5927 4.1") \
	Z(ICMP_HARD, "icmp-hard-error", "an error that would end an established connection", "RFC 5927 5") \
	Z(ICMP_MTU, "icmp-mtu", "an MTU that is too small, or not smaller than the quoted packet", "RFC 1191 3, RFC 8201 4") \
	Z(ICMP_RATE, "icmp-rate", "the same was told just now", "limit ZG_ICMP_MS") \
	Z(ICMP_RETOLD, "icmp-retold", "told again in zonegate's own words", "zonegate-inspectors(7)")

#define ZG_REASONS_SMTP(Z) \
	Z(SMTP_LINE_END, "smtp-line-end", "CR without LF, LF without CR or NUL", "RFC 5321 2.3.8") \
	Z(SMTP_COMMAND_LENGTH, "smtp-command-length", "command line longer than 512 octets", "RFC 5321 4.5.3.1.4") \
	Z(SMTP_TEXT_LENGTH, "smtp-text-length", "text line longer than 1000 octets", "RFC 5321 4.5.3.1.6") \
	Z(SMTP_REPLY_LENGTH, "smtp-reply-length", "reply line longer than 512 octets", "RFC 5321 4.5.3.1.5") \
	Z(SMTP_COMMAND, "smtp-command", "command outside the allow-list", "RFC 5321 4.1") \
	Z(SMTP_COMMAND_SYNTAX, "smtp-command-syntax", "malformed command", "RFC 5321 4.1.2") \
	Z(SMTP_PARAMETER, "smtp-parameter", "MAIL or RCPT parameter that was not offered", "RFC 5321 4.1.1.11") \
	Z(SMTP_SEQUENCE, "smtp-sequence", "command out of order, or data before the server's consent", "RFC 5321 4.1.4") \
	Z(SMTP_REPLY, "smtp-reply", "malformed or unexpected reply of the server", "RFC 5321 4.2") \
	Z(SMTP_PIPELINE, "smtp-pipeline", "too many commands without reply", "RFC 2920") \
	Z(SMTP_END_OF_DATA, "smtp-end-of-data", "ambiguous end of data", "RFC 5321 4.1.1.4") \
	Z(SMTP_MESSAGE_SIZE, "smtp-message-size", "message larger than permitted", "configuration") \
	Z(SMTP_RECIPIENTS, "smtp-recipients", "more recipients than permitted", "configuration") \
	Z(SMTP_HEADER_SIZE, "smtp-header-size", "header larger than permitted", "limit ZG_SMTP_HEADER_MAX") \
	Z(SMTP_HEADER_SYNTAX, "smtp-header-syntax", "malformed header field", "RFC 5322 2.2") \
	Z(SMTP_HEADER_DUPLICATE, "smtp-header-duplicate", "header field that must occur once occurs twice", "RFC 5322 3.6") \
	Z(SMTP_HEADER_FORBIDDEN, "smtp-header-forbidden", "Content-* header field that is not permitted", "zonegate-inspectors(7)") \
	Z(SMTP_MIME_VERSION, "smtp-mime-version", "MIME-Version missing or not 1.0", "RFC 2045 4") \
	Z(SMTP_CONTENT_TYPE, "smtp-content-type", "only text/plain may pass", "zonegate-inspectors(7)") \
	Z(SMTP_CONTENT_SYNTAX, "smtp-content-syntax", "malformed or ambiguous Content-Type", "RFC 2045 5.1") \
	Z(SMTP_CHARSET, "smtp-charset", "charset is not permitted", "zonegate-inspectors(7)") \
	Z(SMTP_ENCODING, "smtp-transfer-encoding", "transfer encoding is not permitted", "RFC 2045 6") \
	Z(SMTP_ENCODING_SYNTAX, "smtp-encoding-syntax", "body does not follow its transfer encoding", "RFC 2045 6.7, 6.8") \
	Z(SMTP_ENCODED_WORD, "smtp-encoded-word", "malformed encoded word", "RFC 2047 2") \
	Z(SMTP_BODY_CHARSET, "smtp-body-charset", "text is not valid in its charset", "zonegate-inspectors(7)") \
	Z(SMTP_BODY_CONTROL, "smtp-body-control", "control character, BOM or bidirectional override in the text", "zonegate-inspectors(7)") \
	Z(SMTP_BODY_HIDDEN_FILE, "smtp-hidden-file", "a file hidden in the text (uuencode, yEnc, BinHex, PGP)", "zonegate-inspectors(7)") \
	Z(SMTP_AFTER_QUIT, "smtp-after-quit", "bytes after QUIT", "RFC 5321 4.1.1.10") \
	Z(SMTP_BOUNDARY, "smtp-boundary", "multipart whose boundaries have more than one reading, or are not closed", "RFC 2046 5.1") \
	Z(SMTP_PARTS, "smtp-parts", "more parts, or parts nested deeper, than permitted", "configuration") \
	Z(SMTP_ATTACHMENT, "smtp-attachment", "attachments are not permitted", "configuration") \
	Z(SMTP_IN_PLACE, "smtp-in-place", "a header field that cannot be made safe within its length", "zonegate-inspectors(7)") \
	Z(SMTP_LINK, "smtp-link", "links are not permitted in the text", "configuration") \
	Z(SMTP_SENDER, "smtp-sender", "the sender's domain is not permitted", "configuration") \
	Z(SMTP_RECIPIENT, "smtp-recipient", "the recipient's domain is not permitted", "configuration") \
	Z(SMTP_SUBJECT, "smtp-subject", "the subject does not begin with the tag of sanitised mail", "configuration")

#define ZG_REASONS_TLS(Z) \
	Z(TLS_RECORD, "tls-record", "not TLS, or a record where it has no place", "RFC 8446 5.1") \
	Z(TLS_LENGTH, "tls-record-length", "an empty or too long record", "RFC 8446 5.1, 5.2") \
	Z(TLS_VERSION, "tls-version", "protocol version that is not permitted", "configuration") \
	Z(TLS_HANDSHAKE, "tls-handshake", "handshake message out of order, or cut by another record", "RFC 8446 4, 5.1") \
	Z(TLS_HELLO, "tls-hello", "malformed hello", "RFC 8446 4.1.2, 4.1.3") \
	Z(TLS_SIZE, "tls-size", "handshake message larger, or with more in it, than permitted", "limit ZG_TLS_HELLO_MAX") \
	Z(TLS_COMPRESSION, "tls-compression", "compression is not permitted", "RFC 8446 4.1.2") \
	Z(TLS_NO_NAME, "tls-no-name", "the client does not name the server", "RFC 6066 3") \
	Z(TLS_NAME_FORM, "tls-name-form", "malformed server name, or more than one", "RFC 6066 3") \
	Z(TLS_NAME, "tls-name", "the server that the client names is not permitted", "configuration") \
	Z(TLS_ALPN, "tls-alpn", "application protocol that is not permitted, or none named", "configuration") \
	Z(TLS_EXTENSION, "tls-extension", "extension that is not permitted", "zonegate-inspectors(7)") \
	Z(TLS_TWICE, "tls-extension-twice", "an extension occurs twice", "RFC 8446 4.2") \
	Z(TLS_ENCRYPTED_HELLO, "tls-encrypted-hello", "the hello hides the server's name (ECH)", "configuration") \
	Z(TLS_EARLY_DATA, "tls-early-data", "data before the handshake (0-RTT) are not permitted", "configuration") \
	Z(TLS_CHANGED, "tls-hello-changed", "the second ClientHello is not the first", "RFC 8446 4.1.2") \
	Z(TLS_CHOICE, "tls-choice", "the server chose what was not offered", "RFC 8446 4.1.3") \
	Z(TLS_CERTIFICATE, "tls-certificate", "the server's certificate is not permitted, or was not shown", "configuration") \
	Z(TLS_RENEGOTIATION, "tls-renegotiation", "renegotiation is not permitted", "RFC 5246 7.4.1.1") \
	Z(TLS_AFTER_END, "tls-after-end", "a record after the closing alert", "RFC 8446 6.1") \
	Z(TLS_TRUNCATED, "tls-truncated", "the stream ends within a record or a message", "RFC 8446 6.1")

#define ZG_REASONS_RDP(Z) \
	Z(RDP_REQUEST, "rdp-request", "malformed connection request", "MS-RDPBCGR 2.2.1.1") \
	Z(RDP_CONFIRM, "rdp-confirm", "malformed connection confirmation, or one that does not fit the request", "MS-RDPBCGR 2.2.1.2") \
	Z(RDP_SECURITY, "rdp-security", "RDP's own security, without TLS, is not permitted", "MS-RDPBCGR 5.3") \
	Z(RDP_PROTOCOL, "rdp-protocol", "unknown security protocol or flag", "MS-RDPBCGR 2.2.1.1.1") \
	Z(RDP_SEQUENCE, "rdp-sequence", "octets before the other end's answer, or after its refusal", "MS-RDPBCGR 1.3.1.1")

#define ZG_REASONS_RFB(Z) \
	Z(RFB_VERSION, "rfb-version", "only RFB 3.8 may pass", "RFC 6143 7.1.1") \
	Z(RFB_SECURITY, "rfb-security", "no security type that can be read: let the server offer None or VncAuth", "RFC 6143 7.1.2") \
	Z(RFB_HANDSHAKE, "rfb-handshake", "malformed handshake, or bytes before their turn", "RFC 6143 7.1, 7.3") \
	Z(RFB_TEXT, "rfb-text", "name or reason longer than permitted", "limit ZG_RFB_TEXT_MAX") \
	Z(RFB_SIZE, "rfb-size", "framebuffer without size or larger than permitted", "limit ZG_RFB_PIXELS_MAX") \
	Z(RFB_FORMAT, "rfb-pixel-format", "pixel format that is malformed or not read alike by all programs", "RFC 6143 7.4, 7.7.5") \
	Z(RFB_FORMAT_RACE, "rfb-format-race", "pixel format changed while an update in the old one may be under way", "zonegate-inspectors(7)") \
	Z(RFB_CLIENT_MESSAGE, "rfb-client-message", "message of the client outside the allow-list (file transfer, chat, ...)", "RFC 6143 7.5") \
	Z(RFB_SERVER_MESSAGE, "rfb-server-message", "message of the server outside the allow-list (file transfer, chat, ...)", "RFC 6143 7.6") \
	Z(RFB_MESSAGE_SYNTAX, "rfb-message-syntax", "malformed message", "RFC 6143 7.5, 7.6") \
	Z(RFB_CLIPBOARD, "rfb-clipboard", "clipboard that is refused, longer than permitted or in the extended form", "configuration") \
	Z(RFB_INPUT, "rfb-input", "key or pointer of a client that may only watch", "configuration") \
	Z(RFB_UNASKED, "rfb-unasked", "update before the client asked for any", "RFC 6143 7.5.3") \
	Z(RFB_ENCODING, "rfb-encoding", "rectangle in an encoding that may not pass or that the client did not ask for", "RFC 6143 7.7") \
	Z(RFB_RECTANGLE, "rfb-rectangle", "rectangle, or a part of it, outside the framebuffer", "RFC 6143 7.6.1") \
	Z(RFB_CURSOR, "rfb-cursor", "cursor larger than permitted", "limit ZG_RFB_CURSOR_MAX") \
	Z(RFB_DATA, "rfb-rectangle-data", "data that contradicts its encoding", "RFC 6143 7.7") \
	Z(RFB_ZLIB, "rfb-zlib", "compressed data that is malformed or more or less than its pixels", "RFC 1950, RFC 1951") \
	Z(RFB_MEMORY, "rfb-memory", "no memory to look into compressed data", "limit ZG_ENGINE_BYTES_MAX")

#define ZG_REASONS(Z) \
	Z(NONE, "none", "", "") \
	ZG_REASONS_PACKET(Z) \
	ZG_REASONS_TCP(Z) \
	ZG_REASONS_UDP(Z) \
	ZG_REASONS_ICMP(Z) \
	ZG_REASONS_SMTP(Z) \
	ZG_REASONS_TLS(Z) \
	ZG_REASONS_RDP(Z) \
	ZG_REASONS_RFB(Z)

enum zg_reason {
#define ZG_REASON_ENUM(id, name, text, source) ZG_R_##id,
	ZG_REASONS(ZG_REASON_ENUM)
#undef ZG_REASON_ENUM
	ZG_REASON_COUNT
};

/* Static strings, never NULL; a number out of range answers "unknown". */
const char *zg_reason_name(enum zg_reason reason);
const char *zg_reason_text(enum zg_reason reason);
const char *zg_reason_source(enum zg_reason reason);

#endif
