-- Who has an item flagged: the latest of a reviewer's flag and unflag events.
create view standing_flag as
select item_id, reviewer_id, created_at
from review_event
where action in ('flag', 'unflag')
qualify row_number() over (partition by item_id, reviewer_id order by event_number desc) = 1
    and action = 'flag';
