-- To whom the items of a dealt queue belong. Of each item the rows of its latest deal count; earlier
-- ones tell to whom it belonged before. Who works on a queue, beyond the people that it was made for,
-- is in review_event: set_queue_people, reassign_share, close_queue, reopen_queue.
create table queue_share (
    queue_id varchar not null,
    item_id varchar not null,
    reviewer_id varchar not null,
    deal bigint not null                -- from 1 in each queue
);

-- Until now people took the positions in rotation.
insert into queue_share by name
select
    queue_id,
    item_id,
    reviewer_ids[1 + ("position" * num_reviewers + turn) % len(reviewer_ids)] as reviewer_id,
    1 as deal
from queue
join queue_item using (queue_id)
cross join (select unnest(range(1000)) as turn) as turns
where sharing = 'dealt' and turn < least(num_reviewers, len(reviewer_ids));
