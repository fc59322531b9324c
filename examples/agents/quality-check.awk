# The change list on stdin → the quality check's findings. Needs json.awk and findings.awk.

BEGIN {
    longest_line = 120
    many_lines = 200
    changes = read_changes("quality-check")
    file_list = changes SUBSEP "files"
    for (f = 0; f < json_size[file_list]; f++) {
        file = file_list SUBSEP f
        path = json_value[file SUBSEP "path"]
        status = json_value[file SUBSEP "status"]
        additions = json_value[file SUBSEP "additions"] + 0
        tongue = language(path)
        is_source = tongue !~ /^(text|data|configuration|other)$/
        look_at_file()
        if (tongue == "data") continue
        added = file SUBSEP "added"
        previous_line = -1
        for (l = 0; l < json_size[added]; l++) {
            line = json_value[added SUBSEP l SUBSEP "line"] + 0
            text = readable(json_value[added SUBSEP l SUBSEP "text"])
            sub(/\r$/, "", text)
            if (line != previous_line + 1) previous_text = ""
            lines++
            look_at_text()
            if (is_source) look_at_code()
            previous_line = line
            previous_text = text
        }
    }
    look_at_whole()
    printf "{\"check\":\"quality\",\"files\":%d,\"lines\":%d,\n", json_size[file_list], lines
    printf "\"tests\":{\"run\":false,\"files_changed\":%d},\n\"changes\":[", tests
    for (f = 0; f < json_size[file_list]; f++) print_change(file_list SUBSEP f)
    print "],"
    print_findings()
}

function found(severity, rule, message, advice) {
    report(severity, path, line, rule, message, advice, text)
}

function look_at_file() {
    if (is_test(path)) {
        if (status == "deleted") {
            report("medium", path, 0, "test-removed", "a test file is deleted", "say in the description what now checks the same thing", "")
        } else {
            tests++
        }
    } else if (is_source) {
        source_additions += additions
        source_path = path
    }
    if (json_kind[file SUBSEP "incomplete"] == "true") {
        report("high", path, 0, "diff-cut-off", "the diff ends inside this file, so the rest was not reviewed", "run the review again on the whole diff", "")
    }
    if (json_kind[file SUBSEP "binary"] == "true" && status != "deleted") {
        report("low", path, 0, "binary-file", "a binary file changes, which a review cannot read", "make sure that it is meant, and small", "")
    }
    if (json_kind[file SUBSEP "final_newline"] == "false" && is_source) {
        report("low", path, 0, "no-final-newline", "the last line has no line end", "end the file with one", "")
    }
    if (is_source && additions > 2 * many_lines) {
        report("low", path, 0, "large-change", additions " lines are added to one file", "split the change, or the file", "")
    }
}

# Once for the whole diff.
function look_at_whole() {
    if (source_additions >= many_lines && !tests) {
        report("medium", source_path, 0, "no-tests", source_additions " lines of source are added and no test changes", "add a test that fails without the change", "")
    }
}

# What holds for any text.
function look_at_text(    comment) {
    if (text ~ /^(<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|)( |$)/) {
        found("high", "conflict-marker", "a merge conflict is not resolved", "choose the lines that stay and remove the markers")
    }
    if (text ~ /(^|[^A-Za-z0-9_])(FIXME|XXX|HACK)([^A-Za-z0-9_]|$)/) {
        found("medium", "fixme", "a known fault is left in", "repair it, or open an issue and name it here")
    } else if (text ~ /(^|[^A-Za-z0-9_])TODO([^A-Za-z0-9_]|$)/) {
        found("low", "todo", "something is left to do", "do it, or open an issue and name it here")
    }
    if (tongue == "text") return
    if (is_long()) {
        found("low", "long-line", "the line is longer than " longest_line " characters", "break it where a thought ends")
    }
    if (text ~ /[ \t]$/) {
        found("low", "trailing-space", "the line ends in white space", "remove it; most editors can do so when they save")
    }
    if (text ~ /^ +\t/) {
        found("low", "mixed-indentation", "spaces stand before a tab", "indent with one of them")
    }
}

# Tells whether the line has too many characters; a character may be several bytes.
function is_long(    i, characters) {
    if (length(text) <= longest_line) return 0
    if (text !~ /[^ -~\t]/) return 1
    for (i = 1; i <= length(text) && characters <= longest_line; i++) if (!utf8_inside(text, i)) characters++
    return characters > longest_line
}

function look_at_code() {
    if (is_comment(text, tongue)) {
        # One finding for a block of them.
        if (looks_like_code(text) && !looks_like_code(previous_text)) {
            found("low", "commented-out-code", "code is left in a comment", "delete it; the history keeps it")
        }
        return
    }
    if (!is_test(path)) look_for_debugging()
    if (swallows_error()) {
        report("medium", path, line, "swallowed-error", "an error is caught and forgotten", "handle it, report it, or say in a comment why it does not matter", swallowed)
    } else if (tongue == "python" && text ~ /^[ \t]*except[ \t]*:/) {
        found("medium", "bare-except", "every exception is caught, even an interrupt", "name the exceptions that are expected")
    }
    if (tongue == "rs" && text ~ /(^|[^A-Za-z0-9_])(todo|unimplemented)!/) {
        found("medium", "unfinished", "the program panics here", "write it, or return an error")
    }
}

function looks_like_code(comment) {
    if (!is_comment(comment, tongue)) return 0
    if (tongue ~ /^(python|shell|rb)$/) {
        return comment ~ /^[ \t]*#[ \t]*([A-Za-z_.]+[ \t]*=[ \t]*[^ =]+|[A-Za-z_.]+\(.*\)|(if|elif|for|while|with|def|class)[ \t].*:|return[ \t]+[A-Za-z_.()]+|import[ \t]+[A-Za-z_.]+|from[ \t]+[A-Za-z_.]+[ \t]+import[ \t].*)[ \t]*$/
    }
    return comment ~ /^[ \t]*\/\/[ \t]*([^ ].*[=(].*;|(if|for|while|else|function|fn)[^.]*\{|\})[ \t]*$/
}

function look_for_debugging(    leftover) {
    if (tongue == "javascript") leftover = text ~ /console\.(log|debug|trace|dir)[ \t]*\(|(^|[^A-Za-z0-9_])debugger[ \t]*;?[ \t]*$|(^|[^A-Za-z0-9_.])alert[ \t]*\(/
    else if (tongue == "python") leftover = text ~ /(^|[^A-Za-z0-9_.])(print|breakpoint)[ \t]*\(|pdb\.set_trace[ \t]*\(|^[ \t]*import[ \t]+i?pdb/
    else if (tongue == "rs") leftover = text ~ /(^|[^A-Za-z0-9_])dbg![ \t]*[({[]/
    else if (tongue == "rb") leftover = text ~ /binding\.(pry|irb)|(^|[^A-Za-z0-9_.])byebug([^A-Za-z0-9_]|$)/
    else if (tongue == "php") leftover = text ~ /(^|[^A-Za-z0-9_])(var_dump|print_r|dd)[ \t]*\(/
    else if (tongue == "java") leftover = text ~ /System\.(out|err)\.print|printStackTrace[ \t]*\(/
    else if (tongue == "go") leftover = text ~ /fmt\.Print(f|ln)?[ \t]*\("(DEBUG|debug|here|XXX)/
    if (leftover) found("medium", "debug-output", "a debugging aid is left in", "remove it, or write to the log")
}

# Tells whether an error is dropped, on this line or by it and the one before; sets `swallowed` to the code.
function swallows_error(    both) {
    swallowed = text
    both = text
    sub(/^[ \t]+/, "", both)
    both = previous_text " " both
    if (tongue == "python") {
        if (text ~ /^[ \t]*except[^:]*:[ \t]*(pass|\.\.\.)[ \t]*$/) return 1
        if (previous_text !~ /^[ \t]*except[^:]*:[ \t]*$/ || text !~ /^[ \t]*(pass|\.\.\.)[ \t]*$/) return 0
    } else if (tongue == "rb") {
        return text ~ /rescue[ \t]*(=>[ \t]*[a-z_]+[ \t]*)?;?[ \t]*(nil|end)[ \t]*$/
    } else {
        if (text ~ /catch[ \t]*(\([^)]*\))?[ \t]*\{[ \t]*\}/) return 1
        if (previous_text !~ /catch[ \t]*(\([^)]*\))?[ \t]*\{[ \t]*$/ || text !~ /^[ \t]*\}[ \t]*;?[ \t]*$/) return 0
    }
    swallowed = both
    return 1
}

# What the review shows about a file.
function print_change(file) {
    print (file == file_list SUBSEP 0 ? "" : ",")
    printf "%s", "{\"path\":" json_quote(json_value[file SUBSEP "path"]) ",\"status\":\"" json_value[file SUBSEP "status"] "\""
    if ((file SUBSEP "from") in json_value) printf "%s", ",\"from\":" json_quote(json_value[file SUBSEP "from"])
    printf ",\"additions\":%d,\"deletions\":%d}", json_value[file SUBSEP "additions"], json_value[file SUBSEP "deletions"]
}
