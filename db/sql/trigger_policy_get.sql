select policy, reviewer_id, created_at
from trigger_policy
order by trigger_policy_number desc
limit 1
