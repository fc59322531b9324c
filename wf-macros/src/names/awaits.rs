//! Where code waits for something.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Expr, ExprAsync, ExprAwait, ExprClosure, Item, Macro};

use super::macros::{Given, given};

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

    /// What a macro of which nothing is known makes of it is its own.
    fn visit_macro(&mut self, called: &'ast Macro) {
        match given(called) {
            Given::Format(arguments, _) => {
                for argument in &arguments {
                    self.first = self.first.or(first(std::slice::from_ref(argument.value())));
                }
            }
            Given::Plain(expressions) => self.first = self.first.or(first(&expressions)),
            Given::Unknown(_) | Given::Match(..) | Given::Tokens => {}
        }
    }

    // These wait when they are run, not here.
    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
    fn visit_item(&mut self, _: &'ast Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(text: &str) -> bool {
        first(&[syn::parse_str(text).unwrap()]).is_some()
    }

    #[test]
    fn what_waits_where_it_stands_is_found() {
        assert!(waits("f(a.await)"));
        assert!(waits("format!(\"{} {b}\", 1, b = a.await)"));
        assert!(waits("vec![a, b.await]"));
    }

    #[test]
    fn what_waits_elsewhere_is_left() {
        assert!(!waits("block_on(async { a.await })"));
        assert!(!waits("f(async |a| a.await)"));
        assert!(!waits("block_on!(a.await)"));
        assert!(!waits("{ async fn f() { a.await } 1 }"));
    }
}
