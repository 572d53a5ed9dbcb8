insert or ignore into retired_run by name
select unnest($run_ids::varchar[]) as run_id, $created_at::timestamp as created_at
