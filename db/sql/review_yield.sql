-- Reviews of a run's answers in queues, in the order in which they were saved: how the queue was ordered,
-- whether the answer was wrong by the reviewer's label, and the seconds of all phases; longer ones than ten
-- minutes are those of a page left open.
with spent as (
    select queue_id, item_id, reviewer_id, sum(duration_seconds) as seconds
    from kept_annotation
    where queue_id is not null and duration_seconds between 0 and 600
    group by queue_id, item_id, reviewer_id
)
select
    queue.item_order,
    prediction.text_label is distinct from annotation.label as is_error,
    spent.seconds
from standing_annotation as annotation
join queue on queue.queue_id = annotation.queue_id
join spent
    on spent.queue_id = annotation.queue_id
    and spent.item_id = annotation.item_id
    and spent.reviewer_id = annotation.reviewer_id
join item on item.item_id = annotation.item_id
join read_prediction as prediction
    on prediction.item_id = annotation.item_id and prediction.run_id = $run_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = annotation.item_id
where annotation.origin = 'review'
    and annotation.run_id = $run_id
    and item.label_set = $label_set
    and prediction.has_text_outcome
    and spent.seconds > 0
order by annotation.annotation_number
