//! `INSERT`s whose text never changes, prepared once.

/// Declares the `INSERT` of a row, whose fields are named for their columns.
///
/// diesel puts the text of its own `INSERT`s together anew each time, to find out whether it has prepared them: that
/// would be a quarter of what a row costs. These are found by their type.
macro_rules! insert {
    (
        $(#[$attribute:meta])*
        struct $row:ident into $table:literal {
            $first:ident: $first_rust:ty as $first_sql:ty,
            $($column:ident: $rust:ty as $sql:ty,)*
        }
    ) => {
        $(#[$attribute])*
        struct $row<'a> {
            $first: $first_rust,
            $($column: $rust,)*
        }

        impl diesel::query_builder::QueryId for $row<'_> {
            type QueryId = $row<'static>;

            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $row<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!(
                    "INSERT INTO ", $table, " (", stringify!($first) $(, ", ", stringify!($column))*, ") VALUES (",
                ));
                out.push_bind_param::<$first_sql, _>(&self.$first)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<$sql, _>(&self.$column)?;
                )*
                out.push_sql(")");
                Ok(())
            }
        }

        impl diesel::RunQueryDsl<diesel::SqliteConnection> for $row<'_> {}
    };
}

pub(crate) use insert;
