# What the audit and the quality check share: the change list on stdin, and the list of findings that
# both write: {"check": …, "counts": {"critical": …}, "findings": [{"severity", "file", "line", "rule",
# "message", "advice", "excerpt"}]}. Secrets never reach an excerpt. Needs json.awk.

BEGIN {
    severities = split("critical high medium low", severity_name, " ")
    excerpt_bytes = 160
    # More of one line is not read: it was made by a program, for a program.
    line_bytes = 4000

    # Tokens that are secret whatever stands around them. POSIX awk lacks `{n}` in mawk's form.
    add_secret("aws-access-key", "(AKIA|ASIA)" times("[0-9A-Z]", 16))
    add_secret("private-key", "-----BEGIN [A-Z ]*PRIVATE KEY")
    add_secret("github-token", "(gh[opsur]_|github_pat_)" times("[A-Za-z0-9_]", 20) "[A-Za-z0-9_]*")
    add_secret("slack-token", "xox[abeprs]-[A-Za-z0-9-]" times("[A-Za-z0-9-]", 9) "[A-Za-z0-9-]*")
    add_secret("google-api-key", "AIza" times("[A-Za-z0-9_-]", 35))
    add_secret("stripe-key", "[rs]k_live_" times("[A-Za-z0-9]", 10) "[A-Za-z0-9]*")
    add_secret("json-web-token", "eyJ[A-Za-z0-9_-]+[.]eyJ[A-Za-z0-9_-]+[.][A-Za-z0-9_-]*")
    add_secret("password-in-url", "[a-z]://[^/:@ ]+:[^/@ ${<]+@")
}

function add_secret(rule, pattern) {
    secret_rule[++secrets] = rule
    secret_pattern[secrets] = pattern
}

function times(pattern, count,    all) {
    for (all = ""; count > 0; count--) all = all pattern
    return all
}

# Reads the change list and returns its path; ends the program if there is none.
function read_changes(program,    i) {
    for (i = json_read(); i > 0; i--) if (json_kind[i SUBSEP "files"] == "array") return i
    print program ": the prompt holds no change list; give it the JSON that `parse-changes` writes" | "cat 1>&2"
    close("cat 1>&2")
    exit 1
}

# Returns the part of an added line that is read.
function readable(text) {
    return length(text) > line_bytes ? substr(text, 1, utf8_cut(text, 1, line_bytes)) : text
}

# Records a finding; `line` 0 means the whole file.
function report(severity, file, line, rule, message, advice, text) {
    findings++
    finding_severity[findings] = severity
    finding_json[findings] = "{\"severity\":\"" severity "\",\"file\":" json_quote(file) \
        (line ? ",\"line\":" line : "") ",\"rule\":\"" rule "\",\"message\":" json_quote(message) \
        ",\"advice\":" json_quote(advice) (line ? ",\"excerpt\":" json_quote(excerpt(text)) : "") "}"
    severity_count[severity]++
}

# Writes the counts and the findings, worst first and otherwise in the order of the diff.
function print_findings(    s, i, separator) {
    printf "\"counts\":{"
    for (s = 1; s <= severities; s++) printf "\"%s\":%d,", severity_name[s], severity_count[severity_name[s]]
    printf "\"total\":%d},\n\"findings\":[", findings
    separator = "\n"
    for (s = 1; s <= severities; s++) {
        for (i = 1; i <= findings; i++) {
            if (finding_severity[i] != severity_name[s]) continue
            print separator finding_json[i]
            separator = ","
        }
    }
    print "]}"
}

# Returns the line without its indentation, with its secrets masked, cut to a readable length.
function excerpt(text) {
    text = masked(text)
    gsub(/^[ \t]+|[ \t\r]+$/, "", text)
    if (length(text) > excerpt_bytes) text = substr(text, 1, utf8_cut(text, 1, excerpt_bytes)) "..."
    return text
}

function masked(text,    i, clear) {
    while (secret_value(text)) {
        text = substr(text, 1, secret_start - 1) "****" substr(text, secret_start + secret_length)
    }
    for (i = 1; i <= secrets; i++) {
        # The first line of a key block is no secret.
        if (secret_rule[i] == "private-key") continue
        clear = ""
        while (match(text, secret_pattern[i])) {
            clear = clear substr(text, 1, RSTART + 3) "****"
            text = substr(text, RSTART + RLENGTH)
        }
        text = clear text
    }
    # The inside of a key block is nothing but base64.
    return text ~ /^[ \t]*[A-Za-z0-9+\/=]+[ \t\r]*$/ && length(text) >= 40 ? "****" : text
}

# Finds the rule of a token that is secret by its form; "" if there is none.
function secret_token(text,    i) {
    # One cheap look spares ordinary lines the long patterns.
    if (text !~ /A[KS]IA|PRIVATE KEY|gh[opsur]_|github_pat_|xox|AIza|k_live_|eyJ|:\/\//) return ""
    for (i = 1; i <= secrets; i++) if (text ~ secret_pattern[i]) return secret_rule[i]
    return ""
}

# Tells whether a literal is assigned to a name such as `password`; sets its place, `secret_start` and
# `secret_length`, without quotes.
function secret_value(text,    small, from, literal) {
    small = tolower(text)
    from = 1
    while (match(substr(small, from), /(passw(or)?d|passphrase|secret|token|api_?-?key|access_?-?key|private_?-?key)[a-z0-9_]*["']?[ \t]*(:=|=>|=|:)[ \t]*["']/)) {
        secret_start = from + RSTART + RLENGTH - 1
        secret_length = literal_length(text, secret_start, substr(text, secret_start - 1, 1))
        literal = substr(text, secret_start, secret_length)
        if (is_secret(literal)) return 1
        from = secret_start + secret_length
    }
    return 0
}

# A reference to a secret, a blank to fill in, a mask and a sentence are no secrets.
function is_secret(literal) {
    return length(literal) >= 6 && literal !~ /^([$<{%]|env:)/ && literal !~ / / && literal !~ /^([xX*.]+|[cC]hange-?_?me)$/
}

# Returns the length of the literal that starts at `start`, up to `quote` or the end of the line.
function literal_length(text, start, quote,    rest, size, step) {
    rest = substr(text, start)
    size = 0
    while ((step = index(rest, quote)) > 1 && substr(rest, step - 1, 1) == "\\") {
        size += step
        rest = substr(rest, step + 1)
    }
    return step ? size + step - 1 : size + length(rest)
}

# Returns the language of a file, by its name.
function language(path,    name) {
    name = tolower(path)
    if (match(name, /\.[a-z0-9+]+$/)) name = substr(name, RSTART + 1)
    if (name ~ /^(js|cjs|mjs|jsx|ts|tsx|vue|svelte)$/) return "javascript"
    if (name ~ /^(c|h|cc|cpp|cxx|hh|hpp)$/) return "c"
    if (name ~ /^pyi?$/) return "python"
    if (name ~ /^(sh|bash|ksh|zsh)$/) return "shell"
    if (name ~ /^(java|kt|kts|scala)$/) return "java"
    if (name ~ /^(md|markdown|rst|txt|adoc)$/) return "text"
    if (name ~ /^(lock|min|map|svg|csv|tsv|sum|snap|diff|patch)$/ || name ~ /-lock\.json$/) return "data"
    if (name ~ /^(json|ya?ml|toml|ini|cfg|conf|env|properties|xml|html|css)$/) return "configuration"
    return name ~ /^(rs|go|rb|php|cs|swift|lua|pl|sql|ex|exs)$/ ? name : "other"
}

# Tells whether a file holds tests, by its path.
function is_test(path) {
    path = tolower(path)
    return path ~ /(^|\/)(tests?|specs?|__tests__)\// ||
        path ~ /(^|\/)(test_[^\/]*|tests?\.[^\/]+|[^\/]*[_.-](tests?|spec)\.[^\/]+)$/
}

# Tells whether a line is nothing but a comment.
function is_comment(text, tongue) {
    if (tongue ~ /^(python|shell|rb|configuration|pl|ex|exs)$/) return text ~ /^[ \t]*#/
    if (tongue == "sql" || tongue == "lua") return text ~ /^[ \t]*--/
    return text ~ /^[ \t]*(\/\/|\/\*|\*[ \/]|<!--)/
}
