select path from duckdb_databases() where path is not null
