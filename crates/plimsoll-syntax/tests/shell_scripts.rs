//! Whole shell programs: as `brush-parser` reads them, cut off anywhere, and hostile ones.

use brush_parser::ast::{self, CommandPrefixOrSuffixItem as Element};
use plimsoll_source::TextRange;
use plimsoll_syntax::shell::{
    CommandId, CommandKind, Dialect, ListId, PartKind, Script, WordId, parse,
};
use proptest::prelude::*;

/// Scripts in the manner of those met in repositories.
const CORPUS: [&str; 9] = [
    r##"#!/bin/sh
set -eu

# Waits for the database, migrates, then becomes the server.
until nc -z "${DB_HOST:-db}" "${DB_PORT:-5432}"; do
  echo "waiting for $DB_HOST" >&2
  sleep 1
done
if [ "$1" = "server" ] || [ -z "${1-}" ]; then
  node node_modules/.bin/knex migrate:latest --env "$NODE_ENV" || exit 1
  exec dumb-init node dist/index.js "$@"
fi
exec "$@"
"##,
    r##"#!/usr/bin/env bash
set -Eeuo pipefail
readonly ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
declare -A PORTS=([auth]=3001 [event]=3003)
services=(auth "event" ${EXTRA_SERVICES:-})
log() { printf '[%s] %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
function cleanup {
  local status=$?
  [[ -n "${TMP:-}" ]] && rm -rf -- "$TMP"
  exit "$status"
}
trap cleanup EXIT INT TERM
TMP=$(mktemp -d)
for service in "${services[@]}"; do
  (
    cd "$ROOT/backend/$service"
    docker build \
      --file Dockerfile \
      --build-arg "VERSION=${VERSION:?set it}" \
      --tag "registry.test/$service:${GIT_SHA::7}" . |& tee "$TMP/$service.log"
  ) &
done
wait
((${#services[@]} > 0)) || { log "nothing built"; exit 2; }
"##,
    r##"backup() {
  local file="$BACKUP_DIR/$(date -u +%Y%m%dT%H%M%SZ).sql.gz"
  pg_dump --host="$PGHOST" "$PGDATABASE" | gzip -9 > "$file" && aws s3 cp "$file" "s3://$BUCKET/"
  find "$BACKUP_DIR" -name '*.sql.gz' -mtime +14 -print0 | xargs -0 -r rm -f
}
restore() {
  psql <<-SQL
	DROP DATABASE IF EXISTS "$PGDATABASE";
	CREATE DATABASE "$PGDATABASE" OWNER $(whoami);
	SQL
  gunzip -c "$1" | psql -v ON_ERROR_STOP=1 "$PGDATABASE" > /dev/null 2>&1
}
case "${1:-}" in
  backup) backup ;;
  restore | load)
    shift
    restore "$@"
    ;;
  -h|--help|"") cat <<'USAGE'
usage: $0 backup|restore FILE
  it's simple
USAGE
    ;;
  *) echo "unknown: $1" >&2; exit 64 ;;
esac
"##,
    r##"apk add --no-cache curl=8.* ca-certificates && addgroup -S -g 1001 nodejs && \
    adduser -S -u 1001 -G nodejs nodejs; \
    { echo '#!/bin/sh'; echo 'exec "$@"'; } > /entrypoint.sh && chmod +x /entrypoint.sh
npm ci --omit=dev || npm install --production || true
rm -rf /var/lib/apt/lists/* /tmp/*
"##,
    r##"while IFS=, read -r name port _; do
  if ! curl -fsS --max-time 5 "http://localhost:$port/health" -o /dev/null; then
    failed+=("$name")
  elif [[ $name =~ ^(auth|event)-[a-z]+$ && ! -f "/tmp/$name.ok" ]]; then
    touch "/tmp/$name.ok"
  else
    continue
  fi
done < <(grep -v '^#' services.csv)
for ((i = 0; i < 3; i++)); do kubectl rollout status "deploy/${failed[$i]}" --timeout=60s; done
"##,
    r##"VERSION=`git describe --tags 2>/dev/null || echo "0.0.0"` NODE_ENV=production npm run build
test -n "$VERSION" && docker push "$IMAGE:$VERSION" >> build.log 2>&1 & pid=$!
kill -TERM "$pid" 2>/dev/null; wait $pid; exit $((status > 128 ? 1 : status))
"##,
    r##"cat > /etc/nginx/conf.d/app.conf <<EOF
server { listen ${PORT:-80}; location / { proxy_pass http://app:$(cat /run/port); } }
EOF
cat <<A; cat <<"B"
first $x
A
second $x
B
sed -i 's/^#\(Port\) .*/\1 22/' /etc/ssh/sshd_config; echo "done: \$x \"quoted\""
"##,
    r##"if command -v yarn >/dev/null 2>&1; then PM=yarn
elif command -v pnpm; then PM=pnpm; else PM=npm; fi
$PM run "${TASK:-build}" -- "${@:2}"
select choice in a b; do break; done
until [ $n -eq 0 ]; do n=$(expr $n - 1); done
{ time make -j"$(nproc)" all; } 2>&1 | tee -a "${LOG}" | sed "s/^/$PREFIX: /"
echo ${x//[^a-z]/_} ${y^^} ${!z} ${#w} ${v%.*} 'a'"b"$'c\n'd
"##,
    "",
];

/// Simple commands outside substitutions: assignments and words as written.
type Commands = Vec<Vec<String>>;

/// A process substitution, whose text `brush-parser` doesn't keep.
const PROCESS: &str = "<()";

fn ours(text: &str) -> Option<Commands> {
    let script = parse(text.as_bytes(), Dialect::Bash);
    let mut commands = Vec::new();
    list(&script, text, script.root?, &mut commands);
    script.errors.is_empty().then_some(commands)
}

fn list(s: &Script, text: &str, id: ListId, out: &mut Commands) {
    for id in s.list(id).items.iter().flat_map(|item| &item.pipeline) {
        command(s, text, *id, out);
    }
}

fn command(s: &Script, text: &str, id: CommandId, out: &mut Commands) {
    match &s.command(id).kind {
        CommandKind::Simple { assignments, words } => {
            let mut fields: Vec<String> =
                assignments.iter().map(|one| source(text, one.range)).collect();
            fields.extend(words.iter().map(|id| match &*s.word(*id).parts {
                [part] if matches!(part.kind, PartKind::ProcessSubstitution(_)) => PROCESS.into(),
                _ => source(text, s.word(*id).range),
            }));
            out.push(fields);
        }
        CommandKind::Subshell(body) | CommandKind::Group(body) => list(s, text, *body, out),
        CommandKind::If { branches, otherwise } => {
            for (condition, body) in branches {
                list(s, text, *condition, out);
                list(s, text, *body, out);
            }
            otherwise.iter().for_each(|body| list(s, text, *body, out));
        }
        CommandKind::Loop { condition, body, .. } => {
            list(s, text, *condition, out);
            list(s, text, *body, out);
        }
        CommandKind::For { body, .. } => list(s, text, *body, out),
        CommandKind::Case { arms, .. } => {
            arms.iter().for_each(|(_, body)| list(s, text, *body, out));
        }
        CommandKind::Function { body, .. } => command(s, text, *body, out),
        CommandKind::Test(_) | CommandKind::Arithmetic => {}
    }
}

fn source(text: &str, range: TextRange) -> String {
    normal(&text[range.start as usize..range.end as usize])
}

/// Without line continuations; white space in arrays and substitutions doesn't count.
fn normal(text: &str) -> String {
    text.replace("\\\n", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("( ", "(")
        .replace(" )", ")")
}

fn theirs(text: &str) -> Option<Commands> {
    let options = brush_parser::ParserOptions::default();
    let mut parser = brush_parser::Parser::new(text.as_bytes(), &options);
    let program = parser.parse_program().ok()?;
    let mut commands = Vec::new();
    program.complete_commands.iter().for_each(|list| their_list(list, &mut commands));
    Some(commands)
}

fn their_list(list: &ast::CompoundList, out: &mut Commands) {
    for ast::CompoundListItem(chain, _) in &list.0 {
        for (_, pipeline) in chain {
            pipeline.seq.iter().for_each(|command| their_command(command, out));
        }
    }
}

fn their_command(command: &ast::Command, out: &mut Commands) {
    match command {
        ast::Command::Simple(simple) => {
            let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
            let mut fields: Vec<String> = prefix.filter_map(element).collect();
            fields.extend(simple.word_or_name.iter().map(|word| normal(&word.value)));
            let suffix = simple.suffix.iter().flat_map(|suffix| &suffix.0);
            fields.extend(suffix.filter_map(element));
            out.push(fields);
        }
        ast::Command::Compound(compound, _) => their_compound(compound, out),
        ast::Command::Function(function) => their_compound(&function.body.0, out),
        ast::Command::ExtendedTest(..) => {}
    }
}

fn element(element: &Element) -> Option<String> {
    match element {
        Element::IoRedirect(_) => None,
        Element::Word(word) | Element::AssignmentWord(_, word) => Some(normal(&word.value)),
        Element::ProcessSubstitution(..) => Some(PROCESS.into()),
    }
}

fn their_compound(compound: &ast::CompoundCommand, out: &mut Commands) {
    use ast::CompoundCommand as C;
    match compound {
        C::Arithmetic(_) => {}
        C::ArithmeticForClause(one) => their_list(&one.body.list, out),
        C::BraceGroup(one) => their_list(&one.list, out),
        C::Subshell(one) => their_list(&one.list, out),
        C::ForClause(one) => their_list(&one.body.list, out),
        C::CaseClause(one) => {
            one.cases
                .iter()
                .filter_map(|arm| arm.cmd.as_ref())
                .for_each(|arm| their_list(arm, out));
        }
        C::IfClause(one) => {
            their_list(&one.condition, out);
            their_list(&one.then, out);
            for branch in one.elses.iter().flatten() {
                branch.condition.iter().for_each(|condition| their_list(condition, out));
                their_list(&branch.body, out);
            }
        }
        C::WhileClause(one) | C::UntilClause(one) => {
            their_list(&one.0, out);
            their_list(&one.1.list, out);
        }
        C::Coprocess(one) => their_command(&one.body, out),
    }
}

#[test]
fn reads_as_brush_does() {
    for text in CORPUS {
        let (ours, theirs) = (ours(text), theirs(text));
        assert!(ours.is_some(), "{:?}\n{text}", parse(text.as_bytes(), Dialect::Bash).errors);
        // What brush refuses is not compared, and may not become everything.
        assert!(theirs.is_none() || ours == theirs, "{ours:#?}\n{theirs:#?}");
    }
    assert!(CORPUS.iter().filter(|text| theirs(text).is_some()).count() >= 8);
}

/// Every range lies in the text and in its parent's; ranges in a list or a word don't overlap.
fn check_ranges(text: &[u8], s: &Script) {
    let all = TextRange::of(0, text.len());
    let inside = |outer: TextRange, inner: TextRange| {
        assert!(
            outer.start <= inner.start && inner.start <= inner.end && inner.end <= outer.end,
            "{inner:?} not in {outer:?}: {:?}",
            String::from_utf8_lossy(text)
        );
    };
    let word_in = |outer: TextRange, id: WordId| inside(outer, s.word(id).range);
    for list in &s.lists {
        inside(all, list.range);
        list.items.windows(2).for_each(|two| assert!(two[0].range.end <= two[1].range.start));
        for item in &list.items {
            inside(list.range, item.range);
            item.pipeline.iter().for_each(|id| inside(item.range, s.command(*id).range));
        }
    }
    for word in &s.words {
        inside(all, word.range);
        word.parts.windows(2).for_each(|two| assert!(two[0].range.end <= two[1].range.start));
        for part in &word.parts {
            inside(word.range, part.range);
            match &part.kind {
                PartKind::Substitution(list) | PartKind::ProcessSubstitution(list) => {
                    inside(part.range, s.list(*list).range);
                }
                PartKind::Variable { op: Some((_, operand)), .. } => word_in(part.range, *operand),
                _ => {}
            }
        }
    }
    for command in &s.commands {
        let range = command.range;
        inside(all, range);
        for redirect in &command.redirects {
            inside(range, redirect.range);
            word_in(redirect.range, redirect.target);
            // A body stands behind the line of its command.
            redirect.heredoc.iter().for_each(|one| {
                inside(all, one.range);
                word_in(one.range, one.body);
            });
        }
        let list_in = |id: ListId| inside(range, s.list(id).range);
        match &command.kind {
            CommandKind::Simple { assignments, words } => {
                words.iter().for_each(|id| word_in(range, *id));
                for one in assignments {
                    inside(range, one.range);
                    one.value.iter().chain(&one.array).for_each(|id| word_in(one.range, *id));
                }
            }
            CommandKind::Subshell(body) | CommandKind::Group(body) => list_in(*body),
            CommandKind::If { branches, otherwise } => {
                branches.iter().for_each(|(condition, body)| {
                    list_in(*condition);
                    list_in(*body);
                });
                otherwise.iter().for_each(|body| list_in(*body));
            }
            CommandKind::Loop { condition, body, .. } => {
                list_in(*condition);
                list_in(*body);
            }
            CommandKind::For { words, body, .. } => {
                words.iter().flatten().for_each(|id| word_in(range, *id));
                list_in(*body);
            }
            CommandKind::Case { subject, arms } => {
                word_in(range, *subject);
                for (patterns, body) in arms {
                    patterns.iter().for_each(|id| word_in(range, *id));
                    list_in(*body);
                }
            }
            CommandKind::Function { body, .. } => inside(range, s.command(*body).range),
            CommandKind::Test(words) => words.iter().for_each(|id| word_in(range, *id)),
            CommandKind::Arithmetic => {}
        }
    }
    let others = s.comments.iter().copied().chain(s.errors.iter().map(|error| error.range));
    others.chain(s.beyond.iter().map(|one| one.range)).for_each(|range| inside(all, range));
    for id in s.simple_commands() {
        s.argv(id).into_iter().flatten().for_each(|word| drop(s.word_text(*word)));
    }
}

#[test]
fn reads_every_truncation() {
    for text in CORPUS {
        for end in 0..=text.len() {
            let text = &text.as_bytes()[..end];
            check_ranges(text, &parse(text, Dialect::Posix));
        }
    }
}

/// Nested `count` times, read on a thread with half the usual stack.
fn nested(open: &str, count: usize, close: &str) -> Script {
    let text = format!("{}a{}\nnext", open.repeat(count), close.repeat(count));
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let script = parse(text.as_bytes(), Dialect::Bash);
            check_ranges(text.as_bytes(), &script);
            script
        })
        .expect("a thread")
        .join()
        .expect("no panic")
}

const NESTS: [(&str, &str); 18] = [
    ("a > \"$(", ")\""),
    ("(", ")"),
    ("( ", ")"),
    ("((", "))"),
    ("{ ", "; }"),
    ("$(", ")"),
    ("echo \"$(", ")\""),
    ("x=$(", ")"),
    ("${x:-", "}"),
    ("\"${x:-\"", "\"}\""),
    ("$((", "))"),
    ("`", "`"),
    ("if a; then ", "; fi"),
    ("if ", "; then b; fi"),
    ("f() ", ""),
    ("case x in a) ", ";; esac"),
    ("cat <(", ")"),
    ("${a[", "]}"),
];

#[test]
fn follows_nesting_to_the_limit() {
    for (open, close) in NESTS {
        let script = nested(open, 60, close);
        let odd = ["`", "((", "$((", "f() "].contains(&open);
        assert!(odd || script.errors.is_empty(), "{open}: {:?}", script.errors);
    }
}

#[test]
fn survives_any_nesting() {
    for (open, close) in NESTS {
        let script = nested(open, 100_000, close);
        let odd = ["`", "(", "((", "\"${x:-\""].contains(&open);
        let message = "nested deeper than 256";
        assert!(odd || script.errors.iter().any(|one| one.message == message), "{open}");
        nested(open, 100_000, "");
    }
}

#[test]
fn stays_linear_on_hostile_text() {
    // Each of these took minutes if anything were searched again from every place.
    let pieces = [
        "((a ",
        "((a) ",
        "$((",
        "a[ ",
        "a[(",
        "a[\" ",
        "'\n",
        "\"\n",
        "`\n",
        "${\n",
        "<<E\n",
        "<<E ",
        "@(",
        "[[ a\n",
        "case x in\n",
        "f()\n",
        "a && ",
        "\\\n",
        "{a}",
        "1",
        "#\n",
        "if\n",
        "\"$(\n",
        "`\\",
        "$'",
        "\"`",
        "x=(",
        "for ",
        "}\n",
        "[[ =~ (",
        "<<-E\n\t",
        "$(<<E\n",
        "$(cat <<E\n$(",
    ];
    for piece in pieces {
        let text = piece.repeat(60_000 / piece.len());
        let script = parse(text.as_bytes(), Dialect::Bash);
        assert!(script.root.is_some(), "{piece}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_any_bytes(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_ranges(&text, &parse(&text, Dialect::Posix));
    }

    #[test]
    fn reads_any_shell_like_text(pieces in proptest::collection::vec(
        proptest::sample::select(vec![
            "a", " ", "\n", ";", "&", "|", "(", ")", "{ ", "}", "<", ">", "$", "\"", "'", "`", "\\",
            "#", "!", "=", "+=", "[", "]", "$(", "${", "$((", "))", "((", "[[ ", " ]]", "=~ ", "@(",
            "if ", "then ", "elif ", "else ", "fi ", "for ", "in ", "do ", "done ", "while ",
            "case ", "esac ", ";;", "function ", "f()", "<<E\n", "<<-'E'\n", "E\n", "<(", "x=(",
            "a[1]=", "declare ", ":-", "//", "\r\n", "\u{e9}", "time ", "2", "{fd}", "$'", "\\`",
        ]), 0..60)) {
        let text = pieces.concat();
        check_ranges(text.as_bytes(), &parse(text.as_bytes(), Dialect::Posix));
    }
}
