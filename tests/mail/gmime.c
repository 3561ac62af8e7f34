/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What GMime sees of mails: an oracle for tests. Reads mails from standard input, each its length (uint32_t of this machine)
 * and its octets; writes for each a JSON line for every part, and an empty line:
 *
 *   {"type", "charset", "disposition", "filename", "encoding", "text" (base64 of the decoded content), "warnings" (codes)}
 *
 * With the argument "loose" the parser forgives what it can; else it is strict and warns of all that is no mail.
 */
#include <gmime/gmime.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WARNINGS_MAX 100

static int warnings[WARNINGS_MAX];
static unsigned n_warnings;

static void warned(gint64 offset, GMimeParserWarning code, const gchar *item, gpointer data)
{
	(void)offset;
	(void)item;
	(void)data;
	if (n_warnings < WARNINGS_MAX)
		warnings[n_warnings++] = (int)code;
}

static void json_string(const char *name, const char *value)
{
	printf("\"%s\": ", name);
	if (value == NULL) {
		fputs("null, ", stdout);
		return;
	}
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
		if (*c < 0x20 || *c == '"' || *c == '\\' || *c > 0x7E)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	fputs("\", ", stdout);
}

static void content(GMimeObject *part)
{
	GMimeDataWrapper *wrapper = GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;
	if (wrapper == NULL) {
		json_string("text", "");
		return;
	}
	GMimeStream *stream = g_mime_stream_mem_new();
	g_mime_data_wrapper_write_to_stream(wrapper, stream);
	GByteArray *octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	gchar *text = g_base64_encode(octets->data, octets->len);
	json_string("text", text);
	g_free(text);
	g_object_unref(stream);
}

static void tell(GMimeObject *parent, GMimeObject *part, gpointer data)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);
	gchar *name = g_mime_content_type_get_mime_type(type);
	(void)parent;
	(void)data;

	putchar('{');
	json_string("type", name);
	g_free(name);
	json_string("charset", g_mime_content_type_get_parameter(type, "charset"));
	json_string("disposition", g_mime_object_get_disposition(part));
	json_string("filename", GMIME_IS_PART(part) ? g_mime_part_get_filename(GMIME_PART(part)) : NULL);
	json_string("encoding", GMIME_IS_PART(part) ? g_mime_content_encoding_to_string(
							       g_mime_part_get_content_encoding(GMIME_PART(part))) : NULL);
	content(part);
	fputs("\"warnings\": [", stdout);
	for (unsigned i = 0; i < n_warnings; i++)
		printf("%s%d", i > 0 ? ", " : "", warnings[i]);
	puts("]}");
	if (GMIME_IS_MESSAGE_PART(part)) {
		GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
		if (inner != NULL)
			g_mime_message_foreach(inner, tell, NULL);
	}
}

static GMimeParserOptions *options(gboolean loose)
{
	const GMimeRfcComplianceMode mode = loose ? GMIME_RFC_COMPLIANCE_LOOSE : GMIME_RFC_COMPLIANCE_STRICT;
	GMimeParserOptions *o = g_mime_parser_options_new();
	g_mime_parser_options_set_address_compliance_mode(o, mode);
	g_mime_parser_options_set_parameter_compliance_mode(o, mode);
	g_mime_parser_options_set_rfc2047_compliance_mode(o, mode);
	g_mime_parser_options_set_allow_addresses_without_domain(o, loose);
	g_mime_parser_options_set_warning_callback(o, warned, NULL);
	return o;
}

static void mail(const char *octets, size_t len, GMimeParserOptions *o)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(octets, len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	n_warnings = 0;
	GMimeMessage *message = g_mime_parser_construct_message(parser, o);
	if (message != NULL)
		g_mime_message_foreach(message, tell, NULL);
	if (message != NULL)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}

int main(int argc, char **argv)
{
	uint32_t len;
	g_mime_init();
	GMimeParserOptions *o = options(argc > 1 && strcmp(argv[1], "loose") == 0);
	while (fread(&len, sizeof len, 1, stdin) == 1) {
		char *octets = g_malloc((gsize)len + 1);
		if (fread(octets, 1, len, stdin) != len)
			return 2;
		mail(octets, len, o);
		putchar('\n');
		fflush(stdout);
		g_free(octets);
	}
	g_mime_parser_options_free(o);
	return 0;
}
