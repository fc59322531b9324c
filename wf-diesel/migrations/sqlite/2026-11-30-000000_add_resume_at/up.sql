-- When a run that has paused by itself can go on: a limit of an agent is lifted then. Rarely there, so that its place behind the
-- context costs nothing.
ALTER TABLE workflow_executions ADD COLUMN resume_at INTEGER;
