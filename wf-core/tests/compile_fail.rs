//! What must not compile, and what the compiler says of it.

#[test]
fn illegal_transitions_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
