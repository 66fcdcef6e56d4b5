//! The same Dockerfiles read by `parse-dockerfile`: both have to see the same, but for what is
//! listed here with its reason.

mod support;

use parse_dockerfile as peer;
use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::dockerfile::{Instruction, Keyword, parse};

const SUITES: [&str; 8] = [
    "dockerfile/buildkit/cases",
    "dockerfile/buildkit/docs",
    "dockerfile/buildkit/parser",
    "dockerfile/checkov/cases",
    "dockerfile/droast/cases",
    "dockerfile/kics/cases",
    "dockerfile/trivy/examples",
    "dockerfile/trivy/rego_tests",
];

/// One line an instruction: where its keyword starts, what it is, flags, and what it holds.
fn ours(instruction: &Instruction) -> String {
    let word = |text: &str| match text {
        "AS" => "as".to_owned(),
        text if text.starts_with("<<") => "<<".to_owned(),
        text => text.to_owned(),
    };
    let words = || instruction.words.iter().map(|w| word(&w.text)).collect::<Vec<_>>().join("|");
    let flags = instruction.flags.iter().map(|f| match &f.value {
        Some(value) => format!("{}={value} ", f.name),
        None => format!("{} ", f.name),
    });
    let held = match instruction.keyword {
        Keyword::From | Keyword::Expose | Keyword::Copy | Keyword::Add | Keyword::Volume => words(),
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint if instruction.json => {
            format!("exec {}", words())
        }
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint => "shell".to_owned(),
        Keyword::Healthcheck | Keyword::Onbuild => match &instruction.inner {
            Some(inner) => ours(inner),
            None => words(),
        },
        _ => String::new(),
    };
    let bodies = instruction.heredocs.iter().filter(|_| instruction.keyword == Keyword::Run);
    let bodies: String =
        bodies.map(|h| format!(" {:?}", String::from_utf8_lossy(h.body.text()))).collect();
    let (start, keyword) = (instruction.keyword_span.range.start, instruction.keyword);
    let keyword = format!("{keyword:?}").to_lowercase();
    format!("{start} {keyword} {}{held}{bodies}", flags.collect::<String>())
}

fn theirs(instruction: &peer::Instruction<'_>) -> String {
    use peer::{Command, HealthcheckArguments, Instruction::*, JsonOrStringArray, Source};
    let joined = |words: &[peer::UnescapedString<'_>]| {
        words.iter().map(|w| w.value.as_ref()).collect::<Vec<_>>().join("|")
    };
    let flags = |flags: &[peer::Flag<'_>]| -> String {
        let flag = |f: &peer::Flag<'_>| match &f.value {
            Some(value) => format!("{}={} ", f.name.value, value.value),
            None => format!("{} ", f.name.value),
        };
        flags.iter().map(flag).collect()
    };
    let command = |command: &Command<'_>| match command {
        Command::Exec(words) => format!("exec {}", joined(&words.value)),
        _ => "shell".to_owned(),
    };
    let sources = |sources: &[Source<'_>], dest: &peer::UnescapedString<'_>| {
        let source = |source: &Source<'_>| match source {
            Source::Path(path) => format!("{}|", path.value),
            Source::HereDoc(_) => "<<|".to_owned(),
            _ => "?".to_owned(),
        };
        sources.iter().map(source).collect::<String>() + &dest.value
    };
    let at = |keyword: &peer::Keyword, name: &str| format!("{} {name} ", keyword.span.start);
    match instruction {
        Add(i) => at(&i.add, "add") + &flags(&i.options) + &sources(&i.src, &i.dest),
        Arg(i) => at(&i.arg, "arg"),
        Cmd(i) => at(&i.cmd, "cmd") + &command(&i.arguments),
        Copy(i) => at(&i.copy, "copy") + &flags(&i.options) + &sources(&i.src, &i.dest),
        Entrypoint(i) => at(&i.entrypoint, "entrypoint") + &command(&i.arguments),
        Env(i) => at(&i.env, "env"),
        Expose(i) => at(&i.expose, "expose") + &joined(&i.arguments),
        From(i) => {
            let named = i.as_.as_ref().map(|(_, name)| name.value.as_ref());
            let named = named.map(|name| format!("|as|{name}")).unwrap_or_default();
            at(&i.from, "from") + &flags(&i.options) + &i.image.value + &named
        }
        Healthcheck(i) => {
            let held = match &i.arguments {
                HealthcheckArguments::Cmd { cmd, arguments, .. } => {
                    at(cmd, "cmd") + &command(arguments)
                }
                _ => "NONE".to_owned(),
            };
            at(&i.healthcheck, "healthcheck") + &flags(&i.options) + &held
        }
        Label(i) => at(&i.label, "label"),
        Maintainer(i) => at(&i.maintainer, "maintainer"),
        Onbuild(i) => at(&i.onbuild, "onbuild") + &theirs(&i.instruction),
        Run(i) => {
            let bodies = i.here_docs.iter().map(|h| format!(" {:?}", h.value));
            let bodies: String = bodies.collect();
            at(&i.run, "run") + &flags(&i.options) + &command(&i.arguments) + &bodies
        }
        Shell(i) => at(&i.shell, "shell"),
        Stopsignal(i) => at(&i.stopsignal, "stopsignal"),
        User(i) => at(&i.user, "user"),
        Volume(i) => {
            let held = match &i.arguments {
                JsonOrStringArray::Json(words) => joined(&words.value),
                JsonOrStringArray::String(words) => joined(words),
            };
            at(&i.volume, "volume") + &held
        }
        Workdir(i) => at(&i.workdir, "workdir"),
        _ => "?".to_owned(),
    }
}

/// What differs, and why we keep our answer.
const DIFFER: [(&str, &str); 4] = [
    ("flags", "they read `--` as a flag; it ends the flags and is none"),
    (
        "trailing-backslash",
        "they continue a line that ends in two backslashes; an escaped one does not",
    ),
    ("env_no_value", "they accept `ENV name`, which the builder refuses"),
    (
        "shykes-nested-json",
        "they take an array within the JSON form for shell text, the builder refuses it",
    ),
];

/// Whether they refuse a file for what our reader leaves to the model, which knows the stages.
fn refuses_stages(error: &str) -> bool {
    error.contains("duplicate stage name")
}

/// The first thing that the two see differently.
fn difference(text: &str) -> Option<String> {
    let span = Span::new(FileId(0), TextRange::of(0, text.len()));
    let parsed = parse(&Derived::verbatim(text.as_bytes().to_vec(), span));
    let peer = match peer::parse(text).map_err(|e| e.to_string()) {
        Err(error) if parsed.errors.is_empty() && !refuses_stages(&error) => return Some(error),
        Err(_) => return None,
        Ok(_) if !parsed.errors.is_empty() => return Some(format!("{:?}", parsed.errors)),
        Ok(file) => file,
    };
    let ours = parsed.tree.instructions.iter().map(|i| Some(ours(i))).chain([None]);
    let theirs = peer.instructions.iter().map(|i| Some(theirs(i))).chain([None]);
    let (ours, theirs) = ours.zip(theirs).find(|(ours, theirs)| ours != theirs)?;
    Some(format!("we {ours:?}, they {theirs:?}"))
}

#[test]
fn both_readers_see_the_same() {
    let mut unexpected = Vec::new();
    let mut expected: Vec<&str> = Vec::new();
    let cases: Vec<_> = SUITES.iter().flat_map(|suite| support::cases(suite)).collect();
    for case in &cases {
        let text = case["dockerfile_text"].as_str().expect("a text");
        // They accept nothing but ARG before the first FROM.
        let staged = format!("FROM scratch\n{text}");
        let text = if peer::parse(text).is_ok() { text } else { &staged };
        let name = case["name"].as_str().expect("a name");
        let Some(difference) = difference(text) else { continue };
        match DIFFER.iter().find(|(known, _)| *known == name) {
            Some((known, _)) => expected.push(known),
            None => unexpected.push(format!("{} {name}: {difference}", case["peer"])),
        }
    }
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    assert!(cases.is_empty() || expected.len() == DIFFER.len(), "only {expected:?} differ");
}
