# Reads and writes JSON in POSIX awk. Runs under LC_ALL=C: a character here is a byte.
#
# Reading: `json_read()` takes all of the input and finds the JSON objects in it, whatever text stands
# around them. Object number n has the path n; a member's path is its parent's, SUBSEP, and its key, an
# element's the same with its index from 0. `json_kind[path]` is object, array, string, number, true,
# false or null; `json_value[path]` is a string's or number's text; `json_size[path]` an array's length.
#
# Writing: `json_quote(text)` is the text as a JSON string, always valid UTF-8.

BEGIN {
    for (json_byte = 1; json_byte < 256; json_byte++) {
        json_character = sprintf("%c", json_byte)
        json_code[json_character] = json_byte
        if (json_byte < 32) json_escape[json_character] = sprintf("\\u%04x", json_byte)
    }
    json_escape["\b"] = "\\b"; json_escape["\f"] = "\\f"; json_escape["\n"] = "\\n"
    json_escape["\r"] = "\\r"; json_escape["\t"] = "\\t"
    json_unescape["b"] = "\b"; json_unescape["f"] = "\f"; json_unescape["n"] = "\n"
    json_unescape["r"] = "\r"; json_unescape["t"] = "\t"; json_unescape["/"] = "/"
    json_unescape["\""] = "\""
    json_replacement = "\357\277\275"
    json_deepest = 64
    # Long texts are put together from slices of about this many bytes: to add to a text is to copy it.
    json_slice = 2000
}

# Reads all objects of the input and returns how many there are.
#
# The input is cut at every double quote, so pieces outside and inside of strings take turns. An object
# is tried at each `{`; where one does not parse, the `{` was ordinary text.
function json_read(    ending, start, rest) {
    ending = RS
    RS = "\""
    while ((getline json_piece[json_pieces + 1]) > 0) json_pieces++
    RS = ending
    json_objects = 0
    json_at = 1
    json_rest = json_piece[1]
    while (json_at <= json_pieces) {
        start = index(json_rest, "{")
        if (!start) {
            json_rest = json_piece[++json_at]
            continue
        }
        json_rest = substr(json_rest, start)
        start = json_at
        rest = json_rest
        if (json_parse(json_objects + 1, 1)) {
            json_objects++
        } else {
            json_at = start
            json_rest = substr(rest, 2)
        }
    }
    return json_objects
}

# Parses one value into `path`; returns 0 if there is none.
function json_parse(path, depth,    mark) {
    if (depth > json_deepest) return 0
    mark = json_next()
    if (mark == "{") return json_parse_object(path, depth)
    if (mark == "[") return json_parse_array(path, depth)
    if (mark == "\"") {
        if (!json_parse_string()) return 0
        json_kind[path] = "string"
        json_value[path] = json_text
        return 1
    }
    if (match(json_rest, /^-?[0-9][0-9.eE+-]*/)) {
        json_kind[path] = "number"
        json_value[path] = substr(json_rest, 1, RLENGTH)
    } else if (match(json_rest, /^(true|false|null)/)) {
        json_kind[path] = substr(json_rest, 1, RLENGTH)
    } else {
        return 0
    }
    json_rest = substr(json_rest, RLENGTH + 1)
    return 1
}

function json_parse_object(path, depth,    mark, key) {
    json_kind[path] = "object"
    json_skip()
    if (json_next() == "}") {
        json_skip()
        return 1
    }
    for (;;) {
        if (json_next() != "\"" || !json_parse_string()) return 0
        key = json_text
        if (json_next() != ":") return 0
        json_skip()
        if (!json_parse(path SUBSEP key, depth + 1)) return 0
        mark = json_next()
        json_skip()
        if (mark == "}") return 1
        if (mark != ",") return 0
    }
}

function json_parse_array(path, depth,    mark, size) {
    json_kind[path] = "array"
    json_size[path] = 0
    json_skip()
    if (json_next() == "]") {
        json_skip()
        return 1
    }
    for (size = 0; ; ) {
        if (!json_parse(path SUBSEP size, depth + 1)) return 0
        json_size[path] = ++size
        mark = json_next()
        json_skip()
        if (mark == "]") return 1
        if (mark != ",") return 0
    }
}

# Parses the string that starts at the next piece into `json_text`; returns 0 if it never ends.
function json_parse_string(    done, slice, piece) {
    done = slice = ""
    for (;;) {
        piece = json_piece[++json_at]
        if (json_at >= json_pieces) return 0
        # After an odd number of backslashes the quote belongs to the string.
        if (json_backslashes(piece) % 2 == 0) break
        slice = slice piece "\""
        if (length(slice) > json_slice) {
            done = done json_unescaped(slice)
            slice = ""
        }
    }
    json_text = done json_unescaped(slice piece)
    json_rest = json_piece[++json_at]
    return 1
}

# Returns how many backslashes the piece ends with.
function json_backslashes(piece,    size, count) {
    size = length(piece)
    for (count = 0; count < size && substr(piece, size - count, 1) == "\\"; count++) {}
    return count
}

# Returns the next character that is not white space, without taking it; "" at the end of the input.
function json_next() {
    sub(/^[ \t\r\n]+/, "", json_rest)
    if (json_rest != "") return substr(json_rest, 1, 1)
    return json_at < json_pieces ? "\"" : ""
}

function json_skip() {
    json_rest = substr(json_rest, 2)
}

function json_unescaped(raw,    bit, bits, i, letter, text, slice) {
    if (index(raw, "\\") == 0) return raw
    bits = split(raw, bit, /\\/)
    text = ""
    slice = bit[1]
    for (i = 2; i <= bits; i++) {
        if (length(slice) > json_slice) {
            text = text slice
            slice = ""
        }
        letter = substr(bit[i], 1, 1)
        if (bit[i] == "") {
            # Two backslashes: what follows the second is plain text.
            slice = slice "\\" bit[++i]
        } else if (letter != "u") {
            slice = slice json_unescape[letter] substr(bit[i], 2)
        } else {
            slice = slice json_code_point(bit[i], bit[i + 1])
            if (json_pair) i++
            json_pair = 0
            slice = slice substr(bit[i], 6)
        }
    }
    return text slice
}

# Returns the UTF-8 of `uXXXX…`; sets `json_pair` when `next_bit` is the second half of a surrogate pair.
function json_code_point(bit, next_bit,    code, low) {
    code = json_hexadecimal(substr(bit, 2, 4))
    if (code >= 55296 && code <= 56319 && length(bit) == 5 && substr(next_bit, 1, 1) == "u") {
        low = json_hexadecimal(substr(next_bit, 2, 4))
        if (low >= 56320 && low <= 57343) {
            json_pair = 1
            code = 65536 + (code - 55296) * 1024 + low - 56320
        }
    }
    if (code == 0 || (code >= 55296 && code <= 57343)) return json_replacement
    if (code < 128) return sprintf("%c", code)
    if (code < 2048) return json_lead(192, code, 64) json_tail(code, 1)
    if (code < 65536) return json_lead(224, code, 4096) json_tail(code, 64) json_tail(code, 1)
    return json_lead(240, code, 262144) json_tail(code, 4096) json_tail(code, 64) json_tail(code, 1)
}

function json_lead(mark, code, unit) {
    return sprintf("%c", mark + int(code / unit))
}

function json_tail(code, unit) {
    return sprintf("%c", 128 + int(code / unit) % 64)
}

function json_hexadecimal(digits,    i, number) {
    number = 0
    for (i = 1; i <= 4; i++) number = number * 16 + index("123456789abcdef", tolower(substr(digits, i, 1)))
    return number
}

# Returns the text as a JSON string.
function json_quote(text,    quoted, start, size) {
    if (text !~ /[^ -~]|[\\"]/) return "\"" text "\""
    quoted = "\""
    for (start = 1; start <= length(text); start += size) {
        size = utf8_cut(text, start, json_slice)
        quoted = quoted json_escaped(substr(text, start, size))
    }
    return quoted "\""
}

# Escapes what must be escaped in a slice, and replaces what is not UTF-8.
function json_escaped(slice,    size, i, character, width, escaped) {
    if (slice ~ /[\\"]/) gsub(/[\\"]/, "\\\\&", slice)
    if (slice ~ /\t/) gsub(/\t/, "\\t", slice)
    if (slice !~ /[^ -~]/) return slice
    escaped = ""
    size = length(slice)
    for (i = 1; i <= size; i += width) {
        character = substr(slice, i, 1)
        width = utf8_width(slice, i)
        if (width == 0) {
            width = 1
            character = json_replacement
        } else if (width > 1) {
            character = substr(slice, i, width)
        } else if (character in json_escape) {
            character = json_escape[character]
        }
        escaped = escaped character
    }
    return escaped
}

# Returns how many bytes the UTF-8 character at `i` has; 0 if there is no valid one.
function utf8_width(text, i,    lead, second, width, j) {
    lead = json_code[substr(text, i, 1)]
    if (lead < 128) return 1
    if (lead < 194 || lead > 244) return 0
    second = json_code[substr(text, i + 1, 1)] + 0
    if ((lead == 224 && second < 160) || (lead == 237 && second > 159)) return 0
    if ((lead == 240 && second < 144) || (lead == 244 && second > 143)) return 0
    width = lead < 224 ? 2 : lead < 240 ? 3 : 4
    for (j = 1; j < width; j++) if (!utf8_inside(text, i + j)) return 0
    return width
}

# Returns the length, near `size` bytes, of a slice from `start` that ends between two characters.
function utf8_cut(text, start, size,    more) {
    for (more = 0; more < 3 && utf8_inside(text, start + size); more++) size++
    return size
}

# Tells whether the byte at `i` continues a character.
function utf8_inside(text, i,    code) {
    code = json_code[substr(text, i, 1)]
    return code >= 128 && code < 192
}
