-- What else counts for a reviewer on an item: their latest draft, their flag, and its adjudication.
-- Aggregates: a sort of the same few rows takes twice as long.
select arg_max(phase, draft_number) as name, arg_max(body, draft_number) as value
from draft
where item_id = $item_id and reviewer_id = $reviewer_id
union all
select arg_max(action, event_number), null
from review_event
where item_id = $item_id and reviewer_id = $reviewer_id and action in ('flag', 'unflag')
union all
select arg_max(label, adjudication_number), null
from adjudication
where item_id = $item_id
