/*
 * promql/lexer.h — PromQL text to tokens. Private to promql.
 */
#ifndef PROMQL_LEXER_H
#define PROMQL_LEXER_H

#include "base/arena.h"
#include "base/str.h"

enum token_kind {
	TOKEN_EOF,
	TOKEN_ERROR,
	TOKEN_COMMA,
	TOKEN_COLON,
	TOKEN_LEFT_PAREN,
	TOKEN_RIGHT_PAREN,
	TOKEN_LEFT_BRACE,
	TOKEN_RIGHT_BRACE,
	TOKEN_LEFT_BRACKET,
	TOKEN_RIGHT_BRACKET,
	TOKEN_EQUAL,
	TOKEN_IDENTIFIER,
	TOKEN_METRIC_IDENTIFIER, // an identifier with a colon in it
	TOKEN_NUMBER,
	TOKEN_DURATION,
	TOKEN_STRING,
	// Words that name a function where a parenthesis follows: TOKEN_START to TOKEN_MIN_OF.
	TOKEN_START,
	TOKEN_END,
	TOKEN_STEP,
	TOKEN_RANGE,
	TOKEN_MAX_OF,
	TOKEN_MIN_OF,
	// Operators: TOKEN_ADD to TOKEN_AT.
	TOKEN_ADD,
	TOKEN_SUB,
	TOKEN_MUL,
	TOKEN_DIV,
	TOKEN_MOD,
	TOKEN_POW,
	TOKEN_ATAN2,
	TOKEN_EQL,
	TOKEN_NEQ,
	TOKEN_GTR,
	TOKEN_LSS,
	TOKEN_GTE,
	TOKEN_LTE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_UNLESS,
	TOKEN_TRIM_UPPER,
	TOKEN_TRIM_LOWER,
	TOKEN_EQUAL_REGEX,
	TOKEN_NOT_REGEX,
	TOKEN_AT,
	// Aggregators: TOKEN_SUM to TOKEN_LIMIT_RATIO.
	TOKEN_SUM,
	TOKEN_AVG,
	TOKEN_MIN,
	TOKEN_MAX,
	TOKEN_COUNT,
	TOKEN_GROUP,
	TOKEN_STDDEV,
	TOKEN_STDVAR,
	TOKEN_TOPK,
	TOKEN_BOTTOMK,
	TOKEN_QUANTILE,
	TOKEN_COUNT_VALUES,
	TOKEN_LIMITK,
	TOKEN_LIMIT_RATIO,
	// Keywords: TOKEN_BOOL to TOKEN_WITHOUT.
	TOKEN_BOOL,
	TOKEN_BY,
	TOKEN_FILL, // the three only where a parenthesis follows, else identifiers
	TOKEN_FILL_LEFT,
	TOKEN_FILL_RIGHT,
	TOKEN_GROUP_LEFT,
	TOKEN_GROUP_RIGHT,
	TOKEN_IGNORING,
	TOKEN_OFFSET,
	TOKEN_ANCHORED,
	TOKEN_SMOOTHED,
	TOKEN_ON,
	TOKEN_WITHOUT,
};

/* `text` is the token's bytes in the input; of TOKEN_ERROR the message, which is the arena's. */
struct token {
	enum token_kind kind;
	size_t start, end;
	struct str text;
};

struct lexer {
	struct str input;
	size_t position;
	size_t start; // of the token being read
	struct arena *arena;
	int paren_depth;
	bool in_braces;
	bool in_brackets;
	bool in_duration;  // after "[", until a number was read
	bool got_colon;	   // a ":" after "["
	bool got_duration; // a number in brackets, in whichever: Prometheus never forgets it
	bool finished;	   // an error or the end was delivered
};

/* The lexer borrows input and arena. */
void lexer_init(struct lexer *lexer, struct str input, struct arena *arena);

/* The next token, comments skipped. After an error or the end: TOKEN_EOF. */
struct token lexer_next(struct lexer *lexer);

/* The token as error messages name it: `identifier "foo"`, `<op:+>`, `end of input`. */
void token_describe(struct buffer *out, const struct token *token);

/* How an operator, keyword or aggregator is spelt; NULL for kinds without a spelling of their own.
 */
const char *token_spelling(enum token_kind kind);

/* The keyword that a word is, in any case; TOKEN_IDENTIFIER where it is none. */
enum token_kind token_keyword(struct str word);

static inline bool token_is_aggregator(enum token_kind kind)
{
	return kind >= TOKEN_SUM && kind <= TOKEN_LIMIT_RATIO;
}

/* What lexer_rune gives at the end of the text, and for bytes that are not UTF-8. */
enum { LEXER_END = -1, LEXER_INVALID = 0xFFFD };

/* The first character of the text, and its size in bytes: 0 at the end. */
int lexer_rune(struct str text, size_t *size);

/*
 * How many bytes the string at `text`, behind its opening quote, takes with the closing one; or 0
 * and what is wrong with it in *problem (empty where nothing is), which is the arena's.
 */
size_t lexer_scan_string(struct str text, int quote, struct arena *arena, struct str *problem);

/*
 * How many bytes at `text` read as a number (1_000, 0x1F, 1e3, .5); where they are none, *ok is
 * false and the count is how far it was looked. In a `series` line there is no 0x, and an "x" may
 * follow.
 */
size_t lexer_scan_number(struct str text, bool series, bool *ok);
/* As above for a duration's rest behind its first number: "m30s" of "1m30s". */
size_t lexer_scan_duration(struct str text, bool series, bool *ok);

/* Text and a character (below 0: the end) in Go's quotes, for messages; the arena's. */
struct str token_quote(struct arena *arena, struct str text);
struct str token_quote_rune(struct arena *arena, int rune);

/*
 * What a TOKEN_STRING says: without quotes, escapes resolved. `out` has room for quoted.len bytes;
 * returns how many were written.
 */
size_t token_unquote(char *out, struct str quoted);

#endif
