//! Whether a container is given an environment variable.

use plimsoll_model::Why;
use plimsoll_model::code::{Code, Timeout};
use plimsoll_model::container::{EnvValue, Said};
use plimsoll_source::Span;

use crate::health::Deployment;
use crate::startup::Start;
use crate::{Cx, ServiceSubject};

/// What gives a variable to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supply {
    /// This does, whatever the value.
    Given(Span),
    /// Nothing does.
    Nowhere,
    /// Something that is not read may.
    Open(Why, Span),
}

/// Words of command lines that bring variables from elsewhere.
const BRINGS: [&str; 9] = [
    "--env-file",
    "dotenv",
    "dotenvx",
    "doppler",
    "infisical",
    "vault",
    "chamber",
    "op",
    "aws-vault",
];

/// The value of a variable in what is started; none where it is not set.
///
/// # Errors
/// Why it is not known, and where.
pub(crate) fn value(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    name: &str,
) -> Result<Option<String>, (Why, Span)> {
    match supply(cx, service, start, name) {
        // Who runs an image that nothing here deploys may set what he likes.
        Supply::Nowhere if start.container.is_none() => Err((Why::OutOfTree, service.place)),
        Supply::Nowhere => Ok(None),
        Supply::Open(why, at) => Err((why, at)),
        Supply::Given(at) => {
            let d = Deployment { container: start.container, image: Some(start.image) };
            let value = d.variable(name)?.map(|(value, _)| value);
            value.filter(|value| !value.contains('$')).map(Some).ok_or((Why::Dynamic, at))
        }
    }
}

/// The milliseconds after which a program ends itself where it is started so, and where that is
/// said.
///
/// # Errors
/// Why it is not known, and where.
pub(crate) fn limit(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    code: &Code,
    timeout: &Timeout,
) -> Result<(u64, Span), (Why, Span)> {
    for name in &timeout.variables {
        let given = match supply(cx, service, start, name) {
            Supply::Nowhere => continue,
            Supply::Open(why, at) => return Err((why, at)),
            Supply::Given(at) => (value(cx, service, start, name)?, at),
        };
        // In which unit it is, the default tells: 30 becomes 30000, 30000 stays.
        let mut reads = code.environment.iter().filter(|read| read.name == *name);
        let default = reads.find_map(|read| read.default.known()?.trim().parse::<u64>().ok());
        let after = timeout.after.known().copied();
        let unit = default.zip(after).filter(|(d, after)| *d > 0 && after % d == 0);
        let number = given.0.and_then(|text| text.trim().parse::<u64>().ok());
        let limit = number.zip(unit).map(|(n, (default, after))| n.saturating_mul(after / default));
        return limit.map(|limit| (limit, given.1)).ok_or((Why::Dynamic, given.1));
    }
    match timeout.after.known() {
        Some(&after) => Ok((after, timeout.at)),
        None => Err((Why::Dynamic, timeout.at)),
    }
}

/// What gives a variable to what is started.
pub(crate) fn supply(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    name: &str,
) -> Supply {
    let stage = start.image.final_stage();
    if let Some(container) = start.container {
        if let Some(var) = container.env.iter().find(|var| var.name == name) {
            // An empty value is as good as none to `||`.
            let empty = matches!(&var.value, EnvValue::Literal(text) if text.trim().is_empty());
            return if empty { Supply::Nowhere } else { Supply::Given(var.span) };
        }
        match container.says(name) {
            Said::Value("", _) => return Supply::Nowhere,
            Said::Value(_, at) | Said::Unknown(_, at) => return Supply::Given(at),
            Said::Hidden(..) | Said::Nothing => {}
        }
    }
    let of_image = stage.and_then(|stage| stage.config.env.iter().find(|set| set.name == name));
    if let Some(setting) = of_image {
        let empty =
            setting.value.as_ref().is_none_or(|value| value.known().is_some_and(|v| v.is_empty()));
        return if empty { Supply::Nowhere } else { Supply::Given(setting.span) };
    }
    if let Some(container) = start.container {
        if let Said::Hidden(why, at) = container.says(name) {
            return Supply::Open(why, at);
        }
        let overlays = container.optional.iter().flat_map(|overlay| &overlay.env);
        let as_file = format!("{name}_FILE");
        let mut near = overlays
            .filter(|var| var.name == name)
            .chain(container.env.iter().filter(|var| var.name == as_file));
        if let Some(var) = near.next() {
            return Supply::Open(Why::NeedsRun, var.span);
        }
    }
    if let Some(startup) = start.startup() {
        for (word, at) in &startup.app {
            let program = word.rsplit('/').next().unwrap_or(word);
            if word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')) {
                return Supply::Given(*at);
            }
            if BRINGS.contains(&program) || word.starts_with("--env-file") {
                return Supply::Open(Why::NeedsRun, *at);
            }
        }
        let script = startup.script.as_ref();
        let names = script.is_some_and(|script| {
            let text = String::from_utf8_lossy(script.text.text());
            text.contains(name) || BRINGS.iter().any(|word| text.contains(&format!("{word} ")))
        });
        if names {
            return Supply::Open(Why::NeedsRun, startup.at);
        }
    }
    // A file that the program itself reads when it starts.
    for dir in [&*service.dir, ""] {
        let path = if dir.is_empty() { ".env".to_owned() } else { format!("{dir}/.env") };
        let Some(file) = cx.delivery.tree.find(&path) else { continue };
        let Ok(bytes) = cx.delivery.tree.read(file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let sets = |line: &str| {
            line.trim().strip_prefix(name).is_some_and(|r| r.trim_start().starts_with('='))
        };
        if text.lines().take(2_000).any(sets) {
            return Supply::Open(Why::NeedsBuild, cx.start_of(file));
        }
    }
    Supply::Nowhere
}
