select count(*)
from (
    select item_id, reviewer_id
    from reservation
    where queue_id = $queue_id and reviewer_id <> $reviewer_id and created_at > $oldest::timestamp
    group by item_id, reviewer_id
    having arg_max(expires_at, reservation_number) > $now::timestamp
)
