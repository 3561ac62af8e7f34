/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that zonegate sends itself, in the name of the other end: RST, ACK, a refusal text with FIN, ICMP errors, and bytes
 * that it has let pass before. */
#include "base/checksum.h"
#include "base/icmp.h"
#include "gate/gate.h"
#include "zonegate/limits.h"
#include "zonegate/mark.h"
#include "zonegate/refusal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INJECT_TTL 64
#define ICMP_HDR   8u
#define QUOTED	   8u /* bytes of the quoted transport header, RFC 792 */

struct zg_injector {
	int fd4, fd6;
};

enum zg_err zg_injector_new(struct zg_injector **ret_injector)
{
	const int on = 1;
	const uint32_t mark = ZG_MARK_SENT;
	struct zg_injector *in = calloc(1, sizeof *in);
	if (in == NULL)
		return ZG_ENOMEM;
	in->fd4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	in->fd6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (in->fd4 < 0 || in->fd6 < 0 || setsockopt(in->fd6, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof on) != 0 ||
	    setsockopt(in->fd4, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0 ||
	    setsockopt(in->fd6, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
		zg_injector_free(in);
		return ZG_ESYS;
	}
	*ret_injector = in;
	return ZG_OK;
}

void zg_injector_free(struct zg_injector *injector)
{
	if (injector == NULL)
		return;
	if (injector->fd4 >= 0)
		close(injector->fd4);
	if (injector->fd6 >= 0)
		close(injector->fd6);
	free(injector);
}

/* len: bytes behind the header. */
static size_t put_ip(uint8_t *p, const struct zg_addr *from, const struct zg_addr *to, uint8_t protocol, size_t len)
{
	if (from->family == ZG_IPV4) {
		struct iphdr ip = { .version = 4, .ihl = 5, .ttl = INJECT_TTL, .protocol = protocol,
				    .tot_len = htons((uint16_t)(sizeof ip + len)), .frag_off = htons(IP_DF) };
		memcpy(&ip.saddr, from->b, 4);
		memcpy(&ip.daddr, to->b, 4);
		memcpy(p, &ip, sizeof ip);
		ip.check = htons(zg_sum_fold(zg_sum(0, p, sizeof ip)));
		memcpy(p, &ip, sizeof ip);
		return sizeof ip;
	}
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6u << 28), .ip6_plen = htons((uint16_t)len), .ip6_nxt = protocol,
			       .ip6_hlim = INJECT_TTL };
	memcpy(&ip6.ip6_src, from->b, 16);
	memcpy(&ip6.ip6_dst, to->b, 16);
	memcpy(p, &ip6, sizeof ip6);
	return sizeof ip6;
}

static size_t put_timestamps(uint8_t *p, const struct zg_inject *inject)
{
	uint32_t val = htonl(inject->ts_val), ecr = htonl(inject->ts_ecr);
	p[0] = TCPOPT_NOP;
	p[1] = TCPOPT_NOP;
	p[2] = TCPOPT_TIMESTAMP;
	p[3] = TCPOLEN_TIMESTAMP;
	memcpy(p + 4, &val, 4);
	memcpy(p + 8, &ecr, 4);
	return 12;
}

static size_t put_sack(uint8_t *p, const struct zg_inject *inject)
{
	uint32_t left = htonl(inject->sack_left), right = htonl(inject->sack_right);
	p[0] = TCPOPT_NOP;
	p[1] = TCPOPT_NOP;
	p[2] = TCPOPT_SACK;
	p[3] = 10;
	memcpy(p + 4, &left, 4);
	memcpy(p + 8, &right, 4);
	return 12;
}

static size_t build_tcp(const struct zg_inject *inject, const uint8_t *bytes, size_t n, uint8_t *packet)
{
	const struct zg_tuple *t = &inject->tuple;
	const struct zg_addr *from = inject->to_client ? &t->server : &t->client;
	const struct zg_addr *to = inject->to_client ? &t->client : &t->server;
	uint8_t tcp[ZG_INJECT_PACKET_MAX - sizeof(struct ip6_hdr)] = { 0 };
	char text[ZG_REFUSAL_MAX];
	size_t text_len = 0, len = sizeof(struct tcphdr);

	_Static_assert(sizeof tcp >= sizeof(struct tcphdr) + 12 + ZG_REFUSAL_MAX, "a refusal fits");
	_Static_assert(sizeof tcp >= sizeof(struct tcphdr) + 12 + ZG_INJECT_AGAIN_MAX, "what is sent again fits");
	struct tcphdr h = {
		.source = htons(inject->to_client ? t->server_port : t->client_port),
		.dest = htons(inject->to_client ? t->client_port : t->server_port),
		.seq = htonl(inject->seq),
		.ack_seq = inject->has_ack || inject->kind != ZG_INJECT_RST ? htonl(inject->ack) : 0,
		.ack = inject->has_ack || inject->kind != ZG_INJECT_RST,
		.rst = inject->kind == ZG_INJECT_RST,
		.fin = inject->kind == ZG_INJECT_REFUSAL,
		.psh = inject->kind == ZG_INJECT_REFUSAL,
		.window = htons(inject->kind == ZG_INJECT_RST ? 0 : inject->window),
	};
	if (inject->timestamps && inject->kind != ZG_INJECT_RST)
		len += put_timestamps(tcp + len, inject);
	if (inject->sack && inject->kind == ZG_INJECT_ACK)
		len += put_sack(tcp + len, inject);
	h.doff = (unsigned)(len / 4) & 0xfu;
	if (inject->kind == ZG_INJECT_REFUSAL) {
		text_len = zg_refusal_text(inject->refusal, inject->reason, text);
		memcpy(tcp + len, text, text_len);
		len += text_len;
	} else if (n > 0 && n <= ZG_INJECT_AGAIN_MAX) {
		memcpy(tcp + len, bytes, n);
		len += n;
	}
	memcpy(tcp, &h, sizeof h);
	size_t ip_len = put_ip(packet, from, to, IPPROTO_TCP, len);
	memcpy(packet + ip_len, tcp, len);
	h.check = htons(zg_checksum_tcp(packet, ip_len + len, ip_len));
	memcpy(packet + ip_len, &h, sizeof h);
	return ip_len + len;
}

/* The first 8 bytes of the packet that the receiver sent: what identifies it at its sender, and nothing else. */
static size_t put_quoted_transport(uint8_t *p, const struct zg_inject *inject, size_t len)
{
	const struct zg_tuple *t = &inject->tuple;
	const uint16_t ports[2] = { htons(inject->to_client ? t->client_port : t->server_port),
				    htons(inject->to_client ? t->server_port : t->client_port) };
	const uint32_t seq = htonl(inject->seq);
	const uint16_t length = htons((uint16_t)len);

	memset(p, 0, QUOTED);
	memcpy(p, ports, 4);
	if (t->protocol == IPPROTO_TCP)
		memcpy(p + 4, &seq, 4);
	else
		memcpy(p + 4, &length, 2); /* the checksum was of bytes that are not here: none */
	return QUOTED;
}

/*
 * RFC 792, RFC 1191 4, RFC 4443 3: the error and the least quotation, made of the fields of inject only. It comes in the
 * name of the other end: which router met the error is nothing that the receiver needs, and none is invented. The quoted
 * packet's length is made up too: one byte more than fits, or no more than the headers.
 */
static size_t build_icmp(const struct zg_inject *inject, uint8_t *packet)
{
	const struct zg_tuple *t = &inject->tuple;
	const struct zg_addr *from = inject->to_client ? &t->server : &t->client;
	const struct zg_addr *to = inject->to_client ? &t->client : &t->server;
	const bool v4 = to->family == ZG_IPV4;
	const size_t ip_hdr = v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr), len = ICMP_HDR + ip_hdr + QUOTED;
	const size_t least = t->protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	size_t quoted = inject->mtu == 0 ? least : inject->mtu + 1 - ip_hdr;
	const uint32_t mtu = htonl(inject->mtu);
	uint8_t *icmp = packet + put_ip(packet, from, to, v4 ? ZG_ICMP4 : ZG_ICMP6, len);

	if (quoted > UINT16_MAX - ip_hdr)
		quoted = UINT16_MAX - ip_hdr;
	memset(icmp, 0, ICMP_HDR);
	icmp[0] = inject->icmp_type;
	icmp[1] = inject->icmp_code;
	memcpy(icmp + 4, &mtu, 4);
	put_ip(icmp + ICMP_HDR, to, from, t->protocol, quoted);
	put_quoted_transport(icmp + ICMP_HDR + ip_hdr, inject, quoted);
	const uint16_t sum = htons(v4 ? zg_sum_fold(zg_sum(0, icmp, len)) :
					zg_checksum_transport(packet, ip_hdr + len, ip_hdr, ZG_ICMP6));
	memcpy(icmp + 2, &sum, 2);
	return ip_hdr + len;
}

size_t zg_inject_build(const struct zg_inject *inject, const uint8_t *bytes, size_t len,
		       uint8_t packet[static ZG_INJECT_PACKET_MAX])
{
	return inject->kind == ZG_INJECT_ICMP ? build_icmp(inject, packet) : build_tcp(inject, bytes, len, packet);
}

enum zg_err zg_injector_send(struct zg_injector *injector, const struct zg_inject *inject, const uint8_t *bytes, size_t n_bytes)
{
	uint8_t packet[ZG_INJECT_PACKET_MAX];
	const struct zg_addr *to = inject->to_client ? &inject->tuple.client : &inject->tuple.server;
	size_t len = zg_inject_build(inject, bytes, n_bytes, packet);
	ssize_t n;

	if (to->family == ZG_IPV4) {
		struct sockaddr_in sin = { .sin_family = AF_INET };
		memcpy(&sin.sin_addr, to->b, 4);
		n = sendto(injector->fd4, packet, len, MSG_DONTWAIT, (struct sockaddr *)&sin, sizeof sin);
	} else {
		struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
		memcpy(&sin6.sin6_addr, to->b, 16);
		n = sendto(injector->fd6, packet, len, MSG_DONTWAIT, (struct sockaddr *)&sin6, sizeof sin6);
	}
	return n < 0 ? ZG_ESYS : ZG_OK;
}
