-- Newest first. guideline_number: only this one; all where it is null.
select guideline_number, label_set, body, reviewer_id, created_at
from guideline
where $guideline_number is null or guideline_number = $guideline_number
order by guideline_number desc
