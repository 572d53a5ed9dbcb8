select
    token_id, name, program_token.reviewer_id, role, program_token.created_at, revoked_at, used_at
from program_token
join current_reviewer using (reviewer_id)
left join program_token_revocation using (token_id)
left join (select token_id, max(used_at) as used_at from program_token_use group by token_id)
    using (token_id)
order by token_number
