-- Shares as dealt now; they replace those of the same items.
insert into queue_share by name
select
    $queue_id as queue_id,
    item_id,
    reviewer_id,
    (select coalesce(max(deal), 0) + 1 from queue_share where queue_id = $queue_id) as deal
from incoming_queue_share
