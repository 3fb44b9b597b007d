#include "engine/promql/lexer.h"

/*
 * The lexer knows three places: inside braces, where words are label names; inside brackets, where
 * only durations stand; and everywhere else. It also counts parentheses, because Prometheus reports
 * an unclosed one before any error of the grammar. Messages and their places are Prometheus 3.14's.
 */

void lexer_init(struct lexer *lexer, struct str input, struct arena *arena)
{
	*lexer = (struct lexer){.input = input, .arena = arena};
}

static bool is_space(int rune)
{
	return rune == ' ' || rune == '\t' || rune == '\n' || rune == '\r';
}

static bool is_digit(int rune)
{
	return rune >= '0' && rune <= '9';
}

static bool is_alpha(int rune)
{
	return rune == '_' || (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
}

/* The character at the current place, with its size in bytes (0 at the end). */
static int peek_rune(const struct lexer *lexer, size_t *size)
{
	struct str rest = {lexer->input.data + lexer->position, lexer->input.len - lexer->position};

	return lexer_rune(rest, size);
}

static int peek(const struct lexer *lexer)
{
	size_t size;

	return peek_rune(lexer, &size);
}

static int next(struct lexer *lexer)
{
	size_t size;
	int rune = peek_rune(lexer, &size);

	lexer->position += size;
	return rune;
}

static bool accept(struct lexer *lexer, int wanted)
{
	if (peek(lexer) != wanted)
		return false;
	next(lexer);
	return true;
}

static struct token emit(struct lexer *lexer, enum token_kind kind)
{
	struct token token = {kind, lexer->start, lexer->position, {0}};

	token.text.data = lexer->input.data + token.start;
	token.text.len = token.end - token.start;
	lexer->start = lexer->position;
	return token;
}

static struct token fail(struct lexer *lexer, struct str message)
{
	lexer->finished = true;
	return (struct token){TOKEN_ERROR, lexer->start, lexer->input.len, message};
}

static struct token fail_at_rune(struct lexer *lexer, const char *what, int rune)
{
	struct str quoted = token_quote_rune(lexer->arena, rune);

	return fail(lexer, str_format(lexer->arena, "%s %.*s", what, STR_ARG(quoted)));
}

/* --- words, numbers, strings --- */

static bool is_paren_next(const struct lexer *lexer)
{
	size_t at = lexer->position;

	while (at < lexer->input.len && is_space(lexer->input.data[at]))
		at++;
	return at < lexer->input.len && lexer->input.data[at] == '(';
}

static struct token lex_word(struct lexer *lexer)
{
	bool colon = false;

	for (int rune; is_alpha(rune = peek(lexer)) || is_digit(rune) || rune == ':';) {
		colon |= rune == ':';
		lexer->position++;
	}
	struct str word = {lexer->input.data + lexer->start, lexer->position - lexer->start};
	enum token_kind kind = token_keyword(word);

	// Metrics could be called "fill" before it became a keyword.
	if (kind >= TOKEN_FILL && kind <= TOKEN_FILL_RIGHT && !is_paren_next(lexer))
		kind = TOKEN_IDENTIFIER;
	if (kind == TOKEN_IDENTIFIER && colon)
		kind = TOKEN_METRIC_IDENTIFIER;
	return emit(lexer, kind);
}

static struct token lex_label_name(struct lexer *lexer)
{
	while (is_alpha(peek(lexer)) || is_digit(peek(lexer)))
		lexer->position++;
	return emit(lexer, TOKEN_IDENTIFIER);
}

static struct token lex_number_or_duration(struct lexer *lexer)
{
	struct str rest = {lexer->input.data + lexer->position, lexer->input.len - lexer->position};
	bool ok;
	size_t len = lexer_scan_number(rest, false, &ok);
	enum token_kind kind = TOKEN_NUMBER;

	lexer->in_duration = false;
	if (!ok) {
		kind = TOKEN_DURATION;
		rest.data += len;
		rest.len -= len;
		lexer->position += len;
		len = lexer_scan_duration(rest, false, &ok);
	}
	lexer->position += len;
	if (ok)
		return emit(lexer, kind);
	struct str seen = {lexer->input.data + lexer->start, lexer->position - lexer->start};
	struct str quoted = token_quote(lexer->arena, seen);

	return fail(lexer,
		str_format(lexer->arena, "bad number or duration syntax: %.*s", STR_ARG(quoted)));
}

/* A quoted string whose opening quote was read. */
static struct token lex_string(struct lexer *lexer, int quote)
{
	struct str rest = {lexer->input.data + lexer->position, lexer->input.len - lexer->position};
	struct str problem = {0};
	size_t len = lexer_scan_string(rest, quote, lexer->arena, &problem);

	if (problem.len)
		return fail(lexer, problem);
	lexer->position += len;
	return emit(lexer, TOKEN_STRING);
}

/* --- the three places --- */

static struct token lex_in_braces(struct lexer *lexer)
{
	if (is_alpha(peek(lexer)))
		return lex_label_name(lexer);
	int rune = next(lexer), second;

	switch (rune) {
	case LEXER_END:
		return fail(lexer, STR("unexpected end of input inside braces"));
	case ',':
		return emit(lexer, TOKEN_COMMA);
	case '"':
	case '\'':
	case '`':
		return lex_string(lexer, rune);
	case '=':
		return emit(lexer, accept(lexer, '~') ? TOKEN_EQUAL_REGEX : TOKEN_EQUAL);
	case '!':
		second = next(lexer);
		if (second == '~')
			return emit(lexer, TOKEN_NOT_REGEX);
		if (second == '=')
			return emit(lexer, TOKEN_NEQ);
		return fail_at_rune(lexer, "unexpected character after '!' inside braces:", second);
	case '{':
		return fail_at_rune(lexer, "unexpected left brace", rune);
	case '}':
		lexer->in_braces = false;
		return emit(lexer, TOKEN_RIGHT_BRACE);
	default:
		return fail_at_rune(lexer, "unexpected character inside braces:", rune);
	}
}

static struct token lex_paren(struct lexer *lexer, int rune)
{
	struct token token = emit(lexer, rune == '(' ? TOKEN_LEFT_PAREN : TOKEN_RIGHT_PAREN);

	lexer->paren_depth += rune == '(' ? 1 : -1;
	if (lexer->paren_depth < 0)
		return fail_at_rune(lexer, "unexpected right parenthesis", rune);
	return token;
}

/* The operators that are one character wherever they stand; TOKEN_EOF for any other character. */
static enum token_kind arithmetic(int rune)
{
	switch (rune) {
	case '+':
		return TOKEN_ADD;
	case '-':
		return TOKEN_SUB;
	case '*':
		return TOKEN_MUL;
	case '/':
		return TOKEN_DIV;
	case '%':
		return TOKEN_MOD;
	case '^':
		return TOKEN_POW;
	default:
		return TOKEN_EOF;
	}
}

static bool starts_number(struct lexer *lexer)
{
	struct lexer ahead = *lexer;
	int rune = next(&ahead);

	return is_digit(rune) || (rune == '.' && is_digit(peek(&ahead)));
}

/* step, range, max_of and min_of, whose first letter was read; TOKEN_EOF where it is none of them.
 */
static enum token_kind lex_duration_word(struct lexer *lexer)
{
	while (is_alpha(peek(lexer)))
		lexer->position++;
	struct str word = {lexer->input.data + lexer->start, lexer->position - lexer->start};
	enum token_kind kind = token_keyword(word);

	return kind >= TOKEN_STEP && kind <= TOKEN_MIN_OF ? kind : TOKEN_EOF;
}

static bool starts_duration_word(int rune)
{
	return rune > 0 && rune < 0x80 && strchr("srmSRM", rune);
}

/* Behind "[", until the first number. */
static struct token lex_in_duration(struct lexer *lexer)
{
	if (starts_number(lexer)) {
		lexer->got_duration = true;
		return lex_number_or_duration(lexer);
	}
	int rune = next(lexer);
	struct token token;

	if (arithmetic(rune) != TOKEN_EOF)
		return emit(lexer, arithmetic(rune));
	if (starts_duration_word(rune)) {
		enum token_kind kind = lex_duration_word(lexer);

		if (kind != TOKEN_EOF)
			return emit(lexer, kind);
	}
	switch (rune) {
	case ',':
		return emit(lexer, TOKEN_COMMA);
	case LEXER_END:
		return fail(lexer, STR("unexpected end of input in duration expression"));
	case ']':
		lexer->in_duration = lexer->in_brackets = lexer->got_colon = false;
		return emit(lexer, TOKEN_RIGHT_BRACKET);
	case ':':
		token = emit(lexer, TOKEN_COLON);
		if (!lexer->got_duration)
			return fail(lexer,
				STR("unexpected colon before duration in duration expression"));
		if (lexer->got_colon)
			return fail(lexer, STR("unexpected repeated colon in duration expression"));
		lexer->got_colon = true;
		return token;
	case '(':
	case ')':
		return lex_paren(lexer, rune);
	default:
		return fail_at_rune(lexer, "unexpected character in duration expression:", rune);
	}
}

static struct token lex_bracket(struct lexer *lexer, int rune)
{
	if (rune == '[' && lexer->in_brackets)
		return fail_at_rune(lexer, "unexpected left bracket", rune);
	if (rune == ']' && !lexer->in_brackets)
		return fail_at_rune(lexer, "unexpected right bracket", rune);
	lexer->in_brackets = lexer->in_duration = rune == '[';
	if (rune == '[')
		lexer->got_colon = false;
	return emit(lexer, rune == '[' ? TOKEN_LEFT_BRACKET : TOKEN_RIGHT_BRACKET);
}

static struct token lex_comparison(struct lexer *lexer, int rune)
{
	int second;

	switch (rune) {
	case '=':
		if (peek(lexer) == '~')
			return fail_at_rune(lexer, "unexpected character after '=':", '~');
		return emit(lexer, accept(lexer, '=') ? TOKEN_EQL : TOKEN_EQUAL);
	case '!':
		second = next(lexer);
		if (second != '=')
			return fail_at_rune(lexer, "unexpected character after '!':", second);
		return emit(lexer, TOKEN_NEQ);
	case '<':
		if (accept(lexer, '/'))
			return emit(lexer, TOKEN_TRIM_UPPER);
		return emit(lexer, accept(lexer, '=') ? TOKEN_LTE : TOKEN_LSS);
	default:
		if (accept(lexer, '/'))
			return emit(lexer, TOKEN_TRIM_LOWER);
		return emit(lexer, accept(lexer, '=') ? TOKEN_GTE : TOKEN_GTR);
	}
}

/* A word outside brackets; inside, behind the first number, a colon or a word of durations. */
static struct token lex_word_or_colon(struct lexer *lexer)
{
	if (!lexer->in_brackets)
		return lex_word(lexer);
	int rune = next(lexer);

	if (rune == ':') {
		if (lexer->got_colon)
			return fail_at_rune(lexer, "unexpected colon", rune);
		lexer->got_colon = true;
		return emit(lexer, TOKEN_COLON);
	}
	enum token_kind kind = starts_duration_word(rune) ? lex_duration_word(lexer) : TOKEN_EOF;

	if (kind != TOKEN_EOF)
		return emit(lexer, kind);
	struct str quoted = token_quote_rune(lexer->arena, rune);

	return fail(lexer, str_format(lexer->arena, "unexpected character: %.*s, expected ':'",
				   STR_ARG(quoted)));
}

static struct token lex_end(struct lexer *lexer)
{
	if (lexer->paren_depth)
		return fail(lexer, STR("unclosed left parenthesis"));
	if (lexer->in_brackets)
		return fail(lexer, STR("unclosed left bracket"));
	lexer->finished = true;
	return emit(lexer, TOKEN_EOF);
}

static struct token lex_statement(struct lexer *lexer)
{
	if (starts_number(lexer))
		return lex_number_or_duration(lexer);
	if (is_alpha(peek(lexer)) || peek(lexer) == ':')
		return lex_word_or_colon(lexer);
	int rune = next(lexer);

	if (arithmetic(rune) != TOKEN_EOF)
		return emit(lexer, arithmetic(rune));
	switch (rune) {
	case LEXER_END:
		return lex_end(lexer);
	case ',':
		return emit(lexer, TOKEN_COMMA);
	case '@':
		return emit(lexer, TOKEN_AT);
	case '=':
	case '!':
	case '<':
	case '>':
		return lex_comparison(lexer, rune);
	case '"':
	case '\'':
	case '`':
		return lex_string(lexer, rune);
	case '(':
	case ')':
		return lex_paren(lexer, rune);
	case '[':
	case ']':
		return lex_bracket(lexer, rune);
	case '{':
		lexer->in_braces = true;
		return emit(lexer, TOKEN_LEFT_BRACE);
	default:
		return fail_at_rune(lexer, "unexpected character:", rune);
	}
}

static void skip_blanks(struct lexer *lexer)
{
	for (;;) {
		while (is_space(peek(lexer)))
			lexer->position++;
		// Behind "[" a "#" starts no comment.
		if (peek(lexer) != '#' || lexer->in_duration)
			break;
		while (lexer->position < lexer->input.len &&
			lexer->input.data[lexer->position] != '\n' &&
			lexer->input.data[lexer->position] != '\r')
			lexer->position++;
	}
	lexer->start = lexer->position;
}

struct token lexer_next(struct lexer *lexer)
{
	if (lexer->finished)
		return (struct token){TOKEN_EOF, lexer->input.len, lexer->input.len, STR("")};
	skip_blanks(lexer);
	if (lexer->in_duration)
		return lex_in_duration(lexer);
	if (lexer->in_braces)
		return lex_in_braces(lexer);
	return lex_statement(lexer);
}
