select count(*) from duckdb_tables() where database_name = current_database() and table_name = 'open_mark'
