/*
 * RE2 behind a C face. RE2 because PromQL means its syntax, and because its time is linear in the
 * text: a pattern from outside cannot stall the server.
 */
extern "C" {
#include "engine/series/series.h"
}

#include <algorithm>
#include <map>
#include <re2/re2.h>
#include <string>
#include <vector>

struct regex {
	re2::RE2 pattern;
	// `.*`, `.+` and patterns without a special character need no automaton.
	enum { PATTERN, ANYTHING, SOMETHING, LITERAL } shortcut;
	std::string literal;

	regex(const std::string &text, const re2::RE2::Options &options)
	    : pattern(text, options), shortcut(PATTERN), literal(text)
	{
		if (text == ".*")
			shortcut = ANYTHING;
		else if (text == ".+")
			shortcut = SOMETHING;
		else if (text.find_first_of("\\.+*?()|[]{}^$") == std::string::npos)
			shortcut = LITERAL;
	}
};

/* What Go's regexp/syntax calls the same mistake: rules and dashboards are debugged by Prometheus's
 * words. */
static const char *mistake(re2::RE2::ErrorCode code)
{
	switch (code) {
	case re2::RE2::ErrorBadEscape:
		return "invalid escape sequence";
	case re2::RE2::ErrorBadCharClass:
		return "invalid character class";
	case re2::RE2::ErrorBadCharRange:
		return "invalid character class range";
	case re2::RE2::ErrorMissingBracket:
		return "missing closing ]";
	case re2::RE2::ErrorMissingParen:
		return "missing closing )";
	case re2::RE2::ErrorUnexpectedParen:
		return "unexpected )";
	case re2::RE2::ErrorTrailingBackslash:
		return "trailing backslash at end of expression";
	case re2::RE2::ErrorRepeatArgument:
		return "missing argument to repetition operator";
	case re2::RE2::ErrorRepeatSize:
		return "invalid repeat count";
	case re2::RE2::ErrorRepeatOp:
		return "invalid nested repetition operator";
	case re2::RE2::ErrorBadPerlOp:
		return "invalid or unsupported Perl syntax";
	case re2::RE2::ErrorBadUTF8:
		return "invalid UTF-8";
	case re2::RE2::ErrorBadNamedCapture:
		return "invalid named capture";
	case re2::RE2::ErrorPatternTooLarge:
		return "expression too large";
	case re2::RE2::ErrorInternal:
	case re2::RE2::NoError:
		break;
	}
	return "regexp/syntax: internal error";
}

/*
 * Of a pattern. A query may have hundreds, each with states of its own, so it gets what is usual
 * for its length first, and the most that we spend only where that does not do.
 */
static const int64_t MAX_MEMORY = 8 << 20;

static int64_t small_memory(size_t pattern_len)
{
	return (256 << 10) + 64 * (int64_t)pattern_len;
}

extern "C" struct regex *regex_create(struct str pattern, struct error *err)
{
	re2::RE2::Options options;

	// As (?s:…), but without a group around the text, which would make `a)(b` whole.
	options.set_dot_nl(true);
	options.set_log_errors(false);
	// What the program leaves of the memory is for the states met while matching.
	options.set_max_mem(std::min(small_memory(pattern.len), MAX_MEMORY));
	auto *regex = new struct regex(std::string(pattern.data, pattern.len), options);

	if (regex->pattern.error_code() == re2::RE2::ErrorPatternTooLarge) {
		delete regex;
		options.set_max_mem(MAX_MEMORY);
		regex = new struct regex(std::string(pattern.data, pattern.len), options);
	}
	if (!regex->pattern.ok()) {
		error_set(err, ERROR_INVALID, "error parsing regexp: %s: `%s`",
			mistake(regex->pattern.error_code()), regex->pattern.error_arg().c_str());
		delete regex;
		return nullptr;
	}
	return regex;
}

extern "C" void regex_destroy(struct regex *regex)
{
	delete regex;
}

extern "C" size_t regex_size(const struct regex *regex)
{
	// An instruction is 8 bytes; beside the program there are the parsed pattern and its text.
	return sizeof(struct regex) + 2 * regex->pattern.pattern().size() +
	       16 * (size_t)regex->pattern.ProgramSize();
}

extern "C" bool regex_matches(const struct regex *regex, struct str text)
{
	switch (regex->shortcut) {
	case regex::ANYTHING:
		return true;
	case regex::SOMETHING:
		return text.len > 0;
	case regex::LITERAL:
		return regex->literal.size() == text.len &&
		       memcmp(regex->literal.data(), text.data, text.len) == 0;
	case regex::PATTERN:
		break;
	}
	return re2::RE2::FullMatch(re2::StringPiece(text.data, text.len), regex->pattern);
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* The group a reference names, -1 where there is none: Go takes a run of digits as a number, else a
 * name. */
static int find_group(const struct regex *regex, const std::string &name)
{
	if (!name.empty() && name.size() < 9 &&
		name.find_first_not_of("0123456789") == std::string::npos)
		return std::stoi(name);
	const auto &groups = regex->pattern.NamedCapturingGroups();
	auto found = groups.find(name);

	return found == groups.end() ? -1 : found->second;
}

/*
 * A reference behind a `$` at text[at]: sets *name, returns where it ends; `at` itself where it is
 * none (then the
 * `$` stands for itself).
 */
static size_t read_reference(struct str text, size_t at, std::string *name)
{
	bool braced = at < text.len && text.data[at] == '{';
	size_t start = at + (braced ? 1 : 0), end = start;

	while (end < text.len && is_word(text.data[end]))
		end++;
	if (end == start || (braced && (end == text.len || text.data[end] != '}')))
		return at;
	name->assign(text.data + start, end - start);
	return end + (braced ? 1 : 0);
}

extern "C" bool regex_expand(
	const struct regex *regex, struct str text, struct str replacement, struct buffer *out)
{
	int count = regex->pattern.NumberOfCapturingGroups() + 1;
	std::string name;
	std::vector<re2::StringPiece> groups(static_cast<size_t>(count));

	if (!regex->pattern.Match(re2::StringPiece(text.data, text.len), 0, text.len,
		    re2::RE2::ANCHOR_BOTH, groups.data(), count))
		return false;
	for (size_t i = 0; i < replacement.len;) {
		char c = replacement.data[i++];

		if (c != '$') {
			buffer_append_char(out, c);
			continue;
		}
		if (i < replacement.len && replacement.data[i] == '$') {
			buffer_append_char(out, '$');
			i++;
			continue;
		}
		size_t end = read_reference(replacement, i, &name);

		if (end == i) {
			buffer_append_char(out, '$');
			continue;
		}
		i = end;
		int group = find_group(regex, name);

		if (group >= 0 && group < count && groups[static_cast<size_t>(group)].data())
			buffer_append(out, groups[static_cast<size_t>(group)].data(),
				groups[static_cast<size_t>(group)].size());
	}
	return true;
}
