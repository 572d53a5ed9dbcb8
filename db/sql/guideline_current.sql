-- The latest guideline of a label set, else the latest one for all.
select guideline_number::varchar as version, label_set, body, reviewer_id, created_at
from guideline
where label_set in ($label_set, 'all')
order by label_set = 'all', guideline_number desc
limit 1
