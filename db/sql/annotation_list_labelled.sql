-- Which of the items handed over a reviewer has a standing annotation on.
with own_annotation as materialized (
    select annotation_id, retracted_annotation_id, item_id, action
    from annotation
    semi join incoming_queue_item using (item_id)
    where reviewer_id = $reviewer_id
)
select distinct item_id
from own_annotation
where action = 'label'
    and annotation_id not in (
        select retracted_annotation_id from own_annotation where action = 'retract'
    )
