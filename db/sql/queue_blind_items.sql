-- Items that wait for a reviewer in open blind queues: seeing their labels would sway them.
select distinct queue_item.item_id
from queue_item
join queue on queue.queue_id = queue_item.queue_id
where queue.mode = 'blind'
    and (len(queue.reviewer_ids) = 0 or list_contains(queue.reviewer_ids, $reviewer_id))
    and not exists (
        select 1 from review_event
        where review_event.queue_id = queue.queue_id and action = 'close_queue'
    )
    and not exists (
        select 1 from kept_annotation as said
        where said.queue_id = queue.queue_id
            and said.item_id = queue_item.item_id
            and said.reviewer_id = $reviewer_id
            and said.phase <> 'blind'
    )
