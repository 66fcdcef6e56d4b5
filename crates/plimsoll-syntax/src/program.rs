//! Programs of any language as one small tree: what readers of source lower into.
//!
//! Only what a question about delivery can ask is kept: expressions, statements, functions, classes,
//! imports and exports, each with its range. Types, comments and operators without meaning for us
//! are left out; what a reader does not know is [`ExprKind::Opaque`], with what lies in it.
//! Nodes live in vectors and name each other by index: nothing recurses when a tree is dropped.

use plimsoll_source::{FileId, Span, TextRange};

/// Names of nodes: indices into the vectors of their [`Module`].
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
    )*};
}
ids! {
    /// An expression.
    ExprId
    /// A statement.
    StmtId
    /// What a value is bound to.
    PatternId
    /// A function, method or lambda.
    FunctionId
    /// A class.
    ClassId
}

/// The language that a module is written in, where its meaning depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JavaScript and TypeScript: imports and functions are hoisted.
    JavaScript,
    /// Python: every top-level name is exported; statements run in order.
    Python,
}

/// A file's program.
#[derive(Clone, Debug)]
pub struct Module {
    /// The file.
    pub file: FileId,
    /// Its language.
    pub dialect: Dialect,
    /// The statements at its top, in order.
    pub body: Vec<StmtId>,
    /// Its import declarations, in order; [`StmtKind::Import`] says where they run.
    pub imports: Vec<Import>,
    /// What it exports by declaration (`module.exports = …` is an assignment in the body).
    pub exports: Vec<Export>,
    /// Specifiers of every literal `import(…)` and `require(…)`, wherever it stands.
    pub requires: Vec<Specifier>,
    exprs: Vec<Expr>,
    stmts: Vec<Stmt>,
    patterns: Vec<Pattern>,
    functions: Vec<Function>,
    classes: Vec<Class>,
}

/// An expression with its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub range: TextRange,
}

/// Kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A string.
    Text(Box<str>),
    /// A number.
    Number(f64),
    /// `true`, `false`.
    Bool(bool),
    /// `null`, `None`.
    Null,
    /// A regular expression, as written between the slashes.
    Regex(Box<str>),
    /// A template or f-string: its parts in order.
    Template(Vec<Part>),
    /// A name.
    Name(Box<str>),
    /// `this`.
    This,
    /// `super`.
    Super,
    /// `object.name`.
    Member {
        /// Of what.
        object: ExprId,
        /// The name; private ones with their `#`.
        name: Box<str>,
        /// Where the name stands.
        at: TextRange,
    },
    /// `object[index]`.
    Index {
        /// Of what.
        object: ExprId,
        /// The index.
        index: ExprId,
    },
    /// A call, or with `new` the making of an instance.
    Call {
        /// What is called.
        callee: ExprId,
        /// With what, in order.
        args: Vec<Argument>,
        /// `new callee(…)`.
        new: bool,
    },
    /// A function or lambda.
    Function(FunctionId),
    /// A class.
    Class(ClassId),
    /// `{key: value, …}`.
    Object(Vec<Entry>),
    /// `[a, ...b]`, a tuple, a set.
    List(Vec<Argument>),
    /// `!x`, `-x`, `typeof x`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: ExprId,
    },
    /// `a + b`, `a === b`, `a in b`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left of it.
        left: ExprId,
        /// Right of it.
        right: ExprId,
    },
    /// `a && b`, `a || b`, `a ?? b`.
    Logical {
        /// The operator.
        op: LogicalOp,
        /// Left of it.
        left: ExprId,
        /// Right of it.
        right: ExprId,
    },
    /// `test ? then : otherwise`.
    Conditional {
        /// What is asked.
        test: ExprId,
        /// If so.
        then: ExprId,
        /// If not.
        otherwise: ExprId,
    },
    /// `target = value`, or with an operator `target += value`, `target ||= value`.
    Assign {
        /// What is assigned to.
        target: PatternId,
        /// The value.
        value: ExprId,
        /// How it is joined with what was there.
        with: Joined,
    },
    /// `await x`.
    Await(ExprId),
    /// `yield x`.
    Yield(Option<ExprId>),
    /// `import(x)` or, with `required`, `require(x)`.
    Import {
        /// Of what.
        specifier: ExprId,
        /// `require`.
        required: bool,
    },
    /// `a, b, c`: the last is its value.
    Sequence(Vec<ExprId>),
    /// A comprehension or generator expression: what it is made of, for each of what.
    Comprehension {
        /// Each element.
        element: ExprId,
        /// What is bound, and what it runs over.
        over: Vec<(PatternId, ExprId)>,
        /// Conditions.
        tests: Vec<ExprId>,
    },
    /// Something else, and the expressions in it.
    Opaque(Vec<ExprId>),
}

/// Part of a template.
#[derive(Clone, Debug)]
pub enum Part {
    /// Literal text.
    Text(Box<str>),
    /// A value that is filled in.
    Value(ExprId),
}

/// An argument of a call or an element of a list.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The keyword it is given by.
    pub name: Option<Box<str>>,
    /// `...value`, `*value`, and without a name `**value`.
    pub spread: Spread,
    /// The value.
    pub value: ExprId,
}

/// Whether an argument stands for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// It is one.
    No,
    /// Its elements are the arguments.
    Elements,
    /// Its entries are keyword arguments.
    Keywords,
}

/// An entry of an object.
#[derive(Clone, Debug)]
pub enum Entry {
    /// `key: value`.
    Pair {
        /// The key.
        key: Key,
        /// Where the key stands.
        at: TextRange,
        /// The value.
        value: ExprId,
    },
    /// `get key() {…}`.
    Getter {
        /// The key.
        key: Key,
        /// The function that gives the value.
        function: FunctionId,
    },
    /// `...value`, `**value`.
    Spread(ExprId),
}

/// The name of a property.
#[derive(Clone, Debug)]
pub enum Key {
    /// A fixed one.
    Fixed(Box<str>),
    /// A computed one.
    Computed(ExprId),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!x`, `not x`.
    Not,
    /// `-x`.
    Minus,
    /// `+x`: as a number.
    Plus,
    /// `typeof x`.
    Typeof,
    /// `void x`.
    Void,
    /// `delete x`.
    Delete,
    /// `x++`, `--x`, `~x`.
    Other,
}

/// Operators that compute with both operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the operators")]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    InstanceOf,
    Other,
}

/// Operators that may leave their right operand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicalOp {
    /// `&&`, `and`.
    And,
    /// `||`, `or`.
    Or,
    /// `??`.
    Coalesce,
}

/// How an assignment joins its value with what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It replaces it.
    Replaces,
    /// By an operator: `+=`.
    Binary(BinaryOp),
    /// By an operator that may leave it as it was: `||=`.
    Logical(LogicalOp),
}

/// A statement with its place.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands.
    pub range: TextRange,
}

/// Kinds of statements.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `const pattern = init`; Python's assignment to a local name.
    Let {
        /// Where the name lives.
        scope: Scope,
        /// What is bound.
        pattern: PatternId,
        /// To what.
        init: Option<ExprId>,
    },
    /// An expression.
    Expr(ExprId),
    /// `return x`.
    Return(Option<ExprId>),
    /// `throw x`, `raise x`.
    Throw(Option<ExprId>),
    /// `if`.
    If {
        /// What is asked.
        test: ExprId,
        /// If so.
        then: StmtId,
        /// If not.
        otherwise: Option<StmtId>,
    },
    /// `while`, `do … while`, `for (;;)`.
    While {
        /// What is done first.
        init: Option<StmtId>,
        /// What is asked; none is «always».
        test: Option<ExprId>,
        /// What is done after each round.
        update: Option<ExprId>,
        /// What is repeated.
        body: StmtId,
    },
    /// `for (x of y)`, `for (x in y)`, Python's `for`.
    ForEach {
        /// What is bound.
        pattern: PatternId,
        /// What it runs over.
        over: ExprId,
        /// `in` of JavaScript: it runs over the keys.
        keys: bool,
        /// What is repeated.
        body: StmtId,
    },
    /// `try`.
    Try {
        /// What is tried.
        body: StmtId,
        /// What catches.
        catches: Vec<Catch>,
        /// What runs where nothing was thrown (Python).
        otherwise: Option<StmtId>,
        /// What runs at last.
        finally: Option<StmtId>,
    },
    /// `switch`, `match`.
    Switch {
        /// Of what.
        subject: ExprId,
        /// Its cases; no test is `default`.
        cases: Vec<(Option<ExprId>, Vec<StmtId>)>,
    },
    /// `with a as b`.
    With {
        /// What is entered, and what it is bound to.
        items: Vec<(ExprId, Option<PatternId>)>,
        /// What is done in it.
        body: StmtId,
    },
    /// `{ … }`.
    Block(Vec<StmtId>),
    /// A function is declared.
    Function(FunctionId),
    /// A class is declared.
    Class(ClassId),
    /// An import is carried out: an index into [`Module::imports`].
    Import(u32),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `pass`, `;`, types.
    Empty,
}

/// Where a declared name lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the block: `const`, `let`.
    Block,
    /// In the function: `var`, Python's assignments. A second one assigns.
    Function,
}

/// A clause that catches.
#[derive(Clone, Debug)]
pub struct Catch {
    /// What is caught is bound to.
    pub pattern: Option<PatternId>,
    /// What is caught, where that is limited.
    pub only: Option<ExprId>,
    /// What is done.
    pub body: StmtId,
    /// Where it stands.
    pub range: TextRange,
}

/// What a value is bound or assigned to.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Where it stands.
    pub range: TextRange,
}

/// Kinds of patterns.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// A name.
    Name(Box<str>),
    /// `{a, b: c, ...rest}`.
    Fields {
        /// Keys, and what their values are bound to.
        fields: Vec<(Key, PatternId)>,
        /// What is left over.
        rest: Option<PatternId>,
    },
    /// `[a, , ...rest]`.
    Elements {
        /// What each is bound to.
        elements: Vec<Option<PatternId>>,
        /// What is left over.
        rest: Option<PatternId>,
    },
    /// `pattern = default`.
    Default {
        /// What is bound.
        pattern: PatternId,
        /// To what, where there is nothing.
        value: ExprId,
    },
    /// An expression that is assigned to: `a.b`, `a[0]`.
    Target(ExprId),
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its parameters, in order.
    pub params: Vec<Param>,
    /// What it does.
    pub body: Body,
    /// `async`.
    pub is_async: bool,
    /// It yields.
    pub is_generator: bool,
    /// It has no `this` of its own.
    pub is_arrow: bool,
    /// What decorates it, outermost first.
    pub decorators: Vec<ExprId>,
    /// Where it stands.
    pub range: TextRange,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// What is bound; a default is part of it.
    pub pattern: PatternId,
    /// It takes the rest of the arguments, or of the keyword arguments.
    pub rest: Spread,
    /// `constructor(private name)`: it is a field as well.
    pub field: bool,
    /// The name of its type, where that is one name: `Pool`.
    pub of_type: Option<Box<str>>,
    /// What decorates it.
    pub decorators: Vec<ExprId>,
}

/// What a function does.
#[derive(Clone, Debug)]
pub enum Body {
    /// It gives this.
    Expr(ExprId),
    /// It does this.
    Block(Vec<StmtId>),
}

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: Option<Box<str>>,
    /// What it extends.
    pub bases: Vec<Argument>,
    /// Its members, in order.
    pub members: Vec<ClassMember>,
    /// What decorates it, outermost first.
    pub decorators: Vec<ExprId>,
    /// Where it stands.
    pub range: TextRange,
}

/// A member of a class.
#[derive(Clone, Debug)]
pub struct ClassMember {
    /// Its name; private ones with their `#`.
    pub key: Key,
    /// What it is.
    pub kind: MemberKind,
    /// It belongs to the class, not to an instance.
    pub is_static: bool,
    /// What decorates it.
    pub decorators: Vec<ExprId>,
    /// The name of a field's type, where that is one name.
    pub of_type: Option<Box<str>>,
    /// Where it stands.
    pub range: TextRange,
}

/// Kinds of members.
#[derive(Clone, Copy, Debug)]
pub enum MemberKind {
    /// A method; JavaScript's `constructor` and Python's `__init__` are ones.
    Method(FunctionId),
    /// `get name() {…}`, `@property`.
    Getter(FunctionId),
    /// `set name(v) {…}`.
    Setter(FunctionId),
    /// A field.
    Field(Option<ExprId>),
    /// `static { … }`: a block.
    Block(StmtId),
}

/// A specifier of a module with its place.
#[derive(Clone, Debug)]
pub struct Specifier {
    /// As written: `./routes`, `express`, `..models` (Python: dots and a path).
    pub text: Box<str>,
    /// Where.
    pub range: TextRange,
}

/// An import declaration.
#[derive(Clone, Debug)]
pub struct Import {
    /// Of what.
    pub specifier: Specifier,
    /// What is bound.
    pub bindings: Vec<Binding>,
    /// Only types: nothing is loaded.
    pub type_only: bool,
    /// Only types of decorated members: what is a class is loaded, what is an interface is not.
    pub maybe_type: bool,
    /// Where it stands.
    pub range: TextRange,
}

/// A name that an import binds.
#[derive(Clone, Debug)]
pub struct Binding {
    /// What of the module.
    pub what: Imported,
    /// The name here.
    pub local: Box<str>,
}

/// What an import takes from a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// Its default export.
    Default,
    /// The module itself.
    Namespace,
    /// An export by name.
    Named(Box<str>),
}

/// An export by declaration.
#[derive(Clone, Debug)]
pub struct Export {
    /// What it is known as: `default` for that one; for [`Exported::All`] nothing.
    pub name: Box<str>,
    /// What it is.
    pub what: Exported,
    /// Where it stands.
    pub range: TextRange,
}

/// What is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// A name of this module. An anonymous default export is a `const` named [`DEFAULT`].
    Local(Box<str>),
    /// An export of another module.
    From {
        /// The other module.
        specifier: Box<str>,
        /// What of it.
        what: Imported,
    },
    /// `export * from`: all that the other module exports by name.
    All {
        /// The other module.
        specifier: Box<str>,
    },
}

/// The name under which `export default <expression>` is bound.
pub const DEFAULT: &str = "*default*";

impl Module {
    /// A module with nothing in it.
    #[must_use]
    pub fn empty(file: FileId, dialect: Dialect) -> Self {
        Self {
            file,
            dialect,
            body: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            requires: Vec::new(),
            exprs: Vec::new(),
            stmts: Vec::new(),
            patterns: Vec::new(),
            functions: Vec::new(),
            classes: Vec::new(),
        }
    }

    /// The place of a range of this module.
    #[must_use]
    pub fn span(&self, range: TextRange) -> Span {
        Span::new(self.file, range)
    }

    /// An expression.
    ///
    /// # Panics
    /// When the id is another module's; so for the accessors below.
    #[must_use]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// A statement.
    #[must_use]
    pub fn stmt(&self, id: StmtId) -> &Stmt {
        &self.stmts[id.0 as usize]
    }

    /// A pattern.
    #[must_use]
    pub fn pattern(&self, id: PatternId) -> &Pattern {
        &self.patterns[id.0 as usize]
    }

    /// A function.
    #[must_use]
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// A class.
    #[must_use]
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0 as usize]
    }

    /// Its expressions, in the order they were read.
    pub fn exprs(&self) -> impl Iterator<Item = (ExprId, &Expr)> {
        (0..).map(ExprId).zip(&self.exprs)
    }

    /// Its statements, in the order they were read.
    pub fn stmts(&self) -> impl Iterator<Item = &Stmt> {
        self.stmts.iter()
    }

    /// Its classes, in the order they were read.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter()
    }

    /// How many nodes it has: a measure of its weight.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.exprs.len() + self.stmts.len() + self.patterns.len()
    }

    /// Adds an expression.
    pub fn add_expr(&mut self, kind: ExprKind, range: TextRange) -> ExprId {
        self.exprs.push(Expr { kind, range });
        ExprId(last(self.exprs.len()))
    }

    /// Adds a statement.
    pub fn add_stmt(&mut self, kind: StmtKind, range: TextRange) -> StmtId {
        self.stmts.push(Stmt { kind, range });
        StmtId(last(self.stmts.len()))
    }

    /// Adds a pattern.
    pub fn add_pattern(&mut self, kind: PatternKind, range: TextRange) -> PatternId {
        self.patterns.push(Pattern { kind, range });
        PatternId(last(self.patterns.len()))
    }

    /// Adds a function.
    pub fn add_function(&mut self, function: Function) -> FunctionId {
        self.functions.push(function);
        FunctionId(last(self.functions.len()))
    }

    /// Adds a class.
    pub fn add_class(&mut self, class: Class) -> ClassId {
        self.classes.push(class);
        ClassId(last(self.classes.len()))
    }
}

/// The index of the last of `len`; files are far smaller than 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "a node takes at least a byte of its file")]
fn last(len: usize) -> u32 {
    len.saturating_sub(1) as u32
}
