-- One statement, so that what stood before is read in the same transaction as the new row.
insert into annotation by name
select
    $annotation_id as annotation_id,
    $item_id as item_id,
    $reviewer_id as reviewer_id,
    $label as label,
    $labels::varchar[] as labels,
    $created_at::timestamp as created_at,
    $client_at::timestamp as client_at,
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
    $phase as phase,
    $showing as showing,
    $verdicts::varchar[] as verdicts,
    $severity as severity,
    $confidence as confidence,
    $span_text as span_text,
    $span_start::integer as span_start,
    $span_end::integer as span_end,
    $is_flagged as is_flagged,
    $is_fast as is_fast,
    $queue_id as queue_id,
    $guideline_version as guideline_version,
    $duration_seconds as duration_seconds
on conflict do nothing
returning *
