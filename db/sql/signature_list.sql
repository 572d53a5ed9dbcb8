select signed_kind, signed_id, reviewer_id, name, meaning, created_at
from signature
order by created_at, signed_kind, signed_id
