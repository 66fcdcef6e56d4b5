//! Shell programs: text in, tree out.

use plimsoll_syntax::shell::{
    Assignment, CommandId, CommandKind, Connector, Dialect, ListId, PartKind, Redirect, RedirectOp,
    Script, WordId, parse,
};

/// The tree as one line: commands in parentheses, quoted literals in `'`, quoted expansions in
/// `"`, `;` where nothing else joins two pipelines, and the errors behind ` !! `.
fn dump(script: &Script) -> String {
    let mut out = script.root.map_or_else(String::new, |root| list(script, root));
    for error in &script.errors {
        out += &format!(" !! {}", error.message);
    }
    out
}

fn list(s: &Script, id: ListId) -> String {
    let mut out = String::new();
    let items = &s.list(id).items;
    for (index, item) in items.iter().enumerate() {
        if item.negated {
            out += "! ";
        }
        let pipeline: Vec<String> = item.pipeline.iter().map(|id| command(s, *id)).collect();
        out += &pipeline.join(" | ");
        let last = index + 1 == items.len();
        out += match item.then {
            Connector::Seq if last => "",
            Connector::Seq => " ; ",
            Connector::And => " && ",
            Connector::Or => " || ",
            Connector::Background if last => " &",
            Connector::Background => " & ",
        };
    }
    out
}

fn command(s: &Script, id: CommandId) -> String {
    let command = s.command(id);
    let mut fields = Vec::new();
    match &command.kind {
        CommandKind::Simple { assignments, words } => {
            fields.extend(assignments.iter().map(|one| assignment(s, one)));
            fields.push(words_of(s, words));
        }
        CommandKind::Subshell(body) => fields.extend(["subshell".into(), list(s, *body)]),
        CommandKind::Group(body) => fields.extend(["group".into(), list(s, *body)]),
        CommandKind::If { branches, otherwise } => {
            for (condition, body) in branches {
                fields.extend(["if".into(), list(s, *condition), "then".into(), list(s, *body)]);
            }
            fields.extend(otherwise.iter().map(|body| format!("else {}", list(s, *body))));
        }
        CommandKind::Loop { until, condition, body } => {
            let word = if *until { "until" } else { "while" };
            fields.extend([word.into(), list(s, *condition), "do".into(), list(s, *body)]);
        }
        CommandKind::For { name, words, body } => {
            fields.push(format!("for {name}"));
            fields.extend(words.iter().map(|words| format!("in [{}]", words_of(s, words))));
            fields.extend(["do".into(), list(s, *body)]);
        }
        CommandKind::Case { subject, arms } => {
            fields.push(format!("case {}", word(s, *subject)));
            for (patterns, body) in arms {
                fields.push(format!("[{}] {}", words_of(s, patterns), list(s, *body)));
            }
        }
        CommandKind::Function { name, body } => {
            fields.extend([format!("function {name}"), self::command(s, *body)]);
        }
        CommandKind::Test(words) => fields.extend(["[[".into(), words_of(s, words)]),
        CommandKind::Arithmetic => fields.push("((".into()),
    }
    fields.extend(command.redirects.iter().map(|one| redirect(s, one)));
    fields.retain(|field| !field.is_empty());
    format!("({})", fields.join(" "))
}

fn assignment(s: &Script, assignment: &Assignment) -> String {
    let op = if assignment.append { "+=" } else { "=" };
    let value = assignment
        .value
        .map_or_else(|| format!("[{}]", words_of(s, &assignment.array)), |value| word(s, value));
    format!("{}{op}{value}", assignment.name)
}

fn redirect(s: &Script, redirect: &Redirect) -> String {
    let op = match redirect.op {
        RedirectOp::Read => "<",
        RedirectOp::Write => ">",
        RedirectOp::Append => ">>",
        RedirectOp::ReadWrite => "<>",
        RedirectOp::DupIn => "<&",
        RedirectOp::DupOut => ">&",
        RedirectOp::WriteBoth => "&>",
        RedirectOp::AppendBoth => "&>>",
        RedirectOp::Heredoc => "<<",
        RedirectOp::HereString => "<<<",
    };
    let fd = redirect.fd.map(|fd| fd.to_string()).unwrap_or_default();
    let variable =
        redirect.fd_variable.iter().map(|name| format!("{{{name}}}")).collect::<String>();
    let mut out = format!("{fd}{variable}{op}{}", word(s, redirect.target));
    if let Some(heredoc) = &redirect.heredoc {
        out += if heredoc.strip_tabs { "-" } else { "" };
        out += if heredoc.expand { ":" } else { "=" };
        out += &word(s, heredoc.body);
    }
    out
}

fn words_of(s: &Script, words: &[WordId]) -> String {
    words.iter().map(|id| word(s, *id)).collect::<Vec<_>>().join(" ")
}

fn word(s: &Script, id: WordId) -> String {
    let mut out = String::new();
    for part in &s.word(id).parts {
        let text = match &part.kind {
            PartKind::Literal(text) if part.quoted => {
                out += &format!("{text:?}").replace('"', "'");
                continue;
            }
            PartKind::Literal(text) => {
                out += text;
                continue;
            }
            PartKind::Variable { name, op, length } => {
                let length = if *length { "#" } else { "" };
                match op {
                    Some((op, operand)) => format!("${{{length}{name}{op}{}}}", word(s, *operand)),
                    None => format!("${length}{name}"),
                }
            }
            PartKind::Substitution(body) => format!("$({})", list(s, *body)),
            PartKind::ProcessSubstitution(body) => format!("<({})", list(s, *body)),
            PartKind::Arithmetic => "$((".into(),
        };
        out += &if part.quoted { format!("\"{text}\"") } else { text };
    }
    out
}

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(dump(&parse(text.as_bytes(), Dialect::Bash)), expect, "\n{text}");
}

#[test]
fn lists_and_pipelines() {
    check("", "");
    check("echo hi there", "(echo hi there)");
    check("a; b; c", "(a) ; (b) ; (c)");
    check("a && b || c & d", "(a) && (b) || (c) & (d)");
    check("a | b |& c", "(a) | (b) | (c)");
    check("! a | b", "! (a) | (b)");
    check("! ! a", "(a)");
    check("a &&\n\n# why\nb", "(a) && (b)");
    check("time -p a | b; time", "(a) | (b) ; (time)");
    check("a & b &", "(a) & (b) &");
    check("\n\n  a\n\n\n;", "(a) !! unexpected `;`");
    check("cat <<A | grep x\nbody\nA\nnext", "(cat <<A:'body\\n') | (grep x) ; (next)");
}

#[test]
fn words_and_quotes() {
    check("echo 'a  b' \"c $x d\" e\\ f g\"h\"'i'", "(echo 'a  b' 'c '\"$x\"' d' e' 'f g'h''i')");
    check("echo \"\" '' \"\"$x", "(echo '' '' ''$x)");
    check("echo \"a\\\"b\\$c\\\\d\\e\\`\"", "(echo 'a\\'b$c\\\\d\\\\e`')");
    check("echo a\\\nb \\\n c", "(echo ab c)");
    check("echo \"a\\\nb\"", "(echo 'ab')");
    check(
        "echo $'a\\tb\\'c\\x41\\u00e9\\101\\cA' $\"hi $x\"",
        "(echo 'a\\tb'cAéA\\u{1}' 'hi '\"$x\")",
    );
    check("echo a#b #c\n#d", "(echo a#b)");
    check("echo {a,b} ~ *.js [x] a=b }", "(echo {a,b} ~ *.js [x] a=b })");
    check("echo 'multi\nline' done", "(echo 'multi\\nline' done)");
    check("echo \"a 'b' c\" 'd \"e\"'", "(echo 'a 'b' c' 'd \\'e\\'')");
}

#[test]
fn expansions() {
    check(
        "echo $x ${x} \"$x\" $1 ${10} $10 $@ $# $? $- $$ $! $* $0 $",
        "(echo $x $x \"$x\" $1 $10 $10 $@ $# $? $- $$ $! $* $0 $)",
    );
    check(
        "echo ${x:-a b} ${x-} ${x:=$y} ${x:?\"no $z\"} ${x:+'q'}",
        "(echo ${x:-a b} ${x-} ${x:=$y} ${x:?'no '\"$z\"} ${x:+'q'})",
    );
    check(
        "echo ${x##*/} ${x%%.*} ${x#a} ${x%b} ${x//a/b} ${x/#a/} ${x^^} ${x,}",
        "(echo ${x##*/} ${x%%.*} ${x#a} ${x%b} ${x//a/b} ${x/#a/} ${x^^} ${x,})",
    );
    check("echo ${x:1:2} ${x: -1} ${x@Q}", "(echo ${x:1:2} ${x: -1} ${x@Q})");
    check(
        "echo ${#x} ${#} ${#a[@]} ${##} ${#-} ${#:-1} ${#@}",
        "(echo $#x $# $#a[@] $## $#- ${#:-1} $#@)",
    );
    check("echo ${!x} ${!p*} ${!a[@]} ${!a[*]}", "(echo $!x $!p* $!a[@] $!a[*])");
    check(
        "echo ${a[@]} ${a[$i]} ${a[\"k k\"]} ${a[$((i+1))]:-z}",
        "(echo $a[@] $a[$i] $a[\"k k\"] ${a[$((i+1))]:-z})",
    );
    check(
        "echo \"${x:-'a'}\" \"${x:-\"b\"}\" \"${x#'c'}\" ${x:-'}'} \"${x:-\\}}\"",
        "(echo \"${x:-''a''}\" \"${x:-'b'}\" \"${x#'c'}\" ${x:-'}'} \"${x:-'}'}\")",
    );
    check("echo ${x:-${y:-${z:-$(w)}}}", "(echo ${x:-${y:-${z:-$((w))}}})");
    check("echo $((1 + 2)) $(( $(nproc) * 2 )) \"$(( (a+b) * 2 ))\"", "(echo $(( $(( \"$((\")");
    check("echo $x$y-$z.txt ${x}y", "(echo $x$y-$z.txt $xy)");
}

#[test]
fn substitutions() {
    check("x=$(a | b) y=`c d`", "(x=$((a) | (b)) y=$((c d)))");
    check(
        "echo \"$(echo \"a b\" | tr a b)\" $(a; b)",
        "(echo \"$((echo 'a b') | (tr a b))\" $((a) ; (b)))",
    );
    check(
        "echo `a \\`b\\` \\$c` \"`echo \\\"q\\\"`\"",
        "(echo $((a $((b)) $c)) \"$((echo 'q'))\")",
    );
    check("echo $(case x in a) b;; (c) d;; esac)", "(echo $((case x [a] (b) [c] (d))))");
    check("echo $( (a) ) $((a); b)", "(echo $((subshell (a))) $((subshell (a)) ; (b)))");
    check("diff <(a) >(b) x<(c)", "(diff <((a)) <((b)) x<((c)))");
    check("echo $(cat <<E\nin $x\nE\n) after", "(echo $((cat <<E:'in '\"$x\"'\\n')) after)");
    check("echo $(\n# it's a comment )\na\n)", "(echo $((a)))");
    check("echo $(<file)", "(echo $((<file)))");
    check("x=\"$(if a; then b; fi)\"", "(x=\"$((if (a) then (b)))\")");
}

#[test]
fn redirects() {
    check("a >x 2>&1 <y >>z 2>/dev/null", "(a >x 2>&1 <y >>z 2>/dev/null)");
    check(
        "a &>x; b &>>y; c >|z; d <>w; e >&- <&3; f 2>&1|g",
        "(a &>x) ; (b &>>y) ; (c >z) ; (d <>w) ; (e >&- <&3) ; (f 2>&1) | (g)",
    );
    check("a {fd}>x 3<&0 <<<\"w $x\"", "(a {fd}>x 3<&0 <<<'w '\"$x\")");
    check(">x; >x a b", "(>x) ; (a b >x)");
    check("a 2 >x; a2>x", "(a 2 >x) ; (a2 >x)");
    check(
        "{ a; } >x 2>&1; (b) <y; while c; do d; done <z",
        "(group (a) >x 2>&1) ; (subshell (b) <y) ; (while (c) do (d) <z)",
    );
    check("a > x\"y\"$z", "(a >x'y'$z)");
}

#[test]
fn heredocs() {
    check(
        "cat <<EOF\na $x\n$(b) \\$c `d`\nEOF\nnext",
        "(cat <<EOF:'a '\"$x\"'\\n'\"$((b))\"' $c '\"$((d))\"'\\n') ; (next)",
    );
    check("cat <<'EOF'\na $x \\\nEOF\nnext", "(cat <<'EOF'='a $x \\\\\\n') ; (next)");
    check("cat <<-EOF >f\n\ta\n\tEOF\nnext", "(cat <<EOF-:'\\ta\\n' >f) ; (next)");
    check("cat <<A <<\"B\"; c\n1\nA\n2\nB\nd", "(cat <<A:'1\\n' <<'B'='2\\n') ; (c) ; (d)");
    check("cat <<\\E\n$x\nE\n", "(cat <<'E'='$x\\n')");
    check("cat <<E\nx \\\nE\nE\nnext", "(cat <<E:'x E\\n') ; (next)");
    check("if a; then cat <<E\nb\nE\nfi", "(if (a) then (cat <<E:'b\\n'))");
    check("cat <<E\n${x:-y} \"q\" 'r'\nE\n", "(cat <<E:\"${x:-'y'}\"' \\'q\\' 'r'\\n')");
    check("a <<E && b\n$(c <<F\n1\nF\n)\nE\n", "(a <<E:\"$((c <<F:'1\\n'))\"'\\n') && (b)");
    check("cat <<\"\" ; b\nx\n\na", "(cat <<''='x\\n') ; (b) ; (a)");
    check("x=$(cat <<E\nb\nE)\nnext", "(x=$((cat <<E:'b\\n'))) ; (next)");
}

#[test]
fn compounds() {
    check("(a; b) && { c; d; }", "(subshell (a) ; (b)) && (group (c) ; (d))");
    check("if a; then b; elif c; then d; else e; fi", "(if (a) then (b) if (c) then (d) else (e))");
    check("if a\nthen\nb\nfi >x", "(if (a) then (b) >x)");
    check("while a; do b; done; until c\ndo d\ndone", "(while (a) do (b)) ; (until (c) do (d))");
    check("for x in a \"b\" $c; do d; done", "(for x in [a 'b' $c] do (d))");
    check(
        "for x; do a; done; for x do a; done; for x\nin a\ndo b\ndone; for x in; do a; done",
        "(for x do (a)) ; (for x do (a)) ; (for x in [a] do (b)) ; (for x in [] do (a))",
    );
    check(
        "for ((i=0; i<$(n); i++)); do a; done; for ((;;)) { b; }",
        "(for  in [] do (a)) ; (for  in [] do (b))",
    );
    check("select x in a b; do c; done", "(for x in [a b] do (c))");
    check(
        "case $x in a|b) c;; \"d\"*) e;& (f) ;;& *) esac",
        "(case $x [a b] (c) ['d'*] (e) [f]  [*] )",
    );
    check("case x in\n  # why\n  a)\n    b\n    ;;\n  *) c\nesac", "(case x [a] (b) [*] (c))");
    check(
        "case \"$1\" in start) run ;; if) a ;; esac; b",
        "(case \"$1\" [start] (run) [if] (a)) ; (b)",
    );
    check(
        "f() { a; }; function g { b; }; function h() (c); i () if d; then e; fi",
        "(function f (group (a))) ; (function g (group (b))) ; (function h (subshell (c))) ; (function i (if (d) then (e)))",
    );
    check("f()\n{\n  a\n} 2>x\nf", "(function f (group (a) 2>x)) ; (f)");
    check(
        "[[ -f a && $x == *.c || ! ( a < b ) ]] && c",
        "([[ -f a '&&' $x == *.c '||' ! '(' a '<' b ')') && (c)",
    );
    check(
        "[[ $x =~ ^(a|b)+\\.[0-9]{2,}$ && y ]]; d",
        "([[ $x =~ ^(a|b)+\\.[0-9]{2,}$ '&&' y) ; (d)",
    );
    check("[[ $x == @(a|b c)* &&\n y ]]", "([[ $x == @(a|b c)* '&&' y)");
    check(
        "((i++)); (( a > b )) && c; if ((x)); then y; fi",
        "((() ; ((() && (c) ; (if ((() then (y))",
    );
    check(
        "((a); (b)); ( (c) )",
        "(subshell (subshell (a)) ; (subshell (b))) ; (subshell (subshell (c)))",
    );
    check("! { a; } | (b)", "! (group (a)) | (subshell (b))");
    check("{ (a) }; if (a) then b; fi", "(group (subshell (a))) ; (if (subshell (a)) then (b))");
    check("echo if then fi; if=1; echo {", "(echo if then fi) ; (if=1) ; (echo {)");
}

#[test]
fn assignments() {
    check("A=1 B= c D=2", "(A=1 B= c D=2)");
    check("A=\"x y\"$z", "(A='x y'$z)");
    check("a=(x \"y z\" $w\n# c\n v) b+=(u) c+=d e=()", "(a=[x 'y z' $w v] b+=[u] c+=d e=[])");
    check("a[1]=x a[$i]+=y m[\"k k\"]=z", "(a[1]=x a[$i]+=y m[\"k k\"]=z)");
    check(
        "declare -A m=([a]=b [c]=\"d e\"); local x=(1 2) y=z; export P=$(q)",
        "(declare -A m=([a]=b [c]='d e')) ; (local x=(1 2) y=z) ; (export P=$((q)))",
    );
    check("A=a=b c=d=e f=g", "(A=a=b c=d=e f=g)");
    check("1a=b; a-b=c; a.b=c", "(1a=b) ; (a-b=c) ; (a.b=c)");
}

#[test]
fn dialects_and_line_ends() {
    check(
        "a\r\nif b; then\r\n  c \"d\"\r\nfi\r\ncat <<E\r\nx\r\nE\r\nd \\\r\n e",
        "(a) ; (if (b) then (c 'd')) ; (cat <<E:'x\\r\\n') ; (d e)",
    );
    check("#!/bin/bash -e\na", "(a)");
    check("\u{feff}#! /bin/sh\na # b", "(a)");
}

#[test]
fn recovery() {
    check("echo \"abc\nnext", "(echo 'abc') ; (next) !! `\"` without `\"`");
    check(
        "echo 'abc\nnext; a \"x",
        "(echo 'abc') ; (next) ; (a 'x') !! `'` without `'` !! `\"` without `\"`",
    );
    check("echo \"$(a \"b\nnext", "(echo '$(a \\'b') ; (next) !! `\"` without `\"`");
    check("echo ${x\nnext", "(echo ${x) ; (next) !! `${` without `}`");
    check("echo `a\nnext", "(echo a) ; (next) !! ``` without ```");
    check("if a; then b", "(if (a) then (b)) !! `if` without `fi`");
    check(
        "if a; then b; done; c",
        "(if (a) then (b) ; (c)) !! `if` without `fi` !! unexpected `done`",
    );
    check("while a; do b; fi; done; c", "(while (a) do (b)) ; (c) !! unexpected `fi`");
    check(
        "fi; a; done\n) b } c",
        "(a) ; (b } c) !! unexpected `fi` !! unexpected `done` !! unexpected `)`",
    );
    check("{ a; (b; }\nc", "(group (a) ; (subshell (b))) ; (c) !! `(` without `)`");
    check("a | | b; c\nd", "(a) ; (b) ; (c) ; (d) !! nothing behind `|`");
    check(
        "a && ; b || \n",
        "(a) && (b) ||  !! nothing behind `&&` !! unexpected `;` !! nothing behind `||`",
    );
    check("& a; && b", "(a) ; (b) !! unexpected `&` !! unexpected `&&`");
    check("f() a; b", "(function f (a)) ; (b) !! a function's body is a compound command");
    check("f()\n", "(function f (group)) !! a function's body is a compound command");
    check("case x in a) b; c\n", "(case x [a] (b) ; (c)) !! `case` without `esac`");
    check(
        "case x in a b) c;; d) e;; esac; f",
        "(case x [a] (c) [d] (e)) ; (f) !! expected a pattern and `)`",
    );
    check("case x\na", "(case x) !! `case` without `in`");
    check("for; do a; done; b", "(for  do (a)) ; (b) !! `for` without a variable");
    check("for x in a (b); do c; done", "(for x in [a] do (c)) !! unexpected text behind `in`");
    check("a (b) c; d", "(a) ; (d) !! unexpected `(`");
    check("fi a) b", "(a) ; (b) !! unexpected `fi` !! unexpected `)`");
    check("(a) b c; d", "(subshell (a)) ; (d) !! unexpected text behind a command");
    check("cat <<E\nx", "(cat <<E:'x') !! here-document without its end `E`");
    check("cat <<E", "(cat <<E) !! here-document without its end `E`");
    check("cat <<\nx", "(cat <<'') ; (x) !! nothing behind `<<`");
    check(
        "a >\nb; c > ; d",
        "(a >'') ; (b) ; (c >'') ; (d) !! nothing behind `>` !! nothing behind `>`",
    );
    check("a=(b ; c\nd) e", "(a=[b c d] e) !! unexpected `;`");
    check("a=(b\nc", "(a=[b c]) !! `(` without `)`");
    check("[[ a\nb; c", "([[ a) ; (b) ; (c) !! `[[` without `]]`");
    check(
        "((a; b\nc",
        "(subshell (subshell (a) ; (b) ; (c))) !! `(` without `)` !! `(` without `)`",
    );
    check("echo $(a; b\nc", "(echo $((a) ; (b) ; (c))) !! `$(` without `)`");
    check(
        "echo ${} ${+x} ${x!y}; a",
        "(echo $ ${+x} ${x!y}) ; (a) !! `${` without a variable !! `${` without a variable !! unknown operator in `${…}`",
    );
    check("echo @(a|b\nc", "(echo @(a|b) ; (c) !! `@(` without `)`");
    check(
        "function\na",
        "(function  (a)) !! `function` without a name !! a function's body is a compound command",
    );
    check("! \na", "!  ; (a)");
    check("echo a;; b", "(echo a) ; (b) !! unexpected `;;`");
}

#[test]
fn keeps_what_stands_beside_the_commands() {
    let text = b"#!/usr/bin/env bash \r\n# one\r\na # two\nb";
    let script = parse(text, Dialect::Bash);
    assert_eq!(script.shebang.as_deref(), Some("/usr/bin/env bash"));
    let comments: Vec<&[u8]> = script.comments.iter().map(|range| range.slice(text)).collect();
    assert_eq!(comments, [&b"# one"[..], b"# two"]);
}

#[test]
fn notes_what_only_bash_knows() {
    let text = "a=(b) && diff <(c) d |& e; ((f)); g <<<h; select i in j; do k; done; l+=m ${n^^}";
    let bash = parse(text.as_bytes(), Dialect::Bash);
    let posix = parse(text.as_bytes(), Dialect::Posix);
    assert_eq!(dump(&bash), dump(&posix));
    let places = |script: &Script| -> Vec<String> {
        script
            .beyond
            .iter()
            .map(|one| String::from_utf8_lossy(one.range.slice(text.as_bytes())).into())
            .collect()
    };
    assert_eq!(places(&bash), [""; 0]);
    assert_eq!(places(&posix), ["a=(", "<(", "|&", "((f))", "<<<", "select", "l+=", "^^"]);
    let known = "f() { local x=\"${1:-$(a)}\"; }; [[ -n $x ]] && echo ${x#a} $((1)) >&2 <<E\nE\n";
    assert_eq!(places(&parse(known.as_bytes(), Dialect::Posix)), [""; 0]);
}

#[test]
fn keeps_exact_ranges() {
    let text = b"x=$(a \"b $c\" d) `e \\$f` \xff'\xc3\xa9' \\\n g";
    let script = parse(text, Dialect::Bash);
    let mut slices: Vec<String> = Vec::new();
    for word in &script.words {
        slices.push(String::from_utf8_lossy(word.range.slice(text)).into());
        for part in &word.parts {
            slices.push(format!("  {}", String::from_utf8_lossy(part.range.slice(text))));
        }
    }
    let expect = [
        "a",
        "  a",
        "\"b $c\"",
        "  \"b ",
        "  $c",
        "d",
        "  d",
        "$(a \"b $c\" d)",
        "  $(a \"b $c\" d)",
        "e",
        "  e",
        "\\$f",
        "  \\$f",
        "`e \\$f`",
        "  `e \\$f`",
        "\u{fffd}'\u{e9}'",
        "  \u{fffd}",
        "  '\u{e9}'",
        "g",
        "  g",
    ];
    assert_eq!(slices, expect);
}

#[test]
fn finds_simple_commands_at_any_depth_in_text_order() {
    let text = "a $(b `c` \"$((1 + $(d)))\") <(e) | f; g() { h <<E; }; [[ $(j) ]]\n$(i)\nE\nX=1";
    let script = parse(text.as_bytes(), Dialect::Bash);
    let names: Vec<String> = script
        .simple_commands()
        .map(|id| script.argv(id).map_or_else(String::new, |argv| script.word_text(argv[0])))
        .collect();
    // The body of `h` stands behind `j`.
    assert_eq!(names, ["a", "b", "c", "d", "e", "f", "h", "j", "i", ""]);
}

#[test]
fn says_a_word_as_one_would() {
    let text = "a \"b $c\"'d'${e} ${f:-$g h} ${#i} ${j[@]} ${!k} $(l) $((1)) <(m) \\$n";
    let script = parse(text.as_bytes(), Dialect::Bash);
    let command =
        script.simple_commands().find(|id| script.argv(*id).is_some_and(|argv| argv.len() > 2));
    let words = script.argv(command.expect("a command")).unwrap_or_default();
    let said: Vec<String> = words.iter().map(|id| script.word_text(*id)).collect();
    let expect =
        ["a", "b $cd$e", "${f:-$g h}", "${#i}", "${j[@]}", "${!k}", "$(…)", "$((…))", "<(…)", "$n"];
    assert_eq!(said, expect);
    let literals: Vec<bool> = words.iter().map(|id| script.literal(*id).is_some()).collect();
    assert_eq!(literals, [true, false, false, false, false, false, false, false, false, true]);
}
