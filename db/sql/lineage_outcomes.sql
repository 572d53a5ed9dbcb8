-- The items whose head label a run turned right or wrong, against the run it was started from.
select
    item.item_id, item.question, item.split, gold.label as gold_label,
    before.head_label as label_before, after.head_label as label_after,
    case when after.head_label = gold.label then 'fixed' else 'broken' end as outcome,
    exists (
        select 1
        from snapshot_correction as frozen
        join current_training_run as run on run.snapshot_id = frozen.snapshot_id
        where run.run_id = $run_id and frozen.item_id = item.item_id
    ) as is_corrected
from current_training_run as run
join prediction as after on after.run_id = run.run_id
join prediction as before on before.run_id = run.base_run_id and before.item_id = after.item_id
join item on item.item_id = after.item_id
join gold on gold.item_id = after.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = after.item_id
where run.run_id = $run_id
    and (before.head_label = gold.label) <> (after.head_label = gold.label)
order by outcome desc, is_corrected desc, item.item_id
limit $limit
