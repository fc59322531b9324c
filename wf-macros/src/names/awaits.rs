//! Where code waits for something.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Expr, ExprAsync, ExprAwait, ExprClosure, Item, Macro};

/// The first `.await` that waits where the expressions stand.
pub(super) fn first(expressions: &[Expr]) -> Option<Span> {
    let mut awaits = Awaits::default();
    for expression in expressions {
        awaits.visit_expr(expression);
    }
    awaits.first
}

#[derive(Default)]
struct Awaits {
    first: Option<Span>,
}

impl<'ast> Visit<'ast> for Awaits {
    fn visit_expr_await(&mut self, code: &'ast ExprAwait) {
        visit::visit_expr_await(self, code);
        self.first.get_or_insert(code.await_token.span);
    }

    // These wait when they are run, or cannot be looked into.
    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
    fn visit_item(&mut self, _: &'ast Item) {}
    fn visit_macro(&mut self, _: &'ast Macro) {}
}
