insert or ignore into run_energy by name
select
    $run_id as run_id, $energy_kwh as energy_kwh, $emissions_kg as emissions_kg,
    $duration_seconds as duration_seconds, $country as country, $is_estimated as is_estimated,
    (
        select count(distinct frozen.item_id)
        from current_training_run as run
        join snapshot_correction as frozen on frozen.snapshot_id = run.snapshot_id
        where run.run_id = $run_id
    ) as num_corrections
