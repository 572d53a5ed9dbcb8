select count(*)
from standing_flag
where item_id = $item_id and reviewer_id = $reviewer_id
