-- The reviewer of a token that was not revoked.
select reviewer_id
from program_token
where token_hash = $token_hash
    and token_id not in (select token_id from program_token_revocation)
