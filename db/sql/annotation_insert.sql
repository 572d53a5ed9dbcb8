-- One statement, so that what stood before is read in the same transaction as the new row.
insert into annotation by name
select
    $annotation_id as annotation_id,
    $item_id as item_id,
    $reviewer_id as reviewer_id,
    $label as label,
    $created_at::timestamp as created_at,
    'label' as action,
    'review' as origin,
    $run_id as run_id,
    (select label from gold where item_id = $item_id) as old_label,
    coalesce(
        (
            select answer from standing_annotation
            where item_id = $item_id and reviewer_id = $reviewer_id
        ),
        (select answer from prediction where run_id = $run_id and item_id = $item_id)
    ) as old_answer,
    $answer as answer,
    $note as note,
    'single' as phase,
    $duration_seconds as duration_seconds
on conflict do nothing
returning
    annotation_id, item_id, reviewer_id, label, created_at, action, origin, run_id, old_label,
    old_answer, answer, note, phase, duration_seconds, retracted_annotation_id
