//! A schema beside a type.

use wf_core::plan::Plan;
use wf_core::typed::Workflow as _;
use wf_core::workflow;

workflow! {
    workflow Described(text: String) {
        #[output_schema = r#"{ "type": "string", "maxLength": 80 }"#]
        step short: String = text.chars().take(80).collect();
    }
}

#[test]
fn the_schema_of_an_output_is_part_of_the_definition() {
    let schema = serde_json::json!({ "type": "string", "maxLength": 80 });
    let step = &Described::to_definition().steps[0];
    assert_eq!(step.output_schema.as_ref(), Some(&schema));
    let stored = Plan::of::<Described>();
    let plain = Plan::from_yaml("t.yaml", &Described::to_definition().to_yaml()).unwrap();
    assert_ne!(stored.hash(), plain.hash());
}
