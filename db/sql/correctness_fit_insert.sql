insert or replace into correctness_fit by name
select
    $run_id as run_id, $label_set as label_set, $figures as figures, $fitted_on as fitted_on,
    $created_at::timestamp as created_at
