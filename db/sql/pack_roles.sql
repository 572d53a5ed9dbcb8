select reviewer_id, role, origin
from current_reviewer
order by reviewer_id
