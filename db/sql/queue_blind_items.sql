-- Items that wait for a reviewer to label them blind: in an open blind queue, or anywhere where the
-- whole project is blind. Seeing their labels would sway the reviewer.
-- item_ids: those to look at; null for all. everywhere: whether the whole project is blind.
with queued as (
    select queue_item.item_id, queue.queue_id
    from queue_item
    join queue on queue.queue_id = queue_item.queue_id
    where queue.mode = 'blind'
        and (len(queue.reviewer_ids) = 0 or list_contains(queue.reviewer_ids, $reviewer_id))
        and not exists (
            select 1 from review_event
            where review_event.queue_id = queue.queue_id and action = 'close_queue'
        )
        and (
            $item_ids::varchar[] is null
            or queue_item.item_id in (select unnest($item_ids::varchar[]))
        )
    union all
    select item_id, null
    from item
    where $everywhere
        and ($item_ids::varchar[] is null or item_id in (select unnest($item_ids::varchar[])))
)
select distinct queued.item_id
from queued
where not exists (
    select 1 from kept_annotation as said
    where (queued.queue_id is null or said.queue_id = queued.queue_id)
        and said.item_id = queued.item_id
        and said.reviewer_id = $reviewer_id
        and said.phase <> 'blind'
)
