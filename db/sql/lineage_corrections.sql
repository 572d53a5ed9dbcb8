-- Corrections, newest first, each with how many finished runs learned from its item since.
select
    correction.correction_id, correction.kind, correction.item_id, item.question, item.split,
    case when not scratch.hides_name($viewer, correction.item_id, correction.reviewer_id)
        then reviewer.name end,
    correction.old_label, correction.label, correction.has_text, correction.note,
    correction.created_at,
    (
        select count(distinct training_record.run_id)
        from snapshot_correction
        join current_training_run as run on run.snapshot_id = snapshot_correction.snapshot_id
        join training_record
            on training_record.run_id = run.run_id
            and training_record.item_id = correction.item_id
        where snapshot_correction.correction_id = correction.correction_id
    ) as num_runs
from correction
join item on item.item_id = correction.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = correction.item_id
left join current_reviewer as reviewer on reviewer.reviewer_id = correction.reviewer_id
where ($item_id::varchar is null or correction.item_id = $item_id)
    and (
        $run_id::varchar is null
        or exists (
            select 1
            from current_training_run as run
            join snapshot_correction as frozen on frozen.snapshot_id = run.snapshot_id
            where run.run_id = $run_id and frozen.correction_id = correction.correction_id
        )
    )
order by correction.created_at desc, correction.correction_id
limit $limit
