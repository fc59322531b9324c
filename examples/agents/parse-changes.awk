# The git diff on stdin → {"files": […], "totals": {…}}. Needs json.awk.
#
# Lines of a hunk are counted by its header, so that a deleted `-- comment` is never taken for a file name.

# A hunk's body.
old_left > 0 || new_left > 0 {
    if (hunk_line($0)) next
    # The diff is cut off: the file says so, and the line is read as a header.
    incomplete = 1
    old_left = new_left = 0
}

{
    line = $0
    returns = sub(/\r$/, "", line)
}

line ~ /^\\ / {
    if (last_was_new) final_newline = 0
    next
}

# The prompt's own words may stand before the first header.
!files && !open && match(line, /diff --(git|cc|combined) /) { line = substr(line, RSTART) }
!files && !open && line !~ /^--- / && line ~ / --- [^ ]/ { sub(/^.* --- /, "--- ", line) }

line ~ /^diff --(cc|combined) / || line ~ /^@@@ / {
    fail("a merge's combined diff has no single set of added lines; make the diff against one parent, as `git diff HEAD^1` does")
}

line ~ /^diff --git / {
    finish_file()
    start_file()
    git = 1
    path = path_of_header(substr(line, 12))
    next
}

open && line ~ /^new file mode /     { status = "added" }
open && line ~ /^deleted file mode / { status = "deleted" }
open && line ~ /^(Binary files .* differ$|GIT binary patch$)/ { binary = 1 }
open && line ~ /^rename from /       { status = "renamed"; from = unquoted(substr(line, 13)) }
open && line ~ /^rename to /         { path = unquoted(substr(line, 11)) }
open && line ~ /^copy from /         { status = "added"; from = unquoted(substr(line, 11)) }
open && line ~ /^copy to /           { path = unquoted(substr(line, 9)) }

line ~ /^--- / { old_name = substr(line, 5); next }

line ~ /^\+\+\+ / && old_name != "" {
    # Without a `diff --git` line, this pair is what starts a file.
    if (!git || hunks) { finish_file(); start_file() }
    name_file(side(old_name), side(substr(line, 5)))
    old_name = ""
    next
}

open && line ~ /^@@ -[0-9]+(,[0-9]+)? \+[0-9]+(,[0-9]+)? @@/ {
    split(line, word, " ")
    old_left = span_length(word[2])
    new_left = span_length(word[3])
    new_line = substr(word[3], 2) + 0
    carriage_returns = returns
    hunks++
}

END {
    if (failed) exit 1
    if (old_left > 0 || new_left > 0) incomplete = 1
    finish_file()
    if (!files) fail("the prompt holds no diff; give it the output of `git diff`")
    printf "],\n\"totals\":{\"files\":%d,\"additions\":%d,\"deletions\":%d}}\n", files, all_additions, all_deletions
}

# Takes one line of a hunk; returns 0 if it cannot be one.
function hunk_line(text,    mark) {
    mark = substr(text, 1, 1)
    if (mark == "\\") {
        if (last_was_new) final_newline = 0
        return 1
    }
    if (mark == "+" && new_left > 0) {
        additions++
        added_line[additions] = new_line++
        text = substr(text, 2)
        if (carriage_returns) sub(/\r$/, "", text)
        added_text[additions] = text
        new_left--
        last_was_new = 1
        return 1
    }
    if (mark == "-" && old_left > 0) {
        deletions++
        old_left--
        last_was_new = 0
        return 1
    }
    # Mail programs strip the blank of an empty context line.
    if ((mark == " " || text == "" || text == "\r") && old_left > 0 && new_left > 0) {
        old_left--
        new_left--
        new_line++
        last_was_new = 1
        return 1
    }
    return 0
}

function start_file() {
    open = 1
    git = hunks = binary = incomplete = additions = deletions = last_was_new = 0
    final_newline = 1
    status = "modified"
    path = from = old_name = ""
}

function name_file(old_path, new_path) {
    if (old_path == "/dev/null") {
        status = "added"
        path = unprefixed(new_path)
    } else if (new_path == "/dev/null") {
        status = "deleted"
        path = unprefixed(old_path)
    } else if (status != "renamed") {
        path = unprefixed(new_path)
    }
}

function finish_file(    i) {
    if (!open) return
    open = 0
    # Three words that look like a header and nothing more are no file.
    if (path == "") return
    print files++ ? "," : "{\"files\":["
    printf "%s", "{\"path\":" json_quote(path) ",\"status\":\"" status "\""
    if (from != "") printf "%s", ",\"from\":" json_quote(from)
    printf ",\"additions\":%d,\"deletions\":%d", additions, deletions
    if (binary) printf ",\"binary\":true"
    if (!final_newline) printf ",\"final_newline\":false"
    if (incomplete) printf ",\"incomplete\":true"
    printf ",\"added\":["
    for (i = 1; i <= additions; i++) {
        print (i > 1 ? "," : "") "{\"line\":" added_line[i] ",\"text\":" json_quote(added_text[i]) "}"
    }
    printf "]}"
    all_additions += additions
    all_deletions += deletions
}

# Returns the path in what follows `diff --git `. Both halves are equal there, or other lines name the paths.
function path_of_header(names,    half) {
    if (names ~ /"$/) {
        match(names, / "([^"\\]|\\.)*"$/)
        return unprefixed(unquoted(substr(names, RSTART + 1)))
    }
    half = (length(names) - 1) / 2
    return half == int(half) ? unprefixed(substr(names, half + 2)) : names
}

# Returns the path in what follows `--- ` or `+++ `; a time may stand after it.
function side(name) {
    if (name !~ /^"/) sub(/\t.*$/, "", name)
    return unquoted(name)
}

# Removes the prefix that git puts before a path (a/ and b/, or those of `diff.mnemonicPrefix`).
function unprefixed(name) {
    sub(/^[abciow]\//, "", name)
    return name
}

# Undoes git's quoting of unusual paths: "caf\303\251.txt".
function unquoted(name,    bit, bits, i, letter) {
    if (name !~ /^".*"$/) return name
    bits = split(substr(name, 2, length(name) - 2), bit, /\\/)
    name = bit[1]
    for (i = 2; i <= bits; i++) {
        letter = substr(bit[i], 1, 1)
        if (bit[i] == "") {
            name = name "\\" bit[++i]
        } else if (letter ~ /[0-3]/) {
            name = name sprintf("%c", letter * 64 + substr(bit[i], 2, 1) * 8 + substr(bit[i], 3, 1)) substr(bit[i], 4)
        } else if (letter == "a" || letter == "v") {
            name = name (letter == "a" ? "\007" : "\013") substr(bit[i], 2)
        } else {
            name = name json_unescape[letter] substr(bit[i], 2)
        }
    }
    return name
}

# Returns how many lines `-12,3` or `+12` covers.
function span_length(range,    part) {
    return split(range, part, ",") > 1 ? part[2] + 0 : 1
}

function fail(message) {
    failed = 1
    print "parse-changes: " message | "cat 1>&2"
    close("cat 1>&2")
    exit 1
}
