/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTML as text. Nothing that is taken for text has a '<', and the text, read again, is all text. As a mail, in 8bit, in
 * quoted-printable and in base64, the same text goes on, whatever stands for what is none.
 *
 * Byte 0: length of the lines that are encoded. The rest: the HTML, of which in mails only ASCII and line ends are used.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail_reader.h"
#include "proto/charset.h"
#include "proto/html_text.h"
#include "proto/smtp_config.h"
#include "zonegate/inspector.h"
#include "zonegate/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SOURCE_MAX 4096
#define MAIL_MAX   (4 * SOURCE_MAX + 1024)

#define MUST(condition)                                                                                                      \
	do {                                                                                                                 \
		if (!(condition)) {                                                                                          \
			fprintf(stderr, "fuzz_html: %s, line %d\n", #condition, __LINE__);                                    \
			abort();                                                                                             \
		}                                                                                                            \
	} while (0)

/* --- the machine ------------------------------------------------------------------------------------ */

static void text_is_text(const uint8_t *p, size_t n)
{
	struct zg_html html = { .stage = 0 }, again = { .stage = 0 };
	for (size_t i = 0; i < n; i++) {
		const uint8_t c = p[i] < 0x80 ? p[i] : 0;
		const bool hides = zg_html_hides(&html), text = zg_html_feed(&html, c);
		MUST(!text || c != '<');
		MUST(!text || !hides);
		MUST(zg_html_feed(&again, text ? c : ' '));
	}
}

/* --- as mails ----------------------------------------------------------------------------------------- */

static const struct zg_smtp_config config = {
	.mode = ZG_SMTP_TEXTIFY,
	.charsets = (1u << ZG_CHARSET_COUNT) - 1,
	.max_message = 1u << 20,
	.max_recipients = 1,
	.max_depth = 1,
};

static const struct {
	enum zg_dir dir;
	const char *text;
} opening[] = {
	{ ZG_SERVER, "220 mx\r\n" },	  { ZG_CLIENT, "HELO a\r\n" },	      { ZG_SERVER, "250 mx\r\n" },
	{ ZG_CLIENT, "MAIL FROM:<>\r\n" }, { ZG_SERVER, "250 ok\r\n" },	      { ZG_CLIENT, "RCPT TO:<c@d>\r\n" },
	{ ZG_SERVER, "250 ok\r\n" },	  { ZG_CLIENT, "DATA\r\n" },	      { ZG_SERVER, "354 go\r\n" },
};

/* The mail becomes what goes on; false: it was refused. */
static bool through(uint8_t *mail, size_t len)
{
	uint8_t line[64];
	struct zg_answer answer;
	void *state = calloc(1, zg_smtp.state_size);
	MUST(state != NULL);
	zg_smtp.begin(state, &config);
	for (size_t i = 0; i < sizeof opening / sizeof *opening; i++) {
		memcpy(line, opening[i].text, strlen(opening[i].text));
		struct zg_rw in = zg_rw_init(line, strlen(opening[i].text));
		zg_smtp.data(state, &config, opening[i].dir, &in, &answer);
		MUST(answer.say == ZG_SAY_MORE);
	}
	struct zg_rw in = zg_rw_init(mail, len);
	zg_smtp.data(state, &config, ZG_CLIENT, &in, &answer);
	free(state);
	return answer.say == ZG_SAY_MORE;
}

static size_t put_qp(const uint8_t *p, size_t n, size_t line, char *out)
{
	size_t len = 0, column = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			len += (size_t)sprintf(out + len, "\r\n");
			column = 0;
			continue;
		}
		if (column + 4 > line) {
			len += (size_t)sprintf(out + len, "=\r\n");
			column = 0;
		}
		const bool literal = p[i] > 0x20 && p[i] != '=' && p[i] != '.' && p[i] % 3 != 0;
		const int more = sprintf(out + len, literal ? "%c" : "=%02X", p[i]);
		len += (size_t)more;
		column += (size_t)more;
	}
	return len;
}

static size_t put_b64(const uint8_t *p, size_t n, size_t line, char *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0, column = 0;
	for (size_t i = 0; i < n; i += 3) {
		const uint32_t group = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
		for (size_t k = 0; k < 4; k++)
			out[len++] = i + k <= n ? alphabet[group >> (18 - 6 * k) & 63] : '=';
		column += 4;
		if (column + 4 > line && i + 3 < n) {
			len += (size_t)sprintf(out + len, "\r\n");
			column = 0;
		}
	}
	return len;
}

static size_t put_8bit(const uint8_t *p, size_t n, size_t line, char *out)
{
	size_t len = 0;
	(void)line;
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(out + len, p[i] == '\n' ? "\r\n" : p[i] == '.' && (i == 0 || p[i - 1] == '\n') ? ".." : "%c", p[i]);
	return len;
}

static const struct {
	const char *name;
	size_t (*put)(const uint8_t *p, size_t n, size_t line, char *out);
} encodings[] = { { "8bit", put_8bit }, { "quoted-printable", put_qp }, { "base64", put_b64 } };

/* What of the HTML goes on, without anything blank, and without dots: at the beginning of a line the framing keeps them; false:
 * refused. */
static bool text_of(unsigned encoding, const uint8_t *p, size_t n, size_t line, char *ret_text)
{
	static char mail[MAIL_MAX], decoded[MAIL_MAX];
	size_t kept = 0, head = (size_t)sprintf(mail, "From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: %s\r\n\r\n",
					       encodings[encoding].name);
	size_t len = head + encodings[encoding].put(p, n, line, mail + head);
	len += (size_t)sprintf(mail + len, "\r\n.\r\n");
	if (!through((uint8_t *)mail, len))
		return false;
	MUST(memcmp(mail + len - 5, "\r\n.\r\n", 5) == 0);
	const size_t octets = reader_decode((struct piece){ mail + head, len - head - 3 }, encodings[encoding].name, decoded);
	MUST(memchr(decoded, '<', octets) == NULL && reader_live_link(decoded, octets) == NULL);
	for (size_t i = 0; i < octets; i++)
		if (!isspace((unsigned char)decoded[i]) && decoded[i] != '.')
			ret_text[kept++] = decoded[i];
	ret_text[kept] = '\0';
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[3][MAIL_MAX];
	static uint8_t source[SOURCE_MAX];
	bool passed[3];

	if (size < 2 || size > SOURCE_MAX)
		return 0;
	text_is_text(data + 1, size - 1);
	const size_t line = 16u + 4u * (data[0] % 16u), n = size - 1;
	for (size_t i = 0; i < n; i++)
		source[i] = data[1 + i] == '\n' || (data[1 + i] >= 0x20 && data[1 + i] < 0x7F) ? data[1 + i] : 'x';
	for (unsigned e = 0; e < 3; e++)
		passed[e] = text_of(e, source, n, line, text[e]);
	for (unsigned e = 0; e < 3; e++) {
		if (passed[0] && passed[e] && strcmp(text[0], text[e]) != 0) {
			fprintf(stderr, "fuzz_html: another text in %s:\n%s\n%s\n", encodings[e].name, text[0], text[e]);
			abort();
		}
	}
	return 0;
}
