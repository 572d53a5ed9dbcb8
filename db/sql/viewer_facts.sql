-- What decides what is hidden from a reviewer: the project's settings for reviewing, the places of all
-- queues, and the open queues that they may work on, the oldest first; is_named: by name. And who
-- they are, with the role they have now. One statement: it is asked at every draw of the Review page.
select
    (select arg_max(value, setting_number) from setting where key = 'review') as settings,
    (select count(*) from queue_item) as num_queued,
    (
        select list(
            {'queue_id': queue_id, 'mode': mode, 'is_named': len(reviewer_ids) > 0}
            order by created_at, queue_id
        )
        from queue
        where (len(reviewer_ids) = 0 or list_contains(reviewer_ids, $reviewer_id))
            and queue_id not in (
                select queue_id from review_event
                where action = 'close_queue' and queue_id is not null
            )
    ) as queues,
    reviewer_id, name, coalesce(latest.role, role) as role, latest.email as email, origin,
    latest.issuer as issuer
from reviewer
left join (
    select arg_max({'role': role, 'email': email, 'issuer': issuer}, reviewer_change_number) as latest
    from reviewer_change
    where reviewer_id = $reviewer_id
) on true
where reviewer_id = $reviewer_id
