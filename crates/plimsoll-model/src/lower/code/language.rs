//! Methods of the language's own values: lists, texts, functions, and its global functions.

use std::rc::Rc;

use plimsoll_source::Span;
use plimsoll_syntax::program::Argument;

use super::eval::{Args, Ends, Eval, Here};
use super::value::{Object, Value};

impl Eval<'_> {
    /// A method call on a value of the language; `None` where it is none.
    pub(super) fn language(
        &mut self,
        here: &Here,
        of: &Value,
        name: &str,
        args: &[Argument],
        at: Span,
    ) -> Option<Value> {
        match of {
            Value::Function(_) | Value::Bound(_) | Value::Class(_) | Value::HostMethod(..)
                if matches!(name, "bind" | "call" | "apply") =>
            {
                let args = self.arguments(here, args);
                let this = args.get(0);
                Some(match (name, of) {
                    ("bind", Value::Function(closure)) => {
                        Value::Bound(Rc::new((this, (**closure).clone())))
                    }
                    ("bind", other) => other.clone(),
                    ("apply", _) => {
                        let list = self.items(&args.get(1));
                        let open = list.is_none();
                        let args = Args { list: list.unwrap_or_default(), open, ..Args::default() };
                        self.call_any(of, Some(&(this, "".into())), &args, false, at)
                    }
                    _ => {
                        let rest = args.list.get(1..).unwrap_or_default().to_vec();
                        self.call_any(of, Some(&(this, "".into())), &Args::of(rest), false, at)
                    }
                })
            }
            Value::Object(id) if self.heap[id.0].items.is_some() => {
                let args = self.arguments(here, args);
                Some(self.list_method(of, name, &args, at))
            }
            Value::Text(text) => {
                let text = Rc::clone(text);
                let args = self.arguments(here, args);
                Some(text_method(self, &text, name, &args))
            }
            Value::Env(_) => {
                let args = self.arguments(here, args);
                let made = match of.unset() {
                    Value::Text(text) => {
                        let text = Rc::clone(text);
                        text_method(self, &text, name, &args)
                    }
                    list @ Value::Object(_) => self.list_method(&list.clone(), name, &args, at),
                    Value::Number(number) if name == "toString" => Value::text(&number.to_string()),
                    Value::Undefined if matches!(name, "trim" | "toString" | "toLowerCase") => {
                        Value::Undefined
                    }
                    _ => Value::Unknown,
                };
                Some(of.depends(made))
            }
            Value::Regex => {
                self.arguments(here, args);
                Some(Value::Unknown)
            }
            Value::Object(id) if name == "hasOwnProperty" && self.heap[id.0].class.is_none() => {
                self.arguments(here, args);
                Some(Value::Unknown)
            }
            _ => None,
        }
    }

    fn list_method(&mut self, of: &Value, name: &str, args: &Args, at: Span) -> Value {
        let Value::Object(id) = of else { return Value::Unknown };
        let id = *id;
        let open = self.heap[id.0].open;
        let items = self.heap[id.0].items.clone().unwrap_or_default();
        let function = args.get(0);
        let known = !open && items.len() <= 64;
        let each = |eval: &mut Self| -> Vec<Value> {
            if known {
                let each = items.iter().enumerate().map(|(index, item)| {
                    let given =
                        Args::of(vec![item.clone(), Value::Number(index as f64), of.clone()]);
                    let value = eval.call_value(&function, given, Some(at));
                    // That one round fails is decided where it is.
                    if items.len() > 1 {
                        eval.stop = None;
                    }
                    value
                });
                each.collect()
            } else {
                eval.branch(|eval| {
                    let given = Args { open: true, list: vec![Value::Unknown], ..Args::default() };
                    let value = eval.call_value(&function, given, Some(at));
                    eval.stop = None;
                    vec![value]
                })
            }
        };
        match name {
            "map" | "flatMap" => {
                let made = each(self);
                let list = self.list(made);
                if let Value::Object(id) = list {
                    self.heap[id.0].open = !known;
                }
                list
            }
            "forEach" => {
                each(self);
                Value::Undefined
            }
            "filter" => {
                let tests = each(self);
                if !known {
                    return of.clone();
                }
                let mut kept = Vec::new();
                let mut on: Option<Value> = None;
                let mut sure = true;
                for (item, test) in items.iter().zip(&tests) {
                    if matches!(test, Value::Env(_)) {
                        on = Some(match on {
                            Some(before) => before.depends(test.clone()),
                            None => test.clone(),
                        });
                    }
                    match test.unset().truth() {
                        Some(true) => kept.push(item.clone()),
                        Some(false) => {}
                        None => {
                            sure = false;
                            kept.push(item.clone());
                        }
                    }
                }
                let list = self.list(kept);
                if let (Value::Object(id), false) = (&list, sure) {
                    self.heap[id.0].open = true;
                }
                match on {
                    Some(on) => on.depends(list),
                    None => list,
                }
            }
            "some" | "every" => {
                let tests = each(self);
                if !known {
                    return Value::Unknown;
                }
                let wanted = name == "some";
                if tests.iter().any(|test| test.truth() == Some(wanted)) {
                    return Value::Bool(wanted);
                }
                if tests.iter().all(|test| test.truth() == Some(!wanted)) {
                    return Value::Bool(!wanted);
                }
                Value::Unknown
            }
            "find" => {
                let tests = each(self);
                if known {
                    for (item, test) in items.iter().zip(&tests) {
                        match test.truth() {
                            Some(true) => return item.clone(),
                            Some(false) => {}
                            None => return items.iter().cloned().fold(Value::Undefined, Value::or),
                        }
                    }
                    return Value::Undefined;
                }
                Value::Unknown
            }
            "includes" | "has" => {
                let wanted = args.get(0);
                match wanted.as_text() {
                    Some(wanted) if known => {
                        let texts: Option<Vec<Rc<str>>> =
                            items.iter().map(Value::as_text).collect();
                        texts.map_or(Value::Unknown, |texts| Value::Bool(texts.contains(&wanted)))
                    }
                    _ => Value::Unknown,
                }
            }
            "push" | "unshift" | "add" => {
                let branch = self.branch;
                let object = &mut self.heap[id.0];
                object.open |= branch > object.branch + 1 || args.open;
                let items = object.items.get_or_insert_default();
                if items.len() < 256 {
                    items.extend(args.list.iter().cloned());
                } else {
                    object.open = true;
                }
                Value::Unknown
            }
            "join" => {
                let between = args.list.first().and_then(Value::as_text);
                let texts: Option<Vec<Rc<str>>> = items.iter().map(Value::as_text).collect();
                match texts.filter(|_| known) {
                    Some(texts) => {
                        Value::text(&texts.join(&*between.unwrap_or_else(|| ",".into())))
                    }
                    None => Value::Unknown,
                }
            }
            "concat" => {
                let mut all = items.clone();
                let mut open = open;
                for value in &args.list {
                    match self.items(value) {
                        Some(more) => all.extend(more),
                        None => open = true,
                    }
                }
                let list = self.list(all);
                if let Value::Object(id) = list {
                    self.heap[id.0].open = open;
                }
                list
            }
            "slice" | "reverse" | "sort" | "flat" => {
                let list = self.list(items);
                if let Value::Object(id) = list {
                    self.heap[id.0].open = true;
                }
                list
            }
            "reduce" => {
                let mut value = args.get(1);
                if known {
                    for item in &items {
                        let given = Args::of(vec![value, item.clone()]);
                        value = self.call_value(&function, given, Some(at));
                    }
                    value
                } else {
                    Value::Unknown
                }
            }
            "pop" | "shift" | "at" => items.into_iter().fold(Value::Undefined, Value::or),
            _ => {
                self.leave_for_later(args);
                Value::Unknown
            }
        }
    }

    /// A global function; `None` where it is none of these.
    pub(super) fn global(&mut self, path: &str, args: &Args, new: bool, at: Span) -> Option<Value> {
        let first = || args.get(0);
        Some(match path {
            "parseInt" | "Number" | "parseFloat" | "Number.parseInt" | "Number.parseFloat"
            | "BigInt" => {
                let value = first();
                let number = value.unset().as_number().map_or(Value::Unknown, Value::Number);
                value.depends(number)
            }
            "String" => {
                let value = first();
                let text = value.unset().as_text().map_or(Value::Unknown, Value::Text);
                value.depends(text)
            }
            "Boolean" => {
                let value = first();
                let truth = value.unset().truth().map_or(Value::Unknown, Value::Bool);
                value.depends(truth)
            }
            "isNaN" | "Number.isNaN" => {
                let value = first();
                let is = match value.unset() {
                    Value::Number(_) => Value::Bool(false),
                    _ => Value::Unknown,
                };
                value.depends(is)
            }
            "Number.isInteger" | "Number.isFinite" | "isFinite" => {
                let value = first();
                let is = match value.unset() {
                    Value::Number(_) => Value::Bool(true),
                    _ => Value::Unknown,
                };
                value.depends(is)
            }
            "Object.freeze" | "Object.seal" | "structuredClone" | "Array.from"
            | "Promise.resolve" => first(),
            "Array.isArray" => match first() {
                Value::Object(id) => Value::Bool(self.heap[id.0].items.is_some()),
                _ => Value::Unknown,
            },
            "Object.assign" => {
                let target = first();
                for value in args.list.iter().skip(1) {
                    if let Value::Object(id) = &target {
                        let mut object = std::mem::take(&mut self.heap[id.0]);
                        self.spread_into(&mut object, value);
                        self.heap[id.0] = object;
                    }
                }
                target
            }
            "Object.keys" | "Object.values" | "Object.entries" => {
                let Value::Object(id) = first() else { return Some(Value::Unknown) };
                let object = self.heap[id.0].clone();
                if object.items.is_some() {
                    return Some(Value::Unknown);
                }
                let mut all = Vec::new();
                for (key, value) in &object.props {
                    let key = Value::Text(Rc::clone(key));
                    all.push(match path {
                        "Object.keys" => key,
                        "Object.values" => value.clone(),
                        _ => self.list(vec![key, value.clone()]),
                    });
                }
                let list = self.list(all);
                if let Value::Object(id) = list {
                    self.heap[id.0].open = object.open;
                }
                list
            }
            "Promise.all" | "Promise.allSettled" => match first() {
                list @ Value::Object(_) if path == "Promise.all" => list,
                _ => Value::Unknown.or(Value::Undefined),
            },
            "Promise.race" | "Promise.any" => Value::Unknown.or(Value::Undefined),
            "Promise" if new => {
                let settle =
                    vec![Value::external(":resolve", &[]), Value::external(":reject", &[])];
                self.call_value(&first(), Args::of(settle), Some(at));
                Value::Undefined.or(Value::Inert)
            }
            "Array" | "Set" | "Map" | "WeakMap" if new => {
                let of = first();
                match self.items(&of) {
                    Some(_) if path == "Set" => of,
                    _ if path == "Array" => {
                        let list = self.list(args.list.clone());
                        if let Value::Object(id) = list {
                            self.heap[id.0].open = true;
                        }
                        list
                    }
                    _ => Value::Object(self.object(Object {
                        open: true,
                        branch: self.branch,
                        ..Object::default()
                    })),
                }
            }
            "Error" | "TypeError" | "RangeError" => Value::Inert,
            "process.nextTick" | "setImmediate" | "queueMicrotask" => {
                self.call_value(&first(), Args::default(), Some(at));
                Value::Inert
            }
            "process.abort" => {
                self.exits(&Value::Number(134.0), at);
                Value::Undefined
            }
            "process.exit" | "process.reallyExit" => {
                self.exits(&first(), at);
                Value::Undefined
            }
            "Object.create" | "Object.fromEntries" | "Object.defineProperty" => Value::Unknown,
            _ => return None,
        })
    }

    /// Calls a function now, on whose end nothing depends.
    pub(super) fn call_aside(&mut self, function: &Value, args: Args, at: Span) -> Option<Ends> {
        let stop = self.stop.take();
        self.branch(|eval| eval.call_value(function, args, Some(at)));
        std::mem::replace(&mut self.stop, stop)
    }
}

fn text_method(eval: &mut Eval<'_>, text: &str, name: &str, args: &Args) -> Value {
    let first = args.list.first().and_then(Value::as_text);
    match (name, first) {
        ("trim" | "toString" | "normalize" | "trimEnd" | "trimStart", _) => {
            Value::text(text.trim())
        }
        ("toLowerCase", _) => Value::text(&text.to_lowercase()),
        ("toUpperCase", _) => Value::text(&text.to_uppercase()),
        ("startsWith", Some(what)) => Value::Bool(text.starts_with(&*what)),
        ("endsWith", Some(what)) => Value::Bool(text.ends_with(&*what)),
        ("includes", Some(what)) => Value::Bool(text.contains(&*what)),
        ("split", Some(by)) if !by.is_empty() => {
            let parts = text.split(&*by).take(256).map(Value::text).collect();
            eval.list(parts)
        }
        ("concat", Some(what)) => Value::text(&format!("{text}{what}")),
        ("replace" | "replaceAll", Some(what)) => match args.list.get(1).and_then(Value::as_text) {
            Some(with) => Value::text(&text.replacen(&*what, &with, 1)),
            None => Value::Unknown,
        },
        _ => Value::Unknown,
    }
}
