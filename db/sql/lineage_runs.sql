-- The runs whose snapshot froze one correction, newest first, with the records made of its item
-- and what became of that item: its label in the run and in the run it was started from.
with records as (
    select
        run_id,
        count(*) filter (where item_id = $item_id and fold = 'train') as num_train,
        count(*) filter (where item_id = $item_id and fold = 'dev') as num_dev,
        count(*) filter (where list_contains(shot_item_ids, $item_id)) as num_as_shot
    from training_record
    group by run_id
)
select
    run.run_id, run.preset, run.state, run.snapshot_id, run.created_at,
    coalesce(records.num_train, 0), coalesce(records.num_dev, 0), coalesce(records.num_as_shot, 0),
    gold.label as gold_label, before.head_label as label_before, after.head_label as label_after
from snapshot_correction as frozen
join current_training_run as run on run.snapshot_id = frozen.snapshot_id
join gold on gold.item_id = frozen.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = frozen.item_id
left join records on records.run_id = run.run_id
left join prediction as before on before.run_id = run.base_run_id and before.item_id = $item_id
left join prediction as after on after.run_id = run.run_id and after.item_id = $item_id
where frozen.correction_id = $correction_id
order by run.created_at desc, run.run_id desc
