-- Identifiers that users see are TEXT, all others INTEGER; moments are milliseconds since the Unix epoch;
-- JSON is TEXT.

CREATE TABLE workflows (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    version TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Last, so that what is read without it ends before it.
    definition TEXT NOT NULL
) STRICT;

CREATE INDEX workflows_name ON workflows (name);

CREATE TABLE workflow_steps (
    id INTEGER NOT NULL PRIMARY KEY,
    workflow_id TEXT NOT NULL REFERENCES workflows (id),
    -- From 0; the steps of a workflow have consecutive identifiers, in this order.
    position INTEGER NOT NULL,
    step_key TEXT NOT NULL,
    agent TEXT NOT NULL,
    prompt_template TEXT NOT NULL,
    dependencies TEXT NOT NULL,
    parallel INTEGER NOT NULL CHECK (parallel IN (0, 1))
) STRICT;

CREATE INDEX workflow_steps_workflow_id ON workflow_steps (workflow_id);

-- States are compared one by one: for a list of more than two, `IN` builds a table of its own with each row that is
-- written (SQLite 3.50).
CREATE TABLE workflow_executions (
    id TEXT NOT NULL PRIMARY KEY,
    workflow_id TEXT NOT NULL REFERENCES workflows (id),
    state TEXT NOT NULL CHECK (state = 'idle' OR state = 'parsing' OR state = 'validating_workflow' OR state = 'building_dependency_graph' OR state = 'scheduling_steps' OR state = 'executing_steps' OR state = 'awaiting_completion' OR state = 'creating_checkpoint' OR state = 'restoring_from_checkpoint' OR state = 'aggregating_results' OR state = 'completed' OR state = 'failed' OR state = 'paused' OR state = 'cancelled'),
    started_at INTEGER NOT NULL,
    completed_at INTEGER,
    error TEXT,
    owner TEXT,
    fencing_token INTEGER NOT NULL,
    lease_until INTEGER,
    revision INTEGER NOT NULL,
    pause_requested INTEGER NOT NULL CHECK (pause_requested IN (0, 1)),
    driven_millis INTEGER NOT NULL,
    -- The greatest `seq` that its steps have had or its checkpoints cover.
    last_seq INTEGER NOT NULL,
    -- Where it is not that of the definition any more.
    budget TEXT,
    agents_file TEXT,
    directory TEXT,
    -- No foreign key: what a run was restored from stays true when somebody deletes the checkpoint.
    restored_from TEXT,
    -- Every commit writes this row. Where its size stays the same, SQLite writes the pages that differ and no other: this
    -- column makes up for the lengths of the states' names, and the context, which may be large, comes last.
    padding TEXT GENERATED ALWAYS AS (substr('.........................', length(state) + 1)) STORED,
    context TEXT NOT NULL
) STRICT;

CREATE INDEX workflow_executions_workflow_id_state ON workflow_executions (workflow_id, state);

-- Only executions that are being driven have an owner: renewing leases touches no others.
CREATE INDEX workflow_executions_owner ON workflow_executions (owner) WHERE owner IS NOT NULL;

-- Pruning spares the checkpoints that are named here.
CREATE INDEX workflow_executions_restored_from ON workflow_executions (restored_from) WHERE restored_from IS NOT NULL;

-- Kept by its key alone: the steps of one execution lie together, and one that ends writes one page and no index.
CREATE TABLE workflow_step_executions (
    -- Drawn; nothing refers to it.
    id INTEGER NOT NULL DEFAULT (random() & 9223372036854775807),
    execution_id TEXT NOT NULL REFERENCES workflow_executions (id),
    step_id INTEGER NOT NULL REFERENCES workflow_steps (id),
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'running' OR state = 'completed' OR state = 'failed' OR state = 'skipped' OR state = 'cancelled'),
    -- The order in which the steps of one execution were committed, from 1.
    seq INTEGER,
    result TEXT,
    started_at INTEGER,
    completed_at INTEGER,
    error TEXT,
    retry_count INTEGER NOT NULL,
    attempts TEXT NOT NULL,
    retry_base INTEGER NOT NULL,
    PRIMARY KEY (execution_id, step_id)
) STRICT, WITHOUT ROWID;

-- Nearly all steps are completed, and found with their execution.
CREATE INDEX workflow_step_executions_execution_id_state ON workflow_step_executions (execution_id, state) WHERE state <> 'completed';

CREATE TABLE workflow_checkpoints (
    id TEXT NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL REFERENCES workflow_executions (id),
    state TEXT NOT NULL CHECK (state = 'idle' OR state = 'parsing' OR state = 'validating_workflow' OR state = 'building_dependency_graph' OR state = 'scheduling_steps' OR state = 'executing_steps' OR state = 'awaiting_completion' OR state = 'creating_checkpoint' OR state = 'restoring_from_checkpoint' OR state = 'aggregating_results' OR state = 'completed' OR state = 'failed' OR state = 'paused' OR state = 'cancelled'),
    context TEXT NOT NULL,
    completed_steps TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- The execution's revision with which it was written: checkpoints of one millisecond keep their order.
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX workflow_checkpoints_execution_id_created_at ON workflow_checkpoints (execution_id, created_at DESC);
