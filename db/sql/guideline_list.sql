-- Newest first.
select guideline_number::varchar as version, label_set, body, reviewer_id, created_at
from guideline
order by guideline_number desc
