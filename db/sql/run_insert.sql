insert into run by name
select
    $run_id as run_id, $name as name, $kind as kind, $model as model, $settings as settings,
    $metrics as metrics, $created_at::timestamp as created_at, $base_run_id as base_run_id
