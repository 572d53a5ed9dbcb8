-- Who was invited by this address within this issuer, and has not signed in by any provider yet.
select reviewer_id
from current_reviewer
where email = $email and issuer = $issuer and origin = 'person'
    and reviewer_id not in (select reviewer_id from reviewer_identity)
