//! Statements, functions, classes, imports and exports.

use oxc_ast::ast as js;
use oxc_span::Span;

use super::{Lower, default_name, export_name, imported, range, span_of, specifier};
use crate::program::{
    Binding, Body, Catch, Class, ClassId, ClassMember, Entry, Export, Exported, ExprKind, Function,
    FunctionId, Import, Imported, Joined, Key, MemberKind, Param, PatternId, PatternKind, Scope,
    Spread, StmtId, StmtKind,
};

impl Lower {
    fn stmt(&mut self, kind: StmtKind, span: Span) -> StmtId {
        self.module.add_stmt(kind, range(span))
    }

    pub(super) fn block(&mut self, statements: &[js::Statement<'_>]) -> Vec<StmtId> {
        let mut body = Vec::new();
        for statement in statements {
            self.statement_into(statement, &mut body);
        }
        body
    }

    fn statement(&mut self, statement: &js::Statement<'_>) -> StmtId {
        let mut body = Vec::new();
        self.statement_into(statement, &mut body);
        match *body {
            [one] => one,
            _ => self.stmt(StmtKind::Block(body), span_of(statement)),
        }
    }

    pub(super) fn statement_into(&mut self, statement: &js::Statement<'_>, body: &mut Vec<StmtId>) {
        let span = span_of(statement);
        self.deeper(span, |lower| lower.any_statement(statement, span, body));
    }

    fn any_statement(&mut self, statement: &js::Statement<'_>, span: Span, body: &mut Vec<StmtId>) {
        use js::Statement as S;
        let kind = match statement {
            S::BlockStatement(block) => StmtKind::Block(self.block(&block.body)),
            S::BreakStatement(_) => StmtKind::Break,
            S::ContinueStatement(_) => StmtKind::Continue,
            S::ExpressionStatement(it) => StmtKind::Expr(self.expression(&it.expression)),
            S::ReturnStatement(it) => {
                StmtKind::Return(it.argument.as_ref().map(|value| self.expression(value)))
            }
            S::ThrowStatement(it) => StmtKind::Throw(Some(self.expression(&it.argument))),
            S::LabeledStatement(it) => return self.statement_into(&it.body, body),
            S::IfStatement(it) => {
                let test = self.expression(&it.test);
                let then = self.statement(&it.consequent);
                let otherwise = it.alternate.as_ref().map(|other| self.statement(other));
                StmtKind::If { test, then, otherwise }
            }
            S::WhileStatement(it) => {
                let test = Some(self.expression(&it.test));
                let body = self.statement(&it.body);
                StmtKind::While { init: None, test, update: None, body }
            }
            S::DoWhileStatement(it) => {
                let body = self.statement(&it.body);
                let test = Some(self.expression(&it.test));
                StmtKind::While { init: None, test, update: None, body }
            }
            S::ForStatement(it) => {
                let init = it.init.as_ref().map(|init| match init {
                    js::ForStatementInit::VariableDeclaration(variables) => {
                        let mut body = Vec::new();
                        self.variables(variables, &mut body);
                        self.stmt(StmtKind::Block(body), variables.span)
                    }
                    other => {
                        let value = other.as_expression().map(|value| self.expression(value));
                        let kind = value.map_or(StmtKind::Empty, StmtKind::Expr);
                        self.stmt(kind, span_of(other))
                    }
                });
                let test = it.test.as_ref().map(|test| self.expression(test));
                let update = it.update.as_ref().map(|update| self.expression(update));
                let body = self.statement(&it.body);
                StmtKind::While { init, test, update, body }
            }
            S::ForInStatement(it) => self.for_each(&it.left, &it.right, &it.body, true),
            S::ForOfStatement(it) => self.for_each(&it.left, &it.right, &it.body, false),
            S::SwitchStatement(it) => {
                let subject = self.expression(&it.discriminant);
                let cases = it.cases.iter().map(|case| {
                    let test = case.test.as_ref().map(|test| self.expression(test));
                    (test, self.block(&case.consequent))
                });
                StmtKind::Switch { subject, cases: cases.collect() }
            }
            S::TryStatement(it) => self.try_statement(it),
            S::WithStatement(it) => {
                let object = self.expression(&it.object);
                let body = self.statement(&it.body);
                StmtKind::With { items: vec![(object, None)], body }
            }
            S::VariableDeclaration(it) => return self.variables(it, body),
            S::FunctionDeclaration(it) => {
                if it.body.is_none() {
                    return;
                }
                StmtKind::Function(self.function(it))
            }
            S::ClassDeclaration(it) => StmtKind::Class(self.class(it)),
            S::TSEnumDeclaration(it) => return self.enumeration(it, body),
            S::TSImportEqualsDeclaration(it) => return self.import_equals(it, body),
            S::ExportDefaultDeclaration(it) => return self.export_default(it, body),
            S::ExportDeclaration(it) => return self.export(it, body),
            S::ExportNamedDeclaration(it) => {
                if it.export_kind.is_value() {
                    for one in it.specifiers.iter().filter(|one| one.export_kind.is_value()) {
                        let what = Exported::Local(export_name(&one.local));
                        self.exports(export_name(&one.exported), what, one.span);
                    }
                }
                return;
            }
            S::ExportFromDeclaration(it) => {
                for one in it.specifiers.iter().filter(|one| one.export_kind.is_value()) {
                    if it.export_kind.is_value() {
                        let specifier = it.source.value.as_str().into();
                        let what = imported(&export_name(&one.local));
                        let what = Exported::From { specifier, what };
                        self.exports(export_name(&one.exported), what, one.span);
                    }
                }
                return;
            }
            S::ExportAllDeclaration(it) => {
                if it.export_kind.is_value() {
                    let specifier: Box<str> = it.source.value.as_str().into();
                    match &it.exported {
                        Some(name) => {
                            let what = Imported::Namespace;
                            let what = Exported::From { specifier, what };
                            self.exports(export_name(name), what, it.span);
                        }
                        None => self.exports("".into(), Exported::All { specifier }, it.span),
                    }
                }
                return;
            }
            S::TSExportAssignment(it) => {
                // `export = x` is `module.exports = x`.
                let value = self.expression(&it.expression);
                let object = self.expr(ExprKind::Name("module".into()), it.span);
                let name: Box<str> = "exports".into();
                let kind = ExprKind::Member { object, name, at: range(it.span) };
                let target = self.expr(kind, it.span);
                let target = self.pattern_of(PatternKind::Target(target), it.span);
                let kind = ExprKind::Assign { target, value, with: Joined::Replaces };
                StmtKind::Expr(self.expr(kind, it.span))
            }
            S::ImportDeclaration(_)
            | S::DebuggerStatement(_)
            | S::EmptyStatement(_)
            | S::TSTypeAliasDeclaration(_)
            | S::TSInterfaceDeclaration(_)
            | S::TSExternalModuleDeclaration(_)
            | S::TSNamespaceDeclaration(_)
            | S::TSGlobalDeclaration(_)
            | S::TSNamespaceExportDeclaration(_) => return,
        };
        let id = self.stmt(kind, span);
        body.push(id);
    }

    fn try_statement(&mut self, it: &js::TryStatement<'_>) -> StmtKind {
        let body = self.block_statement(&it.block);
        let catches = it.handler.iter().map(|handler| Catch {
            pattern: handler.param.as_ref().map(|param| self.pattern(&param.pattern)),
            only: None,
            body: self.block_statement(&handler.body),
            range: range(handler.span),
        });
        let catches = catches.collect();
        let finally = it.finalizer.as_ref().map(|block| self.block_statement(block));
        StmtKind::Try { body, catches, otherwise: None, finally }
    }

    fn block_statement(&mut self, block: &js::BlockStatement<'_>) -> StmtId {
        let body = self.block(&block.body);
        self.stmt(StmtKind::Block(body), block.span)
    }

    fn for_each(
        &mut self,
        left: &js::ForStatementLeft<'_>,
        right: &js::Expression<'_>,
        body: &js::Statement<'_>,
        keys: bool,
    ) -> StmtKind {
        let pattern = match left {
            js::ForStatementLeft::VariableDeclaration(it) => {
                it.declarations.first().map(|one| self.pattern(&one.id))
            }
            other => other.as_assignment_target().map(|target| self.target(target)),
        };
        let empty = || PatternKind::Elements { elements: Vec::new(), rest: None };
        let pattern = pattern.unwrap_or_else(|| self.pattern_of(empty(), span_of(left)));
        let over = self.expression(right);
        let body = self.statement(body);
        StmtKind::ForEach { pattern, over, keys, body }
    }

    fn variables(&mut self, it: &js::VariableDeclaration<'_>, body: &mut Vec<StmtId>) {
        if it.declare {
            return;
        }
        let scope = if it.kind.is_var() { Scope::Function } else { Scope::Block };
        for one in &it.declarations {
            let pattern = self.pattern(&one.id);
            let init = one.init.as_ref().map(|init| self.expression(init));
            let id = self.stmt(StmtKind::Let { scope, pattern, init }, one.span);
            body.push(id);
        }
    }

    /// An enum is an object.
    fn enumeration(&mut self, it: &js::TSEnumDeclaration<'_>, body: &mut Vec<StmtId>) {
        let mut entries = Vec::new();
        for member in &it.body.members {
            let name = match &member.id {
                js::TSEnumMemberName::Identifier(id) => id.name.as_str(),
                js::TSEnumMemberName::String(text) | js::TSEnumMemberName::ComputedString(text) => {
                    text.value.as_str()
                }
                js::TSEnumMemberName::ComputedTemplateString(_) => continue,
            };
            let value = match &member.initializer {
                Some(init) => self.expression(init),
                None => self.expr(ExprKind::Opaque(Vec::new()), member.span),
            };
            entries.push(Entry::Pair {
                key: Key::Fixed(name.into()),
                at: range(span_of(&member.id)),
                value,
            });
        }
        let object = self.expr(ExprKind::Object(entries), it.span);
        let pattern = self.pattern_of(PatternKind::Name(it.id.name.as_str().into()), it.id.span);
        let kind = StmtKind::Let { scope: Scope::Block, pattern, init: Some(object) };
        body.push(self.stmt(kind, it.span));
    }

    fn import_equals(&mut self, it: &js::TSImportEqualsDeclaration<'_>, body: &mut Vec<StmtId>) {
        if let js::TSModuleReference::ExternalModuleReference(module) = &it.module_reference
            && it.import_kind.is_value()
        {
            let text = specifier(&module.expression);
            self.module.requires.push(text.clone());
            let of = self.expr(ExprKind::Text(text.text), module.expression.span);
            let kind = ExprKind::Import { specifier: of, required: true };
            let value = self.expr(kind, module.span);
            let name = PatternKind::Name(it.id.name.as_str().into());
            let pattern = self.pattern_of(name, it.id.span);
            let kind = StmtKind::Let { scope: Scope::Block, pattern, init: Some(value) };
            body.push(self.stmt(kind, it.span));
        }
    }

    pub(super) fn import(&mut self, it: &js::ImportDeclaration<'_>, body: &mut Vec<StmtId>) {
        let mut type_only = it.import_kind.is_type();
        let mut bindings = Vec::new();
        for one in it.specifiers.iter().flatten() {
            use js::ImportDeclarationSpecifier as I;
            let (what, local) = match one {
                I::ImportSpecifier(one) if one.import_kind.is_type() => continue,
                I::ImportSpecifier(one) => (imported(&export_name(&one.imported)), &one.local),
                I::ImportDefaultSpecifier(one) => (Imported::Default, &one.local),
                I::ImportNamespaceSpecifier(one) => (Imported::Namespace, &one.local),
            };
            bindings.push(Binding { what, local: local.name.as_str().into() });
        }
        type_only |= bindings.is_empty() && it.specifiers.as_ref().is_some_and(|s| !s.is_empty());
        let specifier = specifier(&it.source);
        let index = self.module.imports.len();
        self.module.imports.push(Import {
            specifier,
            bindings,
            type_only,
            maybe_type: false,
            range: range(it.span),
        });
        body.push(self.stmt(StmtKind::Import(index_of(index)), it.span));
    }

    /// A re-export loads its module.
    pub(super) fn loads(
        &mut self,
        source: &js::StringLiteral<'_>,
        at: plimsoll_source::TextRange,
        body: &mut Vec<StmtId>,
    ) {
        let index = self.module.imports.len();
        self.module.imports.push(Import {
            specifier: specifier(source),
            bindings: Vec::new(),
            type_only: false,
            maybe_type: false,
            range: at,
        });
        body.push(self.module.add_stmt(StmtKind::Import(index_of(index)), at));
    }

    fn exports(&mut self, name: Box<str>, what: Exported, span: Span) {
        self.module.exports.push(Export { name, what, range: range(span) });
    }

    fn export_default(&mut self, it: &js::ExportDefaultDeclaration<'_>, body: &mut Vec<StmtId>) {
        use js::ExportDefaultDeclarationKind as D;
        let (local, kind) = match &it.declaration {
            D::FunctionDeclaration(function) => {
                if function.body.is_none() {
                    return;
                }
                let id = self.function(function);
                match &function.id {
                    Some(name) => (name.name.as_str().into(), StmtKind::Function(id)),
                    None => {
                        let value = self.expr(ExprKind::Function(id), function.span);
                        (default_name(), self.default_is(value, it.span))
                    }
                }
            }
            D::ClassDeclaration(class) => {
                let id = self.class(class);
                match &class.id {
                    Some(name) => (name.name.as_str().into(), StmtKind::Class(id)),
                    None => {
                        let value = self.expr(ExprKind::Class(id), class.span);
                        (default_name(), self.default_is(value, it.span))
                    }
                }
            }
            D::TSInterfaceDeclaration(_) => return,
            other => {
                let Some(value) = other.as_expression() else { return };
                let value = self.expression(value);
                (default_name(), self.default_is(value, it.span))
            }
        };
        let id = self.stmt(kind, it.span);
        body.push(id);
        self.exports("default".into(), Exported::Local(local), it.span);
    }

    fn default_is(&mut self, value: crate::program::ExprId, span: Span) -> StmtKind {
        let pattern = self.pattern_of(PatternKind::Name(default_name()), span);
        StmtKind::Let { scope: Scope::Block, pattern, init: Some(value) }
    }

    fn export(&mut self, it: &js::ExportDeclaration<'_>, body: &mut Vec<StmtId>) {
        use js::Declaration as D;
        let mut names: Vec<Box<str>> = Vec::new();
        let before = body.len();
        match &it.declaration {
            D::VariableDeclaration(variables) => {
                self.variables(variables, body);
                for one in &variables.declarations {
                    let ids = one.id.get_binding_identifiers();
                    names.extend(ids.iter().map(|id| Box::from(id.name.as_str())));
                }
            }
            D::FunctionDeclaration(function) if function.body.is_some() => {
                let id = self.function(function);
                body.push(self.stmt(StmtKind::Function(id), function.span));
                names.extend(function.id.iter().map(|id| id.name.as_str().into()));
            }
            D::ClassDeclaration(class) => {
                let id = self.class(class);
                body.push(self.stmt(StmtKind::Class(id), class.span));
                names.extend(class.id.iter().map(|id| id.name.as_str().into()));
            }
            D::TSEnumDeclaration(one) => {
                self.enumeration(one, body);
                names.push(one.id.name.as_str().into());
            }
            D::TSImportEqualsDeclaration(one) => {
                self.import_equals(one, body);
                names.push(one.id.name.as_str().into());
            }
            _ => {}
        }
        if body.len() > before {
            for name in names {
                self.exports(name.clone(), Exported::Local(name), it.span);
            }
        }
    }

    pub(super) fn function(&mut self, it: &js::Function<'_>) -> FunctionId {
        let params = self.params(&it.params);
        let body = it.body.as_ref().map(|body| self.block(&body.statements)).unwrap_or_default();
        self.module.add_function(Function {
            name: it.id.as_ref().map(|id| id.name.as_str().into()),
            params,
            body: Body::Block(body),
            is_async: it.r#async,
            is_generator: it.generator,
            is_arrow: false,
            decorators: Vec::new(),
            range: range(it.span),
        })
    }

    pub(super) fn arrow(&mut self, it: &js::ArrowFunctionExpression<'_>) -> FunctionId {
        let params = self.params(&it.params);
        let body = match &it.body {
            js::ArrowFunctionBody::FunctionBody(body) => Body::Block(self.block(&body.statements)),
            other => match other.as_expression() {
                Some(value) => Body::Expr(self.expression(value)),
                None => Body::Block(Vec::new()),
            },
        };
        self.module.add_function(Function {
            name: None,
            params,
            body,
            is_async: it.r#async,
            is_generator: false,
            is_arrow: true,
            decorators: Vec::new(),
            range: range(it.span),
        })
    }

    fn params(&mut self, params: &js::FormalParameters<'_>) -> Vec<Param> {
        let mut all = Vec::new();
        for one in &params.items {
            let mut pattern = self.pattern(&one.pattern);
            if let Some(value) = &one.initializer {
                let value = self.expression(value);
                pattern = self.pattern_of(PatternKind::Default { pattern, value }, one.span);
            }
            let decorators = self.decorators(&one.decorators);
            all.push(Param {
                pattern,
                rest: Spread::No,
                field: one.accessibility.is_some() || one.readonly,
                of_type: one.type_annotation.as_deref().and_then(type_name),
                decorators,
            });
        }
        if let Some(rest) = &params.rest {
            let pattern = self.pattern(&rest.rest.argument);
            all.push(Param {
                pattern,
                rest: Spread::Elements,
                field: false,
                of_type: None,
                decorators: Vec::new(),
            });
        }
        all
    }

    fn decorators(&mut self, all: &[js::Decorator<'_>]) -> Vec<crate::program::ExprId> {
        all.iter().map(|one| self.expression(&one.expression)).collect()
    }

    pub(super) fn class(&mut self, it: &js::Class<'_>) -> ClassId {
        let decorators = self.decorators(&it.decorators);
        let bases = it.heritage.as_ref().map(|heritage| {
            let value = self.expression(&heritage.expression);
            crate::program::Argument { name: None, spread: Spread::No, value }
        });
        let bases = bases.into_iter().collect();
        let members = it.body.body.iter().filter_map(|element| self.member(element)).collect();
        self.module.add_class(Class {
            name: it.id.as_ref().map(|id| id.name.as_str().into()),
            bases,
            members,
            decorators,
            range: range(it.span),
        })
    }

    fn member(&mut self, element: &js::ClassElement<'_>) -> Option<ClassMember> {
        Some(match element {
            js::ClassElement::StaticBlock(block) => {
                let body = self.block(&block.body);
                let body = self.stmt(StmtKind::Block(body), block.span);
                ClassMember {
                    key: Key::Fixed("".into()),
                    kind: MemberKind::Block(body),
                    is_static: true,
                    decorators: Vec::new(),
                    of_type: None,
                    range: range(block.span),
                }
            }
            js::ClassElement::MethodDefinition(it) => {
                it.value.body.as_ref()?;
                let key = self.key(&it.key);
                let decorators = self.decorators(&it.decorators);
                let function = self.function(&it.value);
                let kind = match it.kind {
                    js::MethodDefinitionKind::Get => MemberKind::Getter(function),
                    js::MethodDefinitionKind::Set => MemberKind::Setter(function),
                    _ => MemberKind::Method(function),
                };
                let range = range(it.span);
                ClassMember { key, kind, is_static: it.r#static, decorators, of_type: None, range }
            }
            js::ClassElement::PropertyDefinition(it) => ClassMember {
                key: self.key(&it.key),
                decorators: self.decorators(&it.decorators),
                kind: MemberKind::Field(it.value.as_ref().map(|value| self.expression(value))),
                is_static: it.r#static,
                of_type: it.type_annotation.as_deref().and_then(type_name),
                range: range(it.span),
            },
            js::ClassElement::AccessorProperty(it) => ClassMember {
                key: self.key(&it.key),
                decorators: self.decorators(&it.decorators),
                kind: MemberKind::Field(it.value.as_ref().map(|value| self.expression(value))),
                is_static: it.r#static,
                of_type: None,
                range: range(it.span),
            },
            js::ClassElement::TSIndexSignature(_) => return None,
        })
    }

    pub(super) fn pattern_of(&mut self, kind: PatternKind, span: Span) -> PatternId {
        self.module.add_pattern(kind, range(span))
    }
}

fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The name of a type that is one name.
fn type_name(annotation: &js::TSTypeAnnotation<'_>) -> Option<Box<str>> {
    match &annotation.type_annotation {
        js::TSType::TSTypeReference(reference) => match &reference.type_name {
            js::TSTypeName::IdentifierReference(name) => Some(name.name.as_str().into()),
            _ => None,
        },
        _ => None,
    }
}
