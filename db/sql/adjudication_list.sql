select
    adjudication_id, item_id, reviewer_id, label, reason, note, old_label, old_origin, created_at,
    item_version
from adjudication
where item_id = $item_id
order by adjudication_number
