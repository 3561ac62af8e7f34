/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tokens of a configuration: libconfig's grammar, less what it reads differently from a person, and with the
 * place of everything. What is refused here although libconfig would take it:
 *   numbers that do not fit 32 bits (it wraps them), suffix L, fractions, leading zeros
 *   "a" "b" (it joins them: a forgotten comma makes one interface of two)
 *   escapes but \" and \\ (\x41 hides a letter), strings over several lines
 *   a comment that is not closed (it swallows the rest)
 * An @include is for gather.c, which has read the files into this text; here it has to stand where it is seen.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"

enum token_type { T_END, T_NAME, T_BOOL, T_INT, T_STRING, T_WORD, T_PUNCT, T_INCLUDE };

struct token {
	enum token_type type;
	size_t off, len;
	struct conf_at at;
	bool bad; /* reported */
};

struct lexer {
	char *text;
	size_t len, pos;
	uint32_t line;
	size_t line_start;
};

struct shape {
	struct conf_source *source;
	struct conf_places *places; /* where the next one goes: the source's, or of the batch that is open */
	struct conf_places batch;   /* owned */
	size_t n_settings;
	struct zg_diags *diags;
	struct lexer lex;
	struct token token; /* the next one, not consumed */
	enum zg_err err;
	size_t n_includes;
	struct conf_at first_include;
};

/* Of characters: strspn() would make a table of its set for each of a million words. */
enum { C_DIGIT = 1, C_NAME = 2, C_WORD = 4, C_BLANK = 8, C_PLAIN = 16 };

static uint8_t classes[256];

/* C_PLAIN: nothing special in a string. */
static void fill_classes(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-*";
	memset(classes, C_PLAIN, sizeof classes);
	classes['\0'] = classes['\n'] = classes['"'] = classes['\\'] = classes[(unsigned char)CONF_REPAIRED] = 0;
	for (const char *p = letters; *p != '\0'; p++)
		classes[(unsigned char)*p] |= C_NAME | C_WORD;
	for (const char *p = "0123456789"; *p != '\0'; p++)
		classes[(unsigned char)*p] |= C_DIGIT | C_NAME | C_WORD;
	for (const char *p = ".+"; *p != '\0'; p++)
		classes[(unsigned char)*p] |= C_WORD;
	for (const char *p = " \t\r"; *p != '\0'; p++)
		classes[(unsigned char)*p] |= C_BLANK;
}

static unsigned char_class(char c)
{
	return classes[(unsigned char)c];
}

/* How many characters of a class stand at p. */
static size_t span(const char *p, unsigned class)
{
	size_t n = 0;
	while (char_class(p[n]) & class)
		n++;
	return n;
}

#define DELIMITERS " \t\r\n;,(){}[]\"#="

/* --- tokens ---------------------------------------------------------------------------------- */

static struct conf_at here(const struct lexer *lex)
{
	return (struct conf_at){ lex->line, (uint32_t)(lex->pos - lex->line_start) + 1 };
}

static void blank(char *text, size_t off, size_t len)
{
	for (size_t i = off; i < off + len; i++) {
		if (text[i] != '\n')
			text[i] = ' ';
	}
}

static void skip_line(struct lexer *lex)
{
	lex->pos += strcspn(lex->text + lex->pos, "\n");
}

static void newline(struct lexer *lex)
{
	lex->pos++;
	lex->line++;
	lex->line_start = lex->pos;
}

static void block_comment(struct shape *s)
{
	struct lexer *lex = &s->lex;
	struct conf_at at = here(lex);
	size_t start = lex->pos;
	for (lex->pos += 2; lex->pos < lex->len;) {
		if (lex->text[lex->pos] == '\n') {
			newline(lex);
		} else if (strncmp(lex->text + lex->pos, "*/", 2) == 0) {
			lex->pos += 2;
			return;
		} else {
			lex->pos++;
		}
	}
	CONF_ERROR(s->diags, at, "close it with */", "comment is never closed: all the rest of the file is in it");
	blank(lex->text, start, lex->len - start);
}

static void skip_blank(struct shape *s)
{
	struct lexer *lex = &s->lex;
	while (lex->pos < lex->len) {
		const char *p = lex->text + lex->pos;
		if (char_class(*p) & C_BLANK)
			lex->pos += span(p, C_BLANK);
		else if (*p == '\n')
			newline(lex);
		else if (*p == CONF_REPAIRED)
			lex->text[lex->pos++] = ' ';
		else if (*p == '#' || (*p == '/' && p[1] == '/'))
			skip_line(lex);
		else if (*p == '/' && p[1] == '*')
			block_comment(s);
		else
			return;
	}
}

/* A bad value keeps its place in the grammar: "0" and blanks. */
static void neutralise(struct shape *s, struct token *t)
{
	t->bad = true;
	blank(s->lex.text, t->off, t->len);
	s->lex.text[t->off] = '0';
}

static void lex_string(struct shape *s, struct token *t)
{
	struct lexer *lex = &s->lex;
	t->type = T_STRING;
	for (lex->pos++; lex->pos += span(lex->text + lex->pos, C_PLAIN), lex->text[lex->pos] != '"'; lex->pos++) {
		char c = lex->text[lex->pos];
		if (c == '\n') {
			CONF_ERROR(s->diags, t->at, "close it with \" on the same line", "string is never closed");
			t->len = lex->pos - t->off;
			neutralise(s, t);
			return;
		}
		t->bad = t->bad || c == CONF_REPAIRED;
		if (c != '\\')
			continue;
		char next = lex->text[lex->pos + 1];
		if (next == '"' || next == '\\') {
			lex->pos++;
		} else {
			CONF_ERROR(s->diags, here(lex),
				   "write the character itself; only \\\" and \\\\ are escapes here",
				   "escape sequence in a string");
			t->bad = true;
		}
	}
	lex->pos++;
	t->len = lex->pos - t->off;
	if (t->bad)
		neutralise(s, t);
}

static bool all_digits(const char *p, size_t n)
{
	return n > 0 && span(p, C_DIGIT) >= n;
}

static enum token_type classify(const char *p, size_t n)
{
	const bool letter = (char_class(*p) & (C_NAME | C_DIGIT)) == C_NAME && *p != '-' && *p != '_';
	if (letter && *p != 't' && *p != 'T' && *p != 'f' && *p != 'F')
		return span(p, C_NAME) >= n ? T_NAME : T_WORD;
	if ((n == 4 && strncasecmp(p, "true", 4) == 0) || (n == 5 && strncasecmp(p, "false", 5) == 0))
		return T_BOOL;
	if (all_digits(p, n) || ((*p == '+' || *p == '-') && all_digits(p + 1, n - 1)))
		return T_INT;
	if (n > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && strspn(p + 2, "0123456789abcdefABCDEF") >= n - 2)
		return T_INT;
	return letter && span(p, C_NAME) >= n ? T_NAME : T_WORD;
}

/* Reads the next token into s->token. */
static void advance(struct shape *s)
{
	struct lexer *lex = &s->lex;
	skip_blank(s);
	struct token *t = &s->token;
	*t = (struct token){ .off = lex->pos, .at = here(lex) };
	if (lex->pos >= lex->len)
		return;
	char c = lex->text[lex->pos];
	if (c == '"') {
		lex_string(s, t);
		return;
	}
	if (c == '@' && strncmp(lex->text + lex->pos, "@include", 8) == 0) {
		skip_line(lex);
		t->type = T_INCLUDE;
		t->len = lex->pos - t->off;
		return;
	}
	t->len = span(lex->text + lex->pos, C_WORD);
	if (t->len > 0) {
		t->type = classify(lex->text + lex->pos, t->len);
	} else {
		t->type = strchr("=:;,(){}[]", c) != NULL ? T_PUNCT : T_WORD;
		t->len = 1;
		while (t->type == T_WORD && ((unsigned char)lex->text[lex->pos + t->len] & 0xc0) == 0x80)
			t->len++;
	}
	lex->pos += t->len;
}

static bool is_punct(const struct shape *s, char c)
{
	return s->token.type == T_PUNCT && s->lex.text[s->token.off] == c;
}

/* --- grammar --------------------------------------------------------------------------------- */

/* What Japanese input leaves behind: an ideographic space, fullwidth digits, quotes and semicolons. */
static const char *fullwidth_hint(const struct shape *s, const struct token *t, const char *hint)
{
	bool ascii = t->len == 0 || ((unsigned char)s->lex.text[t->off] & 0x80) == 0;
	return ascii ? hint : "outside of strings and comments only ASCII is written: fullwidth characters (全角)?";
}

static const char include_hint[] = "@include \"path\" stands on the outermost level, between settings, alone on its line";

static void syntax(struct shape *s, const char *expected, const char *hint)
{
	if (s->err != ZG_OK)
		return;
	s->err = ZG_ECONF;
	hint = s->token.type == T_INCLUDE ? include_hint : fullwidth_hint(s, &s->token, hint);
	if (s->token.type == T_END)
		CONF_ERROR(s->diags, s->token.at, hint, "the file ends where %s was expected", expected);
	else
		CONF_ERROR(s->diags, s->token.at, hint, "expected %s, found \"%.*s\"", expected,
			   s->token.len < 40 ? (int)s->token.len : 40, s->lex.text + s->token.off);
}

/* Index of a new place, or SIZE_MAX with s->err set. */
static size_t add_place(struct shape *s, const struct token *key)
{
	struct conf_places *places = s->places;
	if (s->n_settings == CONF_SETTINGS_MAX) {
		CONF_ERROR(s->diags, key->at, NULL, "more than %u settings", CONF_SETTINGS_MAX);
		s->err = ZG_ECONF;
		return SIZE_MAX;
	}
	if (places->n == places->cap) {
		size_t cap = places->cap != 0 ? 2 * places->cap : 256;
		struct conf_place *grown = reallocarray(places->v, cap, sizeof *grown);
		if (grown == NULL) {
			s->err = ZG_ENOMEM;
			return SIZE_MAX;
		}
		places->v = grown;
		places->cap = cap;
	}
	s->n_settings++;
	places->v[places->n] = (struct conf_place){ .key = key->at, .key_off = (uint32_t)key->off };
	return places->n++;
}

static void place_value(struct shape *s, size_t place, const struct token *t, int type)
{
	struct conf_place *p = &s->places->v[place];
	p->value = t->at;
	p->value_off = (uint32_t)t->off;
	p->type = (uint8_t)type;
	p->bad = t->bad;
}

static void check_integer(struct shape *s, struct token *t)
{
	const char *p = s->lex.text + t->off;
	bool hex = t->len > 2 && (p[1] == 'x' || p[1] == 'X');
	size_t digits = *p == '+' || *p == '-' ? 1 : 0;
	if (!hex && p[digits] == '0' && t->len > digits + 1) {
		CONF_ERROR(s->diags, t->at,
			   "remove the leading zeros: it is not clear whether decimal or octal is meant",
			   "number with a leading zero: %.*s", (int)(t->len < 40 ? t->len : 40), p);
		neutralise(s, t);
		return;
	}
	char *end;
	long long value = strtoll(p, &end, hex ? 16 : 10);
	if (end != p + t->len || value < INT_MIN || value > INT_MAX) {
		CONF_ERROR(s->diags, t->at, "numbers go from -2147483648 to 2147483647", "number is out of range: %.*s",
			   (int)(t->len < 40 ? t->len : 40), p);
		neutralise(s, t);
	}
}

/* An unquoted word where a value belongs: all of it up to the next delimiter. */
static void bare_word(struct shape *s, struct token *t)
{
	struct lexer *lex = &s->lex;
	t->len += strcspn(lex->text + t->off + t->len, DELIMITERS);
	lex->pos = t->off + t->len;
	const char *p = lex->text + t->off;
	int shown = (int)(t->len < 40 ? t->len : 40);
	size_t digits = strspn(p, "0123456789abcdefABCDEFxX+-");
	if (digits + 1 <= t->len && digits > 0 && p[digits] == 'L' && classify(p, digits) == T_INT &&
	    strspn(p + digits, "L") == t->len - digits)
		CONF_ERROR(s->diags, t->at, "write the number without it; it must fit 32 bits",
			   "number with the suffix L: %.*s", shown, p);
	else
		CONF_ERROR(s->diags, t->at,
			   fullwidth_hint(s, t, "write it in quotes; only whole numbers, true and false go without"),
			   "this is neither a number nor a string: %.*s", shown, p);
	t->type = T_WORD;
	neutralise(s, t);
}

static void check_adjacent(struct shape *s, size_t place)
{
	while (s->err == ZG_OK && s->token.type == T_STRING) {
		CONF_ERROR(s->diags, s->token.at, "put a comma between the two, or make them one string",
			   "two strings side by side would be read as one");
		s->places->v[place].bad = true;
		blank(s->lex.text, s->token.off, s->token.len);
		advance(s);
	}
}

/* One value that is not a group, list or array. Answers its type, 0 on a syntax error. */
static int scalar(struct shape *s, size_t place)
{
	struct token t = s->token;
	int type = CONFIG_TYPE_INT;
	if (t.type == T_END || t.type == T_PUNCT || t.type == T_INCLUDE) {
		syntax(s, "a value", "a number, a string in quotes, true or false");
		return 0;
	}
	if (t.type == T_STRING && !t.bad) {
		type = CONFIG_TYPE_STRING;
	} else if (t.type != T_STRING) {
		/* "25/8" or "10:20": the number is only the beginning of a word */
		bool glued = strchr(DELIMITERS, s->lex.text[s->lex.pos]) == NULL &&
			     strncmp(s->lex.text + s->lex.pos, "//", 2) != 0 &&
			     strncmp(s->lex.text + s->lex.pos, "/*", 2) != 0;
		if (t.type == T_NAME || t.type == T_WORD || glued)
			bare_word(s, &t);
		else if (t.type == T_INT)
			check_integer(s, &t);
		else
			type = CONFIG_TYPE_BOOL;
	}
	place_value(s, place, &t, type);
	advance(s);
	if (t.type == T_STRING)
		check_adjacent(s, place);
	return type;
}

static void value(struct shape *s, size_t place, unsigned depth, bool long_list);

/* No comma where one belongs: put one in before the next element, if there is room for it. False = given up. */
static bool missing_comma(struct shape *s, bool array)
{
	static const char hint[] = "is a comma missing before it?";
	const struct token *t = &s->token;
	char *text = s->lex.text;
	const bool room = t->off > 0 && (text[t->off - 1] == ' ' || text[t->off - 1] == '\t');
	bool value = (t->type != T_END && t->type != T_PUNCT && t->type != T_INCLUDE) || is_punct(s, '{');
	const char *expected = array ? "\",\" or \"]\"" : "\",\" or \")\"";
	if (!value || !room) {
		syntax(s, expected, t->type == T_END ? "the bracket is never closed" : hint);
		return false;
	}
	text[t->off - 1] = ',';
	CONF_ERROR(s->diags, t->at, fullwidth_hint(s, t, hint), "expected %s, found \"%.*s\"", expected,
		   t->len < 40 ? (int)t->len : 40, text + t->off);
	return true;
}

/* --- long lists ------------------------------------------------------------------------------ */

/* One more at the end of an array that doubles at powers of two; zeroed, NULL with s->err set. array: the address of the pointer. */
static void *extend(struct shape *s, void *array, size_t *n, size_t size)
{
	void *items;
	memcpy(&items, array, sizeof items);
	if ((*n & (*n - 1)) == 0) {
		void *more = reallocarray(items, *n == 0 ? 1 : 2 * *n, size);
		if (more == NULL) {
			s->err = ZG_ENOMEM;
			return NULL;
		}
		items = more;
		memcpy(array, &items, sizeof items);
	}
	return memset((char *)items + (*n)++ * size, 0, size);
}

/* Those whose elements nobody needs together. A group's members are looked up when all groups are read: not they. */
static bool is_long(const struct shape *s, const struct token *key)
{
	static const char *const names[] = { "flows", "hosts", "specific" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (key->len == strlen(names[i]) && memcmp(s->lex.text + key->off, names[i], key->len) == 0)
			return true;
	}
	return false;
}

static void open_batch(struct shape *s, struct conf_list *list, size_t begin, uint32_t line)
{
	struct conf_source *source = s->source;
	struct conf_batch *batch = extend(s, &source->batches, &source->n_batches, sizeof *batch);
	if (batch == NULL)
		return;
	batch->begin = begin;
	batch->line = line;
	s->batch.n = 0;
	s->places = &s->batch;
	list->n_batches++;
}

/* At the end of a batch's text. Its places get memory of their own size, which goes back to the system when they are freed. */
static void close_batch(struct shape *s, size_t end)
{
	struct conf_batch *batch = &s->source->batches[s->source->n_batches - 1];
	const size_t n = s->batch.n;
	batch->end = end;
	batch->places = (struct conf_places){ .v = calloc(n + 1, sizeof *batch->places.v), .n = n, .cap = n + 1 };
	if (batch->places.v == NULL)
		s->err = ZG_ENOMEM;
	else if (n > 0)
		memcpy(batch->places.v, s->batch.v, n * sizeof *s->batch.v);
	s->places = &s->source->places;
}

/* In front of an element of a long list; comma: the one before it. */
static void next_in_list(struct shape *s, struct conf_list *list, const struct token *comma)
{
	struct conf_source *source = s->source;
	if (list->n > 0 && list->n % CONF_BATCH == 0) {
		close_batch(s, comma->off);
		if (s->err == ZG_OK)
			open_batch(s, list, comma->off + 1, comma->at.line);
	}
	if (s->err != ZG_OK)
		return;
	source->batches[source->n_batches - 1].n++;
	list->n++;
}

/* The list of the outermost level whose value begins at "(", if it is a long one. */
static struct conf_list *open_list(struct shape *s, size_t place)
{
	struct conf_source *source = s->source;
	struct conf_list *list = extend(s, &source->lists, &source->n_lists, sizeof *list);
	if (list == NULL)
		return NULL;
	list->place = place;
	list->first_batch = source->n_batches;
	list->begin = s->token.off + 1;
	list->lines = s->token.at.line; /* until its end is known */
	open_batch(s, list, list->begin, s->token.at.line);
	return list;
}

static void close_list(struct shape *s, struct conf_list *list)
{
	list->end = s->token.off;
	list->lines = s->token.at.line - list->lines;
	close_batch(s, list->end);
}

/* The settings from place on are taken out. */
static void forget(struct shape *s, size_t place)
{
	struct conf_source *source = s->source;
	s->places->n = place;
	for (; s->places == &source->places && source->n_lists > 0 && source->lists[source->n_lists - 1].place >= place;
	     source->n_lists--) {
		while (source->n_batches > source->lists[source->n_lists - 1].first_batch)
			conf_places_free(&source->batches[--source->n_batches].places);
	}
}

/* The elements of a list or an array up to its end, which is consumed. list: not NULL for a long one. */
static void elements(struct shape *s, size_t place, char close, unsigned depth, struct conf_list *list)
{
	struct token open = s->token;
	int array_type = 0;
	struct token comma = open;
	bool array = close == ']', bad = false;
	advance(s);
	while (s->err == ZG_OK && !is_punct(s, close)) {
		struct token element = s->token;
		if (list != NULL)
			next_in_list(s, list, &comma);
		if (s->err != ZG_OK)
			return;
		size_t index = add_place(s, &element);
		if (index == SIZE_MAX)
			return;
		int type = 0;
		if (array)
			type = scalar(s, index);
		else
			value(s, index, depth, false);
		if (s->err != ZG_OK)
			return;
		bad = bad || s->places->v[index].bad;
		if (array && !bad && array_type != 0 && type != array_type) {
			CONF_ERROR(s->diags, element.at, "write ( ... ) instead of [ ... ], or all of them as strings",
				   "numbers and strings are mixed in one array");
			bad = true;
		}
		array_type = type;
		if (is_punct(s, close))
			break;
		if (!is_punct(s, ',') && !missing_comma(s, array))
			return;
		comma = s->token;
		if (is_punct(s, ','))
			advance(s);
		else
			comma.off--; /* where one was put in */
		if (is_punct(s, close)) {
			CONF_ERROR(s->diags, comma.at, "remove it", "comma after the last element");
			blank(s->lex.text, comma.off, 1);
		}
	}
	if (s->err != ZG_OK)
		return;
	size_t end = s->token.off + 1;
	if (list != NULL)
		close_list(s, list);
	advance(s);
	if (array && bad) {
		/* its elements need not be of one type any more, as libconfig wants them */
		s->places->n = place + 1;
		open.len = end - open.off;
		neutralise(s, &open);
		place_value(s, place, &open, CONFIG_TYPE_INT);
	}
}

static void settings(struct shape *s, bool top, unsigned depth);

/* long_list: if it is a list, its elements are kept apart. */
static void value(struct shape *s, size_t place, unsigned depth, bool long_list)
{
	struct token open = s->token;
	char c = open.type == T_PUNCT ? s->lex.text[open.off] : '\0';
	if (c != '{' && c != '(' && c != '[') {
		scalar(s, place);
		return;
	}
	if (depth >= CONF_DEPTH_MAX) {
		CONF_ERROR(s->diags, open.at, "no setting needs more than four levels", "nested too deeply");
		s->err = ZG_ECONF;
		return;
	}
	place_value(s, place, &open, c == '{' ? CONFIG_TYPE_GROUP : c == '(' ? CONFIG_TYPE_LIST : CONFIG_TYPE_ARRAY);
	if (c != '{') {
		struct conf_list *list = long_list && c == '(' ? open_list(s, place) : NULL;
		if (s->err == ZG_OK)
			elements(s, place, c == '(' ? ')' : ']', depth + 1, list);
		return;
	}
	advance(s);
	settings(s, false, depth + 1);
	if (s->err != ZG_OK)
		return;
	if (!is_punct(s, '}')) {
		s->token.at = open.at;
		CONF_ERROR(s->diags, open.at, "close it with }", "this { is never closed");
		s->err = ZG_ECONF;
		return;
	}
	advance(s);
}

/* The keys seen so far in one group. */
struct keys {
	struct {
		size_t off, len;
		uint32_t line;
	} seen[CONF_KEYS_MAX];
	size_t n;
	uint64_t kinds; /* a bit for each by its length and ends: most are not there yet, and need not be looked for */
};

static uint64_t kind_of(const char *key, size_t len)
{
	return UINT64_C(1) << ((len * 7 + (unsigned char)key[0] + 3u * (unsigned char)key[len - 1]) % 64);
}

/* The line in which the key stands already, or 0. */
static uint32_t find_key(const struct shape *s, const struct keys *keys, const struct token *key)
{
	const char *text = s->lex.text, *name = text + key->off;
	for (size_t i = 0; i < keys->n && (keys->kinds & kind_of(name, key->len)) != 0; i++) {
		if (keys->seen[i].len == key->len && memcmp(text + keys->seen[i].off, name, key->len) == 0)
			return keys->seen[i].line;
	}
	return 0;
}

static void add_key(const struct shape *s, struct keys *keys, const struct token *key)
{
	keys->seen[keys->n].off = key->off;
	keys->seen[keys->n].len = key->len;
	keys->seen[keys->n++].line = key->at.line;
	keys->kinds |= kind_of(s->lex.text + key->off, key->len);
}

/* "key = value" and its optional end. libconfig stops at a key that stands twice; here it is reported and taken out. */
static void setting(struct shape *s, struct keys *keys, unsigned depth)
{
	struct token key = s->token;
	const uint32_t twin = find_key(s, keys, &key);
	size_t place = add_place(s, &key);
	if (place == SIZE_MAX)
		return;
	if (twin != 0) {
		char line[ZG_LINE_STR_MAX];
		CONF_ERROR(s->diags, key.at, "keep one of them", "key \"%.*s\" stands twice here: also in %s",
			   (int)key.len, s->lex.text + key.off, zg_files_line(s->source->files, twin, line));
	} else if (keys->n == CONF_KEYS_MAX) {
		CONF_ERROR(s->diags, key.at, NULL, "more than %d keys in one group", CONF_KEYS_MAX);
		s->err = ZG_ECONF;
		return;
	} else {
		add_key(s, keys, &key);
	}
	advance(s);
	if (!is_punct(s, '=') && !is_punct(s, ':')) {
		syntax(s, "\"=\" after the key", "a setting is written: key = value;");
		return;
	}
	advance(s);
	value(s, place, depth, depth == 0 && is_long(s, &key));
	if (s->err != ZG_OK)
		return;
	if (is_punct(s, ';') || is_punct(s, ','))
		advance(s);
	if (twin != 0) {
		forget(s, place);
		blank(s->lex.text, key.off, s->token.off - key.off);
	}
}

/* An @include on the outermost level: what it names was gathered (gather.c), and libconfig shall not see it. */
static void include_line(struct shape *s)
{
	const struct lexer *lex = &s->lex;
	const struct token *t = &s->token;
	const char *path;
	size_t len, blanks = strspn(lex->text + lex->line_start, " \t");
	if (lex->line_start + blanks != t->off || !conf_include_path(lex->text + t->off, &path, &len))
		CONF_ERROR(s->diags, t->at, include_hint, "this is not an @include");
	if (s->n_includes++ == 0)
		s->first_include = t->at;
	blank(lex->text, t->off, t->len);
	advance(s);
}

/* Settings up to "}" or the end of the file, which is not consumed. */
static void settings(struct shape *s, bool top, unsigned depth)
{
	struct keys keys;
	keys.n = 0;
	keys.kinds = 0;
	while (s->err == ZG_OK && s->token.type != T_END && !is_punct(s, '}')) {
		if (is_punct(s, ';')) {
			CONF_ERROR(s->diags, s->token.at, "remove it", "there is nothing before this \";\"");
			blank(s->lex.text, s->token.off, 1);
			advance(s);
		} else if (top && s->token.type == T_INCLUDE) {
			include_line(s);
		} else if (s->token.type == T_NAME) {
			setting(s, &keys, depth);
		} else {
			syntax(s, top ? "a key" : "a key or \"}\"", "a setting is written: key = value;");
		}
	}
	if (top && s->err == ZG_OK && s->token.type != T_END)
		syntax(s, "a key", "there is one } too many above, or one { too few");
}

/* Every @include was answered when the files were gathered, or the text is not complete. */
static void check_complete(const struct shape *s)
{
	const struct zg_files *files = s->source->files;
	size_t answered = 0;
	struct conf_at at = s->first_include;
	for (size_t i = 1; i < files->n; i++)
		answered += files->v[i].include;
	if (s->n_includes == answered)
		return;
	if (s->n_includes == 0)
		at = (struct conf_at){ files->v[1].before, 1 };
	CONF_ERROR(s->diags, at, "zonegatectl apply and the daemon gather the files; send what they send",
		   "this text has %zu @include lines and %zu of the files that they name", s->n_includes, answered);
}

enum zg_err conf_shape(struct conf_source *source, struct zg_diags *diags)
{
	struct shape s = { .source = source, .diags = diags };
	enum zg_err err = ZG_OK;
	fill_classes();
	for (size_t i = 0; i < source->files->n && err != ZG_ENOMEM; i++) {
		const struct zg_file *file = &source->files->v[i];
		s.err = ZG_OK;
		s.lex = (struct lexer){ .text = source->text,
					.len = conf_source_end(source, i),
					.pos = file->offset,
					.line = file->before + 1,
					.line_start = file->offset };
		source->first_places[i] = source->places.n;
		s.places = &source->places;
		advance(&s);
		settings(&s, true, 0);
		err = s.err != ZG_OK ? s.err : err;
	}
	conf_places_free(&s.batch);
	source->first_places[source->files->n] = source->places.n;
	if (err == ZG_OK && diags->errors == 0)
		check_complete(&s);
	return err;
}
