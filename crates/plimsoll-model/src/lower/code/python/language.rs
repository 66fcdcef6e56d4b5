//! The language: names, imports, calls with keywords, classes, methods of its own values.

use std::rc::Rc;
use std::sync::Arc;

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::program::{
    Argument, BinaryOp, ClassId, ExprId, ExprKind, FunctionId, Import, Imported, Key, MemberKind,
    PatternId, PatternKind, Spread, StmtId,
};

use super::super::eval::{Args, Ends, Eval, Here, Phase, method};
use super::super::host::Kind;
use super::super::value::{ClassValue, Closure, Object, Scope, Value};
use super::modules::{Target, distribution};
use super::packages::is_harmless;
use super::{Thing, start_of};
use crate::Why;
use crate::code::Hides;
use crate::path;

impl Eval<'_> {
    // ---- modules ----

    /// A part of the program that is not in the tree. Settings of one's own, which are loaded where
    /// they are there, are no part of it: no image of this tree has them.
    fn missing(&mut self, name: &str, at: Span) {
        let own = name.rsplit('.').next().is_some_and(|last| {
            last == "local" || last.starts_with("local_") || last.ends_with("_local")
        });
        if !own || self.branch == 0 {
            self.gap(Why::NeedsBuild, at, Hides::Anything);
        }
    }

    /// The names that every module has.
    pub(in super::super) fn py_module(&mut self, scope: &Scope, file: FileId) {
        let Some(state) = self.state() else { return };
        let name = if state.main == Some(file) { "__main__" } else { "module" };
        scope.declare("__name__", Value::text(name));
        scope.declare("__file__", Value::Unknown);
        scope.declare("__package__", Value::Unknown);
        scope.declare("__doc__", Value::Unknown);
    }

    /// What an import names: the module as a value. All packages above it are loaded.
    pub(in super::super) fn py_import(&mut self, from: FileId, specifier: &str, at: Span) -> Value {
        let dots = specifier.bytes().take_while(|&byte| byte == b'.').count();
        if dots > 0 {
            return self.py_relative(from, dots, &specifier[dots..], at);
        }
        let mut value = Value::Unknown;
        let mut name = String::new();
        for part in specifier.split('.').take(32) {
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(part);
            let target = match self.python.as_ref().and_then(|state| state.found.get(&name)) {
                Some(target) => target.clone(),
                None => {
                    let Some(state) = &self.python else { return Value::Unknown };
                    let target = state.search.find(self.graph, &name);
                    if let Some(state) = self.state() {
                        state.found.insert(name.clone(), target.clone());
                    }
                    target
                }
            };
            value = match target {
                Target::File(file) => self.py_loaded(file),
                Target::Directory(dir) => Value::external(":dir", &[&dir]),
                Target::Standard => return py_external(specifier),
                Target::Package if name == specifier || !name.contains('.') => {
                    if name.contains('.') {
                        // A part of this program that is not there.
                        self.missing(&name, at);
                        return Value::Unknown;
                    }
                    self.facts.package(&distribution(&name), from, at);
                    return py_external(specifier);
                }
                Target::Package => {
                    self.missing(&name, at);
                    return Value::Unknown;
                }
            };
        }
        value
    }

    fn py_loaded(&mut self, file: FileId) -> Value {
        self.load(file);
        if self.has_failed(file) { Value::Unknown } else { Value::Namespace(file) }
    }

    /// `from ..a import b`: from the directory of the module.
    fn py_relative(&mut self, from: FileId, dots: usize, rest: &str, at: Span) -> Value {
        let tree = self.graph.cx.tree;
        let mut dir = path::parent(tree.path(from));
        for _ in 1..dots {
            dir = path::parent(dir);
        }
        let mut at_path = dir.to_owned();
        let mut value = self.py_at(&at_path);
        for part in rest.split('.').filter(|part| !part.is_empty()).take(32) {
            let Some(next) = path::join(&at_path, part) else { return Value::Unknown };
            at_path = next;
            value = self.py_at(&at_path);
            if matches!(value, Value::Unknown) {
                self.missing(part, at);
                return value;
            }
        }
        value
    }

    /// The module at a path of the tree, without ending.
    fn py_at(&mut self, at: &str) -> Value {
        let tree = self.graph.cx.tree;
        let package = tree.find(&format!("{at}/__init__.py"));
        match package.or_else(|| tree.find(&format!("{at}.py"))) {
            Some(file) => self.py_loaded(file),
            None if tree.is_dir(at) => Value::external(":dir", &[at]),
            None => Value::Unknown,
        }
    }

    /// Binds what an import statement names.
    pub(in super::super) fn py_bind(&mut self, here: &Here, import: &Import) {
        let at = here.module.span(import.range);
        let of = self.import(here.module.file, &import.specifier.text, at);
        let scope = here.scope.function();
        for binding in &import.bindings {
            let value = match &binding.what {
                Imported::Named(name) if &**name == "*" => {
                    self.py_bind_all(&scope, &of);
                    continue;
                }
                Imported::Named(name) => self.py_from(&of, name, at),
                Imported::Namespace | Imported::Default => of.clone(),
            };
            scope.declare(&binding.local, value);
        }
    }

    fn py_bind_all(&mut self, scope: &Scope, of: &Value) {
        let Value::Namespace(file) = of else { return };
        let Some(other) = self.scope_of(*file) else { return };
        let names: Vec<(Rc<str>, Value)> = other
            .names
            .borrow()
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, value)| (Rc::clone(name), value.clone()))
            .collect();
        for (name, value) in names {
            scope.declare(&name, value);
        }
    }

    /// `from module import name`: a name of the module, or a module below it.
    fn py_from(&mut self, of: &Value, name: &str, at: Span) -> Value {
        match of {
            Value::Namespace(file) => match self.py_export(*file, name) {
                Some(value) => value,
                // Modules that import each other: it is looked up when it is used.
                None => Value::Live(*file, name.into()),
            },
            Value::External(path) if path.0 == ":dir" => {
                let value = path.1.first().and_then(|dir| path::join(dir, name));
                let value = value.map_or(Value::Unknown, |at| self.py_at(&at));
                if matches!(value, Value::Unknown) {
                    self.gap(Why::NeedsBuild, at, Hides::Anything);
                }
                value
            }
            other => self.member(other, name, Some(at)),
        }
    }

    /// A name of a module, or the module of that name below it.
    pub(in super::super) fn py_export(&mut self, file: FileId, name: &str) -> Option<Value> {
        if let Some(scope) = self.scope_of(file)
            && let Some(value) = scope.names.borrow().get(name)
        {
            return match value {
                // A name that leads back here is not there yet.
                Value::Live(other, again) if *other == file && **again == *name => None,
                value => Some(value.clone()),
            };
        }
        let at = self.graph.cx.tree.path(file);
        let dir = at.strip_suffix("/__init__.py")?;
        let below = path::join(dir, name)?;
        match self.py_at(&below) {
            Value::Unknown => None,
            value => Some(value),
        }
    }

    // ---- names, statements ----

    /// Binds a name of this scope: what is set on some way only is joined with what was there.
    pub(in super::super) fn py_declare(&mut self, scope: &Scope, name: &str, value: Value) {
        let old = scope.names.borrow().get(name).cloned();
        let value = match old {
            Some(old) if self.branch > scope.branch => old.or(value),
            _ => value,
        };
        scope.declare(name, value);
    }

    /// A function is defined: its decorators get it, innermost first.
    pub(in super::super) fn py_function(&mut self, here: &Here, id: FunctionId) {
        let module = Arc::clone(&here.module);
        let function = module.function(id);
        let value = Value::Function(Rc::new(self.closure(here, id)));
        let scope = here.scope.function();
        if let Some(name) = &function.name {
            // Its own name is there while its decorators run.
            self.py_declare(&scope, name, value.clone());
            let decorated = self.py_decorated(here, &function.decorators, value);
            scope.declare(name, decorated);
        }
    }

    fn py_decorated(&mut self, here: &Here, decorators: &[ExprId], mut value: Value) -> Value {
        let module = Arc::clone(&here.module);
        for &decorator in decorators.iter().rev() {
            let at = module.span(module.expr(decorator).range);
            let by = self.expr(here, decorator);
            value = self.py_decorate(&by, value, at);
        }
        value
    }

    fn py_decorate(&mut self, by: &Value, value: Value, at: Span) -> Value {
        match by {
            Value::Function(_) | Value::Bound(_) | Value::Host(_) | Value::HostMethod(..) => {
                self.call_value(by, Args::of(vec![value]), Some(at))
            }
            Value::External(path) => {
                let name = path.1.last().map_or(path.0.as_str(), String::as_str);
                if is_transparent(name) {
                    return value;
                }
                let name = name.to_owned();
                self.thing(Thing::Wrapped(Box::new((value, name, at))), at)
            }
            _ => self.thing(Thing::Wrapped(Box::new((value, String::new(), at))), at),
        }
    }

    pub(in super::super) fn py_with(
        &mut self,
        here: &Here,
        items: &[(ExprId, Option<PatternId>)],
        body: StmtId,
    ) -> Ends {
        let mut entered = Vec::new();
        for (value, pattern) in items {
            let at = here.module.span(here.module.expr(*value).range);
            let value = self.expr(here, *value);
            let inside = match &value {
                Value::Object(_) => {
                    let mut made = Value::Unknown;
                    for name in ["__enter__", "__aenter__"] {
                        let enter = self.member(&value, name, Some(at));
                        if matches!(enter, Value::Bound(_)) {
                            made = self.call_value(&enter, Args::default(), Some(at));
                        }
                    }
                    made
                }
                other => other.clone(),
            };
            entered.push((value, at));
            if let Some(pattern) = pattern {
                let scope = here.scope.function();
                self.bind(here, *pattern, inside, Some(&scope));
            }
        }
        let ends = self.statement(here, body);
        for (value, at) in entered {
            if let Value::Host(id) = value
                && let Some(open) = self.hosts[id.0].open
            {
                self.close_all(&[open], at);
            }
        }
        ends
    }

    /// Whether a clause that catches only `only` catches what a start may fail with.
    pub(in super::super) fn py_catches(&mut self, here: &Here, only: Option<ExprId>) -> bool {
        let Some(only) = only else { return true };
        if self.phase == Phase::Request {
            return true;
        }
        let mut names = Vec::new();
        let mut todo = vec![only];
        while let Some(id) = todo.pop() {
            match &here.module.expr(id).kind {
                ExprKind::Name(name) | ExprKind::Member { name, .. } => names.push(name.clone()),
                ExprKind::List(items) => todo.extend(items.iter().map(|item| item.value)),
                _ => {}
            }
        }
        names.iter().any(|name| {
            matches!(
                &**name,
                "Exception"
                    | "BaseException"
                    | "OSError"
                    | "IOError"
                    | "RuntimeError"
                    | "ConnectionError"
                    | "SystemExit"
                    | "OperationalError"
                    | "SQLAlchemyError"
                    | "PyMongoError"
                    | "RedisError"
            )
        })
    }

    /// What is yielded: the rest of a lifespan runs when the process ends.
    pub(in super::super) fn py_yield(&mut self, value: Value) -> Value {
        if let Some(state) = self.state() {
            state.yielded = Some(value);
            if let Some(handler) = state.lifespan.take() {
                self.phase =
                    if handler == usize::MAX { Phase::Later } else { Phase::Signal(handler) };
            }
        }
        Value::Unknown
    }

    pub(in super::super) fn py_truth(&self, value: &Value) -> Option<bool> {
        match value {
            Value::External(_) | Value::HostMethod(..) => None,
            Value::Object(id) => {
                let object = &self.heap[id.0];
                match (&object.items, &object.class) {
                    (_, Some(_)) => Some(true),
                    _ if object.open => None,
                    (Some(items), _) => Some(!items.is_empty()),
                    (None, _) => Some(!object.props.is_empty()),
                }
            }
            Value::Any(all) => {
                let mut truths = all.iter().map(|one| self.py_truth(one));
                let first = truths.next()??;
                truths.all(|truth| truth == Some(first)).then_some(first)
            }
            other => other.truth(),
        }
    }

    pub(in super::super) fn py_binary(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
    ) -> Option<Value> {
        let is_list = |value: &Value| self.items(value).is_some();
        Some(match op {
            BinaryOp::In | BinaryOp::NotIn => {
                let found = match (left.as_text(), right) {
                    (Some(text), Value::Text(whole)) => Some(whole.contains(&*text)),
                    (Some(text), Value::Object(id)) => {
                        let object = &self.heap[id.0];
                        let known = |value: &Value| value.as_text();
                        match &object.items {
                            _ if object.open => None,
                            Some(items) if items.iter().all(|item| known(item).is_some()) => {
                                Some(items.iter().any(|item| known(item) == Some(Rc::clone(&text))))
                            }
                            Some(_) => None,
                            None if object.class.is_none() => {
                                Some(object.props.contains_key(&text))
                            }
                            None => None,
                        }
                    }
                    _ => None,
                };
                found.map_or(Value::Unknown, |is| Value::Bool(is == (op == BinaryOp::In)))
            }
            BinaryOp::Add if is_list(left) || is_list(right) => {
                match (self.items(left), self.items(right)) {
                    (Some(mut all), Some(more)) => {
                        all.extend(more);
                        self.list(all)
                    }
                    (one, other) => {
                        let list = self.list(one.or(other).unwrap_or_default());
                        self.open_list(&list);
                        list
                    }
                }
            }
            // `Path / "x"`.
            BinaryOp::Divide if matches!(left, Value::Text(_) | Value::Unknown | Value::Inert) => {
                match (left.as_text(), right.as_text()) {
                    (Some(a), Some(b)) => Value::text(&format!("{}/{b}", a.trim_end_matches('/'))),
                    _ => Value::Unknown,
                }
            }
            BinaryOp::Equal | BinaryOp::NotEqual => match (left, right) {
                // None is no undefined, and an object of a package may be equal to anything.
                (Value::Host(_) | Value::External(_), _)
                | (_, Value::Host(_) | Value::External(_)) => {
                    let none = matches!(left, Value::Null) || matches!(right, Value::Null);
                    let host = matches!(left, Value::Host(_)) || matches!(right, Value::Host(_));
                    if none && host {
                        Value::Bool(op == BinaryOp::NotEqual)
                    } else {
                        Value::Unknown
                    }
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    pub(super) fn open_list(&mut self, list: &Value) {
        if let Value::Object(id) = list {
            self.heap[id.0].open = true;
        }
    }

    // ---- calls ----

    /// Binds the parameters of a function.
    pub(in super::super) fn py_params(
        &mut self,
        here: &Here,
        closure: &Closure,
        mut args: Args,
        scope: &Rc<Scope>,
    ) {
        let module = Arc::clone(&closure.module);
        let function = module.function(closure.function);
        let is_method = closure.home.is_some() && !function.is_arrow;
        if is_method && !matches!(here.this, Value::Undefined) {
            args.list.insert(0, here.this.clone());
        }
        let mut by_name = false;
        let mut used: Vec<Box<str>> = Vec::new();
        for (index, param) in function.params.iter().enumerate() {
            let name = param_name(here, param.pattern);
            let value = match param.rest {
                Spread::No => {
                    let given = name
                        .as_ref()
                        .and_then(|name| args.named.iter().find(|(given, _)| given == name));
                    match given {
                        Some((name, value)) => {
                            used.push(name.clone());
                            value.clone()
                        }
                        None if by_name => args.get(usize::MAX),
                        None => args.get(index),
                    }
                }
                Spread::Elements => {
                    by_name = true;
                    let rest = args.list.get(index..).unwrap_or_default().to_vec();
                    let list = self.list(rest);
                    if args.open {
                        self.open_list(&list);
                    }
                    list
                }
                Spread::Keywords => {
                    let mut object =
                        Object { open: args.open, branch: self.branch, ..Object::default() };
                    for (name, value) in args.named.iter().filter(|(name, _)| !used.contains(name))
                    {
                        object.props.insert((&**name).into(), value.clone());
                    }
                    Value::Object(self.object(object))
                }
            };
            self.bind(here, param.pattern, value, Some(scope));
        }
    }

    /// `super()`.
    pub(in super::super) fn py_is_super(&self, here: &Here, object: ExprId) -> bool {
        match &here.module.expr(object).kind {
            ExprKind::Call { callee, .. } => {
                matches!(&here.module.expr(*callee).kind, ExprKind::Name(name) if &**name == "super")
            }
            _ => false,
        }
    }

    /// `super().name(…)`.
    pub(in super::super) fn py_super_call(
        &mut self,
        here: &Here,
        name: &str,
        args: &[Argument],
        at: Span,
    ) -> Value {
        let args = self.arguments(here, args);
        let Some(home) = here.home.clone() else { return Value::Unknown };
        let base = home.base.clone();
        match &base {
            Value::Class(base) => {
                match method(base, name, false).or_else(|| method(base, name, true)) {
                    Some((closure, _)) => {
                        let value = Value::Bound(Rc::new((here.this.clone(), closure)));
                        self.call_value(&value, args, Some(at))
                    }
                    None => Value::Inert,
                }
            }
            _ => Value::Inert,
        }
    }

    /// A method of a value of the language; `None` where it is none.
    pub(in super::super) fn py_method(
        &mut self,
        here: &Here,
        of: &Value,
        name: &str,
        args: &[Argument],
        at: Span,
    ) -> Option<Value> {
        match of {
            Value::Text(text) => {
                let text = Rc::clone(text);
                let args = self.arguments(here, args);
                // A path is a text here.
                if matches!(name, "write_text" | "write_bytes" | "mkdir" | "touch" | "unlink") {
                    self.writes(of, name == "mkdir", at);
                    return Some(Value::Null);
                }
                Some(self.py_text(&text, name, &args))
            }
            Value::Env(_) => {
                let args = self.arguments(here, args);
                let made = match of.unset().clone() {
                    Value::Text(text) => self.py_text(&text, name, &args),
                    Value::Null | Value::Undefined => Value::Null,
                    list @ Value::Object(_) => self.py_object(&list, name, &args)?,
                    _ => Value::Unknown,
                };
                Some(of.depends(made))
            }
            Value::Object(id) if self.heap[id.0].class.is_none() => {
                let args = self.arguments(here, args);
                self.py_object(of, name, &args)
            }
            Value::Class(_) if name == "as_view" => {
                self.arguments(here, args);
                Some(self.thing(Thing::View(of.clone()), at))
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => {
                self.arguments(here, args);
                Some(Value::Unknown)
            }
            _ => None,
        }
    }

    fn py_text(&mut self, text: &str, name: &str, args: &Args) -> Value {
        let first = args.list.first().and_then(Value::as_text);
        match (name, first) {
            ("strip" | "lstrip" | "rstrip", None) if args.list.is_empty() => {
                Value::text(text.trim())
            }
            ("strip", Some(what)) => Value::text(text.trim_matches(|c| what.contains(c))),
            ("rstrip", Some(what)) => Value::text(text.trim_end_matches(|c| what.contains(c))),
            ("lstrip", Some(what)) => Value::text(text.trim_start_matches(|c| what.contains(c))),
            ("lower" | "casefold", _) => Value::text(&text.to_lowercase()),
            ("upper", _) => Value::text(&text.to_uppercase()),
            ("startswith", Some(what)) => Value::Bool(text.starts_with(&*what)),
            ("startswith", None) => {
                let all = args.list.first().and_then(|list| self.items(list));
                let texts: Option<Vec<_>> =
                    all.map(|all| all.iter().filter_map(Value::as_text).collect());
                texts.map_or(Value::Unknown, |all| {
                    Value::Bool(all.iter().any(|what| text.starts_with(&**what)))
                })
            }
            ("endswith", Some(what)) => Value::Bool(text.ends_with(&*what)),
            ("split", Some(by)) if !by.is_empty() => {
                let parts = text.split(&*by).take(256).map(Value::text).collect();
                self.list(parts)
            }
            ("replace", Some(what)) => match args.list.get(1).and_then(Value::as_text) {
                Some(with) => Value::text(&text.replace(&*what, &with)),
                None => Value::Unknown,
            },
            ("join", _) => {
                let items = args.list.first().and_then(|list| self.items(list));
                let texts: Option<Vec<Rc<str>>> =
                    items.and_then(|items| items.iter().map(Value::as_text).collect());
                texts.map_or(Value::Unknown, |texts| {
                    Value::text(&texts.iter().map(|t| &**t).collect::<Vec<_>>().join(text))
                })
            }
            ("isdigit", _) => {
                Value::Bool(!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            }
            ("encode" | "decode" | "title", _) if name != "title" => Value::text(text),
            _ => Value::Unknown,
        }
    }

    /// Methods of lists and dictionaries.
    fn py_object(&mut self, of: &Value, name: &str, args: &Args) -> Option<Value> {
        let Value::Object(id) = of else { return None };
        let id = *id;
        let is_list = self.heap[id.0].items.is_some();
        let certain = self.branch <= self.heap[id.0].branch;
        match name {
            "append" | "add" if is_list => {
                let value = args.get(0);
                let object = &mut self.heap[id.0];
                if let Some(items) = object.items.as_mut().filter(|items| items.len() < 4096) {
                    items.push(value);
                }
                object.open |= !certain;
                Some(Value::Null)
            }
            "extend" | "update" if is_list => {
                let more = self.items(&args.get(0));
                let object = &mut self.heap[id.0];
                match (object.items.as_mut(), more) {
                    (Some(items), Some(more)) if items.len() < 4096 => items.extend(more),
                    _ => object.open = true,
                }
                object.open |= !certain;
                Some(Value::Null)
            }
            "insert" if is_list => {
                let value = args.get(1);
                let object = &mut self.heap[id.0];
                if let Some(items) = object.items.as_mut() {
                    items.insert(0, value);
                }
                object.open |= !certain;
                Some(Value::Null)
            }
            "remove" | "pop" | "clear" | "sort" | "reverse" | "discard" => {
                self.heap[id.0].open = true;
                Some(Value::Unknown)
            }
            "copy" => Some(of.clone()),
            "get" | "setdefault" if !is_list => {
                let key = args.get(0).as_text()?;
                let default = if args.list.len() > 1 { args.get(1) } else { Value::Null };
                let object = &self.heap[id.0];
                Some(match object.props.get(&key) {
                    Some(value) => value.clone(),
                    None if object.open => Value::Unknown,
                    None => default,
                })
            }
            "update" => {
                let mut object = std::mem::take(&mut self.heap[id.0]);
                self.spread_into(&mut object, &args.get(0));
                for (name, value) in &args.named {
                    object.props.insert((&**name).into(), value.clone());
                }
                self.heap[id.0] = object;
                Some(Value::Null)
            }
            "keys" | "values" | "items" if !is_list => {
                let object = self.heap[id.0].clone();
                let mut all = Vec::new();
                for (key, value) in object.props {
                    let key = Value::Text(key);
                    all.push(match name {
                        "keys" => key,
                        "values" => value,
                        _ => self.list(vec![key, value]),
                    });
                }
                let list = self.list(all);
                if object.open {
                    self.open_list(&list);
                }
                Some(list)
            }
            // A field of a dictionary is no method of it.
            _ => Some(Value::Unknown),
        }
    }

    /// A builtin function.
    pub(super) fn py_builtin(&mut self, name: &str, args: &Args, at: Span) -> Value {
        let first = args.get(0);
        match name {
            "int" | "float" => {
                let number = first.unset().as_number().map_or(Value::Unknown, Value::Number);
                first.depends(number)
            }
            "str" | "repr" | "ascii" => match &first {
                Value::Undefined => Value::text(""),
                value => {
                    let text = match value.unset() {
                        Value::Null => None,
                        other => other.as_text(),
                    };
                    value.depends(text.map_or(Value::Unknown, Value::Text))
                }
            },
            "bool" => {
                let truth = self.py_truth(first.unset()).map_or(Value::Unknown, Value::Bool);
                first.depends(truth)
            }
            "list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed" | "iter" => {
                match first {
                    Value::Undefined => self.list(Vec::new()),
                    list if self.items(&list).is_some() => {
                        let items = self.items(&list).unwrap_or_default();
                        let made = self.list(items);
                        if let Value::Object(id) = &list
                            && self.heap[id.0].open
                        {
                            self.open_list(&made);
                        }
                        made
                    }
                    _ => Value::Unknown,
                }
            }
            "dict" => {
                let mut object =
                    Object { branch: self.branch, open: args.open, ..Object::default() };
                if !matches!(first, Value::Undefined) {
                    self.spread_into(&mut object, &first);
                }
                for (name, value) in &args.named {
                    object.props.insert((&**name).into(), value.clone());
                }
                Value::Object(self.object(object))
            }
            "getattr" => match args.get(1).as_text() {
                Some(name) => {
                    let found = self.member(&first, &name, Some(at));
                    match found {
                        Value::Undefined if args.list.len() > 2 => args.get(2),
                        value => value,
                    }
                }
                None => Value::Unknown,
            },
            "setattr" => {
                if let Some(name) = args.get(1).as_text() {
                    self.set(&first, &name, args.get(2));
                }
                Value::Null
            }
            "exit" | "quit" | "SystemExit" => {
                let code = match first {
                    Value::Undefined | Value::Null => Value::Number(0.0),
                    Value::Text(_) => Value::Number(1.0),
                    code => code,
                };
                self.exits(&code, at);
                Value::Null
            }
            "open" => {
                self.py_opens_file(args, at);
                Value::Inert
            }
            "next" | "anext" => Value::Unknown,
            "print" | "isinstance" | "issubclass" | "hasattr" | "callable" | "len" | "id"
            | "hash" | "type" | "vars" | "dir" | "format" | "ord" | "chr" | "min" | "max"
            | "sum" | "abs" | "round" | "range" | "zip" | "enumerate" | "any" | "all" | "bytes"
            | "object" => {
                if name == "print" {
                    Value::Null
                } else {
                    Value::Unknown
                }
            }
            "map" | "filter" => {
                self.leave_for_later(args);
                Value::Unknown
            }
            "staticmethod" | "classmethod" | "property" => first,
            "super" => Value::Unknown,
            "exec" | "eval" | "__import__" | "compile" => {
                if self.phase == Phase::Start {
                    self.gap(Why::Dynamic, at, Hides::Anything);
                }
                Value::Unknown
            }
            // Exceptions.
            _ => Value::Inert,
        }
    }

    // ---- classes ----

    /// The first base that says what a class is.
    pub(in super::super) fn py_base(&mut self, here: &Here, class: ClassId) -> Value {
        let module = Arc::clone(&here.module);
        let bases = module.class(class).bases.iter().filter(|base| base.name.is_none());
        let values: Vec<Value> = bases.map(|base| self.expr(here, base.value)).collect();
        let is_own = |value: &&Value| matches!(value, Value::Class(_));
        let own = values.iter().filter(is_own).count();
        match values.as_slice() {
            [] => Value::Undefined,
            [Value::External(path)]
                if path.0 == ":py" && path.1.first().is_some_and(|n| n == "object") =>
            {
                Value::Undefined
            }
            [one] => one.clone(),
            all if own == 1 => all.iter().find(is_own).cloned().unwrap_or(Value::Unknown),
            [first @ Value::External(_), ..] if own == 0 => first.clone(),
            _ => Value::Unknown,
        }
    }

    /// A field of a class or of those it extends.
    pub(in super::super) fn py_static(
        &mut self,
        class: &Rc<ClassValue>,
        name: &str,
    ) -> Option<Value> {
        let mut at = Some(Rc::clone(class));
        let mut left = 16;
        while let Some(class) = at {
            if let Some(value) = self.heap[class.statics.0].props.get(name) {
                return Some(value.clone());
            }
            left -= 1;
            at = match &class.base {
                Value::Class(base) if left > 0 => Some(Rc::clone(base)),
                _ => None,
            };
        }
        None
    }

    /// A member of a class, or of an instance of it (`of`).
    pub(in super::super) fn py_class_member(
        &mut self,
        class: &Rc<ClassValue>,
        name: &str,
        of: &Value,
        at: Option<Span>,
    ) -> Value {
        let is_class = matches!(of, Value::Class(_));
        if let Some((closure, getter)) = method(class, name, false) {
            return match (getter, is_class) {
                (true, true) => Value::Unknown,
                (true, false) => self.invoke(&closure, of.clone(), Args::default(), at),
                (false, true) => Value::Function(Rc::new(closure)),
                (false, false) => Value::Bound(Rc::new((of.clone(), closure))),
            };
        }
        if let Some((mut closure, _)) = method(class, name, true) {
            if is_static_method(&closure) {
                closure.home = None;
                return Value::Function(Rc::new(closure));
            }
            return Value::Bound(Rc::new((Value::Class(Rc::clone(class)), closure)));
        }
        if let Some(value) = self.py_static(class, name) {
            return value;
        }
        let open = match of {
            Value::Object(id) => self.heap[id.0].open,
            _ => false,
        };
        match self.py_root(class) {
            Value::Undefined if !open => Value::Undefined,
            root @ (Value::External(_) | Value::HostMethod(..)) if is_class => {
                self.member(&root, name, at)
            }
            Value::External(path) if is_harmless(&path.0) => Value::Inert,
            _ => Value::Unknown,
        }
    }

    /// What a class extends at last, where that is no class of this program.
    pub(super) fn py_root(&self, class: &Rc<ClassValue>) -> Value {
        let mut base = class.base.clone();
        let mut left = 16;
        while let Value::Class(next) = &base {
            left -= 1;
            if left == 0 {
                return Value::Unknown;
            }
            base = next.base.clone();
        }
        base
    }

    /// `Class(…)`.
    pub(in super::super) fn py_construct(
        &mut self,
        class: &Rc<ClassValue>,
        args: &Args,
        at: Span,
    ) -> Value {
        let branch = self.branch;
        let object = Object { class: Some(Rc::clone(class)), branch, ..Object::default() };
        let this = Value::Object(self.object(object));
        if let Value::External(path) = self.py_root(class) {
            let last = path.1.last().map_or("", String::as_str);
            if last == "BaseSettings" {
                self.py_settings(class, &this, args);
                return this;
            }
        }
        match method(class, "__init__", false) {
            Some((closure, _)) => {
                self.invoke(&closure, this.clone(), args.clone(), Some(at));
            }
            None => {
                for (name, value) in &args.named {
                    self.set(&this, name, value.clone());
                }
                if let Value::Object(id) = &this
                    && (args.open || !args.list.is_empty())
                {
                    self.heap[id.0].open = true;
                }
                self.leave_for_later(args);
            }
        }
        this
    }

    /// A class of this program that runs when it is called: `__call__`.
    pub(super) fn py_callable(&mut self, value: &Value) -> Option<Value> {
        let Value::Object(id) = value else { return None };
        let class = self.heap[id.0].class.clone()?;
        let (closure, _) = method(&class, "__call__", false)?;
        Some(Value::Bound(Rc::new((value.clone(), closure))))
    }

    /// The names and values of a class's fields, those of what it extends first.
    pub(super) fn py_fields(&self, class: &Rc<ClassValue>) -> Vec<(Rc<ClassValue>, usize)> {
        let mut chain = vec![Rc::clone(class)];
        while let Some(last) = chain.last()
            && let Value::Class(base) = &last.base
            && chain.len() < 16
        {
            let base = Rc::clone(base);
            chain.push(base);
        }
        let mut all = Vec::new();
        for class in chain.into_iter().rev() {
            let members = class.module.class(class.class).members.iter().enumerate();
            let fields = members.filter(|(_, member)| {
                matches!(member.kind, MemberKind::Field(_))
                    && matches!(&member.key, Key::Fixed(name) if !name.starts_with('_'))
            });
            all.extend(fields.map(|(index, _)| (Rc::clone(&class), index)));
        }
        all
    }

    pub(super) fn py_place(&self, value: &Value) -> Option<Span> {
        match value {
            Value::Function(closure) => {
                Some(closure.module.span(closure.module.function(closure.function).range))
            }
            Value::Bound(bound) => {
                let closure = &bound.1;
                Some(closure.module.span(closure.module.function(closure.function).range))
            }
            Value::Class(class) => Some(class.module.span(class.module.class(class.class).range)),
            Value::Host(id) => match &self.hosts[id.0].kind {
                Kind::Python(thing) => match &**thing {
                    Thing::Wrapped(inner) => self.py_place(&inner.0),
                    _ => None,
                },
                _ => None,
            },
            Value::Namespace(file) => Some(start_of(*file)),
            _ => None,
        }
    }
}

/// A dotted module as what a package exports.
fn py_external(specifier: &str) -> Value {
    let mut parts = specifier.split('.');
    let package = parts.next().unwrap_or(specifier);
    let rest: Vec<&str> = parts.take(8).collect();
    Value::external(package, &rest)
}

pub(super) fn param_name(here: &Here, pattern: PatternId) -> Option<Box<str>> {
    match &here.module.pattern(pattern).kind {
        PatternKind::Name(name) => Some(name.clone()),
        PatternKind::Default { pattern, .. } => match &here.module.pattern(*pattern).kind {
            PatternKind::Name(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// `@staticmethod`, not `@classmethod`.
fn is_static_method(closure: &Closure) -> bool {
    let Some(home) = &closure.home else { return false };
    let members = &home.module.class(home.class).members;
    let member = members.iter().find(
        |member| matches!(member.kind, MemberKind::Method(function) if function == closure.function),
    );
    member.is_some_and(|member| {
        member.decorators.iter().any(|&one| {
            matches!(&home.module.expr(one).kind, ExprKind::Name(name) if &**name == "staticmethod")
        })
    })
}

/// Decorators that change nothing that is asked here.
pub(super) fn is_transparent(name: &str) -> bool {
    matches!(
        name,
        "staticmethod"
            | "classmethod"
            | "property"
            | "cached_property"
            | "lru_cache"
            | "cache"
            | "contextmanager"
            | "asynccontextmanager"
            | "wraps"
            | "override"
            | "abstractmethod"
            | "dataclass"
            | "total_ordering"
            | "final"
            | "overload"
            | "retry"
            | "csrf_exempt"
            | "require_GET"
            | "require_safe"
            | "never_cache"
            | "api_view"
            | "extend_schema"
            | "validator"
            | "field_validator"
            | "model_validator"
            | "computed_field"
            | "define"
            | "sync_to_async"
            | "async_to_sync"
            | "root_validator"
            | "swag_from"
            | "inject"
    )
}
