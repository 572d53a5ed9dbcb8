-- What the refit $run_id made of the test items, compared with the run it was started from: by the labels
-- of record of this moment for both, so that corrected test items do not look like learning.
with refit as (
    select run_id, base_run_id, snapshot_id from current_training_run where run_id = $run_id
),
scored as (
    select
        count(*) as n,
        count(*) filter (where after.head_label = gold.label) as num_right,
        count(before.head_label) as num_before,
        count(*) filter (where before.head_label = gold.label) as num_right_before
    from refit
    join prediction as after on after.run_id = refit.run_id and after.head_label is not null
    join item on item.item_id = after.item_id and item.split = 'test'
    join gold on gold.item_id = after.item_id and gold.label is not null
    left join prediction as before
        on before.run_id = refit.base_run_id and before.item_id = after.item_id
),
corrected as (
    select count(distinct frozen.item_id) as num_corrected
    from refit
    join snapshot_correction as frozen on frozen.snapshot_id = refit.snapshot_id
    join item on item.item_id = frozen.item_id and item.split <> 'test'
)
select
    $run_id as run_id,
    (select max(created_at) from training_state where run_id = $run_id) as ended_at,
    num_corrected, n, num_right,
    case when num_before = n then num_right_before end as num_right_before
from scored, corrected
where n > 0
