select token_id, reviewer.name, program_token.reviewer_id, program_token.created_at, revoked_at
from program_token
join reviewer using (reviewer_id)
left join program_token_revocation using (token_id)
order by token_number
