-- The next version, unless the run has one.
insert into model_version by name
select
    (select coalesce(max(version), 0) + 1 from model_version) as version,
    $run_id as run_id, $created_by as created_by, $created_at::timestamp as created_at
where not exists (select 1 from model_version where run_id = $run_id)
