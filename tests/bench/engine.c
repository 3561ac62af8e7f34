/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What inspection costs: whole SMTP connections, packet by packet with their checksums, through the engine and the smtp
 * inspector of one process on one processor. No kernel is in it, so this is an upper bound for one inspector process;
 * the queue costs more (the lab measures the whole). Prints first, per kind of mail, nanoseconds per byte of the inspector
 * alone; then one line per case: kind and size of the mail, segment size, connections per second, megabytes of mail per
 * second, microseconds per packet.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "zonegate/stream.h"

#define SECONDS 1.0
#define PACKET_MAX 65535

static uint8_t config[ZG_INSPECTOR_CONFIG_MAX];
static uint64_t accepted, dropped, denied;

static bool resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	(void)ctx;
	(void)mark;
	*ret_policy = (struct zg_flow_policy){ .inspector = &zg_smtp, .config = config, .identity = 1 };
	return true;
}

static void verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	(void)ctx;
	(void)id;
	(void)packet;
	(void)len;
	if (accept)
		accepted++;
	else
		dropped++;
}

static void inject(void *ctx, const struct zg_inject *what)
{
	(void)ctx;
	(void)what;
}

static void event(void *ctx, const struct zg_flow_event *e)
{
	(void)ctx;
	if (e->kind == ZG_FLOW_DENIED) {
		if (denied++ == 0)
			fprintf(stderr, "denied: %s\n", zg_reason_text(e->reason));
	}
}

/* --- one connection -------------------------------------------------------------------------------- */

struct connection {
	struct zg_engine *engine;
	uint16_t port;
	uint32_t seq[2]; /* next of each direction */
	uint64_t packets, now_ms;
	uint8_t packet[PACKET_MAX];
};

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len >= 2; p += 2, len -= 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	return len == 1 ? sum + (uint32_t)(p[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void segment(struct connection *c, enum zg_dir dir, bool syn, bool fin, const void *data, size_t len)
{
	static const uint8_t addr[2][4] = { { 10, 30, 0, 25 }, { 10, 20, 0, 25 } };
	const size_t total = sizeof(struct iphdr) + sizeof(struct tcphdr) + len;
	const bool ack = !(syn && dir == ZG_CLIENT);
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .tot_len = htons((uint16_t)total) };
	struct tcphdr tcp = { .doff = 5, .syn = syn, .fin = fin, .ack = ack, .psh = len > 0, .window = htons(65535) };
	uint8_t *p = c->packet;

	memcpy(&ip.saddr, addr[dir], 4);
	memcpy(&ip.daddr, addr[zg_dir_other(dir)], 4);
	ip.check = fold(sum16(0, (const uint8_t *)&ip, sizeof ip));
	tcp.source = htons(dir == ZG_CLIENT ? c->port : 25);
	tcp.dest = htons(dir == ZG_CLIENT ? 25 : c->port);
	tcp.seq = htonl(c->seq[dir]);
	tcp.ack_seq = ack ? htonl(c->seq[zg_dir_other(dir)]) : 0;
	memcpy(p, &ip, sizeof ip);
	memcpy(p + sizeof ip, &tcp, sizeof tcp);
	if (len > 0)
		memcpy(p + sizeof ip + sizeof tcp, data, len);
	uint32_t sum = sum16(sum16(IPPROTO_TCP + (uint32_t)(sizeof tcp + len), addr[0], 4), addr[1], 4);
	tcp.check = fold(sum16(sum, p + sizeof ip, sizeof tcp + len));
	memcpy(p + sizeof ip, &tcp, sizeof tcp);

	const struct zg_packet packet = { .id = (uint32_t)c->packets, .mark = 1, .data = p, .len = total, .wire_len = total,
					  .now_ms = c->now_ms };
	c->packets++;
	c->seq[dir] += (uint32_t)(len + syn + fin);
	zg_engine_packet(c->engine, &packet);
}

static void say(struct connection *c, enum zg_dir dir, const char *text)
{
	segment(c, dir, false, false, text, strlen(text));
}

/* One mail from SYN to the last ACK; the server acknowledges every second segment, as receivers do. */
static void deliver(struct connection *c, const char *mail, size_t len, size_t mss)
{
	c->port = (uint16_t)(c->port < 20000 ? 60000 : c->port - 1);
	segment(c, ZG_CLIENT, true, false, NULL, 0);
	segment(c, ZG_SERVER, true, false, NULL, 0);
	segment(c, ZG_CLIENT, false, false, NULL, 0);
	say(c, ZG_SERVER, "220 mail.lgwan.example ESMTP\r\n");
	say(c, ZG_CLIENT, "EHLO relay.internet.example\r\n");
	say(c, ZG_SERVER, "250-mail.lgwan.example\r\n250 8BITMIME\r\n");
	say(c, ZG_CLIENT, "MAIL FROM:<a@internet.example>\r\n");
	say(c, ZG_SERVER, "250 ok\r\n");
	say(c, ZG_CLIENT, "RCPT TO:<b@lgwan.example>\r\n");
	say(c, ZG_SERVER, "250 ok\r\n");
	say(c, ZG_CLIENT, "DATA\r\n");
	say(c, ZG_SERVER, "354 go on\r\n");
	for (size_t at = 0, n = 0; at < len; at += mss, n++) {
		segment(c, ZG_CLIENT, false, false, mail + at, len - at < mss ? len - at : mss);
		if (n % 2 == 1 || mss > 32767) /* the window is 65535 */
			segment(c, ZG_SERVER, false, false, NULL, 0);
	}
	say(c, ZG_SERVER, "250 stored\r\n");
	say(c, ZG_CLIENT, "QUIT\r\n");
	say(c, ZG_SERVER, "221 bye\r\n");
	segment(c, ZG_CLIENT, false, true, NULL, 0);
	segment(c, ZG_SERVER, false, true, NULL, 0);
	segment(c, ZG_CLIENT, false, false, NULL, 0);
}

/* --- mails ----------------------------------------------------------------------------------------- */

/* Lines as Japanese mail has them. */
static const struct kind {
	const char *name, *charset, *encoding, *lines;
} kinds[] = {
	{ "ascii", "us-ascii", "7bit",
	  "The meeting of the working group takes place on Thursday at ten o'clock.\r\n"
	  "Please read the minutes (attached as text) before.\r\n\r\n> quoted text of the answer, of no great length\r\n" },
	{ "utf-8", "utf-8", "8bit",
	  "いつもお世話になっております。総務課の山田です。\r\n\r\n"
	  "下記のとおり会議を開催しますので、ご出席くださいますようお願いします。\r\n"
	  "日時：2024年4月1日（月）10:00～12:00 場所：第3会議室 TEL 03-1234-5678\r\n" },
	{ "jis", "iso-2022-jp", "7bit",
	  "\033$BK\\J8$O%F%-%9%H$@$1$G$9!#=;L1@G$N$*CN$i$;!#\033(B plain text, 0123456789\r\n" },
	{ "base64", "utf-8", "base64",
	  "44GE44Gk44KC44GK5LiW6Kmx44Gr44Gq44Gj44Gm44GK44KK44G+44GZ44CC57eP5YuZ6Kqy44Gu\r\n"
	  "5bGx55Sw44Gn44GZ44CCDQoNCuS4i+iomOOBruOBqOOBiuOCiuS8muitsOOCkumWi+WCrOOBl+OB\r\n"
	  "vuOBmeOBruOBp+OAgeOBlOWHuuW4reOBj+OBoOOBleOBhOOBvuOBmeOCiOOBhg0K44GK6aGY44GE\r\n"
	  "44GE44Gf44GX44G+44GZ44CC5pel5pmC77yaNOaciDHml6UgMTA6MDAtMTI6MDAuLi4uLi4uLg0K\r\n" },
	{ "qp", "utf-8", "quoted-printable",
	  "=E3=81=84=E3=81=A4=E3=82=82=E3=81=8A=E4=B8=96=E8=A9=B1=E3=81=AB=E3=81=AA=\r\n"
	  "=E3=81=A3=E3=81=A6=E3=81=8A=E3=82=8A=E3=81=BE=E3=81=99=E3=80=82 TEL 03-1234\r\n" },
};

#define N_KINDS (sizeof kinds / sizeof *kinds)

static char *make_mail(const struct kind *kind, size_t size, size_t *ret_len)
{
	static const char head[] = "From: <a@internet.example>\r\nTo: <b@lgwan.example>\r\nDate: Mon, 1 Apr 2024 09:00:00 +0900\r\n"
				   "Message-ID: <1@internet.example>\r\nSubject: bench\r\nMIME-Version: 1.0\r\n"
				   "Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n";
	const size_t n = strlen(kind->lines);
	char *mail = malloc(sizeof head + 64 + size + n + 8);
	if (mail == NULL)
		return NULL;
	size_t len = (size_t)sprintf(mail, head, kind->charset, kind->encoding);
	for (; len < size; len += n)
		memcpy(mail + len, kind->lines, n);
	memcpy(mail + len, ".\r\n", 3);
	*ret_len = len + 3;
	return mail;
}

/* Time of this process: other work on the machine shall not count. */
static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- the inspector alone --------------------------------------------------------------------------- */

static bool give(void *state, enum zg_dir dir, const char *bytes, size_t len, size_t piece)
{
	static uint8_t copy[PACKET_MAX];
	struct zg_answer answer;
	for (size_t at = 0; at < len; at += piece) {
		const size_t n = len - at < piece ? len - at : piece;
		memcpy(copy, bytes + at, n);
		struct zg_rw in = zg_rw_init(copy, n);
		zg_smtp.data(state, config, dir, &in, &answer);
		if (answer.say == ZG_SAY_DENY) {
			fprintf(stderr, "denied at %zu: %s\n", at + in.pos, zg_reason_text(answer.reason));
			return false;
		}
	}
	return true;
}

static bool give_text(void *state, enum zg_dir dir, const char *text)
{
	return give(state, dir, text, strlen(text), PACKET_MAX);
}

static bool give_mail(void *state, const char *mail, size_t len, size_t piece)
{
	memset(state, 0, zg_smtp.state_size);
	zg_smtp.begin(state, config);
	return give_text(state, ZG_SERVER, "220 mx ESMTP\r\n") && give_text(state, ZG_CLIENT, "EHLO a\r\n") &&
	       give_text(state, ZG_SERVER, "250-mx\r\n250 8BITMIME\r\n") && give_text(state, ZG_CLIENT, "MAIL FROM:<a@b>\r\n") &&
	       give_text(state, ZG_SERVER, "250 ok\r\n") && give_text(state, ZG_CLIENT, "RCPT TO:<c@d>\r\n") &&
	       give_text(state, ZG_SERVER, "250 ok\r\n") && give_text(state, ZG_CLIENT, "DATA\r\n") &&
	       give_text(state, ZG_SERVER, "354 go\r\n") && give(state, ZG_CLIENT, mail, len, piece);
}

/* Nanoseconds per byte of a mail in pieces of this size, dialogue included: the best of some rounds, for the machine may
 * have other work. Negative: refused. */
static double inspect(const struct kind *kind, size_t size, size_t piece)
{
	size_t len = 0;
	char *mail = make_mail(kind, size, &len);
	void *state = calloc(1, zg_smtp.state_size);
	const int mails = (int)(2000000 / size);
	bool ok = mail != NULL && state != NULL;
	double best = 1e9;

	for (int round = 0; ok && round < 20; round++) {
		const double start = now();
		for (int i = 0; ok && i < mails; i++)
			ok = give_mail(state, mail, len, piece);
		const double t = (now() - start) * 1e9 / ((double)mails * (double)len);
		best = t < best ? t : best;
	}
	free(mail);
	free(state);
	return ok ? best : -1;
}

/* By octets: every octet on its own, which is what the spans of ordinary text are measured against. */
static bool measure_inspector(const struct kind *kind)
{
	const double octets = inspect(kind, 100000, 1), small = inspect(kind, 10000, 1448), mss = inspect(kind, 1000000, 1448),
		     gro = inspect(kind, 1000000, 65160);
	printf("inspector alone, %-8s ns/byte: by octets %5.2f, 10 kB %5.2f, segments of 1448 %5.2f, of 65160 %5.2f\n", kind->name,
	       octets, small, mss, gro);
	return octets >= 0 && small >= 0 && mss >= 0 && gro >= 0;
}

/* --- the inspector in the engine -------------------------------------------------------------------- */

static bool measure(const struct kind *kind, size_t size, size_t mss)
{
	const struct zg_engine_owner owner = { .resolve = resolve, .verdict = verdict, .inject = inject, .event = event };
	static struct connection c;
	size_t len = 0;
	char *mail = make_mail(kind, size, &len);
	uint64_t mails = 0;

	memset(&c, 0, sizeof c);
	c.now_ms = 1000;
	accepted = dropped = denied = 0;
	if (mail == NULL || zg_engine_new(&owner, 0x5eed, &c.engine) != ZG_OK) {
		free(mail);
		return false;
	}
	const double start = now();
	double t = 0;
	while (t < SECONDS) {
		/* simulated time runs ahead, so that closed connections leave the table as they do in life */
		for (int i = 0; i < 16; i++, mails++, c.now_ms += 10)
			deliver(&c, mail, len, mss);
		zg_engine_tick(c.engine, c.now_ms);
		t = now() - start;
	}
	printf("%-8s mail %8zu bytes, segments %5zu: %8.0f connections/s, %7.1f MB/s, %6.2f us/packet\n", kind->name, len, mss,
	       (double)mails / t, (double)(mails * len) / t / 1e6, t * 1e6 / (double)c.packets);
	const bool whole = dropped == 0 && denied == 0 && accepted == c.packets;
	if (!whole)
		fprintf(stderr, "not a measurement: %llu of %llu packets were not accepted\n",
			(unsigned long long)(c.packets - accepted), (unsigned long long)c.packets);
	zg_engine_free(c.engine);
	free(mail);
	return whole;
}

int main(void)
{
	static const struct {
		size_t size, mss;
	} cases[] = { { 2000, 1448 }, { 10000, 1448 }, { 100000, 1448 }, { 10000000, 1448 }, { 10000000, 65160 } };
	bool ok = true;

	zg_inspector_defaults(&zg_smtp, config);
	for (size_t k = 0; k < N_KINDS; k++)
		ok = measure_inspector(&kinds[k]) && ok;
	for (size_t k = 0; k < N_KINDS; k++)
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			ok = measure(&kinds[k], cases[i].size, cases[i].mss) && ok;
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
