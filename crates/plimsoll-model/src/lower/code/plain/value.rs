//! Texts that are put together of literals and variables of the environment.

use super::super::Set;
use crate::fact::Why;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// As written.
    Text(String),
    /// A variable of the environment, and what it is where that is not set.
    Env(String, Option<String>),
    /// Something else.
    Unknown,
}

/// A text.
pub(super) type Value = Vec<Part>;

pub(super) fn text(text: impl Into<String>) -> Value {
    vec![Part::Text(text.into())]
}

pub(super) fn unknown() -> Value {
    vec![Part::Unknown]
}

/// A text that is known as it stands.
pub(super) fn plain(value: &Value) -> Option<String> {
    let mut whole = String::new();
    for part in value {
        let Part::Text(text) = part else { return None };
        whole.push_str(text);
    }
    Some(whole)
}

/// What a variable is after it was set under a condition: the environment's word with a default, in
/// whichever order these two are written.
pub(super) fn either(before: &Value, then: &Value) -> Value {
    match (&**before, &**then) {
        ([Part::Env(name, None)], _) if let Some(default) = plain(then) => {
            vec![Part::Env(name.clone(), Some(default))]
        }
        (_, [Part::Env(name, None)]) if let Some(default) = plain(before) => {
            vec![Part::Env(name.clone(), Some(default))]
        }
        _ if before == then => before.clone(),
        _ => unknown(),
    }
}

/// A path as the descriptors have it.
///
/// # Errors
/// Why it is not known.
pub(super) fn settle(value: &Value, set: &Set) -> Result<String, Why> {
    let mut whole = String::new();
    for part in value {
        match part {
            Part::Text(text) => whole.push_str(text),
            Part::Env(name, default) => match (set.values.get(name), set.hidden) {
                (Some(Some(text)), _) => whole.push_str(text),
                (Some(None), _) => return Err(Why::Dynamic),
                (None, Some((why, _))) => return Err(why),
                (None, None) => whole.push_str(default.as_deref().unwrap_or_default()),
            },
            Part::Unknown => return Err(Why::Dynamic),
        }
    }
    Ok(whole)
}

/// The port of an address: what stands behind its last colon; the variables that may set it.
pub(super) fn port(address: &Value) -> Option<(u16, Vec<String>)> {
    let mut behind: Value = Vec::new();
    for part in address.iter().rev() {
        if let Part::Text(text) = part
            && let Some((_, rest)) = text.rsplit_once(':')
        {
            if !rest.is_empty() {
                behind.insert(0, Part::Text(rest.to_owned()));
            }
            break;
        }
        behind.insert(0, part.clone());
    }
    match &*behind {
        [Part::Text(port)] => Some((port.parse().ok()?, Vec::new())),
        [Part::Env(name, Some(default))] => {
            let port = default.rsplit(':').next()?;
            Some((port.parse().ok()?, vec![name.clone()]))
        }
        _ => None,
    }
}
