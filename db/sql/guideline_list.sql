-- Newest first.
select guideline_number, label_set, body, reviewer_id, created_at
from guideline
order by guideline_number desc
