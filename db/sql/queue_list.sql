-- queue_id: only this queue; all where it is null.
select
    queue.queue_id, name, filter, item_order, seed, num_reviewers, mode, sharing, reviewer_ids,
    repeat_share, queue.created_at, created_by,
    exists (
        select 1 from review_event
        where review_event.queue_id = queue.queue_id and action = 'close_queue'
    ) as is_closed,
    design
from queue
where $queue_id is null or queue.queue_id = $queue_id
order by queue.created_at desc, queue.queue_id
