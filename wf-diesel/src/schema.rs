//! The five tables, as the migrations make them.

diesel::table! {
    workflows (id) {
        id -> Text,
        name -> Text,
        description -> Nullable<Text>,
        definition -> Text,
        version -> Text,
        hash -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    workflow_steps (id) {
        id -> BigInt,
        workflow_id -> Text,
        position -> BigInt,
        step_key -> Text,
        agent -> Text,
        prompt_template -> Text,
        dependencies -> Text,
        parallel -> Bool,
    }
}

diesel::table! {
    workflow_executions (id) {
        id -> Text,
        workflow_id -> Text,
        state -> Text,
        context -> Text,
        started_at -> BigInt,
        completed_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        owner -> Nullable<Text>,
        fencing_token -> BigInt,
        lease_until -> Nullable<BigInt>,
        revision -> BigInt,
        pause_requested -> Bool,
        driven_millis -> BigInt,
        last_seq -> BigInt,
        budget -> Nullable<Text>,
        agents_file -> Nullable<Text>,
        directory -> Nullable<Text>,
        restored_from -> Nullable<Text>,
        resume_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    workflow_step_executions (execution_id, step_id) {
        id -> BigInt,
        execution_id -> Text,
        step_id -> BigInt,
        state -> Text,
        seq -> Nullable<BigInt>,
        result -> Nullable<Text>,
        started_at -> Nullable<BigInt>,
        completed_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        retry_count -> BigInt,
        attempts -> Text,
        retry_base -> BigInt,
    }
}

diesel::table! {
    workflow_checkpoints (id) {
        id -> Text,
        execution_id -> Text,
        state -> Text,
        context -> Text,
        completed_steps -> Text,
        created_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::joinable!(workflow_executions -> workflows (workflow_id));
diesel::allow_tables_to_appear_in_same_query!(workflow_executions, workflows);
