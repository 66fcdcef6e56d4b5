//! Steps of a build whose failure has to end it.

use plimsoll_model::image::{Effect, EffectKind};

use crate::{Cx, Severity};

/// How bad it is when the failure of a command is ignored; `None` for what cleans up or prepares.
pub(crate) fn weight(cx: &Cx<'_>, effect: &Effect) -> Option<Severity> {
    match &effect.kind {
        EffectKind::Install(_) | EffectKind::Build { .. } => Some(Severity::High),
        EffectKind::Other(words) => is_step(words).then_some(Severity::High),
        EffectKind::Fetch(_) => Some(Severity::Medium),
        // A link that is there already is no loss.
        EffectKind::Place(..) => (program(cx, effect)? != "ln").then_some(Severity::Medium),
        _ => None,
    }
}

/// Whether a command that is neither an installation nor a build generates, tests or collects what
/// the image needs, or is a script that may.
fn is_step(words: &[String]) -> bool {
    const ASIDE: [&str; 9] =
        ["lint", "format", "audit", "clean", "prune", "cache", "config", "fund", "outdated"];
    let name = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    let mut words = words.iter().map(name).filter(|word| !word.starts_with('-'));
    let Some(program) = words.next() else { return false };
    let rest: Vec<String> = words.collect();
    let first = rest.first().map_or("", String::as_str);
    let aside = rest.iter().any(|word| ASIDE.iter().any(|aside| word.starts_with(aside)));
    match &*program {
        "npm" | "pnpm" | "yarn" | "bun" => {
            matches!(first, "run" | "run-script" | "test" | "t" | "rebuild" | "exec") && !aside
        }
        "npx" | "bunx" | "pnpx" => !first.is_empty() && !aside,
        "jest" | "vitest" | "mocha" | "pytest" | "tox" | "nox" | "phpunit" | "rspec" | "prisma"
        | "protoc" | "buf" | "sqlc" | "templ" | "drizzle-kit" | "pip-compile" => true,
        "go" => matches!(first, "test" | "generate" | "vet"),
        "cargo" | "mvn" | "mvnw" | "dotnet" | "mix" | "swift" | "deno" => first == "test",
        "gradle" | "gradlew" => rest.iter().any(|word| word == "test" || word == "check"),
        "make" | "gmake" => !aside,
        "python" | "python3" => {
            let manage = first == "manage.py"
                && rest.iter().any(|w| matches!(&**w, "collectstatic" | "compilemessages"));
            manage || rest.iter().any(|w| matches!(&**w, "pytest" | "unittest" | "compileall"))
        }
        "sh" | "bash" | "ash" => first.ends_with(".sh"),
        script => script.ends_with(".sh"),
    }
}

/// The program of a command, as it is written.
fn program(cx: &Cx<'_>, effect: &Effect) -> Option<String> {
    let bytes = cx.delivery.tree.read(effect.span.file).ok()?;
    let text = String::from_utf8_lossy(effect.span.range.slice(&bytes)).into_owned();
    text.split_whitespace().next().map(str::to_owned)
}
