-- Where the database file is (null: in memory), and about how many long rows it holds.
select
    (select path from duckdb_databases() where database_name = current_database()),
    (
        select coalesce(sum(estimated_size), 0)::bigint
        from duckdb_tables()
        where database_name = current_database()
            and table_name in ('imported_item', 'stored_prediction', 'annotation')
    )
