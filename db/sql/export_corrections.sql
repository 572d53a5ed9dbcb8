-- What people changed and what stands of it, oldest first: labels other than the imported ones, texts of
-- answers, and decisions.
select
    correction.correction_id,
    correction.kind,
    correction.item_id,
    item.version as item_version,
    item.source,
    item.split,
    item.question,
    case when not scratch.hides_name($viewer, correction.item_id, correction.reviewer_id)
        then reviewer.name end as reviewer,
    correction.old_label,
    correction.label,
    annotation.labels,
    annotation.old_answer,
    annotation.answer,
    correction.note,
    annotation.run_id,
    annotation.queue_id,
    correction.created_at,
    gold.label as label_of_record,
    gold.origin as label_of_record_origin
from correction
join item on item.item_id = correction.item_id
join gold on gold.item_id = correction.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = correction.item_id
left join annotation on annotation.annotation_id = correction.correction_id
left join exported_reviewer as reviewer on reviewer.reviewer_id = correction.reviewer_id
order by correction.created_at, correction.correction_id
