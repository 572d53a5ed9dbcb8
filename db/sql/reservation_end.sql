-- Releases what people hold of a queue, so that others can have it at once. but_theirs: what all others
-- than these people hold.
insert into reservation by name
select
    $queue_id as queue_id,
    item_id,
    reviewer_id,
    $now::timestamp as created_at,
    $now::timestamp as expires_at
from reservation
where queue_id = $queue_id
    and list_contains($reviewer_ids::varchar[], reviewer_id) <> $but_theirs
    and created_at > $oldest::timestamp
group by item_id, reviewer_id
having arg_max(expires_at, reservation_number) > $now::timestamp
