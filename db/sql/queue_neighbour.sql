-- The next item of a queue before (step -1) or after (step 1) a position, labelled or not, that is
-- not on as many others' screens as it has reviewers. viewer, is_blind: see queue_next.
with held as (
    select item_id, reviewer_id
    from reservation
    where queue_id = $queue_id and reviewer_id <> $reviewer_id and created_at > $oldest::timestamp
    group by item_id, reviewer_id
    having arg_max(expires_at, reservation_number) > $now::timestamp
)
select item_id, "position"
from queue_item
anti join set_aside_item using (item_id)
where queue_id = $queue_id
    and $step * ("position" - $position) > 0
    and item_id not in (
        select item_id from held group by item_id having count(*) >= $num_reviewers
    )
    and item_id not in (
        select item_id
        from scratch.hidden_item($viewer)
        where not $is_blind
            or item_id in (
                select item_id
                from kept_annotation
                where queue_id = $queue_id and reviewer_id = $reviewer_id
            )
    )
order by $step * "position"
limit 1
