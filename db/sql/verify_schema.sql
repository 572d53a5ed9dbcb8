-- The schema in lines that can be compared: columns, views, macros, indexes, constraints and applied migrations.
select 'column ' || table_name || '.' || column_name as name,
    data_type || ' ' || is_nullable::varchar || ' ' || coalesce(column_default, '') as body
from duckdb_columns()
where not internal and schema_name = 'main' and database_name = current_database()
union all
select 'view ' || view_name, "sql"
from duckdb_views()
where not internal and database_name = current_database() and schema_name = 'main'
union all
select 'macro ' || function_name, macro_definition
from duckdb_functions()
where not internal and database_name = current_database()
union all
select 'index ' || index_name, coalesce("sql", '')
from duckdb_indexes()
where database_name = current_database()
union all
select 'constraint ' || table_name || ' ' || constraint_text, constraint_type
from duckdb_constraints()
where database_name = current_database() and schema_name = 'main' and constraint_type <> 'NOT NULL'
union all
select 'migration ' || number::varchar, name || ' ' || checksum from migration
