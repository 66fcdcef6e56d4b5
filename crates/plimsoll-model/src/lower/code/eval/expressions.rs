//! Expressions, and what values are where that depends.

#[allow(clippy::wildcard_imports, reason = "one type in several files")]
use super::*;

impl Eval<'_> {
    pub(in crate::lower::code) fn expr(&mut self, here: &Here, id: ExprId) -> Value {
        let awaited = std::mem::take(&mut self.awaited);
        let module = Arc::clone(&here.module);
        let expr = module.expr(id);
        let at = module.span(expr.range);
        if self.fuel == 0 || self.depth > MAX_DEPTH {
            self.exhausted(at);
            return Value::Unknown;
        }
        self.fuel -= 1;
        if let Some(call) = self.calls.last() {
            *self.spent.entry(*call).or_default() += 1;
        }
        self.depth += 1;
        let value = self.any_expr(here, &module, &expr.kind, at, awaited);
        self.depth -= 1;
        value
    }

    /// The program is larger than what is followed.
    pub(super) fn exhausted(&mut self, at: Span) {
        match self.phase {
            Phase::Request => self.answering.too_large = true,
            Phase::Signal(index) => {
                if let Some(handler) = self.facts.handlers.get_mut(index) {
                    handler.unknown = Some((Why::TooLarge, at));
                }
            }
            _ if self.facts.gaps.iter().any(|gap| gap.why == Why::TooLarge) => {}
            _ => self.gap(Why::TooLarge, at, Hides::Anything),
        }
    }

    pub(super) fn any_expr(
        &mut self,
        here: &Here,
        module: &Arc<Module>,
        kind: &ExprKind,
        at: Span,
        awaited: bool,
    ) -> Value {
        match kind {
            ExprKind::Text(text) => Value::text(text),
            ExprKind::Number(number) => Value::Number(*number),
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Null => Value::Null,
            ExprKind::Regex(_) => Value::Regex,
            ExprKind::Template(parts) => self.template(here, parts),
            ExprKind::Name(name) => self.name(here, name),
            ExprKind::This => here.this.clone(),
            ExprKind::Super => Value::Unknown,
            ExprKind::Member { object, name, .. } => {
                if matches!(module.expr(*object).kind, ExprKind::Super)
                    || (self.python.is_some() && self.py_is_super(here, *object))
                {
                    return self.super_member(here, name);
                }
                let of = self.expr(here, *object);
                self.member(&of, name, Some(at))
            }
            ExprKind::Index { object, index } => {
                let of = self.expr(here, *object);
                let index = self.expr(here, *index);
                self.index(&of, &index, at)
            }
            ExprKind::Call { callee, args, new } => {
                self.call(here, *callee, args, *new, at, awaited)
            }
            ExprKind::Function(function) => Value::Function(Rc::new(self.closure(here, *function))),
            ExprKind::Class(class) => self.class(here, *class),
            ExprKind::Object(entries) => self.literal(here, entries),
            ExprKind::List(items) => {
                let hint = self.hint.take();
                let args = self.arguments(here, items);
                self.hint = hint;
                let open = args.open;
                let list = self.list(args.list);
                if let Value::Object(id) = list {
                    self.heap[id.0].open = open;
                }
                list
            }
            ExprKind::Unary { op, operand } => {
                let value = self.expr(here, *operand);
                if *op == UnaryOp::Not && !matches!(value, Value::Env(_)) {
                    let truth = self.truth(&value);
                    return truth.map_or(Value::Unknown, |truth| Value::Bool(!truth));
                }
                unary(*op, &value)
            }
            ExprKind::Binary { op, left, right } => {
                let left = self.expr(here, *left);
                let right = self.expr(here, *right);
                self.binary(*op, &left, &right)
            }
            ExprKind::Logical { op, left, right } => {
                let left = self.expr(here, *left);
                self.logical(*op, left, |eval| eval.expr(here, *right))
            }
            ExprKind::Conditional { test, then, otherwise } => {
                let test = self.expr(here, *test);
                self.choose(
                    &test,
                    |eval| eval.expr(here, *then),
                    |eval| eval.expr(here, *otherwise),
                )
            }
            ExprKind::Assign { target, value, with } => {
                self.hint = self.name_of(module, *target);
                let value = match with {
                    Joined::Replaces => self.expr(here, *value),
                    Joined::Binary(op) => {
                        let old = self.target_value(here, *target);
                        let value = self.expr(here, *value);
                        self.binary(*op, &old, &value)
                    }
                    Joined::Logical(op) => {
                        let old = self.target_value(here, *target);
                        self.logical(*op, old, |eval| eval.expr(here, *value))
                    }
                };
                self.hint = None;
                self.bind(here, *target, value.clone(), None);
                value
            }
            ExprKind::Await(value) => {
                self.awaited = true;
                let value = self.expr(here, *value);
                self.awaited = false;
                self.waits();
                if matches!(value, Value::Inert | Value::Unknown) && self.python.is_none() {
                    self.ask(at);
                }
                value
            }
            ExprKind::Yield(value) => {
                let value = match value {
                    Some(value) => self.expr(here, *value),
                    None => Value::Null,
                };
                if self.python.is_some() { self.py_yield(value) } else { Value::Unknown }
            }
            ExprKind::Import { specifier, required } => {
                let specifier = self.expr(here, *specifier);
                match &specifier {
                    Value::Text(text) => {
                        let value = self.import(module.file, text, at);
                        match value {
                            Value::Namespace(file) if *required => {
                                self.commonjs(file).unwrap_or(Value::Namespace(file))
                            }
                            value => value,
                        }
                    }
                    Value::External(path) if path.0 == "pkg-up" => Value::Inert,
                    // A file of data runs nothing.
                    Value::External(found) if is_data(found) => Value::Unknown,
                    _ => {
                        self.gap(Why::Dynamic, at, Hides::Anything);
                        Value::Unknown
                    }
                }
            }
            ExprKind::Sequence(all) => {
                all.iter().fold(Value::Undefined, |_, one| self.expr(here, *one))
            }
            ExprKind::Comprehension { element, over, tests } => {
                let inner = self.inner(here);
                self.branch(|eval| {
                    for (pattern, over) in over {
                        let over = eval.expr(&inner, *over);
                        let one = match eval.items(&over).as_deref() {
                            Some([one]) => one.clone(),
                            _ => Value::Unknown,
                        };
                        eval.bind(&inner, *pattern, one, Some(&inner.scope));
                    }
                    for test in tests {
                        eval.expr(&inner, *test);
                    }
                    eval.expr(&inner, *element);
                });
                Value::Unknown
            }
            ExprKind::Opaque(inside) => {
                for one in inside {
                    self.branch(|eval| eval.expr(here, *one));
                }
                Value::Inert
            }
        }
    }

    pub(super) fn super_member(&mut self, here: &Here, name: &str) -> Value {
        let Some(home) = here.home.clone() else { return Value::Unknown };
        match &home.base {
            Value::Class(base) => match method(base, name, false) {
                Some((closure, _)) => Value::Bound(Rc::new((here.this.clone(), closure))),
                None => Value::Inert,
            },
            Value::External(path) if path.0 == ":guard" => home.base.clone(),
            Value::External(_) | Value::Inert => Value::Inert,
            _ => Value::Unknown,
        }
    }

    pub(super) fn target_value(&mut self, here: &Here, pattern: PatternId) -> Value {
        match &here.module.pattern(pattern).kind {
            PatternKind::Name(name) => self.name(here, &name.clone()),
            PatternKind::Target(target) => self.expr(here, *target),
            _ => Value::Unknown,
        }
    }

    pub(in crate::lower::code) fn name(&mut self, here: &Here, name: &str) -> Value {
        match here.scope.find(name) {
            Some((_, value)) => self.live(value, 0),
            None if self.python.is_some() => Value::external(":py", &[name]),
            None => match name {
                "undefined" => Value::Undefined,
                "NaN" | "Infinity" => Value::Unknown,
                "globalThis" | "global" => Value::external(":global", &[]),
                name => Value::external(":global", &[name]),
            },
        }
    }

    pub(super) fn template(&mut self, here: &Here, parts: &[Part]) -> Value {
        let mut text = Some(String::new());
        let mut on: Option<Value> = None;
        for part in parts {
            match part {
                Part::Text(part) => {
                    if let Some(text) = &mut text {
                        text.push_str(part);
                    }
                }
                Part::Value(value) => {
                    let value = self.expr(here, *value);
                    match (value.unset().as_text(), &mut text) {
                        (Some(part), Some(text)) => text.push_str(&part),
                        _ => text = None,
                    }
                    if matches!(value, Value::Env(_)) {
                        on = Some(match on {
                            Some(before) => before.depends(value),
                            None => value,
                        });
                    }
                }
            }
        }
        let value = text.map_or(Value::Unknown, |text| Value::text(&text));
        match on {
            Some(on) => on.depends(value),
            None => value,
        }
    }

    pub(super) fn index(&mut self, of: &Value, index: &Value, at: Span) -> Value {
        if self.python.is_some()
            && let Some(value) = self.py_index(of, index, at)
        {
            return value;
        }
        if let Value::Any(all) = index {
            let mut found: Option<Value> = None;
            for one in all.iter() {
                let value = self.index(of, one, at);
                found = Some(match found {
                    Some(before) => before.or(value),
                    None => value,
                });
            }
            return found.unwrap_or(Value::Unknown);
        }
        if let (Value::Object(id), Value::Number(number)) = (of, index)
            && let Some(items) = &self.heap[id.0].items
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index"
            )]
            return items.get(*number as usize).cloned().unwrap_or(Value::Undefined);
        }
        if let Value::Env(_) = index {
            let value = self.index(of, &index.unset().clone(), at);
            return if value.is_plain() { index.depends(value) } else { self.any_of(of) };
        }
        match index.as_text() {
            Some(name) => self.member(of, &name, Some(at)),
            None if matches!(of, Value::Inert) => Value::Inert,
            None => self.any_of(of),
        }
    }

    /// Any property of an object.
    pub(super) fn any_of(&self, of: &Value) -> Value {
        match of {
            Value::Object(id) => {
                let object = &self.heap[id.0];
                let all = object.props.values().chain(object.items.iter().flatten());
                all.take(16).cloned().fold(Value::Unknown, Value::or)
            }
            _ => Value::Unknown,
        }
    }

    pub(super) fn literal(&mut self, here: &Here, entries: &[Entry]) -> Value {
        let hint = self.hint.take();
        let mut object = Object { branch: self.branch, ..Object::default() };
        for entry in entries {
            match entry {
                Entry::Pair { key, value, .. } => {
                    let name = self.key(here, key);
                    self.hint.clone_from(&name);
                    let place = here.module.span(here.module.expr(*value).range);
                    let value = self.expr(here, *value);
                    self.hint = None;
                    let value = placed(name.as_deref(), value, || place);
                    match name {
                        Some(name) => {
                            object.props.insert(name, value);
                        }
                        None => object.open = true,
                    }
                }
                Entry::Getter { key, function } => match self.key(here, key) {
                    Some(name) => {
                        object.getters.insert(name, Rc::new(self.closure(here, *function)));
                    }
                    None => object.open = true,
                },
                Entry::Spread(value) => {
                    let value = self.expr(here, *value);
                    self.spread_into(&mut object, &value);
                }
            }
        }
        self.hint = hint;
        Value::Object(self.object(object))
    }

    pub(in crate::lower::code) fn spread_into(&mut self, object: &mut Object, value: &Value) {
        match value {
            Value::Object(id) => {
                let other = &self.heap[id.0];
                object.open |= other.open;
                for (name, value) in &other.props {
                    object.props.insert(Rc::clone(name), value.clone());
                }
            }
            Value::Undefined | Value::Null | Value::Bool(_) => {}
            Value::Any(all) => {
                for one in all.iter() {
                    if let Value::Object(id) = one {
                        for (name, value) in &self.heap[id.0].props {
                            let old = object.props.get(name).cloned().unwrap_or(Value::Undefined);
                            object.props.insert(Rc::clone(name), old.or(value.clone()));
                        }
                    } else if !matches!(one, Value::Undefined | Value::Null | Value::Bool(_)) {
                        object.open = true;
                    }
                }
            }
            Value::Namespace(file) => {
                let names: Vec<Box<str>> = self
                    .modules
                    .get(file)
                    .map(|l| l.module.exports.iter().map(|e| e.name.clone()).collect())
                    .unwrap_or_default();
                for name in names {
                    object.props.insert((&*name).into(), Value::Live(*file, (&*name).into()));
                }
            }
            _ => object.open = true,
        }
    }

    pub(in crate::lower::code) fn arguments(&mut self, here: &Here, args: &[Argument]) -> Args {
        let mut made = Args::default();
        for arg in args {
            let value = self.expr(here, arg.value);
            match (&arg.name, arg.spread) {
                (Some(name), _) => made.named.push((name.clone(), value)),
                (None, Spread::No) => made.list.push(value),
                (None, Spread::Elements) => match self.items(&value) {
                    Some(items) => made.list.extend(items),
                    None => made.open = true,
                },
                (None, Spread::Keywords) => made.open = true,
            }
        }
        made
    }

    pub(in crate::lower::code) fn choose(
        &mut self,
        test: &Value,
        then: impl FnOnce(&mut Self) -> Value,
        otherwise: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        match self.truth(test) {
            Some(true) => then(self),
            Some(false) => otherwise(self),
            None => {
                let then = self.where_set(test, true, |eval| eval.maybe_stop(then));
                let otherwise = self.where_set(test, false, |eval| eval.maybe_stop(otherwise));
                if matches!(test, Value::Env(_)) && then.is_plain() && otherwise.is_plain() {
                    match test.unset().truth() {
                        Some(true) => return test.depends(then),
                        Some(false) => {
                            return test.depends(then.depends(otherwise));
                        }
                        None => {}
                    }
                }
                then.or(otherwise)
            }
        }
    }

    /// What happens on some way only: that it ends there is no end of everything.
    pub(super) fn maybe_stop(&mut self, go: impl FnOnce(&mut Self) -> Value) -> Value {
        let before = self.stop.take();
        let value = self.branch(go);
        if let Some(stop) = self.stop.take() {
            self.maybe = self.maybe.or(stop);
        }
        self.stop = before;
        value
    }

    pub(in crate::lower::code) fn logical(
        &mut self,
        op: LogicalOp,
        left: Value,
        right: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let takes_right = match op {
            LogicalOp::And => self.truth(&left),
            LogicalOp::Or => self.truth(&left).map(|truth| !truth),
            LogicalOp::Coalesce => match &left {
                Value::Undefined | Value::Null => Some(true),
                Value::Unknown | Value::Inert | Value::Env(_) | Value::Any(_) => None,
                _ => Some(false),
            },
        };
        match takes_right {
            Some(true) => right(self),
            Some(false) => left,
            None => {
                let right = match op {
                    LogicalOp::And => self.where_set(&left, true, |eval| eval.maybe_stop(right)),
                    _ => self.maybe_stop(right),
                };
                if let Value::Env(env) = &left {
                    if op != LogicalOp::And {
                        self.facts.defaults(&left, &right);
                    }
                    let unset = env.unset.clone();
                    let settled = match op {
                        LogicalOp::And => unset.truth() == Some(false),
                        LogicalOp::Or => unset.truth() == Some(true),
                        LogicalOp::Coalesce => !matches!(unset, Value::Undefined | Value::Null),
                    };
                    if right.is_plain() || matches!(right, Value::Unknown) {
                        return if settled { left.depends(unset) } else { left.depends(right) };
                    }
                }
                match op {
                    // What is left of `a || b` is true.
                    LogicalOp::Or | LogicalOp::Coalesce => {
                        let mut some =
                            left.each().iter().filter(|v| v.truth() != Some(false)).cloned();
                        match some.next() {
                            Some(first) => some.fold(first, Value::or).or(right),
                            None => right,
                        }
                    }
                    LogicalOp::And => left.or(right),
                }
            }
        }
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Value {
        if matches!(left, Value::Env(_)) || matches!(right, Value::Env(_)) {
            let value = self.binary(op, &left.unset().clone(), &right.unset().clone());
            let value = if value.is_plain() { value } else { Value::Unknown };
            return left.depends(right.depends(value));
        }
        if self.python.is_some()
            && let Some(value) = self.py_binary(op, left, right)
        {
            return value;
        }
        match op {
            BinaryOp::Equal => equal(left, right).map_or(Value::Unknown, Value::Bool),
            BinaryOp::NotEqual => equal(left, right).map_or(Value::Unknown, |is| Value::Bool(!is)),
            BinaryOp::Add => match (left, right) {
                (Value::Number(a), Value::Number(b)) => Value::Number(a + b),
                (Value::Text(_), _) | (_, Value::Text(_)) => {
                    match (left.as_text(), right.as_text()) {
                        (Some(a), Some(b)) => Value::text(&format!("{a}{b}")),
                        _ => Value::Unknown,
                    }
                }
                _ => Value::Unknown,
            },
            BinaryOp::InstanceOf => Value::Unknown,
            _ => match (left, right) {
                (Value::Number(a), Value::Number(b)) => match op {
                    BinaryOp::Subtract => Value::Number(a - b),
                    BinaryOp::Multiply => Value::Number(a * b),
                    BinaryOp::Divide => Value::Number(a / b),
                    BinaryOp::Less => Value::Bool(a < b),
                    BinaryOp::LessEqual => Value::Bool(a <= b),
                    BinaryOp::Greater => Value::Bool(a > b),
                    BinaryOp::GreaterEqual => Value::Bool(a >= b),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
        }
    }
}

/// Whether a path that was put together names a file of data, wherever it lies.
fn is_data((package, path): &(String, Vec<String>)) -> bool {
    matches!(&**package, ":data" | ":dir")
        && path.last().is_some_and(|path| path.ends_with(".json"))
}
