select *
from standing_annotation
where item_id = $item_id and reviewer_id = $reviewer_id
