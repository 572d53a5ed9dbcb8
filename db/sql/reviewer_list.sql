select reviewer_id, name, role, email, origin, issuer, merged_into
from current_reviewer
order by name, reviewer_id
