# The change list on stdin → the audit's findings. Needs json.awk and findings.awk.

BEGIN {
    changes = read_changes("security-audit")
    file_list = changes SUBSEP "files"
    for (f = 0; f < json_size[file_list]; f++) {
        file = file_list SUBSEP f
        path = json_value[file SUBSEP "path"]
        tongue = language(path)
        if (tongue == "data") continue
        look_at_name()
        added = file SUBSEP "added"
        for (l = 0; l < json_size[added]; l++) {
            line = json_value[added SUBSEP l SUBSEP "line"]
            whole = json_value[added SUBSEP l SUBSEP "text"]
            text = readable(whole)
            lines++
            if (text != whole) {
                found("low", "line-not-read", "the line has " length(whole) " bytes, of which the first " length(text) " were read", "commit the source instead of the generated file")
            }
            look_for_secrets()
            if (tongue != "text" && !is_comment(text, tongue)) look_for_dangers()
        }
    }
    printf "{\"check\":\"security\",\"files\":%d,\"lines\":%d,\n", json_size[file_list], lines
    print_findings()
}

function found(severity, rule, message, advice) {
    report(severity, path, line, rule, message, advice, text)
}

# A file that should not be in a repository at all.
function look_at_name() {
    if (json_value[file SUBSEP "status"] == "deleted") return
    if (path ~ /(^|\/)(\.env(\.[a-z]+)?|id_rsa|id_ed25519|\.htpasswd|[^\/]*\.(pem|p12|pfx|keystore))$/ && path !~ /\.(example|sample)$/) {
        report("high", path, 0, "secret-file", "a file of this name usually holds secrets", "keep it out of the repository and list it in the ignore file", "")
    }
}

function look_for_secrets(    rule) {
    rule = secret_token(text)
    if (rule == "private-key") {
        found("critical", rule, "a private key is committed", "revoke the key, and read it from a secret store when the program starts")
    } else if (rule != "") {
        found("critical", rule, "a credential is committed", "revoke it, and read it from the environment or a secret store")
    } else if (secret_value(text)) {
        found(is_test(path) ? "low" : "critical", "hard-coded-secret", "a secret is assigned as a literal", "revoke it, and read it from the environment or a secret store")
    } else if (path ~ /(^|\/)\.env|\.(env|ini|properties)$/ && tolower(text) ~ /^[a-z0-9_.]*(password|passwd|secret|token|api_?key)[a-z0-9_.]*[ \t]*=[ \t]*[^ \t$<{]/) {
        # The value has no quotes, so all of it is masked.
        text = substr(text, 1, index(text, "=")) "****"
        found("critical", "hard-coded-secret", "a secret is assigned as a literal", "revoke it, and set it where the program is started")
    }
}

function look_for_dangers(    small) {
    small = tolower(text)
    if (builds_sql(small)) {
        found("high", "sql-injection", "a statement is built from strings", "pass the values as parameters of a prepared statement")
    }
    if (small ~ /verify *= *false|rejectunauthorized['"]? *: *false|insecureskipverify['"]? *: *true|node_tls_reject_unauthorized|danger_accept_invalid_certs *\( *true|curlopt_ssl_verifypeer *, *(false|0)|verify_none|sslverify *= *false/) {
        found("high", "tls-verification-off", "the server's certificate is not checked", "check it; trust a private authority by adding its certificate")
    }
    if (small ~ /(^|[^a-z0-9_])(md5|sha1)[ \t]*\(|hashlib\.(md5|sha1)|createhash\(['"](md5|sha1)|messagedigest\.getinstance\("(md5|sha-?1)"/) {
        found("medium", "weak-hash", "MD5 and SHA-1 no longer withstand an attacker", "use SHA-256, and for passwords argon2 or bcrypt")
    }
    if (small ~ /access-control-allow-origin['"]? *[:,=] *['"]?\*/) {
        found("medium", "open-cors", "every site may read the answers", "name the sites that may")
    }
    if (small ~ /["'`]http:\/\// && small !~ /http:\/\/(localhost|127\.|0\.0\.0\.0|\[|[a-z.]*example\.|www\.w3\.org|schemas?\.|[{$%])/) {
        found("low", "plain-http", "the connection is not encrypted", "use https")
    }
    if (tongue == "python") look_at_python()
    else if (tongue == "javascript") look_at_javascript()
    else if (tongue == "c") look_at_c()
    else if (tongue == "rs") look_at_rust()
    else if (tongue == "php" || tongue == "rb") look_at_scripts(small)
    else if (tongue == "go" || tongue == "java") look_at_processes(small)
    else if (tongue == "shell") look_at_shell()
}

function builds_sql(small) {
    if (small !~ /["'`(][ \t]*(select[ \t].*[ \t]from[ \t]|insert[ \t]+into[ \t]|update[ \t].*[ \t]set[ \t]|delete[ \t]+from[ \t])/) return 0
    # A value joined to the text, put into it, or formatted into it.
    return small ~ /["'][ \t]*(\+|\|\||%[^a-z]|\.[ \t]*\$|\.format[ \t]*\()/ || small ~ /[^a-z]f["'].*\{/ || small ~ /`.*\$\{/ ||
        small ~ /"[^"]*#\{/ || small ~ /format!?[ \t]*\([ \t]*".*(\{[a-z0-9_]*\}|%[sdv])/ || small ~ /sprintf[ \t]*\(.*%[sdv]/
}

function look_at_python() {
    if (text ~ /(^|[^A-Za-z0-9_.])(eval|exec)[ \t]*\(/) {
        found("high", "code-execution", "text is run as code", "parse the values that are wanted, for example with `ast.literal_eval` or JSON")
    }
    if (text ~ /os\.(system|popen)[ \t]*\(|shell[ \t]*=[ \t]*True/) {
        found("high", "shell-injection", "a command line goes through the shell", "give the program and its arguments as a list, without a shell")
    }
    if (text ~ /(pickle|marshal|shelve)\.(loads?|open)[ \t]*\(/) {
        found("high", "unsafe-deserialisation", "reading this format can run code", "use JSON, or check a signature first")
    }
    if (text ~ /yaml\.load[ \t]*\(/ && text !~ /Safe/) {
        found("medium", "unsafe-deserialisation", "`yaml.load` can build any object", "use `yaml.safe_load`")
    }
    if (text ~ /tempfile\.mktemp[ \t]*\(/) {
        found("low", "temporary-file-race", "somebody else can create the file first", "use `tempfile.NamedTemporaryFile`")
    }
    if (text ~ /debug[ \t]*=[ \t]*True/) {
        found("medium", "debug-mode", "debug mode shows source and variables to visitors", "switch it on by the environment, never in code")
    }
}

function look_at_javascript() {
    if (text ~ /(^|[^A-Za-z0-9_.$])eval[ \t]*\(|new Function[ \t]*\(|set(Timeout|Interval)[ \t]*\([ \t]*["'`]/) {
        found("high", "code-execution", "text is run as code", "call a function, or parse the text as JSON")
    }
    if (text ~ /\.(innerHTML|outerHTML)[ \t]*\+?=[^=]|document\.write(ln)?[ \t]*\(|dangerouslySetInnerHTML|insertAdjacentHTML|v-html/) {
        found("high", "cross-site-scripting", "text becomes markup", "set `textContent`, or clean the markup first")
    }
    if (text ~ /child_process.*[.(]exec|(^|[^A-Za-z0-9_.$])exec(Sync)?[ \t]*\(|shell:[ \t]*true/) {
        found("high", "shell-injection", "a command line goes through the shell", "use `execFile` or `spawn` with a list of arguments")
    }
    if (text ~ /Math\.random/ && tolower(text) ~ /token|secret|password|session|nonce|salt/) {
        found("medium", "weak-random", "`Math.random` can be predicted", "use `crypto.getRandomValues`")
    }
}

function look_at_c() {
    if (text ~ /(^|[^A-Za-z0-9_])(strcpy|strcat|gets|sprintf|vsprintf)[ \t]*\(/) {
        found("high", "buffer-overflow", "the call writes without knowing the buffer's size", "use `snprintf` or another call that takes the size")
    }
    if (text ~ /scanf[ \t]*\(.*%s/) {
        found("high", "buffer-overflow", "`%s` reads without a bound", "give the width, as in `%63s`")
    }
    if (text ~ /(^|[^A-Za-z0-9_])(system|popen)[ \t]*\(/) {
        found("high", "shell-injection", "a command line goes through the shell", "use `execv` with a list of arguments")
    }
    if (text ~ /(^|[^A-Za-z0-9_])printf[ \t]*\([ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*\)/) {
        found("high", "format-string", "the text is read as a format", "print it with `\"%s\"`")
    }
}

function look_at_rust() {
    if (text ~ /(^|[^A-Za-z0-9_])unsafe[ \t]*(\{|fn|impl)/) {
        found("medium", "unsafe-code", "the compiler does not check this code", "say in a `SAFETY` comment why it is sound, or write it without `unsafe`")
    }
    if (text ~ /transmute[ \t]*(::)?[<(]/) {
        found("high", "unsafe-code", "`transmute` reinterprets memory", "use a conversion that the types allow")
    }
    if (text ~ /Command::new[ \t]*\([ \t]*"(sh|bash|cmd)"/) {
        found("medium", "shell-injection", "a command line goes through the shell", "start the program itself with `.arg`")
    }
}

# PHP and Ruby.
function look_at_scripts(small) {
    if (small ~ /(^|[^a-z0-9_.>$])(eval|instance_eval|class_eval|create_function|assert)[ \t]*\(/) {
        found("high", "code-execution", "text is run as code", "parse the values that are wanted")
    }
    if (small ~ /(^|[^a-z0-9_.>$])(system|exec|shell_exec|passthru|popen|proc_open)[ \t]*\(|%x[{(]/) {
        found("high", "shell-injection", "a command line goes through the shell", "give the arguments as a list, or escape each")
    }
    if (small ~ /unserialize[ \t]*\(|marshal\.load/) {
        found("high", "unsafe-deserialisation", "reading this format can run code", "use JSON")
    }
    if (small ~ /echo[ \t]+\$_(get|post|request|cookie)|html_safe|raw[ \t]*\(/) {
        found("high", "cross-site-scripting", "text becomes markup", "escape it for HTML")
    }
}

# Go and Java.
function look_at_processes(small) {
    if (small ~ /exec\.command(context)?[ \t]*\(.*"(sh|bash)"|getruntime\(\)\.exec/) {
        found("high", "shell-injection", "a command line goes through the shell", "start the program itself with a list of arguments")
    }
    if (small ~ /new objectinputstream|xmldecoder/) {
        found("high", "unsafe-deserialisation", "reading this format can run code", "use JSON")
    }
}

function look_at_shell() {
    if (text ~ /(^|[^A-Za-z0-9_-])eval[ \t]/) {
        found("high", "code-execution", "text is run as code", "call the command with its arguments quoted")
    }
    if (text ~ /(curl|wget).*\|[ \t]*(sudo[ \t]+)?(ba|z|k)?sh([^A-Za-z0-9_]|$)/) {
        found("high", "remote-code", "what a server sends is run at once", "download, check a pinned hash, then run")
    }
    if (text ~ /curl.*[ \t](-k|--insecure)([ \t]|$)|wget.*--no-check-certificate/) {
        found("high", "tls-verification-off", "the server's certificate is not checked", "check it; trust a private authority by adding its certificate")
    }
    if (text ~ /chmod[ \t]+(-R[ \t]+)?(0?777|a\+rwx)/) {
        found("medium", "open-permissions", "everybody may change the file", "give the owner what it needs, nobody else")
    }
    if (text ~ /rm[ \t]+-[a-zA-Z]*[rR][a-zA-Z]*[ \t]+\$[A-Za-z_]/) {
        found("medium", "unquoted-removal", "an empty or odd value removes something else", "quote it and use `${NAME:?}`")
    }
}
