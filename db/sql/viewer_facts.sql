-- What decides what is hidden from a reviewer: the project's settings for reviewing, the places of all
-- queues, and the open queues that they may work on, the oldest first; is_named: by name. And who
-- they are, with the role they have now. One statement: it is asked at every draw of the Review page.
select
    (select arg_max(value, setting_number) from setting where key = 'review') as settings,
    (select count(*) from queue_item) as num_queued,
    (
        select list(
            {
                'queue_id': queue_id,
                'mode': mode,
                'is_named': list_contains(present_ids, $reviewer_id)
            }
            order by created_at, queue_id
        )
        from scratch.queue_now($labelling_roles)
        where not is_closed
            and (len(present_ids) < num_reviewers or list_contains(present_ids, $reviewer_id))
    ) as queues,
    person.*
from scratch.reviewer_now($reviewer_id) as person
