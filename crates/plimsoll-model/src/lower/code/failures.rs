//! What becomes of a failure to start.

use plimsoll_source::Span;

use super::eval::{Args, Ends, Eval};
use super::value::Value;
use crate::Why;
use crate::code::StartFailure;

impl Eval<'_> {
    /// Whether the process ends with a failure where starting fails: asked of what listens or, where
    /// nothing does, of what is opened at the start.
    pub(super) fn start_failure(&mut self) -> StartFailure {
        let listens = self.facts.listens.iter().filter(|listening| listening.at_start);
        let mut asked: Vec<(Vec<usize>, Span, Option<Value>)> = listens
            .map(|listening| (listening.tries.clone(), listening.at, listening.callback.clone()))
            .collect();
        if asked.is_empty() {
            let opens = self.facts.opens.iter().filter(|open| open.at_start);
            asked = opens.map(|open| (open.tries.clone(), open.at, None)).collect();
        }
        if asked.is_empty() {
            return StartFailure::Unknown(Why::Dynamic, None);
        }
        let mut all: Option<StartFailure> = None;
        for (tries, at, callback) in asked {
            let one = self.failure(&tries, at, callback);
            // Several servers that fail differently: which one is meant cannot be told.
            all = match (all, one) {
                (None, one) => Some(one),
                (Some(StartFailure::Exits(a)), StartFailure::Exits(b)) => {
                    Some(StartFailure::Exits(a.or(b)))
                }
                (Some(known), one) if known == one => Some(known),
                (Some(StartFailure::Unknown(why, at)), _) => Some(StartFailure::Unknown(why, at)),
                (_, StartFailure::Unknown(why, at)) => Some(StartFailure::Unknown(why, at)),
                _ => Some(StartFailure::Unknown(Why::Conflicting, Some(at))),
            };
        }
        all.unwrap_or(StartFailure::Unknown(Why::Dynamic, None))
    }

    fn failure(&mut self, tries: &[usize], at: Span, callback: Option<Value>) -> StartFailure {
        // A function that is given the error hides it from everything around.
        if let Some(callback) = callback
            && self.takes_error(&callback)
        {
            let ends = self.ends_of(&callback);
            if ends.has(Ends::FAIL) || ends.has(Ends::THROW) {
                return StartFailure::Exits(Some(at));
            }
            return StartFailure::Swallowed(at);
        }
        for &index in tries.iter().rev() {
            let Some(caught) = self.caught.get(index) else { continue };
            let ends = caught.ends;
            if ends.only(Ends::FAIL.or(Ends::THROW)) {
                if ends.has(Ends::FAIL) {
                    return StartFailure::Exits(caught.exit.or(Some(caught.at)));
                }
                continue;
            }
            // Tried again, and thrown at last.
            if caught.in_loop && ends.has(Ends::THROW) {
                continue;
            }
            if !ends.has(Ends::FAIL) && !ends.has(Ends::THROW) {
                return StartFailure::Swallowed(caught.at);
            }
            return StartFailure::Unknown(Why::NeedsRun, Some(caught.at));
        }
        let uncaught = self.facts.uncaught.clone();
        for (_, function, at) in uncaught {
            let ends = self.ends_of(&function);
            if !ends.has(Ends::FAIL) && !ends.has(Ends::EXIT) && !ends.has(Ends::THROW) {
                return StartFailure::Swallowed(at);
            }
            if !ends.only(Ends::FAIL.or(Ends::THROW)) {
                return StartFailure::Unknown(Why::NeedsRun, Some(at));
            }
        }
        StartFailure::Exits(None)
    }

    fn takes_error(&self, callback: &Value) -> bool {
        match callback {
            Value::Function(closure) => {
                !closure.module.function(closure.function).params.is_empty()
            }
            _ => false,
        }
    }

    /// How a function ends that is given an error.
    fn ends_of(&mut self, function: &Value) -> Ends {
        let queued = self.queue.len();
        let ends = self.in_phase(super::eval::Phase::Later, |eval| {
            eval.ends(function, Args::of(vec![Value::external(":error", &[])]))
        });
        self.queue.truncate(queued);
        ends
    }
}
