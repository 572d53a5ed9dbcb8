select item_id, num_shots, note, reviewer_id, created_at
from standing_veto
anti join scratch.hidden_item($viewer) as hidden using (item_id)
order by record_veto_number desc
