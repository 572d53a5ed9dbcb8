select reviewer_id, role, email, changed_by, created_at, kind, name, merged_into
from reviewer_change
order by reviewer_change_number
