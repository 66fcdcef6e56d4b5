//! Packages that handle signals, and what the program's own handlers do.

use plimsoll_source::Span;

use super::eval::{Args, Eval, HANDLER_FUEL, Phase};
use super::facts::timeout;
use super::host::{Host, Kind};
use super::value::Value;

impl Eval<'_> {
    /// Functions of packages that shut down gracefully; `None` where it is none.
    pub(super) fn signal_external(
        &mut self,
        package: &str,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Option<Value> {
        Some(match (package, name) {
            ("@godaddy/terminus", "createTerminus" | "terminus" | "") => {
                let options = args.get(1);
                let one = self.option(&options, "signal");
                let many = self.option(&options, "signals");
                let mut signals = self.items(&many).unwrap_or_default();
                if signals.is_empty() {
                    signals.push(if matches!(one, Value::Undefined) {
                        Value::text("SIGTERM")
                    } else {
                        one
                    });
                }
                let mut functions = Vec::new();
                for key in ["beforeShutdown", "onSignal", "onShutdown"] {
                    functions.push(self.option(&options, key));
                }
                let close = self.closer(&args.get(0));
                functions.push(close);
                let all = functions
                    .into_iter()
                    .filter(|f| !matches!(f, Value::Undefined))
                    .reduce(Value::or)
                    .unwrap_or(Value::Undefined);
                for signal in signals {
                    if let Some(signal) = signal.as_text() {
                        self.exiting(&signal, all.clone(), at);
                    }
                }
                args.get(0)
            }
            ("lightship", "createLightship") => {
                let handler = self.exiting("SIGTERM", Value::Undefined, at);
                self.host(Host { kind: Kind::Shutdown(handler), at, open: None })
            }
            ("close-with-grace", _) => {
                let last = args.list.last().cloned().unwrap_or(Value::Undefined);
                let delay = match self.option(&args.get(0), "delay") {
                    Value::Undefined | Value::Bool(_) => Value::Number(10_000.0),
                    delay => delay,
                };
                for signal in ["SIGTERM", "SIGINT"] {
                    let handler = self.exiting(signal, last.clone(), at);
                    if let Some(handling) = self.facts.handlers.get_mut(handler) {
                        handling.timeout = Some(timeout(&delay, at));
                    }
                }
                Value::Inert
            }
            ("http-graceful-shutdown", "") => {
                let close = self.closer(&args.get(0));
                let on = self.option(&args.get(1), "onShutdown");
                let all = if matches!(on, Value::Undefined) { close } else { close.or(on) };
                for signal in ["SIGTERM", "SIGINT"] {
                    self.exiting(signal, all.clone(), at);
                }
                Value::Inert
            }
            ("stoppable" | "http-shutdown" | "server-destroy", "") => args.get(0),
            ("http-terminator", "createHttpTerminator") => {
                let server = self.option(&args.get(0), "server");
                match server {
                    server @ Value::Host(_) => server,
                    _ => Value::Unknown,
                }
            }
            _ => return None,
        })
    }

    fn closer(&self, server: &Value) -> Value {
        match server {
            Value::Host(id) => Value::HostMethod(*id, "close".into()),
            _ => Value::Undefined,
        }
    }

    /// A handler after which the package ends the process.
    fn exiting(&mut self, signal: &str, function: Value, at: Span) -> usize {
        let handler = self.handles(signal, function, at);
        if let Some(handling) = self.facts.handlers.get_mut(handler) {
            handling.exits.push((Some(0), at));
        }
        handler
    }

    /// Follows what the handlers do, after everything else is known.
    pub(super) fn follow_handlers(&mut self) {
        let mut index = 0;
        while let Some(handling) = self.facts.handlers.get(index).cloned() {
            if index >= 64 {
                break;
            }
            self.via = Some(handling.at);
            self.fuel = HANDLER_FUEL;
            self.in_phase(Phase::Signal(index), |eval| {
                (eval.after_await, eval.base) = (false, eval.branch);
                let args = Args::of(vec![Value::text(&handling.signal)]);
                match &handling.function {
                    Value::Undefined | Value::Null => {}
                    function => {
                        for one in function.each().to_vec() {
                            eval.call_any(&one, None, &args, false, handling.at);
                            eval.stop = None;
                        }
                    }
                }
            });
            // What a handler leaves for later runs while it does.
            while let Some(deferred) = self.queue.pop_front() {
                self.in_phase(Phase::Signal(index), |eval| {
                    eval.after_await = true;
                    let args = Args { open: true, ..Args::default() };
                    eval.call_value(&deferred.function, args, Some(handling.at));
                });
            }
            index += 1;
        }
    }
}
