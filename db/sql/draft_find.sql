-- An aggregate: a sort of the same few rows takes twice as long.
select arg_max(phase, draft_number), arg_max(body, draft_number)
from draft
where item_id = $item_id and reviewer_id = $reviewer_id
