ALTER TABLE workflow_executions DROP COLUMN resume_at;
