-- The whole history, oldest first, with who it was by and what the label of record is today.
select
    annotation.annotation_id,
    annotation.item_id,
    item.source,
    item.split,
    reviewer.name as reviewer,
    reviewer.role as reviewer_role,
    annotation.action,
    annotation.label,
    annotation.old_label,
    annotation.answer,
    annotation.old_answer,
    annotation.note,
    annotation.run_id,
    annotation.origin,
    annotation.phase,
    annotation.duration_seconds,
    annotation.retracted_annotation_id,
    annotation.created_at,
    gold.label as label_of_record,
    gold.origin as label_of_record_origin
from annotation
left join item using (item_id)
left join reviewer using (reviewer_id)
left join gold using (item_id)
order by annotation.annotation_number
