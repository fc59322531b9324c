//! Names read with their scopes: what a pattern binds is no mention where it is bound.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    AngleBracketedGenericArguments, Arm, Attribute, Block, Expr, ExprCall, ExprClosure, ExprConst,
    ExprForLoop, ExprIf, ExprLet, ExprPath, ExprWhile, Fields, Item, Lit, LitStr, Local, Macro,
    Pat, PatIdent, Stmt, Type,
};

use super::macros::{Argument, Given, given};
use super::{Names, mentioned_in};

/// Walks through expressions, knowing what is bound where it is.
#[derive(Default)]
pub(super) struct Scopes {
    values: Vec<Ident>,
    /// What is bound here, the innermost last.
    bound: Vec<String>,
    /// Whether a text may be one that is formatted.
    is_text_formatted: bool,
}

impl Scopes {
    /// The names that are used as values and not bound by the expressions themselves, in order.
    pub(super) fn values(expressions: &[Expr]) -> Vec<Ident> {
        let mut scopes = Scopes::default();
        for expression in expressions {
            scopes.within(|scopes| scopes.visit_expr(expression));
        }
        scopes.values
    }

    /// Ends what is bound inside.
    fn within(&mut self, inside: impl FnOnce(&mut Self)) {
        let outside = self.bound.len();
        inside(self);
        self.bound.truncate(outside);
    }

    fn mention(&mut self, name: Ident) {
        let text = name.unraw().to_string();
        // What a macro of which nothing is known makes of `self` is its own.
        let is_foreign = self.is_text_formatted && text == "self";
        if !is_foreign && !self.bound.contains(&text) {
            self.values.push(name);
        }
    }

    fn read_formatted(&mut self, arguments: &[Argument], place: usize) {
        let is_named = |name: &Ident| {
            let mut names = arguments.iter().filter_map(|one| one.name.as_ref());
            names.any(|other| other.unraw() == name.unraw())
        };
        for (at, argument) in arguments.iter().enumerate() {
            match argument.value() {
                Expr::Lit(literal) if at == place => {
                    if let Lit::Str(text) = &literal.lit {
                        let mentioned = mentioned_in(text).into_iter();
                        mentioned
                            .filter(|name| !is_named(name))
                            .for_each(|name| self.mention(name));
                    }
                }
                value => self.visit_expr(value),
            }
        }
    }

    /// Reads expressions, in which a text may be `formatted` or not.
    fn read(&mut self, expressions: &[Expr], formatted: bool) {
        let outside = std::mem::replace(&mut self.is_text_formatted, formatted);
        for expression in expressions {
            self.within(|scopes| scopes.visit_expr(expression));
        }
        self.is_text_formatted = outside;
    }
}

impl<'ast> Visit<'ast> for Scopes {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.mention(name.clone());
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        // A function and a step can share a name.
        if !matches!(&*call.func, Expr::Path(_)) {
            self.visit_expr(&call.func);
        }
        call.args.iter().for_each(|one| self.visit_expr(one));
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.within(|scopes| {
            closure.inputs.iter().for_each(|one| scopes.visit_pat(one));
            scopes.visit_expr(&closure.body);
        });
    }

    fn visit_expr_let(&mut self, matched: &'ast ExprLet) {
        self.visit_expr(&matched.expr);
        self.visit_pat(&matched.pat);
    }

    fn visit_expr_if(&mut self, choice: &'ast ExprIf) {
        self.within(|scopes| {
            scopes.visit_expr(&choice.cond);
            scopes.visit_block(&choice.then_branch);
        });
        if let Some((_, otherwise)) = &choice.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, turn: &'ast ExprWhile) {
        self.within(|scopes| visit::visit_expr_while(scopes, turn));
    }

    fn visit_expr_for_loop(&mut self, turn: &'ast ExprForLoop) {
        self.visit_expr(&turn.expr);
        self.within(|scopes| {
            scopes.visit_pat(&turn.pat);
            scopes.visit_block(&turn.body);
        });
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.within(|scopes| visit::visit_arm(scopes, arm));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.within(|scopes| {
            let items = block.stmts.iter().filter_map(item_value);
            scopes.bound.extend(items);
            visit::visit_block(scopes, block);
        });
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        self.visit_pat(&local.pat);
    }

    fn visit_pat(&mut self, pattern: &'ast Pat) {
        // What these hold are constants.
        if !matches!(
            pattern,
            Pat::Const(_) | Pat::Lit(_) | Pat::Path(_) | Pat::Range(_) | Pat::Macro(_)
        ) {
            visit::visit_pat(self, pattern);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.bound.push(pattern.ident.unraw().to_string());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        if self.is_text_formatted {
            mentioned_in(text)
                .into_iter()
                .for_each(|name| self.mention(name));
        }
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        match given(called) {
            Given::Format(arguments, place) => {
                let outside = std::mem::take(&mut self.is_text_formatted);
                self.read_formatted(&arguments, place);
                self.is_text_formatted = outside;
            }
            Given::Plain(expressions) => self.read(&expressions, self.is_text_formatted),
            Given::Unknown(expressions) => self.read(&expressions, true),
            Given::Match(value, pattern, guard) => self.within(|scopes| {
                scopes.visit_expr(&value);
                scopes.visit_pat(&pattern);
                scopes.read(guard.as_slice(), false);
            }),
            Given::Tokens => {
                let mut names = Names::default();
                names.read(called.tokens.clone(), true);
                let values = names.values.into_iter().filter(|name| name != "self");
                values.for_each(|name| self.mention(name));
            }
        }
    }

    /// An item sees nothing of what is bound around it, but a macro that is declared here does.
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Macro(declared) = item {
            self.visit_macro(&declared.mac);
        }
    }

    // Nothing in these is a variable.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_expr_const(&mut self, _: &'ast ExprConst) {}
    fn visit_angle_bracketed_generic_arguments(&mut self, _: &'ast AngleBracketedGenericArguments) {
    }
}

/// The value that an item declares for its whole block.
fn item_value(statement: &Stmt) -> Option<String> {
    let Stmt::Item(item) = statement else {
        return None;
    };
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) if !matches!(item.fields, Fields::Named(_)) => &item.ident,
        _ => return None,
    };
    Some(name.unraw().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lower-case names that an expression mentions.
    fn values(text: &str) -> String {
        let expression = syn::parse_str(text).unwrap();
        let values = Scopes::values(&[expression]);
        let names = values.iter().map(Ident::to_string);
        names
            .filter(|name| name.starts_with(char::is_lowercase))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn only_what_stands_for_a_value_is_a_mention() {
        assert_eq!(values("lint(parse).await?"), "parse");
        assert_eq!(values("a.b + c::d(e) + f!(g) + (0..h).i()"), "a e g h");
        assert_eq!(values("S { a, b: c, ..d }"), "a c d");
        assert_eq!(values("x as y != z::<{ w }>(v)"), "x v");
        assert_eq!(values("{ struct S { a: [u8; b] } const C: u8 = d; 1 }"), "");
        assert_eq!(values("'outer: loop { break 'outer a; }"), "a");
    }

    #[test]
    fn a_let_binds_from_behind_itself_to_the_end_of_its_block() {
        assert_eq!(values("{ let a = a; a }"), "a");
        assert_eq!(values("{ { let a = x; a } a }"), "x a");
        assert_eq!(values("{ let Some(a) = x else { a }; a }"), "x a");
        assert_eq!(
            values("{ b; let (b, S { c, d: [e, ..] }) = x; b + c + d + e }"),
            "b x d"
        );
        assert_eq!(values("async move { let r#type = 1; r#type }.await"), "");
    }

    #[test]
    fn an_arm_binds_for_its_guard_and_its_body() {
        assert_eq!(
            values("match x { Some(a) if a > b => a + y, _ => a }"),
            "x b y a"
        );
        assert_eq!(
            values("match x { a @ 1 | a @ 2..=9 => a, S { b, .. } => { b } c => c }"),
            "x"
        );
    }

    #[test]
    fn a_condition_binds_for_what_follows_in_it_and_its_block() {
        assert_eq!(values("if let Some(a) = a { a } else { a }"), "a a");
        assert_eq!(
            values("if let Some(a) = x && a > b && let Ok(b) = a { a + b } else { 0 }"),
            "x b"
        );
        assert_eq!(values("{ while let Some(a) = x { a } a }"), "x a");
    }

    #[test]
    fn a_loop_and_a_closure_bind_for_their_bodies() {
        assert_eq!(values("{ for (a, b) in a { a + b } b }"), "a b");
        assert_eq!(
            values("x.map(move |a, (b, _): (u8, u8)| a + b + c).or(a)"),
            "x c a"
        );
        assert_eq!(values("f(|a| |b| a + b, b)"), "b");
        assert_eq!(values("f(async |a| { a.await })"), "");
    }

    #[test]
    fn an_item_of_a_block_hides_a_step_and_sees_none() {
        assert_eq!(values("{ x.map(a); fn a(b: u8) -> u8 { b + c } a }"), "x");
        assert_eq!(values("{ const a: u8 = b; static d: u8 = 1; a + d }"), "");
        assert_eq!(values("{ macro_rules! m { () => { a } } m!() }"), "a");
    }

    #[test]
    fn a_pattern_in_a_macro_binds_too() {
        assert_eq!(values("matches!(x, Some(a) | B(a) if a > b)"), "x b");
        assert_eq!(values("matches!(a, Some(a)) && a"), "a a");
        assert_eq!(values("std::assert_matches!(x, Ok(a))"), "x");
        assert_eq!(values("vec![a, f(|b| b)]"), "a");
        assert_eq!(values("vec![a; b]"), "a b");
    }

    #[test]
    fn a_text_is_looked_into_where_it_is_formatted() {
        assert_eq!(
            values("format!(\"{a} {{b}} {c:?} {d}\", f(\"{e}\"), d = g)"),
            "a c g"
        );
        assert_eq!(values("assert!(a, \"{b}\", )"), "a b");
        assert_eq!(values("{ let a = 1; println!(\"{a:b$}\") }"), "b");
        assert_eq!(values("a.replace(\"{b}\", \"c\") + f!((\"{d}\"))"), "a d");
        assert_eq!(values("write!(a, \"{b}\")"), "a b");
    }

    #[test]
    fn self_is_a_mention_where_it_stands_for_the_step() {
        assert_eq!(
            values("self.a + format!(\"{}\", self.b).len()"),
            "self self"
        );
        assert_eq!(
            values("{ struct S; impl S { fn f(&self) { self.g() } } }"),
            ""
        );
        assert_eq!(values("quote!(self.a) + m!(self.b => c)"), "c");
    }

    #[test]
    fn what_cannot_be_told_is_a_mention() {
        // Whether such a macro binds it is the macro's own.
        assert_eq!(values("select! { a = b => a }"), "a b a");
        assert_eq!(values("json!({ \"a\": b, c: d })"), "b d");
        assert_eq!(values("{ let a = 1; select! { b = a => b } }"), "b b");
        assert_eq!(values("info!(a = b, \"{c}\")"), "a b c");
        assert_eq!(values("assert_matches!(x, a, \"{b}\")"), "x a b");
    }
}
