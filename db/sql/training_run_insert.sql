insert into training_run by name
select
    $run_id as run_id, $preset as preset, $settings as settings,
    $created_at::timestamp as created_at, $created_by as created_by, $base_run_id as base_run_id
