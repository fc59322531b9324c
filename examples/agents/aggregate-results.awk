# The two checks' findings on stdin → a review in Markdown. Needs json.awk.
#
# The checks are told apart by their `check` key, so that the prompt's own words do not matter. One that
# is missing (its step failed and was optional) is named in the review.

BEGIN {
    severities = split("critical high medium low", severity_name, " ")
    shown = 50
    for (i = json_read(); i > 0; i--) {
        check = json_value[i SUBSEP "check"]
        if (json_kind[i SUBSEP "findings"] == "array") root[check] = i
    }
    if (!("security" in root) && !("quality" in root)) {
        print "aggregate-results: the prompt holds neither an audit nor a quality check" | "cat 1>&2"
        close("cat 1>&2")
        exit 1
    }
    collect("security")
    collect("quality")
    print "# Code review: " verdict()
    print ""
    print summary()
    print_counts()
    print_changes()
    for (s = 1; s <= severities; s++) print_severity(severity_name[s])
    print_advice()
}

# Adds a check's findings to those of all.
function collect(check,    list, i, finding, severity) {
    if (!(check in root)) return
    list = root[check] SUBSEP "findings"
    for (i = 0; i < json_size[list]; i++) {
        finding = list SUBSEP i
        severity = json_value[finding SUBSEP "severity"]
        finding_path[severity, ++total[severity]] = finding
        count[severity, check]++
        file_findings[json_value[finding SUBSEP "file"]]++
        findings++
    }
}

function verdict() {
    if (total["critical"] + total["high"] > 0) return "changes requested"
    if (!("security" in root) || !("quality" in root)) return "incomplete"
    if (total["medium"] > 0) return "approved with remarks"
    return "approved"
}

function summary(    text, blocking) {
    blocking = total["critical"] + total["high"]
    if (!findings) text = "Nothing was found."
    else if (blocking) text = counted(findings, "finding") ", of which " blocking " must be dealt with before this is merged."
    else text = counted(findings, "finding") ", none of which stands in the way of merging."
    if (!("security" in root)) text = text " **The security audit gave no result.**"
    if (!("quality" in root)) return text " **The quality check gave no result.**"
    text = text " " tests_sentence(json_value[root["quality"] SUBSEP "tests" SUBSEP "files_changed"] + 0)
    return text
}

function tests_sentence(files) {
    if (files) return counted(files, "test file") (files == 1 ? " changes" : " change") "; the tests themselves were not run."
    return "No test changes, and the tests themselves were not run."
}

function print_counts(    s, name) {
    print ""
    print "| severity | security | quality |"
    print "| --- | ---: | ---: |"
    for (s = 1; s <= severities; s++) {
        name = severity_name[s]
        print "| " name " | " cell("security", name) " | " cell("quality", name) " |"
    }
}

function cell(check, severity) {
    return check in root ? count[severity, check] + 0 : "?"
}

function print_changes(    list, i, change, path, from) {
    if (!("quality" in root)) return
    list = root["quality"] SUBSEP "changes"
    if (!json_size[list]) return
    print ""
    print "| file | change | lines | findings |"
    print "| --- | --- | --- | ---: |"
    for (i = 0; i < json_size[list]; i++) {
        change = list SUBSEP i
        path = json_value[change SUBSEP "path"]
        from = json_value[change SUBSEP "from"]
        print "| " code_span(path) " | " json_value[change SUBSEP "status"] (from == "" ? "" : " from " code_span(from)) \
            " | +" json_value[change SUBSEP "additions"] " -" json_value[change SUBSEP "deletions"] " | " file_findings[path] + 0 " |"
    }
}

function print_severity(severity,    i, finding, place, excerpt) {
    if (!total[severity]) return
    print ""
    print "## " toupper(substr(severity, 1, 1)) substr(severity, 2)
    print ""
    for (i = 1; i <= total[severity] && i <= shown; i++) {
        finding = finding_path[severity, i]
        place = json_value[finding SUBSEP "file"]
        if ((finding SUBSEP "line") in json_value) place = place ":" json_value[finding SUBSEP "line"]
        print "- " code_span(place) " " json_value[finding SUBSEP "rule"] ": " json_value[finding SUBSEP "message"]
        excerpt = json_value[finding SUBSEP "excerpt"]
        if (excerpt != "") print "  " code_span(excerpt)
    }
    if (total[severity] > shown) print "- and " total[severity] - shown " more"
}

# One line for each kind of finding that was made, worst first.
function print_advice(    s, i, finding, rule, seen) {
    if (!findings) return
    print ""
    print "## Advice"
    print ""
    for (s = 1; s <= severities; s++) {
        for (i = 1; i <= total[severity_name[s]]; i++) {
            finding = finding_path[severity_name[s], i]
            rule = json_value[finding SUBSEP "rule"]
            if (rule in seen) continue
            seen[rule] = 1
            print "- " rule ": " json_value[finding SUBSEP "advice"] "."
        }
    }
}

# Returns the text as Markdown code on one line, also inside a table.
function code_span(text,    fence, run) {
    gsub(/[\t\r\n]/, " ", text)
    gsub(/\|/, "\\|", text)
    if (text !~ /`/) return "`" text "`"
    fence = "`"
    run = text
    while (match(run, /`+/)) {
        if (RLENGTH >= length(fence)) fence = substr("````````````````````````````````", 1, RLENGTH + 1)
        run = substr(run, RSTART + RLENGTH)
    }
    return fence " " text " " fence
}

function counted(number, noun) {
    return number " " noun (number == 1 ? "" : "s")
}
