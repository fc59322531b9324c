//! The reads of a store that stands before another one.

/// Implements what a layer over `self.$inner` does not change: every read of the trait.
macro_rules! forward_reads {
    ($inner:ident) => {
        fn workflow(
            &self,
            id: &$crate::id::WorkflowId,
        ) -> ::futures::future::BoxFuture<
            '_,
            Result<Option<$crate::store::WorkflowRecord>, $crate::store::StoreError>,
        > {
            self.$inner.workflow(id)
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

        fn watch(&self, id: &$crate::id::ExecutionId) -> ::futures::stream::BoxStream<'static, ()> {
            self.$inner.watch(id)
        }
    };
}

pub(super) use forward_reads;
