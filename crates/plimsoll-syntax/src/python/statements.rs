//! Statements, functions, classes and imports.

use plimsoll_source::TextRange;
use ruff_python_ast as py;

use super::expressions::joined;
use super::{Inside, Lower, range, range_of};
use crate::program::{
    Argument, Binding, Body, Catch, Class, ClassId, ClassMember, ExprId, ExprKind, Function,
    FunctionId, Import, Imported, Joined, Key, MemberKind, Param, PatternKind, Scope, Specifier,
    Spread, StmtId, StmtKind, UnaryOp,
};

impl Lower {
    pub(super) fn block(&mut self, statements: &[py::Stmt]) -> Vec<StmtId> {
        let mut body = Vec::new();
        for statement in statements {
            let at = range_of(statement);
            self.deeper(at, |lower| lower.statement(statement, at, &mut body));
        }
        body
    }

    fn blocked(&mut self, statements: &[py::Stmt], at: TextRange) -> StmtId {
        let body = self.block(statements);
        self.stmt(StmtKind::Block(body), at)
    }

    /// An `else` of a loop or a `try`; none where it is empty.
    fn or_else(&mut self, statements: &[py::Stmt], at: TextRange) -> Option<StmtId> {
        (!statements.is_empty()).then(|| self.blocked(statements, at))
    }

    fn statement(&mut self, statement: &py::Stmt, at: TextRange, body: &mut Vec<StmtId>) {
        use py::Stmt as S;
        let kind = match statement {
            S::FunctionDef(it) => {
                let decorators = self.decorators(&it.decorator_list);
                StmtKind::Function(self.function(it, decorators))
            }
            S::ClassDef(it) => StmtKind::Class(self.class(it)),
            S::Return(it) => StmtKind::Return(self.maybe(it.value.as_deref())),
            S::Delete(it) => {
                let inside = it.targets.iter().map(|one| self.expression(one)).collect();
                StmtKind::Expr(self.expr(ExprKind::Opaque(inside), at))
            }
            S::Assign(it) => {
                let value = self.expression(&it.value);
                for target in &it.targets {
                    self.assign(target, value, at, body);
                }
                return;
            }
            S::AugAssign(it) => {
                let target = self.target(&it.target);
                let value = self.expression(&it.value);
                let with = joined(it.op);
                StmtKind::Expr(self.expr(ExprKind::Assign { target, value, with }, at))
            }
            S::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    let value = self.expression(value);
                    self.assign(&it.target, value, at, body);
                }
                return;
            }
            S::For(it) => {
                let over = self.expression(&it.iter);
                let pattern = self.target(&it.target);
                let inside = self.blocked(&it.body, at);
                let kind = StmtKind::ForEach { pattern, over, keys: false, body: inside };
                body.push(self.stmt(kind, at));
                self.after_loop(&it.orelse, at, body);
                return;
            }
            S::While(it) => {
                let test = Some(self.expression(&it.test));
                let inside = self.blocked(&it.body, at);
                let kind = StmtKind::While { init: None, test, update: None, body: inside };
                body.push(self.stmt(kind, at));
                self.after_loop(&it.orelse, at, body);
                return;
            }
            S::If(it) => self.if_statement(it, at),
            S::With(it) => {
                let items = it.items.iter().map(|item| {
                    let value = self.expression(&item.context_expr);
                    (value, item.optional_vars.as_deref().map(|target| self.target(target)))
                });
                let items = items.collect();
                StmtKind::With { items, body: self.blocked(&it.body, at) }
            }
            S::Match(it) => self.match_statement(it),
            S::Raise(it) => StmtKind::Throw(self.maybe(it.exc.as_deref())),
            S::Try(it) => {
                let inside = self.blocked(&it.body, at);
                let catches = it.handlers.iter().map(|handler| self.catch(handler)).collect();
                let otherwise = self.or_else(&it.orelse, at);
                let finally = self.or_else(&it.finalbody, at);
                StmtKind::Try { body: inside, catches, otherwise, finally }
            }
            S::Assert(it) => {
                let test = self.expression(&it.test);
                let range = range_of(&*it.test);
                let test = self.expr(ExprKind::Unary { op: UnaryOp::Not, operand: test }, range);
                let message = self.maybe(it.msg.as_deref());
                let then = self.stmt(StmtKind::Throw(message), at);
                StmtKind::If { test, then, otherwise: None }
            }
            S::Import(it) => return self.import(it, at, body),
            S::ImportFrom(it) => return self.import_from(it, at, body),
            S::Global(it) => return self.outer(&it.names),
            S::Nonlocal(it) => return self.outer(&it.names),
            S::Expr(it) => StmtKind::Expr(self.expression(&it.value)),
            S::Pass(_) | S::TypeAlias(_) | S::IpyEscapeCommand(_) => return,
            S::Break(_) => StmtKind::Break,
            S::Continue(_) => StmtKind::Continue,
        };
        body.push(self.stmt(kind, at));
    }

    fn outer(&mut self, names: &[py::Identifier]) {
        if let Some(function) = self.functions.last_mut() {
            function.outer.extend(names.iter().map(|name| Box::from(name.as_str())));
        }
    }

    /// `target = value`: what binds names of this scope declares them.
    fn assign(&mut self, target: &py::Expr, value: ExprId, at: TextRange, body: &mut Vec<StmtId>) {
        let is_outer = |name: &str| self.functions.last().is_some_and(|f| f.outer.contains(name));
        let declares = match target {
            py::Expr::Name(name) => !is_outer(name.id.as_str()),
            py::Expr::Tuple(it) => it.elts.iter().all(py::Expr::is_name_expr),
            py::Expr::List(it) => it.elts.iter().all(py::Expr::is_name_expr),
            _ => false,
        };
        let pattern = self.target(target);
        let kind = if declares {
            StmtKind::Let { scope: Scope::Function, pattern, init: Some(value) }
        } else {
            let kind = ExprKind::Assign { target: pattern, value, with: Joined::Replaces };
            StmtKind::Expr(self.expr(kind, at))
        };
        body.push(self.stmt(kind, at));
    }

    /// The `else` of a loop runs unless it was left: it may.
    fn after_loop(&mut self, statements: &[py::Stmt], at: TextRange, body: &mut Vec<StmtId>) {
        if let Some(then) = self.or_else(statements, at) {
            let test = self.expr(ExprKind::Opaque(Vec::new()), at);
            body.push(self.stmt(StmtKind::If { test, then, otherwise: None }, at));
        }
    }

    fn if_statement(&mut self, it: &py::StmtIf, at: TextRange) -> StmtKind {
        let test = self.expression(&it.test);
        let types = self.types_only;
        self.types_only |= self.is_type_checking(test);
        let then = self.blocked(&it.body, at);
        self.types_only = types;
        let clauses: Vec<_> = it
            .elif_else_clauses
            .iter()
            .map(|clause| {
                let at = range(clause.range);
                let test = self.maybe(clause.test.as_ref());
                (test, self.blocked(&clause.body, at), at)
            })
            .collect();
        let mut otherwise = None;
        for (test, then, at) in clauses.into_iter().rev() {
            otherwise = Some(match test {
                Some(test) => self.stmt(StmtKind::If { test, then, otherwise }, at),
                None => then,
            });
        }
        StmtKind::If { test, then, otherwise }
    }

    /// `TYPE_CHECKING`, `typing.TYPE_CHECKING`.
    fn is_type_checking(&self, test: ExprId) -> bool {
        match &self.module.expr(test).kind {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => &**name == "TYPE_CHECKING",
            _ => false,
        }
    }

    fn match_statement(&mut self, it: &py::StmtMatch) -> StmtKind {
        let subject = self.expression(&it.subject);
        let mut cases = Vec::new();
        for case in &it.cases {
            let at = range_of(case);
            let mut body = Vec::new();
            let mut names = Vec::new();
            captures(&case.pattern, &mut names, 0);
            for name in names {
                let init = match &case.pattern {
                    py::Pattern::MatchAs(only) if only.pattern.is_none() => subject,
                    _ => self.expr(ExprKind::Opaque(Vec::new()), range(name.range)),
                };
                let pattern = PatternKind::Name(name.as_str().into());
                let pattern = self.pattern_of(pattern, range(name.range));
                let kind = StmtKind::Let { scope: Scope::Function, pattern, init: Some(init) };
                body.push(self.stmt(kind, at));
            }
            let test = match &case.pattern {
                py::Pattern::MatchValue(value) if case.guard.is_none() => {
                    Some(self.expression(&value.value))
                }
                py::Pattern::MatchAs(any) if any.pattern.is_none() && case.guard.is_none() => None,
                _ => {
                    let guard = self.maybe(case.guard.as_deref());
                    Some(self.expr(ExprKind::Opaque(guard.into_iter().collect()), at))
                }
            };
            body.extend(self.block(&case.body));
            body.push(self.stmt(StmtKind::Break, at));
            cases.push((test, body));
        }
        StmtKind::Switch { subject, cases }
    }

    fn catch(&mut self, handler: &py::ExceptHandler) -> Catch {
        let py::ExceptHandler::ExceptHandler(it) = handler;
        let at = range(it.range);
        let pattern = it.name.as_ref().map(|name| {
            self.pattern_of(PatternKind::Name(name.as_str().into()), range(name.range))
        });
        let only = self.maybe(it.type_.as_deref());
        Catch { pattern, only, body: self.blocked(&it.body, at), range: at }
    }

    // ---- imports ----

    fn load(
        &mut self,
        text: Box<str>,
        at: TextRange,
        bindings: Vec<Binding>,
        body: &mut Vec<StmtId>,
    ) {
        let index = u32::try_from(self.module.imports.len()).unwrap_or(u32::MAX);
        let specifier = Specifier { text, range: at };
        let type_only = self.types_only;
        self.module.imports.push(Import {
            specifier,
            bindings,
            type_only,
            maybe_type: false,
            range: at,
        });
        body.push(self.stmt(StmtKind::Import(index), at));
    }

    /// `import a.b` loads `a.b` and binds `a`; `import a.b as c` binds `a.b`.
    fn import(&mut self, it: &py::StmtImport, at: TextRange, body: &mut Vec<StmtId>) {
        for alias in &it.names {
            let name = alias.name.as_str();
            let place = if it.names.len() == 1 { at } else { range(alias.range) };
            let namespace =
                |local: &str| vec![Binding { what: Imported::Namespace, local: local.into() }];
            match &alias.asname {
                Some(local) => self.load(name.into(), place, namespace(local.as_str()), body),
                None => {
                    let top = name.split('.').next().unwrap_or(name);
                    if top != name {
                        self.load(name.into(), place, Vec::new(), body);
                    }
                    self.load(top.into(), place, namespace(top), body);
                }
            }
        }
    }

    fn import_from(&mut self, it: &py::StmtImportFrom, at: TextRange, body: &mut Vec<StmtId>) {
        let dots = ".".repeat(it.level.min(64) as usize);
        let module = it.module.as_ref().map_or("", |module| module.as_str());
        let bindings = it.names.iter().map(|alias| Binding {
            what: Imported::Named(alias.name.as_str().into()),
            local: alias.asname.as_ref().unwrap_or(&alias.name).as_str().into(),
        });
        let bindings = bindings.collect();
        self.load(format!("{dots}{module}").into(), at, bindings, body);
    }

    // ---- functions and classes ----

    fn decorators(&mut self, all: &[py::Decorator]) -> Vec<ExprId> {
        all.iter().map(|one| self.expression(&one.expression)).collect()
    }

    fn function(&mut self, it: &py::StmtFunctionDef, decorators: Vec<ExprId>) -> FunctionId {
        let params = self.params(&it.parameters);
        self.functions.push(Inside::default());
        let body = self.block(&it.body);
        let inside = self.functions.pop().unwrap_or_default();
        self.module.add_function(Function {
            name: Some(it.name.as_str().into()),
            params,
            body: Body::Block(body),
            is_async: it.is_async,
            is_generator: inside.yields,
            is_arrow: false,
            decorators,
            range: range_of(it),
        })
    }

    pub(super) fn params(&mut self, params: &py::Parameters) -> Vec<Param> {
        let mut all = Vec::new();
        for one in params.posonlyargs.iter().chain(&params.args) {
            let default = one.default.as_deref();
            all.push(self.param(&one.parameter, default, Spread::No));
        }
        if let Some(one) = &params.vararg {
            all.push(self.param(one, None, Spread::Elements));
        }
        for one in &params.kwonlyargs {
            let default = one.default.as_deref();
            all.push(self.param(&one.parameter, default, Spread::No));
        }
        if let Some(one) = &params.kwarg {
            all.push(self.param(one, None, Spread::Keywords));
        }
        all
    }

    fn param(&mut self, it: &py::Parameter, default: Option<&py::Expr>, rest: Spread) -> Param {
        let at = range(it.range);
        let mut pattern = self.pattern_of(PatternKind::Name(it.name.as_str().into()), at);
        if let Some(value) = default {
            let value = self.expression(value);
            pattern = self.pattern_of(PatternKind::Default { pattern, value }, at);
        }
        let (of_type, decorators) = self.annotation(it.annotation.as_deref());
        Param { pattern, rest, field: false, of_type, decorators }
    }

    /// The name of a type, and what `Annotated[…]` adds to it.
    fn annotation(&mut self, annotation: Option<&py::Expr>) -> (Option<Box<str>>, Vec<ExprId>) {
        let Some(annotation) = annotation else { return (None, Vec::new()) };
        if let py::Expr::Subscript(it) = annotation
            && type_name(&it.value).as_deref() == Some("Annotated")
            && let py::Expr::Tuple(parts) = &*it.slice
        {
            let mut parts = parts.elts.iter();
            let name = parts.next().and_then(type_name);
            return (name, parts.map(|part| self.expression(part)).collect());
        }
        (type_name(annotation), Vec::new())
    }

    fn class(&mut self, it: &py::StmtClassDef) -> ClassId {
        let decorators = self.decorators(&it.decorator_list);
        let bases: Vec<Argument> =
            it.arguments.as_deref().map(|arguments| self.arguments(arguments)).unwrap_or_default();
        // Names of a class are its own, whatever the function around it says is another's.
        self.functions.push(Inside::default());
        let mut members = Vec::new();
        for statement in &it.body {
            let at = range_of(statement);
            self.deeper(at, |lower| lower.member(statement, at, &mut members));
        }
        self.functions.pop();
        self.module.add_class(Class {
            name: Some(it.name.as_str().into()),
            bases,
            members,
            decorators,
            range: range_of(it),
        })
    }

    fn member(&mut self, statement: &py::Stmt, at: TextRange, members: &mut Vec<ClassMember>) {
        let field = |name: &str, value, of_type| ClassMember {
            key: Key::Fixed(name.into()),
            kind: MemberKind::Field(value),
            is_static: true,
            decorators: Vec::new(),
            of_type,
            range: at,
        };
        match statement {
            py::Stmt::FunctionDef(it) => {
                let decorators = self.decorators(&it.decorator_list);
                let function = self.function(it, Vec::new());
                let has = |names: &[&str]| {
                    decorators.iter().any(|&one| match &self.module.expr(one).kind {
                        ExprKind::Name(name) | ExprKind::Member { name, .. } => {
                            names.contains(&&**name)
                        }
                        _ => false,
                    })
                };
                let kind = if has(&["setter", "deleter"]) {
                    MemberKind::Setter(function)
                } else if has(&["property", "cached_property", "computed_field"]) {
                    MemberKind::Getter(function)
                } else {
                    MemberKind::Method(function)
                };
                let is_static = has(&["staticmethod", "classmethod"]);
                let key = Key::Fixed(it.name.as_str().into());
                members.push(ClassMember {
                    key,
                    kind,
                    is_static,
                    decorators,
                    of_type: None,
                    range: at,
                });
            }
            py::Stmt::Assign(it) if it.targets.iter().all(py::Expr::is_name_expr) => {
                let value = self.expression(&it.value);
                for target in it.targets.iter().filter_map(py::Expr::as_name_expr) {
                    members.push(field(target.id.as_str(), Some(value), None));
                }
            }
            py::Stmt::AnnAssign(it) if it.target.is_name_expr() => {
                let value = self.maybe(it.value.as_deref());
                let (of_type, decorators) = self.annotation(Some(&it.annotation));
                if let Some(target) = it.target.as_name_expr() {
                    let member = field(target.id.as_str(), value, of_type);
                    members.push(ClassMember { decorators, ..member });
                }
            }
            py::Stmt::ClassDef(it) => {
                let class = self.class(it);
                let value = self.expr(ExprKind::Class(class), at);
                members.push(field(it.name.as_str(), Some(value), None));
            }
            // A docstring, `pass`, `...`.
            py::Stmt::Pass(_) => {}
            py::Stmt::Expr(it) if it.value.is_literal_expr() => {}
            other => {
                let mut body = Vec::new();
                self.statement(other, at, &mut body);
                let body = self.stmt(StmtKind::Block(body), at);
                members.push(ClassMember {
                    key: Key::Fixed("".into()),
                    kind: MemberKind::Block(body),
                    is_static: true,
                    decorators: Vec::new(),
                    of_type: None,
                    range: at,
                });
            }
        }
    }
}

/// The name of a type, where that is one name: `Pool`, `asyncpg.Pool`, `"Pool"`.
fn type_name(annotation: &py::Expr) -> Option<Box<str>> {
    match annotation {
        py::Expr::Name(it) => Some(it.id.as_str().into()),
        py::Expr::Attribute(it) => Some(it.attr.as_str().into()),
        py::Expr::StringLiteral(it) => {
            let text = it.value.to_str();
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            (!text.is_empty() && text.chars().all(is_name)).then(|| text.into())
        }
        _ => None,
    }
}

/// The names that a pattern of `match` binds.
fn captures<'p>(pattern: &'p py::Pattern, names: &mut Vec<&'p py::Identifier>, depth: usize) {
    if depth > crate::MAX_DEPTH {
        return;
    }
    let mut below = |all: &mut dyn Iterator<Item = &'p py::Pattern>| {
        for one in all {
            captures(one, names, depth + 1);
        }
    };
    match pattern {
        py::Pattern::MatchSequence(it) => below(&mut it.patterns.iter()),
        py::Pattern::MatchOr(it) => below(&mut it.patterns.iter()),
        py::Pattern::MatchMapping(it) => {
            below(&mut it.patterns.iter());
            names.extend(&it.rest);
        }
        py::Pattern::MatchClass(it) => {
            below(&mut it.arguments.patterns.iter());
            below(&mut it.arguments.keywords.iter().map(|keyword| &keyword.pattern));
        }
        py::Pattern::MatchStar(it) => names.extend(&it.name),
        py::Pattern::MatchAs(it) => {
            below(&mut it.pattern.as_deref().into_iter());
            names.extend(&it.name);
        }
        py::Pattern::MatchValue(_) | py::Pattern::MatchSingleton(_) => {}
    }
}
