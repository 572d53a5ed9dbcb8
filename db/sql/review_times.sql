-- Characters that a reviewer read and the seconds it took; longer times are those of a page left open.
select
    length(item.question)
        + coalesce(list_sum(list_transform(item.context, lambda part: length(part."text"))), 0)
        + coalesce(length(prediction.answer), 0) as characters,
    annotation.duration_seconds
from standing_annotation as annotation
join item on item.item_id = annotation.item_id
left join prediction on prediction.item_id = item.item_id and prediction.run_id = annotation.run_id
where annotation.origin = 'review' and annotation.duration_seconds between 1 and 600
using sample reservoir(5000 rows) repeatable (1)
