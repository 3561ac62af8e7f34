/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that zonegate sends itself: RST, ACK, and a refusal text with FIN, in the name of the other end. */
#include "base/checksum.h"
#include "gate/gate.h"
#include "zonegate/refusal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INJECT_TTL 64

struct zg_injector {
	int fd4, fd6;
};

enum zg_err zg_injector_new(struct zg_injector **ret_injector)
{
	const int on = 1;
	struct zg_injector *in = calloc(1, sizeof *in);
	if (in == NULL)
		return ZG_ENOMEM;
	in->fd4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	in->fd6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (in->fd4 < 0 || in->fd6 < 0 || setsockopt(in->fd6, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof on) != 0) {
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

static size_t put_ip(uint8_t *p, const struct zg_addr *from, const struct zg_addr *to, size_t tcp_len)
{
	if (from->family == ZG_IPV4) {
		struct iphdr ip = { .version = 4, .ihl = 5, .ttl = INJECT_TTL, .protocol = IPPROTO_TCP,
				    .tot_len = htons((uint16_t)(sizeof ip + tcp_len)), .frag_off = htons(IP_DF) };
		memcpy(&ip.saddr, from->b, 4);
		memcpy(&ip.daddr, to->b, 4);
		memcpy(p, &ip, sizeof ip);
		ip.check = htons(zg_sum_fold(zg_sum(0, p, sizeof ip)));
		memcpy(p, &ip, sizeof ip);
		return sizeof ip;
	}
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6u << 28), .ip6_plen = htons((uint16_t)tcp_len), .ip6_nxt = IPPROTO_TCP,
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

size_t zg_inject_build(const struct zg_inject *inject, uint8_t packet[static ZG_INJECT_PACKET_MAX])
{
	const struct zg_tuple *t = &inject->tuple;
	const struct zg_addr *from = inject->to_client ? &t->server : &t->client;
	const struct zg_addr *to = inject->to_client ? &t->client : &t->server;
	uint8_t tcp[ZG_INJECT_PACKET_MAX - sizeof(struct ip6_hdr)] = { 0 };
	char text[ZG_REFUSAL_MAX];
	size_t text_len = 0, len = sizeof(struct tcphdr);

	_Static_assert(sizeof tcp >= sizeof(struct tcphdr) + 12 + ZG_REFUSAL_MAX, "a refusal fits");
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
	}
	memcpy(tcp, &h, sizeof h);
	size_t ip_len = put_ip(packet, from, to, len);
	memcpy(packet + ip_len, tcp, len);
	h.check = htons(zg_checksum_tcp(packet, ip_len + len, ip_len));
	memcpy(packet + ip_len, &h, sizeof h);
	return ip_len + len;
}

enum zg_err zg_injector_send(struct zg_injector *injector, const struct zg_inject *inject)
{
	uint8_t packet[ZG_INJECT_PACKET_MAX];
	const struct zg_addr *to = inject->to_client ? &inject->tuple.client : &inject->tuple.server;
	size_t len = zg_inject_build(inject, packet);
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
