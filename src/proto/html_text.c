/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/html_text.h"

#include "proto/ascii.h"

enum stage { TEXT = 0, OPEN, NAME, TAG, DECLARATION, COMMENT };

/* Elements whose content is no text, and goes to their end tag. */
static const char *const raw[] = { "", "script", "style", "title", "xml" };

#define N(table) (sizeof(table) / sizeof *(table))

static bool blank(uint8_t c)
{
	return zg_ascii_blank(c) || c == '\r' || c == '\n';
}

static bool letter(uint8_t c)
{
	const uint8_t lower = zg_ascii_lower(c);
	return lower >= 'a' && lower <= 'z';
}

bool zg_html_hides(const struct zg_html *html)
{
	return (html->stage != TEXT && html->stage != OPEN) || html->raw != 0;
}

bool zg_html_open(const struct zg_html *html)
{
	return html->stage == OPEN;
}

/* Within content that is no text, only its own end tag is one. */
static bool counts(const struct zg_html *h)
{
	return h->raw == 0 || (h->closing && zg_ascii_equal(h->name, h->name_len, raw[h->raw]));
}

static void tag_over(struct zg_html *h)
{
	h->stage = TEXT;
	if (!counts(h))
		return;
	h->raw = 0;
	for (uint8_t i = 1; i < N(raw) && !h->closing; i++)
		if (zg_ascii_equal(h->name, h->name_len, raw[i]))
			h->raw = i;
}

static void tag(struct zg_html *h, uint8_t c)
{
	if (h->quote != 0) {
		if (c == h->quote)
			h->quote = 0;
		return;
	}
	if (c == '>') {
		tag_over(h);
		return;
	}
	if ((c == '"' || c == '\'') && h->equals)
		h->quote = c;
	if (!blank(c))
		h->equals = c == '=';
}

static void name(struct zg_html *h, uint8_t c)
{
	if (c == '>' || c == '/' || blank(c)) {
		h->stage = counts(h) ? TAG : TEXT;
		h->quote = 0;
		h->equals = 0;
		if (h->stage == TAG)
			tag(h, c);
		return;
	}
	if (h->name_len < ZG_HTML_NAME_MAX)
		h->name[h->name_len++] = zg_ascii_lower(c);
}

/* Behind '<'. False: it was no tag, and this character is text. */
static bool opened(struct zg_html *h, uint8_t c)
{
	if (c == '/' && !h->closing) {
		h->closing = 1;
		return true;
	}
	if (letter(c)) {
		h->stage = NAME;
		name(h, c);
		return true;
	}
	h->stage = h->raw == 0 && (c == '!' || c == '?' || h->closing) ? DECLARATION : TEXT;
	if (c == '<')
		h->stage = OPEN;
	if (c == '>' && h->stage == DECLARATION) /* "</>" */
		h->stage = TEXT;
	h->hyphens = c == '!' ? 0 : UINT8_MAX;
	return h->stage != TEXT || c == '>';
}

/* "<!--" is a comment, anything else behind "<!" goes to the next '>'. */
static void declaration(struct zg_html *h, uint8_t c)
{
	if (c == '-' && h->hyphens < 2 && ++h->hyphens == 2) {
		h->stage = COMMENT;
		return;
	}
	if (c == '>')
		h->stage = TEXT;
	if (c != '-')
		h->hyphens = UINT8_MAX;
}

/* "<!-->" and "<!--->" are whole comments: the hyphens of the beginning count. */
static void comment(struct zg_html *h, uint8_t c)
{
	if (c == '>' && h->hyphens >= 2)
		h->stage = TEXT;
	else if (c == '-')
		h->hyphens = h->hyphens < 2 ? h->hyphens + 1 : 2;
	else
		h->hyphens = 0;
}

bool zg_html_feed(struct zg_html *html, uint8_t c)
{
	const bool hidden = html->raw != 0;

	switch ((enum stage)html->stage) {
	case TEXT:
		if (c != '<')
			return !hidden;
		html->stage = OPEN;
		html->closing = 0;
		html->name_len = 0;
		return false;
	case OPEN:
		return !opened(html, c) && !hidden;
	case NAME:
		name(html, c);
		return false;
	case TAG:
		tag(html, c);
		return false;
	case DECLARATION:
		declaration(html, c);
		return false;
	case COMMENT:
		comment(html, c);
		return false;
	}
	return false;
}
