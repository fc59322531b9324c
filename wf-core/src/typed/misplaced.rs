//! What stands in a prompt for a step that cannot be mentioned there: the compiler tells why, at the mention itself.

use std::fmt::{Debug, Display, Formatter, Result};
use std::marker::PhantomData;

/// Stands for the step `Mentioned` in the prompt of `Step`, which is declared before it. It cannot be shown.
pub struct Later<Mentioned, Step>(PhantomData<(Mentioned, Step)>);

/// Stands for `Step` in its own prompt. It cannot be shown.
pub struct Itself<Step>(PhantomData<Step>);

/// Says that a step is declared above `Step`: no type says so, because only a mistake asks.
#[diagnostic::on_unimplemented(
    message = "step `{Step}` uses `{Self}`, which is declared after it; move `{Self}` above `{Step}`",
    label = "`{Self}` is declared after step `{Step}`"
)]
pub trait DeclaredAbove<Step> {}

/// Says that a step is another one: no type says so, because only a mistake asks.
#[diagnostic::on_unimplemented(
    message = "step `{Self}` mentions itself; a step can only use steps that are declared before it",
    label = "this is step `{Self}`"
)]
pub trait AnotherStep {}

impl<Mentioned, Step> Later<Mentioned, Step> {
    /// Makes one.
    pub const fn new() -> Self {
        Later(PhantomData)
    }
}

impl<Step> Itself<Step> {
    /// Makes one.
    pub const fn new() -> Self {
        Itself(PhantomData)
    }
}

impl<Mentioned, Step> Default for Later<Mentioned, Step> {
    fn default() -> Self {
        Later::new()
    }
}

impl<Step> Default for Itself<Step> {
    fn default() -> Self {
        Itself::new()
    }
}

impl<Mentioned: DeclaredAbove<Step>, Step> Display for Later<Mentioned, Step> {
    fn fmt(&self, _: &mut Formatter<'_>) -> Result {
        Ok(())
    }
}

impl<Mentioned: DeclaredAbove<Step>, Step> Debug for Later<Mentioned, Step> {
    fn fmt(&self, _: &mut Formatter<'_>) -> Result {
        Ok(())
    }
}

impl<Step: AnotherStep> Display for Itself<Step> {
    fn fmt(&self, _: &mut Formatter<'_>) -> Result {
        Ok(())
    }
}

impl<Step: AnotherStep> Debug for Itself<Step> {
    fn fmt(&self, _: &mut Formatter<'_>) -> Result {
        Ok(())
    }
}
