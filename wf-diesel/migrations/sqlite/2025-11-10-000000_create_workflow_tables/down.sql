DROP TABLE workflow_checkpoints;
DROP TABLE workflow_step_executions;
DROP TABLE workflow_executions;
DROP TABLE workflow_steps;
DROP TABLE workflows;
