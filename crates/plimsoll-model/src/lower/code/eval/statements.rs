//! Statements: both branches of what cannot be decided, loops once.

#[allow(clippy::wildcard_imports, reason = "one type in several files")]
use super::*;

impl Eval<'_> {
    pub(in crate::lower::code) fn statements(&mut self, here: &Here, body: &[StmtId]) -> Ends {
        // Functions are there before anything runs, but for Python's.
        let hoisted = if self.python.is_some() { &[][..] } else { body };
        for &id in hoisted {
            if let StmtKind::Function(function) = here.module.stmt(id).kind {
                self.declare_function(here, function);
            }
        }
        let mut ends = Ends::default();
        for &id in body {
            let one = self.statement(here, id);
            ends = ends.or(one.without(Ends::NEXT));
            if !one.has(Ends::NEXT) {
                return ends;
            }
        }
        ends.or(Ends::NEXT)
    }

    pub(super) fn declare_function(&mut self, here: &Here, function: FunctionId) {
        let closure = self.closure(here, function);
        let decorated = !here.module.function(function).decorators.is_empty();
        if let Some(name) = &here.module.function(function).name {
            here.scope.declare(name, Value::Function(Rc::new(closure)));
        }
        debug_assert!(!decorated, "no JavaScript function is decorated");
    }

    pub(in crate::lower::code) fn closure(&self, here: &Here, function: FunctionId) -> Closure {
        Closure {
            module: Arc::clone(&here.module),
            function,
            scope: self.captured.hold(&here.scope),
            this: here.this.clone(),
            home: here.home.clone(),
        }
    }

    pub(super) fn inner(&self, here: &Here) -> Here {
        // A block of Python has no names of its own.
        if self.python.is_some() {
            return here.clone();
        }
        Here { scope: Scope::new(Some(Rc::clone(&here.scope)), false, self.branch), ..here.clone() }
    }

    /// What a branch does, on which nothing depends for certain.
    pub(in crate::lower::code) fn branch<T>(&mut self, go: impl FnOnce(&mut Self) -> T) -> T {
        self.branch += 1;
        let gone = go(self);
        self.branch -= 1;
        gone
    }

    pub(in crate::lower::code) fn statement(&mut self, here: &Here, id: StmtId) -> Ends {
        let before = std::mem::take(&mut self.maybe);
        let ends = self.any_statement(here, id);
        // What an expression did on every way ends the statement.
        let ends = match self.stop.take() {
            Some(stop) => stop.or(ends.without(Ends::NEXT)),
            None => ends,
        };
        let ends = ends.or(self.maybe);
        self.maybe = before;
        ends
    }

    pub(super) fn any_statement(&mut self, here: &Here, id: StmtId) -> Ends {
        let module = Arc::clone(&here.module);
        let stmt = module.stmt(id);
        if self.entry == Some(module.file)
            && matches!(stmt.kind, StmtKind::Let { .. } | StmtKind::Expr(_) | StmtKind::Return(_))
        {
            self.via = Some(module.span(stmt.range));
        }
        match &stmt.kind {
            StmtKind::Let { scope, pattern, init } => {
                self.hint = self.name_of(&module, *pattern);
                let value = match init {
                    Some(init) => self.expr(here, *init),
                    None => Value::Undefined,
                };
                self.hint = None;
                let value = placed(self.name_of(&module, *pattern).as_deref(), value, || {
                    module.span(stmt.range)
                });
                let scope = match scope {
                    Lives::Block => Rc::clone(&here.scope),
                    Lives::Function => here.scope.function(),
                };
                // `var x;` of a name that is there says nothing.
                let again = |name: Rc<str>| scope.names.borrow().contains_key(&*name);
                if init.is_none() && self.name_of(&module, *pattern).is_some_and(again) {
                    return Ends::NEXT;
                }
                self.bind(here, *pattern, value, Some(&scope));
                Ends::NEXT
            }
            StmtKind::Expr(value) => {
                self.expr(here, *value);
                Ends::NEXT
            }
            StmtKind::Return(value) => {
                self.awaited = true;
                let value = value.map_or(Value::Undefined, |value| self.expr(here, value));
                self.awaited = false;
                if self.stop.is_some() {
                    return Ends::NEXT;
                }
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns = Some(match frame.returns.take() {
                        Some(before) => before.or(value),
                        None => value,
                    });
                }
                Ends::RETURN
            }
            StmtKind::Throw(value) => {
                if let Some(value) = value {
                    self.expr(here, *value);
                }
                self.fails(module.span(stmt.range));
                Ends::THROW
            }
            StmtKind::If { test, then, otherwise } => {
                self.if_statement(here, *test, *then, *otherwise)
            }
            StmtKind::While { init, test, update, body } => {
                let here = self.inner(here);
                if let Some(init) = init {
                    // Its block is this scope.
                    match &module.stmt(*init).kind {
                        StmtKind::Block(body) => {
                            for &id in body {
                                self.statement(&here, id);
                            }
                        }
                        _ => {
                            self.statement(&here, *init);
                        }
                    }
                }
                let ends = self.branch(|eval| {
                    eval.loops += 1;
                    // What the loop counts is not what it began with.
                    if let (Some(init), Some(_)) = (init, update) {
                        eval.forget_counters(&here, *init);
                    }
                    if let Some(test) = test {
                        eval.expr(&here, *test);
                    }
                    let ends = eval.statement(&here, *body);
                    if let Some(update) = update {
                        eval.expr(&here, *update);
                    }
                    eval.loops -= 1;
                    ends
                });
                self.stop = None;
                let forever = test
                    .is_none_or(|test| matches!(module.expr(test).kind, ExprKind::Bool(true)))
                    && !ends.has(Ends::BREAK);
                let out = ends.without(Ends::BREAK.or(Ends::NEXT));
                if forever { out } else { out.or(Ends::NEXT) }
            }
            StmtKind::ForEach { pattern, over, keys, body } => {
                let over = self.expr(here, *over);
                self.for_each(here, *pattern, &over, *keys, |eval, here| {
                    eval.statement(here, *body)
                })
            }
            StmtKind::Try { body, catches, otherwise, finally } => {
                let index = self.caught.len();
                let in_loop = self.loops > 0;
                let at = catches.first().map_or(stmt.range, |catch| catch.range);
                self.caught.push(Caught {
                    at: module.span(at),
                    ends: Ends::THROW,
                    exit: None,
                    in_loop,
                });
                let python = self.python.is_some();
                let catching = !python && !catches.is_empty()
                    || catches.iter().any(|catch| python && self.py_catches(here, catch.only));
                if catching {
                    self.tries.push(index);
                }
                let mut ends = self.statement(here, *body);
                if !catches.is_empty() {
                    if catching {
                        self.tries.pop();
                    }
                    let thrown = ends == Ends::THROW;
                    ends = ends.without(Ends::THROW);
                    let mut caught = Ends::default();
                    for catch in catches {
                        let exits = self.last_exit.take();
                        let one = self.branch(|eval| {
                            let here = eval.inner(here);
                            if let Some(pattern) = catch.pattern {
                                eval.bind(&here, pattern, Value::Inert, Some(&here.scope));
                            }
                            eval.catching += 1;
                            let ends = eval.statement(&here, catch.body);
                            eval.catching -= 1;
                            ends
                        });
                        let exit = self.last_exit.take();
                        if let Some(info) = self.caught.get_mut(index) {
                            info.exit = exit.or(info.exit);
                        }
                        self.last_exit = exits.or(exit);
                        caught = caught.or(one);
                    }
                    if let Some(info) = self.caught.get_mut(index) {
                        info.ends = caught;
                    }
                    ends = if thrown { caught } else { ends.or(caught) };
                }
                if let Some(otherwise) = otherwise
                    && ends.has(Ends::NEXT)
                {
                    ends = ends.or(self.statement(here, *otherwise));
                }
                if let Some(finally) = finally {
                    let last = self.statement(here, *finally);
                    ends = if last.has(Ends::NEXT) { ends } else { last };
                }
                ends
            }
            StmtKind::Switch { subject, cases } => {
                let subject = self.expr(here, *subject);
                let here = self.inner(here);
                let mut ends = Ends::default();
                let mut default = false;
                let mut open = true;
                for (test, body) in cases {
                    let certain = match test {
                        Some(test) => {
                            let test = self.expr(&here, *test);
                            equal(&subject, &test)
                        }
                        None => {
                            default = true;
                            None
                        }
                    };
                    if certain == Some(false) || !open {
                        continue;
                    }
                    let one = self.branch(|eval| eval.statements(&here, body));
                    ends = ends.or(one);
                    if certain == Some(true) && !one.has(Ends::NEXT) {
                        open = false;
                        default = true;
                    }
                }
                let out = ends.without(Ends::BREAK);
                if ends.has(Ends::BREAK) || !default { out.or(Ends::NEXT) } else { out }
            }
            StmtKind::With { items, body } if self.python.is_some() => {
                self.py_with(here, items, *body)
            }
            StmtKind::With { items, body } => {
                let here = self.inner(here);
                for (value, pattern) in items {
                    let value = self.expr(&here, *value);
                    if let Some(pattern) = pattern {
                        self.bind(&here, *pattern, value, Some(&here.scope));
                    }
                }
                self.statement(&here, *body)
            }
            StmtKind::Block(body) => {
                let here = self.inner(here);
                self.statements(&here, body)
            }
            StmtKind::Function(function) if self.python.is_some() => {
                self.py_function(here, *function);
                Ends::NEXT
            }
            StmtKind::Function(function) => {
                // Again where it stands: the scope may be another round's.
                if here
                    .module
                    .function(*function)
                    .name
                    .as_ref()
                    .is_none_or(|name| !here.scope.names.borrow().contains_key(&**name))
                {
                    self.declare_function(here, *function);
                }
                Ends::NEXT
            }
            StmtKind::Class(class) => {
                let value = self.class(here, *class);
                if let Some(name) = &module.class(*class).name {
                    here.scope.declare(name, value);
                }
                Ends::NEXT
            }
            StmtKind::Import(index) => {
                if let Some(import) = module.imports.get(*index as usize)
                    && !import.type_only
                {
                    if self.python.is_some() {
                        self.py_bind(here, import);
                        return Ends::NEXT;
                    }
                    let at = module.span(import.range);
                    let known = self.facts.imports.len();
                    let of = self.import(module.file, &import.specifier.text, at);
                    // `@Res() reply: Reply` of a package that only brings types is left out.
                    let declared = |name: &str| {
                        let file = self.graph.cx.tree.path(module.file);
                        let package = self.graph.package_of(file);
                        package.is_some_and(|package| package.dependency(name).is_some())
                    };
                    let is_new = self.facts.imports.get(known);
                    if import.maybe_type && is_new.is_some_and(|one| !declared(&one.package)) {
                        self.facts.imports.truncate(known);
                    }
                    for binding in &import.bindings {
                        let value = self.imported(&of, &binding.what);
                        here.scope.declare(&binding.local, value);
                    }
                }
                Ends::NEXT
            }
            StmtKind::Break | StmtKind::Continue => Ends::BREAK,
            StmtKind::Empty => Ends::NEXT,
        }
    }

    pub(super) fn forget_counters(&mut self, here: &Here, init: StmtId) {
        let module = Arc::clone(&here.module);
        let ids: Vec<StmtId> = match &module.stmt(init).kind {
            StmtKind::Block(body) => body.clone(),
            _ => vec![init],
        };
        for id in ids {
            if let StmtKind::Let { pattern, .. } = &module.stmt(id).kind {
                self.bind(here, *pattern, Value::Unknown, Some(&here.scope));
            }
        }
    }

    pub(super) fn if_statement(
        &mut self,
        here: &Here,
        test: ExprId,
        then: StmtId,
        otherwise: Option<StmtId>,
    ) -> Ends {
        let value = self.expr(here, test);
        if self.stop.is_some() {
            return Ends::NEXT;
        }
        match self.truth(&value) {
            Some(true) => self.statement(here, then),
            Some(false) => otherwise.map_or(Ends::NEXT, |other| self.statement(here, other)),
            None => {
                let ends = self
                    .where_set(&value, true, |eval| eval.branch(|eval| eval.statement(here, then)));
                // `if (!process.env.X) throw`: it is required.
                // Which value it has is another question: `X !== 'development'`.
                let module = &here.module;
                let compares = match &module.expr(test).kind {
                    ExprKind::Binary { left, right, .. } => [left, right].iter().any(|&&side| {
                        matches!(&module.expr(side).kind, ExprKind::Text(text) if !text.is_empty())
                    }),
                    _ => false,
                };
                // Of `const x = process.env.A || process.env.B`, one is enough.
                let names = value.names();
                let either = names.len() > 1
                    && matches!(
                        &module.expr(test).kind,
                        ExprKind::Unary { operand, .. }
                            if matches!(module.expr(*operand).kind, ExprKind::Name(_))
                    );
                if !compares
                    && !either
                    && value.unset().truth() == Some(true)
                    && ends.only(Ends::THROW.or(Ends::FAIL))
                {
                    self.facts.require(&names);
                }
                // `if (!x) return`: from here on, there is something.
                if !ends.has(Ends::NEXT) {
                    self.narrow(here, test);
                }
                let other = match otherwise {
                    Some(other) => self.where_set(&value, false, |eval| {
                        eval.branch(|eval| eval.statement(here, other))
                    }),
                    None => Ends::NEXT,
                };
                ends.or(other)
            }
        }
    }

    /// After `if (!name) return`, the name is something.
    pub(super) fn narrow(&mut self, here: &Here, test: ExprId) {
        let module = Arc::clone(&here.module);
        let ExprKind::Unary { op: UnaryOp::Not, operand } = &module.expr(test).kind else { return };
        if let ExprKind::Name(name) = &module.expr(*operand).kind
            && let Some((scope, Value::Any(all))) = here.scope.find(name)
            && scope.branch == self.branch
        {
            let some: Vec<Value> =
                all.iter().filter(|value| value.truth() != Some(false)).cloned().collect();
            let mut some = some.into_iter();
            if let Some(first) = some.next() {
                scope.declare(name, some.fold(first, Value::or));
            }
        }
    }

    pub(super) fn for_each(
        &mut self,
        here: &Here,
        pattern: PatternId,
        over: &Value,
        keys: bool,
        mut go: impl FnMut(&mut Self, &Here) -> Ends,
    ) -> Ends {
        let rounds: Option<Vec<Value>> = match over {
            Value::Object(id) => {
                let object = &self.heap[id.0];
                match &object.items {
                    _ if object.open => None,
                    Some(_) if keys => None,
                    Some(items) if items.len() <= MAX_ROUNDS => Some(items.clone()),
                    None if keys => {
                        Some(object.props.keys().map(|k| Value::Text(Rc::clone(k))).collect())
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        self.loops += 1;
        let mut all = Ends::default();
        match rounds {
            Some(rounds) => {
                for value in rounds {
                    let inner = self.inner(here);
                    self.bind(&inner, pattern, value, Some(&inner.scope));
                    all = all.or(go(self, &inner));
                    if !all.has(Ends::NEXT) && !all.has(Ends::BREAK) {
                        break;
                    }
                }
            }
            None => {
                all = self.branch(|eval| {
                    let inner = eval.inner(here);
                    let value =
                        if matches!(over, Value::Inert) { Value::Inert } else { Value::Unknown };
                    eval.bind(&inner, pattern, value, Some(&inner.scope));
                    go(eval, &inner)
                });
            }
        }
        self.loops -= 1;
        all.without(Ends::BREAK).or(Ends::NEXT)
    }

    pub(super) fn name_of(&self, module: &Module, pattern: PatternId) -> Option<Rc<str>> {
        match &module.pattern(pattern).kind {
            PatternKind::Name(name) => Some((&**name).into()),
            PatternKind::Target(target) => match &module.expr(*target).kind {
                ExprKind::Member { name, .. } => Some((&**name).into()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Binds a value: to new names in `scope`, or by assignment.
    pub(in crate::lower::code) fn bind(
        &mut self,
        here: &Here,
        pattern: PatternId,
        value: Value,
        scope: Option<&Rc<Scope>>,
    ) {
        let module = Arc::clone(&here.module);
        match &module.pattern(pattern).kind {
            PatternKind::Name(name) => match scope {
                Some(scope) if self.python.is_some() => self.py_declare(scope, name, value),
                Some(scope) => scope.declare(name, value),
                None => self.assign(here, name, value),
            },
            PatternKind::Fields { fields, rest } => {
                for (key, pattern) in fields {
                    let Some(name) = self.key(here, key) else { continue };
                    let at = Some(module.span(module.pattern(*pattern).range));
                    let field = self.member(&value, &name, at);
                    self.bind(here, *pattern, field, scope);
                }
                if let Some(rest) = rest {
                    let rest_value =
                        if matches!(value, Value::Unknown) { Value::Unknown } else { value };
                    self.bind(here, *rest, rest_value, scope);
                }
            }
            PatternKind::Elements { elements, rest } => {
                let items = self.items(&value);
                for (index, pattern) in elements.iter().enumerate() {
                    let Some(pattern) = pattern else { continue };
                    let item = match &items {
                        Some(items) => items.get(index).cloned().unwrap_or(Value::Undefined),
                        None if matches!(value, Value::Inert) => Value::Inert,
                        None => Value::Unknown,
                    };
                    self.bind(here, *pattern, item, scope);
                }
                if let Some(rest) = rest {
                    let left = match items {
                        Some(items) => {
                            let left = items.get(elements.len()..).unwrap_or_default().to_vec();
                            self.list(left)
                        }
                        None => Value::Unknown,
                    };
                    self.bind(here, *rest, left, scope);
                }
            }
            PatternKind::Default { pattern, value: default } => {
                let value = match value {
                    Value::Undefined => self.expr(here, *default),
                    value if self.python.is_some() => value,
                    Value::Env(_) => {
                        let default = self.expr(here, *default);
                        self.facts.defaults(&value, &default);
                        match value.unset() {
                            Value::Undefined => value.depends(default),
                            _ => value,
                        }
                    }
                    Value::Unknown | Value::Any(_) => {
                        let default = self.branch(|eval| eval.expr(here, *default));
                        value.or(default)
                    }
                    value => value,
                };
                self.bind(here, *pattern, value, scope);
            }
            PatternKind::Target(target) => match &module.expr(*target).kind {
                ExprKind::Member { object, name, .. } => {
                    let object = self.expr(here, *object);
                    self.set(&object, name, value);
                }
                ExprKind::Index { object, index } => {
                    let object = self.expr(here, *object);
                    let index = self.expr(here, *index);
                    match index.as_text() {
                        Some(name) => self.set(&object, &name, value),
                        None => {
                            for one in object.each() {
                                if let Value::Object(id) = one {
                                    self.heap[id.0].open = true;
                                }
                            }
                        }
                    }
                }
                _ => {}
            },
        }
    }

    pub(super) fn assign(&mut self, here: &Here, name: &str, value: Value) {
        match here.scope.find(name) {
            Some((scope, old)) => {
                let value = if self.branch > scope.branch { old.or(value) } else { value };
                scope.declare(name, value);
            }
            None => {
                let mut top = Rc::clone(&here.scope);
                while let Some(parent) = top.parent.clone() {
                    top = parent;
                }
                top.declare(name, value);
            }
        }
    }

    pub(super) fn key(&mut self, here: &Here, key: &Key) -> Option<Rc<str>> {
        match key {
            Key::Fixed(name) => Some((&**name).into()),
            Key::Computed(value) => self.expr(here, *value).as_text(),
        }
    }
}
