-- queue_id: only this queue; all where it is null. labelling_roles: see scratch.queue_now.
select
    queue_id, name, filter, item_order, seed, num_reviewers, mode, sharing, reviewer_ids,
    repeat_share, design, created_at, created_by, is_closed, present_ids
from scratch.queue_now($labelling_roles)
where $queue_id is null or queue_id = $queue_id
order by created_at desc, queue_id
