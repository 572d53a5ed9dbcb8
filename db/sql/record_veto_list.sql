select item_id, num_shots, note, reviewer_id, created_at
from standing_veto
order by record_veto_number desc
