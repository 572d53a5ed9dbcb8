-- Items of a queue that wait for labels, in its order: to whom they belong (owners), and who has begun
select
    item_id,
    coalesce(owner.reviewer_ids, []) as owners,
    coalesce(begun.reviewer_ids, []) as begun
from queue_item
anti join set_aside_item using (item_id)
left join (
    select item_id, list(reviewer_id order by reviewer_id) as reviewer_ids
    from (
        select item_id, reviewer_id
        from queue_share
        where queue_id = $queue_id
        qualify deal = max(deal) over (partition by item_id)
    )
    group by item_id
) as owner using (item_id)
left join (
    select item_id, list(distinct reviewer_id) as reviewer_ids
    from (
        select item_id, reviewer_id from kept_annotation where queue_id = $queue_id
        union all
        select item_id, reviewer_id
        from reservation
        where queue_id = $queue_id and created_at > $oldest::timestamp
        group by item_id, reviewer_id
        having arg_max(expires_at, reservation_number) > $now::timestamp
    )
    group by item_id
) as begun using (item_id)
where queue_id = $queue_id
    and len(coalesce(begun.reviewer_ids, [])) < $num_reviewers
order by "position"
