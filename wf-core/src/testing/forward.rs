//! The reads of a store that stands before another one.

/// Implements what a layer over `self.$inner` does not change: every read of the trait.
macro_rules! forward_reads {
    ($inner:tt) => {
        fn identity(&self) -> &str {
            self.$inner.identity()
        }

        fn largest_result(&self) -> usize {
            self.$inner.largest_result()
        }

        fn workflow(
            &self,
            id: &$crate::id::WorkflowId,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Option<$crate::store::WorkflowRecord>, $crate::store::StoreError>,
        > {
            self.$inner.workflow(id)
        }

        fn context(
            &self,
            id: &$crate::id::ExecutionId,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Option<$crate::value::Json>, $crate::store::StoreError>,
        > {
            self.$inner.context(id)
        }

        fn definition(
            &self,
            id: &$crate::id::WorkflowId,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Option<$crate::value::Json>, $crate::store::StoreError>,
        > {
            self.$inner.definition(id)
        }

        fn usage_of(
            &self,
            agents: Vec<String>,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Vec<(String, $crate::usage::Usage)>, $crate::store::StoreError>,
        > {
            self.$inner.usage_of(agents)
        }

        fn durations(
            &self,
            workflow: &$crate::id::WorkflowId,
            most: u32,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Vec<(u32, ::std::time::Duration)>, $crate::store::StoreError>,
        > {
            self.$inner.durations(workflow, most)
        }

        fn workflows(
            &self,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Vec<$crate::store::WorkflowRecord>, $crate::store::StoreError>,
        > {
            self.$inner.workflows()
        }

        fn executions(
            &self,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Vec<$crate::store::ExecutionRecord>, $crate::store::StoreError>,
        > {
            self.$inner.executions()
        }

        fn checkpoints(
            &self,
            id: &$crate::id::ExecutionId,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Vec<$crate::store::CheckpointRecord>, $crate::store::StoreError>,
        > {
            self.$inner.checkpoints(id)
        }

        fn unfinished(
            &self,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Vec<$crate::store::ExecutionRecord>, $crate::store::StoreError>,
        > {
            self.$inner.unfinished()
        }

        fn checkpoint(
            &self,
            id: &$crate::id::CheckpointId,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Option<$crate::store::CheckpointRecord>, $crate::store::StoreError>,
        > {
            self.$inner.checkpoint(id)
        }

        fn watch(&self, id: &$crate::id::ExecutionId) -> ::futures::stream::BoxStream<'static, ()> {
            self.$inner.watch(id)
        }
    };
}

/// Implements the writes of checkpoints, but for restoring, of a layer over `self.$inner` that does not change them.
macro_rules! forward_checkpoints {
    ($inner:tt) => {
        fn create_checkpoint(
            &self,
            execution: &$crate::id::ExecutionId,
            id: &$crate::id::CheckpointId,
            at: $crate::id::Timestamp,
        ) -> ::futures::future::BoxFuture<'_, Result<(), $crate::store::StoreError>> {
            self.$inner.create_checkpoint(execution, id, at)
        }

        fn delete_checkpoint(
            &self,
            id: &$crate::id::CheckpointId,
        ) -> ::futures::future::BoxFuture<'_, Result<bool, $crate::store::StoreError>> {
            self.$inner.delete_checkpoint(id)
        }

        fn prune_checkpoints(
            &self,
            before: $crate::id::Timestamp,
        ) -> ::futures::future::BoxFuture<'_, Result<u64, $crate::store::StoreError>> {
            self.$inner.prune_checkpoints(before)
        }
    };
}

pub(super) use {forward_checkpoints, forward_reads};
