/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader of mails that knows nothing of the inspector and minds nothing: it cuts at boundaries, decodes what looks like
 * base64 or quoted-printable and takes any field at its word. For judging what textify let pass.
 */
#ifndef ZONEGATE_FUZZ_MAIL_READER_H
#define ZONEGATE_FUZZ_MAIL_READER_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define READER_MAX   65536
#define READER_DEPTH 10

struct piece {
	const char *p;
	size_t len;
};

static inline bool reader_begins(struct piece s, const char *word)
{
	return s.len >= strlen(word) && strncasecmp(s.p, word, strlen(word)) == 0;
}

/* Up to and with the next LF. */
static inline struct piece reader_line(struct piece s)
{
	const char *lf = memchr(s.p, '\n', s.len);
	return (struct piece){ s.p, lf != NULL ? (size_t)(lf - s.p) + 1 : s.len };
}

/* The header ends with an empty line; behind it the body. */
static inline void reader_split(struct piece mail, struct piece *ret_header, struct piece *ret_body)
{
	size_t at = 0;
	while (at < mail.len) {
		const struct piece line = reader_line((struct piece){ mail.p + at, mail.len - at });
		const bool empty = line.p[0] == '\n' || (line.len >= 2 && memcmp(line.p, "\r\n", 2) == 0);
		at += line.len;
		if (empty)
			break;
	}
	*ret_header = (struct piece){ mail.p, at };
	*ret_body = (struct piece){ mail.p + at, mail.len - at };
}

/* The value of the first field of this name, unfolded and without blanks at its beginning. */
static inline bool reader_field(struct piece header, const char *name, char ret_value[static 2048])
{
	for (size_t at = 0; at < header.len;) {
		struct piece line = reader_line((struct piece){ header.p + at, header.len - at });
		at += line.len;
		if (!reader_begins(line, name))
			continue;
		size_t n = 0, skip = strlen(name);
		for (;;) {
			for (size_t i = skip; i < line.len; i++)
				if (line.p[i] != '\r' && line.p[i] != '\n' && !(n == 0 && isblank((unsigned char)line.p[i])) && n < 2047)
					ret_value[n++] = line.p[i];
			if (at >= header.len || !isblank((unsigned char)header.p[at]))
				break;
			line = reader_line((struct piece){ header.p + at, header.len - at });
			at += line.len;
			skip = 0;
		}
		ret_value[n] = '\0';
		return true;
	}
	return false;
}

static inline int reader_b64(unsigned char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
	return at != NULL ? (int)(at - alphabet) : -1;
}

static inline int reader_hex(unsigned char c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* The stuffed dots are taken out on the way. */
static inline size_t reader_decode(struct piece body, const char *encoding, char *out)
{
	size_t n = 0;
	unsigned bits = 0, have = 0;
	bool begin = true;

	for (size_t i = 0; i < body.len; i++) {
		const unsigned char c = (unsigned char)body.p[i];
		const bool stuffed = begin && c == '.';
		begin = c == '\n';
		if (stuffed)
			continue;
		if (strncasecmp(encoding, "base64", 6) == 0) {
			const int v = reader_b64(c);
			if (v < 0)
				continue;
			bits = bits << 6 | (unsigned)v;
			if ((have += 6) >= 8)
				out[n++] = (char)(bits >> (have -= 8) & 0xFF);
		} else if (strncasecmp(encoding, "quoted-printable", 16) == 0 && c == '=') {
			if (i + 2 < body.len && reader_hex((unsigned char)body.p[i + 1]) >= 0 && reader_hex((unsigned char)body.p[i + 2]) >= 0) {
				out[n++] = (char)(reader_hex((unsigned char)body.p[i + 1]) << 4 | reader_hex((unsigned char)body.p[i + 2]));
				i += 2;
			} else if (i + 2 < body.len && body.p[i + 1] == '\r' && body.p[i + 2] == '\n') {
				i += 2;
				begin = true;
			} else {
				out[n++] = '=';
			}
		} else {
			out[n++] = (char)c;
		}
	}
	return n;
}

static inline bool reader_only_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isspace((unsigned char)p[i]))
			return false;
	return true;
}

/* In ASCII and charsets that have it: where a link is live. */
static inline const char *reader_live_link(const char *p, size_t n)
{
	static const char *const links[] = { "http:", "https:", "ftp:", "ftps:", "www." };
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof links / sizeof *links; k++)
			if (i + strlen(links[k]) <= n && strncasecmp(p + i, links[k], strlen(links[k])) == 0 &&
			    (links[k][0] != 'w' || i == 0 || !isalnum((unsigned char)p[i - 1])))
				return links[k];
	return NULL;
}

#endif
