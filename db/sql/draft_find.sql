select phase, body
from draft
where item_id = $item_id and reviewer_id = $reviewer_id
order by draft_number desc
limit 1
