-- What standing_flag holds, for one item and one reviewer.
select coalesce(arg_max(action, event_number) = 'flag', false)
from review_event
where item_id = $item_id and reviewer_id = $reviewer_id and action in ('flag', 'unflag')
