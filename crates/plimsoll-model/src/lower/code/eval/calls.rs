//! Classes and calls: of functions of the program, and of what packages give.

#[allow(clippy::wildcard_imports, reason = "one type in several files")]
use super::*;
use crate::migration::MigrationTool;

impl Eval<'_> {
    pub(super) fn class(&mut self, here: &Here, id: ClassId) -> Value {
        let module = Arc::clone(&here.module);
        let class = module.class(id);
        let base = match class.bases.first() {
            _ if self.python.is_some() => self.py_base(here, id),
            Some(base) => self.expr(here, base.value),
            None => Value::Undefined,
        };
        let statics = self.object(Object { branch: self.branch, ..Object::default() });
        let scope = Scope::new(Some(Rc::clone(&here.scope)), false, self.branch);
        let value = Rc::new(ClassValue {
            module: Arc::clone(&module),
            class: id,
            scope: self.captured.hold(&scope),
            base,
            statics,
        });
        if let Some(name) = &class.name {
            scope.declare(name, Value::Class(Rc::clone(&value)));
        }
        let this = Value::Class(Rc::clone(&value));
        let here = Here {
            module: Arc::clone(&module),
            scope,
            this: this.clone(),
            home: Some(Rc::clone(&value)),
        };
        for member in class.members.iter().filter(|member| member.is_static) {
            match member.kind {
                MemberKind::Field(init) => {
                    let Some(name) = self.key(&here, &member.key) else { continue };
                    self.hint = Some(Rc::clone(&name));
                    let init = init.map_or(Value::Undefined, |init| self.expr(&here, init));
                    self.hint = None;
                    self.heap[statics.0].props.insert(name, init);
                }
                MemberKind::Block(block) => {
                    self.statement(&here, block);
                }
                _ => {}
            }
        }
        this
    }

    /// `new Class(…)`.
    pub(in crate::lower::code) fn construct(
        &mut self,
        class: &Rc<ClassValue>,
        args: Args,
        at: Option<Span>,
    ) -> Value {
        if self.python.is_some() {
            let at = at.unwrap_or(crate::lower::code::nowhere());
            return self.py_construct(class, &args, at);
        }
        let branch = self.branch;
        let made =
            self.object(Object { class: Some(Rc::clone(class)), branch, ..Object::default() });
        let this = Value::Object(made);
        self.initialise(class, &this, args, at, 0);
        this
    }

    pub(super) fn initialise(
        &mut self,
        class: &Rc<ClassValue>,
        this: &Value,
        args: Args,
        at: Option<Span>,
        depth: usize,
    ) {
        if depth > 16 {
            return;
        }
        let module = Arc::clone(&class.module);
        let node = module.class(class.class);
        let constructor = node.members.iter().find_map(|member| match (&member.key, member.kind) {
            (Key::Fixed(name), MemberKind::Method(function))
                if matches!(&**name, "constructor" | "__init__") && !member.is_static =>
            {
                Some(function)
            }
            _ => None,
        });
        // Without `super(…)` being met, the base's fields come first all the same.
        let base = class.base.clone();
        if let Value::Class(base) = &base
            && constructor.is_none()
        {
            self.initialise(base, this, args.clone(), at, depth + 1);
        }
        let here = Here {
            module: Arc::clone(&module),
            scope: Rc::clone(&class.scope),
            this: this.clone(),
            home: Some(Rc::clone(class)),
        };
        for member in node.members.iter().filter(|member| !member.is_static) {
            if let MemberKind::Field(init) = member.kind
                && let Some(name) = self.key(&here, &member.key)
            {
                self.hint = Some(Rc::clone(&name));
                let value = init.map_or(Value::Undefined, |init| self.expr(&here, init));
                self.hint = None;
                if init.is_some() || self.heap_prop(this, &name).is_none() {
                    self.set(this, &name, value);
                }
            }
        }
        if let Some(function) = constructor {
            let closure = Closure {
                module: Arc::clone(&module),
                function,
                scope: Rc::clone(&class.scope),
                this: this.clone(),
                home: Some(Rc::clone(class)),
            };
            self.invoke(&closure, this.clone(), args, at);
        }
    }

    pub(super) fn call(
        &mut self,
        here: &Here,
        callee: ExprId,
        args: &[Argument],
        new: bool,
        at: Span,
        awaited: bool,
    ) -> Value {
        let module = Arc::clone(&here.module);
        let hint = self.hint.take();
        let (of, function) = match &module.expr(callee).kind {
            ExprKind::Super => {
                let args = self.arguments(here, args);
                if let Some(home) = here.home.clone()
                    && let Value::Class(base) = &home.base
                {
                    self.initialise(base, &here.this.clone(), args, Some(at), 0);
                }
                return Value::Undefined;
            }
            ExprKind::Member { object, name, .. }
                if !matches!(module.expr(*object).kind, ExprKind::Super) =>
            {
                if self.python.is_some() && self.py_is_super(here, *object) {
                    return self.py_super_call(here, name, args, at);
                }
                if matches!(&**name, "catch" | "then" | "finally")
                    && !args.is_empty()
                    && self.python.is_none()
                {
                    return self.promise(here, *object, name, args, at, awaited);
                }
                let of = self.expr(here, *object);
                let value = if self.python.is_some() {
                    self.py_method(here, &of, name, args, at)
                } else {
                    self.language(here, &of, name, args, at)
                };
                if let Some(value) = value {
                    return value;
                }
                let function = self.member(&of, name, Some(at));
                (Some((of, name.clone())), function)
            }
            _ => (None, self.expr(here, callee)),
        };
        let args = self.arguments(here, args);
        if awaited && self.python.is_none() {
            self.migrates(&module, callee, &function, at);
        }
        self.hint = hint;
        self.awaited = awaited;
        let value = self.call_any(&function, of.as_ref(), &args, new, at);
        self.awaited = false;
        self.hint = None;
        value
    }

    /// Notes migrations that every start waits for before anything listens.
    fn migrates(&mut self, module: &Module, callee: ExprId, function: &Value, at: Span) {
        let every = self.phase == Phase::Start && self.branch == 0 && self.given.is_empty();
        if !every || !self.facts.listens.is_empty() || self.facts.migrates.is_some() {
            return;
        }
        let member = |id: ExprId| match &module.expr(id).kind {
            ExprKind::Member { object, name, .. } => Some((*object, &**name)),
            _ => None,
        };
        let imports = |name: &str| self.facts.imports.iter().any(|one| one.package == name);
        let of_drizzle = match function {
            Value::External(path) => {
                path.0.starts_with("drizzle-orm/") && path.0.ends_with("/migrator")
            }
            _ => false,
        };
        let tool = match member(callee) {
            _ if of_drizzle => MigrationTool::Drizzle,
            Some((object, "latest"))
                if member(object).is_some_and(|(_, name)| name == "migrate") && imports("knex") =>
            {
                MigrationTool::Knex
            }
            Some((_, "runMigrations")) if imports("typeorm") => MigrationTool::TypeOrm,
            _ => return,
        };
        self.facts.migrates = Some((tool, at));
    }

    /// `x.then(…)`, `x.catch(…)`: the functions run after x; the latter where it fails.
    pub(super) fn promise(
        &mut self,
        here: &Here,
        object: ExprId,
        name: &str,
        args: &[Argument],
        at: Span,
        awaited: bool,
    ) -> Value {
        let index = self.caught.len();
        let catches = name == "catch" || (name == "then" && args.len() > 1);
        if catches {
            let in_loop = self.loops > 0;
            self.caught.push(Caught { at, ends: Ends::NEXT, exit: None, in_loop });
            self.pending.push(index);
        }
        self.awaited = awaited;
        let pending = self.pending.len();
        let of = self.expr(here, object);
        self.awaited = false;
        if catches {
            self.pending.truncate(pending);
            self.pending.pop();
        }
        if matches!(of, Value::Object(_) | Value::Class(_)) && self.language_then(&of) {
            return Value::Unknown;
        }
        let args = self.arguments(here, args);
        let after = self.after_await;
        self.waits();
        let mut value = of.clone();
        if name != "catch" && self.stop.is_none() {
            let then = args.get(0);
            if !matches!(then, Value::Undefined | Value::Null) {
                if catches {
                    self.pending.push(index);
                }
                let given = if name == "then" { vec![of.clone()] } else { Vec::new() };
                let result = self.call_value(&then, Args::of(given), Some(at));
                if name == "then" {
                    value = result;
                }
                if catches {
                    self.pending.pop();
                }
            }
        }
        if catches {
            let handler = args.get(usize::from(name == "then"));
            let stop = self.stop.take();
            let exits = self.last_exit.take();
            let before = std::mem::take(&mut self.maybe);
            self.branch(|eval| {
                let caught = Args::of(vec![Value::Inert]);
                eval.call_value(&handler, caught, Some(at));
            });
            let mut ends = self.maybe;
            match self.stop.take() {
                Some(stop) => ends = ends.or(stop),
                None => ends = ends.or(Ends::NEXT),
            }
            self.maybe = before;
            if let Some(info) = self.caught.get_mut(index) {
                info.ends = ends;
                info.exit = self.last_exit;
            }
            self.last_exit = exits.or(self.last_exit);
            self.stop = stop.filter(|stop| !stop.only(Ends::THROW));
        }
        if !awaited {
            self.after_await = after;
        }
        value
    }

    /// Whether an object has a `then` or `catch` of its own: it is no promise.
    pub(super) fn language_then(&self, _of: &Value) -> bool {
        false
    }

    /// Calls a value with values.
    pub(in crate::lower::code) fn call_value(
        &mut self,
        function: &Value,
        args: Args,
        at: Option<Span>,
    ) -> Value {
        let at = at.or(self.via).unwrap_or(Span::new(FileId(0), TextRange::new(0, 0)));
        self.call_any(function, None, &args, false, at)
    }

    pub(in crate::lower::code) fn call_any(
        &mut self,
        function: &Value,
        of: Option<&(Value, Box<str>)>,
        args: &Args,
        new: bool,
        at: Span,
    ) -> Value {
        match function {
            Value::Function(closure) => {
                let closure = Rc::clone(closure);
                let this = match of {
                    Some((of, _)) if !new => of.clone(),
                    _ if new => Value::Object(
                        self.object(Object { branch: self.branch, ..Object::default() }),
                    ),
                    _ => Value::Undefined,
                };
                let value = self.invoke(&closure, this.clone(), args.clone(), Some(at));
                if new && matches!(value, Value::Undefined) { this } else { value }
            }
            Value::Bound(bound) => {
                let bound = Rc::clone(bound);
                self.invoke(&bound.1, bound.0.clone(), args.clone(), Some(at))
            }
            Value::Class(class) => {
                let class = Rc::clone(class);
                self.construct(&class, args.clone(), Some(at))
            }
            Value::Any(all) => {
                let some: Vec<Value> = all
                    .iter()
                    .filter(|v| !matches!(v, Value::Null | Value::Undefined | Value::Bool(_)))
                    .cloned()
                    .collect();
                let mut made: Option<Value> = None;
                let several = some.len() > 1;
                for one in some {
                    let go = |eval: &mut Self| eval.call_any(&one, of, args, new, at);
                    let value = if several { self.maybe_stop(go) } else { go(self) };
                    made = Some(match made {
                        Some(before) => before.or(value),
                        None => value,
                    });
                }
                made.unwrap_or(Value::Unknown)
            }
            Value::External(_) | Value::HostMethod(..) | Value::Host(_) => {
                // What is given to a package is called later, unless all of its arguments are plain.
                let after = self.after_await;
                if matches!(self.phase, Phase::Signal(_)) && !args.list.iter().all(Value::is_plain)
                {
                    self.after_await = true;
                }
                let value = match function {
                    Value::External(path) => self.call_external(&Rc::clone(path), args, new, at),
                    Value::HostMethod(host, name) => {
                        self.call_host(*host, &Rc::clone(name), args, at)
                    }
                    Value::Host(host) => self.call_host(*host, "", args, at),
                    _ => Value::Unknown,
                };
                self.after_await = after;
                value
            }
            Value::Live(file, name) => {
                let value = self.export(*file, name, 0).unwrap_or(Value::Undefined);
                if matches!(value, Value::Live(..)) {
                    return Value::Unknown;
                }
                self.call_any(&value, of, args, new, at)
            }
            Value::Inert => {
                self.hands_over(args, at);
                Value::Inert
            }
            _ => {
                if !of.is_some_and(|(_, name)| is_of_language(name)) {
                    self.unknown_call(at);
                }
                self.leave_for_later(args);
                Value::Unknown
            }
        }
    }

    /// What a package is handed, it may use: functions some time, a reply to answer.
    pub(in crate::lower::code) fn hands_over(&mut self, args: &Args, at: Span) {
        let is_reply = |value: &Value| match value {
            Value::Host(id) => matches!(self.hosts[id.0].kind, super::super::host::Kind::Reply),
            _ => false,
        };
        if self.phase == Phase::Request && args.list.iter().any(is_reply) {
            self.answering.unknown.get_or_insert(at);
        }
        self.leave_for_later(args);
    }

    /// Functions that are handed to what is not followed may be called some time.
    pub(in crate::lower::code) fn leave_for_later(&mut self, args: &Args) {
        if self.phase == Phase::Request {
            return;
        }
        for value in args.list.iter().chain(args.named.iter().map(|(_, value)| value)) {
            self.later(value, 0);
        }
    }

    pub(super) fn later(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Function(_) | Value::Bound(_) => {
                let via = self.via;
                self.queue.push_back(Deferred { function: value.clone(), via });
            }
            Value::Object(id) if depth < 2 && self.heap[id.0].class.is_none() => {
                let object = &self.heap[id.0];
                let inside: Vec<Value> = object
                    .props
                    .values()
                    .chain(object.items.iter().flatten())
                    .filter(|v| matches!(v, Value::Function(_) | Value::Object(_)))
                    .take(32)
                    .cloned()
                    .collect();
                for value in inside {
                    self.later(&value, depth + 1);
                }
            }
            _ => {}
        }
    }

    pub(in crate::lower::code) fn invoke(
        &mut self,
        closure: &Closure,
        this: Value,
        args: Args,
        at: Option<Span>,
    ) -> Value {
        let awaited = std::mem::take(&mut self.awaited);
        let module = Arc::clone(&closure.module);
        let function = module.function(closure.function);
        let key = (module.file, closure.function);
        let again = self.calls.iter().filter(|&&call| call == key).count();
        let spent = self.spent.get(&key).copied().unwrap_or_default();
        if again > 1 || self.calls.len() >= MAX_CALLS || self.fuel == 0 || spent > FUNCTION_FUEL {
            if self.phase == Phase::Request && spent > FUNCTION_FUEL {
                self.answering.too_large = true;
            }
            return Value::Unknown;
        }
        let _ = at;
        self.calls.push(key);
        let scope = Scope::new(Some(Rc::clone(&closure.scope)), true, self.branch);
        let this = if function.is_arrow { closure.this.clone() } else { this };
        let here = Here {
            module: Arc::clone(&module),
            scope: Rc::clone(&scope),
            this,
            home: closure.home.clone(),
        };
        let hint = self.hint.take();
        let python = module.dialect == Dialect::Python;
        let alone = function.is_async && !awaited && !python;
        let pending = std::mem::take(&mut self.pending);
        let tries = self.tries.clone();
        if alone {
            self.tries.clear();
        }
        self.tries.extend(pending.iter().copied());
        let after = self.after_await;
        let loops = std::mem::take(&mut self.loops);
        let maybe = std::mem::take(&mut self.maybe);
        if python {
            self.py_params(&here, closure, args.clone(), &scope);
        }
        let params = if python { &[][..] } else { &function.params };
        for (index, param) in params.iter().enumerate() {
            let value = match param.rest {
                Spread::No => {
                    let named = self.name_of(&module, param.pattern);
                    let named = named
                        .and_then(|name| args.named.iter().find(|(given, _)| **given == *name));
                    named.map_or_else(|| args.get(index), |(_, value)| value.clone())
                }
                _ if args.open => Value::Unknown,
                _ => {
                    let rest = args.list.get(index..).unwrap_or_default().to_vec();
                    self.list(rest)
                }
            };
            self.bind(&here, param.pattern, value.clone(), Some(&scope));
            if param.field
                && let Some(name) = self.name_of(&module, param.pattern)
            {
                self.set(&here.this, &name, value);
            }
        }
        self.frames.push(Frame { returns: None });
        let ends = match &function.body {
            Body::Expr(value) => {
                self.awaited = true;
                let value = self.expr(&here, *value);
                self.awaited = false;
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns = Some(value);
                }
                let ends = self.stop.take().unwrap_or(Ends::RETURN);
                ends.or(self.maybe)
            }
            Body::Block(body) => self.statements(&here, body),
        };
        let frame = self.frames.pop();
        self.maybe = maybe;
        self.loops = loops;
        self.tries = tries;
        self.pending = pending;
        self.hint = hint;
        self.calls.pop();
        if alone {
            self.after_await = after;
        }
        let comes_back = ends.has(Ends::NEXT) || ends.has(Ends::RETURN) || ends.has(Ends::BREAK);
        let mut out = ends.without(Ends::NEXT.or(Ends::RETURN).or(Ends::BREAK));
        if alone {
            // A failure is the promise's.
            out = out.without(Ends::THROW);
            if out.0 != 0 && !comes_back {
                self.stop = Some(out);
            }
        } else if !comes_back {
            self.stop = Some(out);
        }
        self.maybe = self.maybe.or(out);
        let nothing = if python { Value::Null } else { Value::Undefined };
        let returns = frame.and_then(|frame| frame.returns).unwrap_or(nothing);
        if function.is_generator { Value::Unknown } else { returns }
    }

    /// How a call of a function ends.
    pub(in crate::lower::code) fn ends(&mut self, function: &Value, args: Args) -> Ends {
        let maybe = std::mem::take(&mut self.maybe);
        self.call_value(function, args, None);
        let stop = self.stop.take();
        let ends = self.maybe.or(stop.unwrap_or(Ends::NEXT));
        self.maybe = maybe;
        ends
    }

    /// Whether a value counts as true; `None` where that depends.
    pub(super) fn truth(&self, value: &Value) -> Option<bool> {
        if self.python.is_some() { self.py_truth(value) } else { value.truth() }
    }

    /// The process ends.
    pub(in crate::lower::code) fn exits(&mut self, code: &Value, at: Span) {
        let code = code.unset().as_number().map_or(
            if matches!(code, Value::Undefined) { Some(0) } else { None },
            #[expect(clippy::cast_possible_truncation, reason = "an exit code")]
            |code| Some(code as i32),
        );
        self.last_exit = Some(at);
        // A handler is followed on a branch of its own.
        let at_once = !self.after_await && self.branch <= self.base;
        self.facts.exit(self.phase, code, at, at_once);
        self.stop = Some(if code == Some(0) { Ends::EXIT } else { Ends::FAIL });
    }

    /// A call whose failure shows.
    pub(in crate::lower::code) fn ask(&mut self, at: Span) {
        if self.phase == Phase::Request {
            let caught = !self.tries.is_empty();
            self.answering.asks.push((at, caught));
        }
    }

    pub(super) fn fails(&mut self, at: Span) {
        if self.phase == Phase::Request && self.tries.is_empty() {
            self.answering.fails.get_or_insert(at);
        }
    }

    pub(in crate::lower::code) fn unknown_call(&mut self, at: Span) {
        if self.phase == Phase::Request {
            self.answering.unknown.get_or_insert(at);
        }
        if let Phase::Signal(index) = self.phase {
            self.facts.unknown_in_handler(index, at);
        }
    }

    /// Notes a status that a handler sets.
    pub(in crate::lower::code) fn status(&mut self, value: Value, at: Span) {
        if self.phase == Phase::Request {
            if self.catching > 0 {
                return self.answering.on_failure.push((value, at));
            }
            let always = self.branch <= self.answering.base;
            self.answering.statuses.push((value, at, always));
        }
    }

    /// Runs a handler for a request, and gives what it does.
    pub(in crate::lower::code) fn answer(
        &mut self,
        path: Option<&str>,
        handler: &Value,
        args: Args,
    ) -> (Answering, Value) {
        let before = std::mem::take(&mut self.answering);
        let fuel = std::mem::replace(&mut self.fuel, REQUEST_FUEL);
        self.spent.clear();
        let answered = self.in_phase(Phase::Request, |eval| {
            eval.answering.path = path.map(Into::into);
            eval.answering.base = eval.branch;
            // Frameworks wait for what a handler promises.
            eval.awaited = true;
            let value = eval.call_value(handler, args, None);
            if let Some(stop) = eval.stop.take().filter(|stop| stop.has(Ends::THROW)) {
                let at = eval.via.unwrap_or(Span::new(FileId(0), TextRange::new(0, 0)));
                eval.answering.fails.get_or_insert(at);
                eval.answering.throws = stop.only(Ends::THROW);
            }
            value
        });
        self.fuel = fuel;
        (std::mem::replace(&mut self.answering, before), answered)
    }
}
