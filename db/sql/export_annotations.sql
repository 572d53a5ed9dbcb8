-- The whole history, oldest first, with who it was by and what the label of record is today.
select
    annotation.annotation_id,
    annotation.item_id,
    annotation.item_version,
    item.source,
    item.split,
    item.question,
    case when not scratch.hides_name($viewer, annotation.item_id, annotation.reviewer_id)
        then reviewer.name end as reviewer,
    case when not scratch.hides_name($viewer, annotation.item_id, annotation.reviewer_id)
        then reviewer.role end as reviewer_role,
    annotation.action,
    annotation.label,
    annotation.labels,
    annotation.old_label,
    annotation.answer,
    annotation.old_answer,
    annotation.verdicts,
    annotation.severity,
    annotation.confidence,
    annotation.span_text,
    annotation.span_start,
    annotation.span_end,
    annotation.note,
    annotation.run_id,
    annotation.origin,
    annotation.phase,
    annotation.presentation,
    annotation.is_flagged,
    annotation.is_fast,
    annotation.duration_seconds,
    annotation.queue_id,
    annotation.guideline_version,
    annotation.retracted_annotation_id,
    annotation.client_at,
    annotation.created_at,
    gold.label as label_of_record,
    gold.origin as label_of_record_origin
from annotation
anti join scratch.hidden_item($viewer) as hidden using (item_id)
left join every_item as item using (item_id)
left join exported_reviewer as reviewer using (reviewer_id)
left join gold using (item_id)
order by annotation.annotation_number
