//! A durable workflow engine: lifecycle, plan, scheduler, engine, and the seams to agents, stores and executors
