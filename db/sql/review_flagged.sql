-- The items that the reviewer, or anybody, has flagged.
select distinct item_id
from standing_flag
where $reviewer_id is null or reviewer_id = $reviewer_id
